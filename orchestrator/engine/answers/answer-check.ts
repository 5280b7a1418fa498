/**
 * Is this an answer? What scouts send is forwarded as the very bytes they sent, so each line and each body is parsed
 * once, here, to make sure that a client can parse it too and that no field of it is the hub's to write. The attempt
 * streams are the only callers.
 */
import { isUtf8 } from 'node:buffer'
import { reservedFields } from '../../../shared/protocol/reserved-fields.ts'
import type { TaskKind } from '../../../shared/task.ts'

export interface LineFacts {
  /** Something the client came for: text, a refusal, reasoning, audio or a tool call. */
  hasContent: boolean
  /** Ends a choice. */
  hasFinish: boolean
}

interface Delta {
  content?: unknown
  refusal?: unknown
  reasoning?: unknown
  reasoning_content?: unknown
  tool_calls?: unknown
  function_call?: unknown
  audio?: unknown
  images?: unknown
}

/** The facts about one streamed line, or null when it is no line of an answer. */
export function inspectLine(line: Uint8Array): LineFacts | null {
  const value = parseObject(line)
  if (value === null || !Array.isArray(value.choices) || value.choices.length === 0) return null
  const facts = { hasContent: false, hasFinish: false }
  for (const choice of value.choices as unknown[]) {
    if (!isObject(choice) || !Number.isSafeInteger(choice.index) || !isObject(choice.delta)) return null
    if (carriesContent(choice.delta)) facts.hasContent = true
    if (choice.finish_reason !== null && choice.finish_reason !== undefined) {
      if (typeof choice.finish_reason !== 'string') return null
      facts.hasFinish = true
    }
  }
  return facts
}

/** Tokens as the provider counted them; 0 when it did not say. */
export interface Usage {
  promptTokens: number
  completionTokens: number
}

/**
 * The usage told by a settlement's body, or null when that is no answer. No more completion tokens are believed than
 * there are bytes they could have come in: those of the body and `streamedBytes`.
 */
export function inspectBody(body: Uint8Array, kind: TaskKind, stream: boolean, streamedBytes = 0): Usage | null {
  const value = parseObject(body)
  if (value === null) return null
  const items = kind === 'embed' ? value.data : value.choices
  if (!Array.isArray(items) || items.length > 0 === stream) return null
  if (!items.every(kind === 'embed' ? isEmbedding : isChoice)) return null
  const usage = isObject(value.usage) ? value.usage : {}
  const completionTokens = Math.min(tokenCount(usage.completion_tokens), body.length + streamedBytes)
  return { promptTokens: tokenCount(usage.prompt_tokens), completionTokens }
}

function tokenCount(claim: unknown): number {
  return typeof claim === 'number' && claim > 0 ? Math.min(Math.floor(claim), Number.MAX_SAFE_INTEGER) : 0
}

function isChoice(value: unknown): boolean {
  return isObject(value) && isObject(value.message)
}

/** As numbers, or as their bytes in base64. */
function isEmbedding(value: unknown): boolean {
  return isObject(value) && (Array.isArray(value.embedding) || typeof value.embedding === 'string')
}

/**
 * A JSON object that can be spliced behind the hub's own fields: one line, valid UTF-8, opening with its brace, not
 * empty, and without any field that is the hub's to write.
 */
function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  if (bytes[0] !== 0x7b || bytes.includes(0x0a) || bytes.includes(0x0d) || !isUtf8(bytes)) return null
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch {
    return null
  }
  if (!isObject(value)) return null
  for (const field of reservedFields) if (Object.hasOwn(value, field)) return null
  return value
}

function carriesContent(delta: Delta): boolean {
  return (
    isFilled(delta.content) ||
    isFilled(delta.tool_calls) ||
    isFilled(delta.reasoning_content) ||
    isFilled(delta.reasoning) ||
    isFilled(delta.refusal) ||
    isObject(delta.function_call) ||
    isObject(delta.audio) ||
    isFilled(delta.images)
  )
}

function isFilled(value: unknown): boolean {
  return (typeof value === 'string' || Array.isArray(value)) && value.length > 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
