/**
 * What clients may send, as schemas: the current OpenAI requests with the fields the hub itself understands spelled
 * out. Everything else passes through to the provider unread, so a new field of theirs needs no release of ours. The
 * schemas only check; what travels on is the body as it arrived. They also feed `/openapi.json`.
 */
import { z } from 'zod'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { models, provider } from './preferences/preference-fields.ts'
import { chasm, obstacleToContinue } from './routing-options.ts'
import { anyInteger, anyNumber, expects, flag, integerFrom, listOf, textUpTo } from './validation.ts'

const choicesMax = 128

// Larger than a double holds exactly, because seeds are drawn from all 64 bits; what travels on are the digits as sent.
const seedRule = expects('must be a whole number of at most 64 bits')
const seed = z
  .number(seedRule)
  .min(-(2 ** 63), seedRule)
  .max(2 ** 63, seedRule)
  .refine(Number.isInteger, seedRule)
  .meta({ type: 'integer' })

// Plain objects throughout: they let other fields pass, and checking them costs half of what loose ones do.
const typed = z.object({ type: z.string(expects('must be a string')) }, expects('must be an object with a `type`'))

export const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const
const contentRule = 'must be a string, or a list of parts that each have a `type`'
const content = z.union([z.string(), z.null(), listOf(typed, contentRule)], expects(contentRule))
/** An assistant's message may be reasoning, tool calls or a refusal alone, and a tool's answer may be empty. */
const rolesWithContent: readonly string[] = ['system', 'developer', 'user']

const message = z
  .object(
    {
      role: z.enum(roles, expects(`must be one of ${roles.join(', ')}`)),
      content: content.optional(),
      tool_calls: listOf(typed, 'must be a list of tool calls').nullish(),
      tool_call_id: z.string(expects('must be a string')).nullish(),
    },
    expects('must be an object with a `role` and a `content`'),
  )
  .superRefine(({ role, content: said }, context) => {
    if ((said !== undefined && said !== null) || !rolesWithContent.includes(role)) return
    context.addIssue({ code: 'custom', path: ['content'], message: `is required: it ${contentRule}` })
  })

const messagesRule = 'must be a list of at least one message'
const stopRule = 'must be a string or a list of strings'
const toolChoiceRule = 'must be "none", "auto", "required" or an object that names a tool'

const modelRule = `must be a string of 1 to ${modelCharsMax} characters`

export const chatRequest = z
  .object({
    model: textUpTo(modelCharsMax)
      .optional()
      .describe('A name from /v1/models, or `auto` to leave the choice to the hub; `:floor` or `:nitro` may follow.'),
    models,
    provider,
    messages: listOf(message, messagesRule).min(1, expects(messagesRule)),
    stream: flag,
    stream_options: z.object({ include_usage: flag }, expects('must be an object')).nullish(),
    n: integerFrom(1, choicesMax),
    temperature: anyNumber,
    top_p: anyNumber,
    presence_penalty: anyNumber,
    frequency_penalty: anyNumber,
    max_tokens: anyInteger,
    max_completion_tokens: anyInteger,
    stop: z.union([z.string(), listOf(z.string(expects('must be a string')), stopRule)], expects(stopRule)).nullish(),
    logprobs: flag,
    top_logprobs: anyInteger,
    seed: seed.nullish(),
    tools: listOf(typed, 'must be a list of tools').nullish(),
    tool_choice: z.union([z.string(), z.looseObject({})], expects(toolChoiceRule)).nullish(),
    parallel_tool_calls: flag,
    functions: z.unknown().optional().describe('What `tools` was called before.'),
    response_format: typed.nullish(),
    chasm,
  })
  .superRefine((sent, context) => {
    if (sent.model === undefined && !sent.models) {
      context.addIssue({ code: 'custom', path: ['model'], message: `is required: it ${modelRule}` })
    }
    if (sent.stream_options && sent.stream !== true) {
      const rule = 'is only allowed together with `stream: true`: remove it, or stream'
      context.addIssue({ code: 'custom', path: ['stream_options'], message: rule })
    }
    const message = sent.chasm?.continue ? obstacleToContinue(sent) : null
    if (message !== null) context.addIssue({ code: 'custom', path: ['chasm', 'continue'], message })
  })
  .meta({ anyOf: [{ required: ['model'] }, { required: ['models'] }] })

const inputForms = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', minItems: 1, items: { type: 'string' } },
    { type: 'array', minItems: 1, items: { type: 'integer' } },
    { type: 'array', minItems: 1, items: { type: 'array', minItems: 1, items: { type: 'integer' } } },
  ],
}

const onlyOneModel = 'is for chats, because vectors of different models cannot be compared: remove it'

export const embeddingsRequest = z
  .object({
    model: textUpTo(modelCharsMax).describe('A name from /v1/models, or `auto` to leave the choice to the hub.'),
    // A union of lists would collect an issue per element and branch.
    input: z
      .unknown()
      .refine(
        isEmbeddingInput,
        expects('must be a string, a list of strings, a list of tokens or a list of token lists, not empty'),
      )
      .meta(inputForms),
    encoding_format: z.enum(['float', 'base64'], expects('must be "float" or "base64"')).nullish(),
    dimensions: integerFrom(1),
    models: z.never({ error: () => onlyOneModel }).optional(),
    provider,
    chasm,
  })
  .superRefine(({ chasm: asked }, context) => {
    if (!asked?.continue) return
    const message = 'is for streams, and vectors come whole: remove it'
    context.addIssue({ code: 'custom', path: ['chasm', 'continue'], message })
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
