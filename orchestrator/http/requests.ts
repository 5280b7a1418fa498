/**
 * What clients may send, as schemas: the current OpenAI requests with the fields the hub itself understands spelled
 * out. Everything else passes through to the provider unread, so a new field of theirs needs no release of ours. The
 * schemas only check; what travels on is the body as it arrived. They also feed `/openapi.json`.
 */
import { z } from 'zod'
import { keyRoles } from '../../shared/api-key.ts'
import { modelCharsMax, nameCharsMax, requestDeadlineMs } from '../../shared/limits.ts'
import { listOf, says } from './validation.ts'

const stopCountMax = 4
const choicesMax = 128
const topLogprobsMax = 20

function numberFrom(min: number, max: number) {
  const wish = says(`must be a number from ${min} to ${max}`)
  return z.number(wish).min(min, wish).max(max, wish).nullish()
}

export function integerFrom(min: number, max = Number.MAX_SAFE_INTEGER) {
  const bound =
    max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`
  const wish = says(`must be ${bound}`)
  return z.int(wish).min(min, wish).max(max, wish).nullish()
}

export function textUpTo(charsMax: number) {
  const wish = says(`must be a string of 1 to ${charsMax} characters`)
  return z.string(wish).min(1, wish).max(charsMax, wish)
}

// Larger than a double holds exactly, because seeds are drawn from all 64 bits; what travels on are the digits as sent.
const seedWish = says('must be a whole number of at most 64 bits')
const seed = z
  .number(seedWish)
  .min(-(2 ** 63), seedWish)
  .max(2 ** 63, seedWish)
  .refine(Number.isInteger, seedWish)
  .meta({ type: 'integer' })

const flag = z.boolean(says('must be true or false')).nullish()
const typed = z.looseObject({ type: z.string(says('must be a string')) }, says('must be an object with a `type`'))

const chasm = z
  .strictObject({ deadline_ms: integerFrom(1, requestDeadlineMs) }, says('must be an object'))
  .nullish()
  .describe('Instructions to the hub itself. `deadline_ms`: how long the whole answer may take.')

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const
const contentWish = 'must be a string, or a list of parts that each have a `type`'
const content = z.union([z.string(), z.null(), listOf(typed, contentWish)], says(contentWish))
/** With one of these an assistant's message needs no content. */
const insteadOfContent = ['tool_calls', 'function_call', 'refusal', 'audio'] as const

const message = z
  .looseObject(
    {
      role: z.enum(roles, says(`must be one of ${roles.join(', ')}`)),
      content: content.optional(),
      tool_calls: listOf(typed, 'must be a list of tool calls').nullish(),
      tool_call_id: z.string(says('must be a string')).nullish(),
    },
    says('must be an object with a `role` and a `content`'),
  )
  .superRefine((sent, context) => {
    if (sent.role === 'tool' && !sent.tool_call_id) {
      const wish = 'is required in a message of role tool: it must be the `id` of the tool call that is answered'
      context.addIssue({ code: 'custom', path: ['tool_call_id'], message: wish })
    }
    if (sent.content !== undefined && sent.content !== null) return
    if (sent.role === 'function') return
    if (sent.role === 'assistant' && insteadOfContent.some((key) => sent[key] !== undefined && sent[key] !== null))
      return
    context.addIssue({ code: 'custom', path: ['content'], message: `is required: it ${contentWish}` })
  })

const messagesWish = 'must be a list of at least one message'
const stopWish = `must be a string or a list of up to ${stopCountMax} strings`
const toolChoiceWish = 'must be "none", "auto", "required" or an object that names a tool'

export const chatRequest = z
  .looseObject({
    model: textUpTo(modelCharsMax).describe('A name from /v1/models, or `auto` to leave the choice to the hub.'),
    messages: listOf(message, messagesWish).min(1, says(messagesWish)),
    stream: flag,
    stream_options: z.looseObject({ include_usage: flag }, says('must be an object')).nullish(),
    n: integerFrom(1, choicesMax),
    temperature: numberFrom(0, 2),
    top_p: numberFrom(0, 1),
    presence_penalty: numberFrom(-2, 2),
    frequency_penalty: numberFrom(-2, 2),
    max_tokens: integerFrom(1),
    max_completion_tokens: integerFrom(1),
    stop: z
      .union([z.string(), listOf(z.string(says('must be a string')), stopWish, stopCountMax)], says(stopWish))
      .nullish(),
    logprobs: flag,
    top_logprobs: integerFrom(0, topLogprobsMax),
    seed: seed.nullish(),
    tools: listOf(typed, 'must be a list of tools').nullish(),
    tool_choice: z.union([z.string(), z.looseObject({})], says(toolChoiceWish)).nullish(),
    parallel_tool_calls: flag,
    response_format: typed.nullish(),
    chasm,
  })
  .superRefine((sent, context) => {
    if (!sent.stream_options || sent.stream === true) return
    const wish = 'is only allowed together with `stream: true`: remove it, or stream'
    context.addIssue({ code: 'custom', path: ['stream_options'], message: wish })
  })

const inputForms = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', minItems: 1, items: { type: 'string' } },
    { type: 'array', minItems: 1, items: { type: 'integer' } },
    { type: 'array', minItems: 1, items: { type: 'array', minItems: 1, items: { type: 'integer' } } },
  ],
}

export const embeddingsRequest = z.looseObject({
  model: textUpTo(modelCharsMax).describe('A name from /v1/models, or `auto` to leave the choice to the hub.'),
  // A union of lists would collect an issue per element and branch.
  input: z
    .unknown()
    .refine(
      isEmbeddingInput,
      says('must be a string, a list of strings, a list of tokens or a list of token lists, not empty'),
    )
    .meta(inputForms),
  encoding_format: z.enum(['float', 'base64'], says('must be "float" or "base64"')).nullish(),
  dimensions: integerFrom(1),
  chasm,
})

export const keyRequest = z.strictObject({
  role: z.enum(keyRoles, says(`must be one of ${keyRoles.join(', ')}`)),
  name: textUpTo(nameCharsMax).describe('For people: whose key it is. Shown in listings.'),
})

function isEmbeddingInput(input: unknown): boolean {
  if (typeof input === 'string') return input !== ''
  if (!Array.isArray(input) || input.length === 0) return false
  if (typeof input[0] === 'string') return input.every((text) => typeof text === 'string')
  return isTokens(input) || input.every(isTokens)
}

function isTokens(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.every((token) => Number.isInteger(token))
}
