/**
 * Reads a request as the demo provider needs it: what was said last, which form the answer is to have, how long it may
 * be. What is malformed is refused by the name of its field, as a real service would; what the demo has no use for is
 * ignored.
 */
import { fault } from '../../../shared/faults.ts'
import { ProviderError } from '../provider.ts'
import { scrollForm } from './plan.ts'

type Json = Record<string, unknown>

/** What the answer has to be. `param` names the field a schema came in. */
type AnswerForm =
  | { type: 'text' }
  | { type: 'json'; schema: unknown; param: string }
  | { type: 'anyJson' }
  | { type: 'scroll' }
  | { type: 'call'; tool: string; schema: unknown; param: string }

export interface DemoChat {
  /** Text of the last user message, its beginning. */
  gist: string
  /** What the tool answered, its beginning; null unless that was the last message. */
  toolResult: string | null
  promptTokens: number
  form: AnswerForm
  count: number
  stops: string[]
  tokensMax: number
  /** Alternatives per token; null when no log probabilities were asked for. */
  alternatives: number | null
  /** What of the answer has been said before, and is not to be said again; empty for a new answer. */
  prefix: string
}

export interface DemoEmbedding {
  /** One text, or one token list as text, per vector. */
  inputs: string[]
  promptTokens: number
  dimensions: number
  isBase64: boolean
}

const gistChars = 160
/** What OpenAI allows. */
const countMax = 128
const alternativesMax = 20
const inputsMax = 2_048
const dimensionsDefault = 64
/** Numbers in one answer; at about 20 characters each they stay below the limit on an answer. */
const numbersMax = 160_000
/** What real services count for a part that is not text. */
const partTokens = 85
const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function']

export function readJson(body: Uint8Array): Json {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(body))
  } catch {
    json = null
  }
  if (!isObject(json)) throw new ProviderError(fault('invalid_request', 'the request body must be a JSON object'))
  return json
}

/** The request without the unfinished answer that it wants continued, and that answer; empty for a new one. */
export function splitPrefix(json: Json): { json: Json; prefix: string } {
  const { messages, continue_final_message: continues } = json
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : null
  const isTurn = isObject(last) && last.role === 'assistant' && typeof last.content === 'string'
  if (continues !== true || !isTurn || (messages as unknown[]).length === 1) return { json, prefix: '' }
  return { json: { ...json, messages: (messages as unknown[]).slice(0, -1) }, prefix: last.content as string }
}

export function readChat(json: Json, prefix = ''): DemoChat {
  const { messages } = json
  if (!Array.isArray(messages) || messages.length === 0) throw wants('messages', 'a list of at least one message')
  let promptTokens = 0
  let gist = ''
  messages.forEach((message: unknown, index) => {
    const { role, text, tokens } = readMessage(message, `messages[${index}]`)
    promptTokens += tokens
    if (role === 'user') gist = text
  })
  const last: Json = messages.at(-1)
  const toolResult = last.role === 'tool' ? readMessage(last, 'messages').text : null
  const alternatives = wholeOr(json, 'top_logprobs', 0, alternativesMax, 0)
  if (json.top_logprobs != null && json.logprobs !== true)
    throw wants('top_logprobs', 'left out unless logprobs is true')
  const tokensField = json.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens'
  return {
    gist,
    toolResult,
    promptTokens: prefix === '' ? promptTokens : promptTokens + tokensIn(prefix),
    form: readForm(json, toolResult !== null),
    count: wholeOr(json, 'n', 1, countMax, 1),
    stops: readStops(json.stop),
    tokensMax: wholeOr(json, tokensField, 1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    alternatives: json.logprobs === true ? alternatives : null,
    prefix,
  }
}

function readMessage(message: unknown, param: string): { role: unknown; text: string; tokens: number } {
  if (!isObject(message)) throw wants(param, 'an object')
  const { role, content } = message
  if (!roles.includes(role as string)) throw wants(`${param}.role`, `one of ${roles.join(', ')}`)
  if (typeof content === 'string') return { role, text: content.slice(0, gistChars), tokens: tokensIn(content) }
  if (content == null) {
    if (role === 'assistant') return { role, text: '', tokens: 1 }
    throw wants(`${param}.content`, 'text or a list of parts')
  }
  if (!Array.isArray(content)) throw wants(`${param}.content`, 'text or a list of parts')
  let text = ''
  let tokens = 0
  content.forEach((part: unknown, index) => {
    if (!isObject(part) || typeof part.type !== 'string') {
      throw wants(`${param}.content[${index}]`, 'an object with a type')
    }
    if (part.type !== 'text') {
      tokens += partTokens
      return
    }
    if (typeof part.text !== 'string') throw wants(`${param}.content[${index}].text`, 'text')
    tokens += tokensIn(part.text)
    if (text.length < gistChars) text += part.text.slice(0, gistChars - text.length)
  })
  return { role, text, tokens }
}

function readForm(json: Json, hasToolResult: boolean): AnswerForm {
  const call = readCall(json)
  if (call && !hasToolResult) return call
  const format = json.response_format
  if (format == null) return { type: 'text' }
  if (!isObject(format)) throw wants('response_format', 'an object')
  if (format.type === 'text') return { type: 'text' }
  if (format.type === 'json_object') return { type: 'anyJson' }
  if (format.type !== 'json_schema') throw wants('response_format.type', 'text, json_object or json_schema')
  const { schema = null, name = null } = isObject(format.json_schema) ? format.json_schema : {}
  if (name === scrollForm) return { type: 'scroll' }
  const param = 'response_format.json_schema.schema'
  if (!isObject(schema)) throw wants(param, 'a JSON schema')
  return { type: 'json', schema, param }
}

/** The call that the request's tools ask for: the named tool, else the first. */
function readCall({ tools, tool_choice: choice }: Json): AnswerForm | null {
  if (tools != null && !Array.isArray(tools)) throw wants('tools', 'a list of tools')
  const functions = (tools ?? []).map((tool: unknown, index: number) => {
    const inner = isObject(tool) ? tool.function : null
    if (!isObject(tool) || typeof tool.type !== 'string') throw wants(`tools[${index}].type`, 'the kind of the tool')
    if (tool.type !== 'function') return null
    if (!isObject(inner) || typeof inner.name !== 'string' || inner.name === '') {
      throw wants(`tools[${index}].function.name`, 'the name of the function')
    }
    const schema = inner.parameters ?? { type: 'object' }
    return { type: 'call', tool: inner.name, schema, param: `tools[${index}].function.parameters` } as const
  })
  const callable = functions.filter((tool) => tool !== null)
  if (choice === 'none') return null
  if (isObject(choice) && isObject(choice.function)) {
    const { name } = choice.function
    const named = callable.find(({ tool }) => tool === name)
    if (!named) throw wants('tool_choice', 'the name of one of the tools')
    return named
  }
  if (choice === 'required' && callable.length === 0) throw wants('tool_choice', 'left out when there are no tools')
  return callable[0] ?? null
}

function readStops(stop: unknown): string[] {
  const stops = stop == null ? [] : Array.isArray(stop) ? stop : [stop]
  if (!stops.every((text) => typeof text === 'string')) throw wants('stop', 'text or a list of texts')
  return stops.filter((text) => text !== '')
}

export function readEmbedding(json: Json): DemoEmbedding {
  const inputs = readInputs(json.input)
  const dimensions = wholeOr(json, 'dimensions', 1, numbersMax, dimensionsDefault)
  if (inputs.length * dimensions > numbersMax) {
    throw wants('dimensions', `at most ${Math.floor(numbersMax / inputs.length)} for ${inputs.length} inputs`)
  }
  const format = json.encoding_format ?? 'float'
  if (format !== 'float' && format !== 'base64') throw wants('encoding_format', 'float or base64')
  const promptTokens = inputs.reduce((sum, text) => sum + tokensIn(text), 0)
  return { inputs, promptTokens, dimensions, isBase64: format === 'base64' }
}

function readInputs(input: unknown): string[] {
  const isTokens = (value: unknown) =>
    Array.isArray(value) && value.length > 0 && value.every((token) => Number.isSafeInteger(token))
  const list = typeof input === 'string' || isTokens(input) ? [input] : input
  if (!Array.isArray(list) || list.length === 0 || list.length > inputsMax) {
    throw wants('input', `text, a list of tokens, or a list of 1 to ${inputsMax} of either`)
  }
  return list.map((entry: unknown, index) => {
    if (typeof entry === 'string' && entry !== '') return entry
    if (isTokens(entry)) return (entry as number[]).join(' ')
    throw wants(Array.isArray(input) ? `input[${index}]` : 'input', 'text that is not empty, or a list of tokens')
  })
}

/** An estimate: words, without taking the text apart. */
function tokensIn(text: string): number {
  let tokens = 0
  let isInside = false
  for (let index = 0; index < text.length; index++) {
    const isWord = text.charCodeAt(index) > 32
    if (isWord && !isInside) tokens++
    isInside = isWord
  }
  return Math.max(tokens, 1)
}

function wholeOr(json: Json, field: string, least: number, most: number, otherwise: number): number {
  const value = json[field]
  if (value == null) return otherwise
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  const bound = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw wants(field, `a whole number ${bound}`)
}

function wants(param: string, wanted: string): ProviderError {
  return new ProviderError(fault('invalid_request', `${param} must be ${wanted}`, { param }))
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
