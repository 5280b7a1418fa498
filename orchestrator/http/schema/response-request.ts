/**
 * What clients may send to the Responses API: the schema of its fields, and the fields that the hub cannot honour,
 * which are refused by name rather than ignored. A field that is in neither list goes on to the provider as it is, as
 * with a chat completion. What the fields mean is `responses/request`'s part.
 */
import { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { topLogprobsMax } from '../../../shared/limits/http.ts'
import { intentDeadlineMsMax } from '../../../shared/limits/intents.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { metadata } from './intent-request.ts'
import { chatRequest } from './openai-requests.ts'
import type { PreferenceFields } from './preferences/tries.ts'
import { type ChasmFields, chasm } from './routing-options.ts'
import { anyInteger, anyNumber, expects, flag, integerFrom, listOf, textUpTo } from './validation.ts'

type Json = Record<string, unknown>

const inputRule = 'must be a string that is not empty, or a list of items'
const anObject = expects('must be an object')
const aString = z.string(expects('must be a string')).nullish()
const typed = z.looseObject({ type: z.string(expects('must be a string')) }, expects('must be an object with a `type`'))
const verbosities = ['low', 'medium', 'high'] as const
const { progress: _, continue: __, ...routing } = chasm.unwrap().unwrap().shape

const text = z
  .object(
    {
      format: typed.nullish(),
      verbosity: z.enum(verbosities, expects(`must be one of ${verbosities.join(', ')}`)).nullish(),
    },
    anObject,
  )
  .nullish()

const reasoning = z
  .object({ effort: aString, summary: aString, generate_summary: aString, context: aString, mode: aString }, anObject)
  .nullish()

const toolChoiceRule = 'must be "none", "auto", "required" or an object that names a tool'
const toolChoice = z.union([z.string(), z.looseObject({})], expects(toolChoiceRule)).nullish()

/** What the context of an answer is made of: the same for an answer, its count of tokens, and its compaction. */
const context = {
  model: textUpTo(modelCharsMax).describe('A name from /v1/models, virtual ones too, or `auto`.'),
  input: z
    .union([z.string().min(1), listOf(z.looseObject({}), inputRule)], expects(inputRule))
    .nullish()
    .describe('A question, or the items of a conversation. Optional with `previous_response_id`.'),
  instructions: aString,
  previous_response_id: aString.describe('A kept response that this one goes on after.'),
}

const settings = {
  tools: listOf(typed, 'must be a list of tools').nullish().describe('Functions and custom tools.'),
  tool_choice: toolChoice,
  parallel_tool_calls: flag,
  text,
  reasoning,
  truncation: aString.describe('`disabled`: an input that is too long is refused.'),
}

export const responseRequest = z
  .object({
    ...context,
    ...settings,
    models: chatRequest.shape.models,
    provider: chatRequest.shape.provider,
    stream: flag,
    stream_options: z.object({ include_obfuscation: flag }, anObject).nullish(),
    background: flag.describe('Answered at once, made durably, fetched later.'),
    store: flag.describe('Whether it can be fetched, and gone on after, once it is answered; true when absent.'),
    metadata: metadata.nullish(),
    temperature: anyNumber,
    top_p: anyNumber,
    presence_penalty: anyNumber,
    frequency_penalty: anyNumber,
    seed: anyInteger,
    stop: chatRequest.shape.stop,
    max_output_tokens: integerFrom(1),
    max_tool_calls: integerFrom(1).describe('Of tools that the server itself runs, of which there are none here.'),
    include: listOf(z.string(expects('must be a string')), 'must be a list of strings').nullish(),
    top_logprobs: integerFrom(0, topLogprobsMax),
    service_tier: aString,
    prompt_cache_key: aString,
    prompt_cache_retention: aString,
    safety_identifier: aString,
    user: aString,
    chasm: z
      .strictObject({ ...routing, deadline_ms: integerFrom(1, intentDeadlineMsMax) }, anObject)
      .nullish()
      .describe('Instructions to the hub itself.'),
  })
  .superRefine(needsInput)

export const tokenCountRequest = z.object({ ...context, ...settings, model: context.model.nullish() })

export const compactRequest = z.object({ ...context, prompt_cache_key: aString }).superRefine(needsInput)

function needsInput(sent: { input?: unknown; previous_response_id?: unknown }, checks: z.core.$RefinementCtx): void {
  const { input, previous_response_id: previous } = sent
  const isEmpty = (input ?? null) === null || (Array.isArray(input) && input.length === 0)
  if (!isEmpty || (previous ?? null) !== null) return
  checks.addIssue({ code: 'custom', path: ['input'], message: `is required: it ${inputRule}` })
}

/** What the context of an answer is made of. */
export interface ContextFields {
  model: string
  input?: string | Json[] | null
  instructions?: string | null
  previous_response_id?: string | null
}

/** A checked request. */
export interface ResponseFields extends ContextFields {
  tools?: Json[] | null
  tool_choice?: string | Json | null
  parallel_tool_calls?: boolean | null
  text?: { format?: Json | null; verbosity?: string | null } | null
  reasoning?: { effort?: string | null; summary?: string | null; context?: string | null } | null
  truncation?: string | null
  stream?: boolean | null
  models?: string[] | null
  provider?: PreferenceFields['provider']
  background?: boolean | null
  store?: boolean | null
  metadata?: Record<string, string> | null
  temperature?: number | null
  top_p?: number | null
  presence_penalty?: number | null
  frequency_penalty?: number | null
  seed?: number | null
  stop?: string | string[] | null
  max_output_tokens?: number | null
  max_tool_calls?: number | null
  include?: string[] | null
  top_logprobs?: number | null
  service_tier?: string | null
  prompt_cache_key?: string | null
  safety_identifier?: string | null
  user?: string | null
  chasm?: ChasmFields | null
}

/** Fields of the schema; what else is sent goes on to the provider. */
export const responseFields: ReadonlySet<string> = new Set(Object.keys(responseRequest.shape))

/** Fields that would change the meaning of a request if they were ignored. */
const notOffered: Record<string, string> = {
  conversation: 'go on with `previous_response_id`, or send the earlier turns in `input`',
  prompt: 'send the text itself in `input`',
  context_management: 'shorten the context with POST /v1/responses/compact',
  moderation: 'have the text judged before you send it',
  image: 'send images in `input` as they are to be seen',
  access_programs: 'remove it',
  prompt_cache_options: 'use `prompt_cache_key`',
  n: 'send the request several times',
  modalities: 'answers are text: remove it',
  audio: 'answers are text: remove it',
  prediction: 'use POST /v1/chat/completions for it',
  web_search_options: 'give the model a function to search with',
  logprobs: 'use `top_logprobs`, or `include: ["message.output_text.logprobs"]`',
  messages: 'send `input`',
  max_tokens: 'send `max_output_tokens`',
  max_completion_tokens: 'send `max_output_tokens`',
  response_format: 'send `text.format`',
  reasoning_effort: 'send `reasoning.effort`',
  verbosity: 'send `text.verbosity`',
  functions: 'send `tools`',
  function_call: 'send `tool_choice`',
}

/** The only values that mean what the hub does. */
const onlyValues: readonly (readonly [path: string, allowed: readonly string[], advice: string])[] = [
  ['truncation', ['disabled'], 'the hub cuts no input: send less, or shorten it with POST /v1/responses/compact'],
  ['reasoning.mode', ['standard'], 'send `standard`'],
  ['reasoning.context', ['auto', 'current_turn'], 'reasoning of earlier turns is not sent to the model'],
]

/** What each `include` adds is there anyway, or can be had; of tools that the hub does not run there is nothing. */
const included: readonly string[] = [
  'reasoning.encrypted_content',
  'message.output_text.logprobs',
  'message.input_image.image_url',
]

export function refusedField(sent: Json): Fault | null {
  for (const [field, advice] of Object.entries(notOffered)) {
    if (isNothing(sent[field])) continue
    return refusedAt(field, `is not offered here: ${advice}`)
  }
  for (const [path, allowed, advice] of onlyValues) {
    const value = path.split('.').reduce<unknown>((of, key) => (of as Json | null | undefined)?.[key], sent)
    if (isNothing(value) || allowed.includes(value as string)) continue
    return refusedAt(path, `can only be ${allowed.map((one) => `\`${one}\``).join(' or ')} here: ${advice}`)
  }
  const { include, stream_options: options, store, background } = sent as unknown as ResponseFields & Json
  const unknown = (include ?? []).findIndex((name) => !included.includes(name))
  if (unknown >= 0) return refusedAt(`include[${unknown}]`, `is not offered here: use ${included.join(', ')}`)
  if ((options as Json | null | undefined)?.include_obfuscation === true) {
    return refusedAt('stream_options.include_obfuscation', 'is not offered here: remove it')
  }
  if (background !== true || store !== false) return null
  return refusedAt('store', 'cannot be false with `background`, whose answer is fetched later: remove one of them')
}

/** Nothing, or a list without elements. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

export function refusedAt(param: string, rule: string): Fault {
  return fault('invalid_request', `\`${param}\` ${rule}.`, { param })
}
