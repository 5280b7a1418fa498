/**
 * Reads what a service answers, whole or chunk by chunk, and evens out what services do differently: where usage is,
 * what of a tool call or a delta is left out, how an error in the middle is told, an end without a reason. What comes
 * out is the service's own words minus what is the hub's to write. A stream comes from outside: all that is kept of it
 * is bounded, and an answer ends where the client's `max_tokens` must have ended it.
 */
import { fault } from '../../../shared/faults.ts'
import { charsBesideTokens, charsPerTokenMax, providerChoicesMax } from '../../../shared/limits/provider.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { reservedFields } from '../../../shared/protocol/reserved-fields.ts'
import { ProviderError } from '../provider.ts'
import { isObject, type Json } from '../transport/json-object.ts'
import { ToolCalls, wholeCalls } from './tool-calls.ts'

/** Turns an error inside of a service's answer into a fault. */
export interface AnswerJudge {
  bad(what: string): ProviderError
  /** `error` is the error, or the whole body where there is none around it. */
  faulty(error: unknown): ProviderError
  /** An id for a tool call that has none. */
  newId(): string
  /** Whether this service writes `stop` where a tool is called. */
  readonly stopsAtTools: boolean
}

/** A whole answer; `field` is the list without which it is none. */
export function readWhole(answer: unknown, field: 'choices' | 'data', judge: AnswerJudge): Json {
  if (!isObject(answer)) throw judge.bad('answered with something that is not an object')
  if (answer.error) throw judge.faulty(answer)
  const list = answer[field]
  if (!Array.isArray(list) || list.length === 0) {
    if (list === undefined && saysWhy(answer)) throw judge.faulty(answer)
    throw judge.bad(`answered without "${field}"`)
  }
  if (field === 'choices') for (const choice of list) if (isObject(choice)) readChoice(choice, judge)
  return stripped(answer)
}

/** Whether a body without an answer has a reason instead. */
export function saysWhy(body: Json): boolean {
  return ['detail', 'message', 'error_msg', 'error_message', 'errors', 'msg'].some((field) => body[field])
}

function readChoice(choice: Json, judge: AnswerJudge): void {
  if (choice.error || choice.finish_reason === 'error') throw judge.faulty(choice.error ?? null)
  if (isObject(choice.message)) choice.message.role ??= 'assistant'
  const calls = isObject(choice.message) ? choice.message.tool_calls : null
  const hasCalls = Array.isArray(calls) && calls.length > 0
  if (hasCalls) (choice.message as Json).tool_calls = wholeCalls(calls, judge.newId)
  if (typeof choice.finish_reason !== 'string' || choice.finish_reason === '') {
    choice.finish_reason = hasCalls ? 'tool_calls' : 'stop'
  }
  if (hasCalls && judge.stopsAtTools && choice.finish_reason === 'stop') choice.finish_reason = 'tool_calls'
}

/** Takes out what the hub writes, and Groq's own corner, of which only the usage is of use to anyone. */
function stripped(said: Json): Json {
  const corner = said.x_groq
  delete said.x_groq
  if (isObject(corner) && isObject(corner.usage)) said.usage ??= corner.usage
  for (const name of reservedFields) delete said[name]
  return said
}

/** What is known of a choice that has begun. */
interface Choice {
  calls: ToolCalls
  finished: boolean
  /** Characters of what the model wrote. */
  chars: number
}

/** What one chunk comes to: the line to send, or null, and whether it took the answer on. */
interface Read {
  line: string | null
  useful: boolean
}

/** One streamed answer, chunk after chunk. */
export class AnswerStream {
  readonly #choices = new Map<unknown, Choice>()
  #tail: Json = {}
  #tailChars = 0
  readonly #charsMax: number

  /** `maxTokens` is the client's, null when it set none. */
  constructor(
    private readonly judge: AnswerJudge,
    maxTokens: number | null,
  ) {
    this.#charsMax = maxTokens === null ? Number.POSITIVE_INFINITY : maxTokens * charsPerTokenMax + charsBesideTokens
  }

  /** Whether some choice is far longer than what the client allowed: the service does not end it by itself. */
  get overlong(): boolean {
    for (const { chars, finished } of this.#choices.values()) if (!finished && chars > this.#charsMax) return true
    return false
  }

  /** Whether no choice has begun. */
  get isEmpty(): boolean {
    return this.#choices.size === 0
  }

  /** Whether any content has come. */
  get hasContent(): boolean {
    for (const { chars, calls } of this.#choices.values()) if (chars > 0 || calls.count > 0) return true
    return false
  }

  read(chunk: unknown): Read {
    const choices = isObject(chunk) ? (chunk.choices ?? []) : null
    if (!isObject(chunk) || !Array.isArray(choices) || !choices.every(isObject)) {
      throw this.judge.bad('streamed something that is no chunk of an answer')
    }
    if (chunk.error) throw this.judge.faulty(chunk)
    if (isObject(chunk.x_groq) && chunk.x_groq.error) throw this.judge.faulty(chunk.x_groq.error)
    if (isObject(choices[0]?.message) && choices[0].delta === undefined) throw this.judge.bad(wholeInstead)
    if (!('choices' in chunk) && saysWhy(chunk)) throw this.judge.faulty(chunk)
    const { choices: _choices, usage, ...extras } = stripped(chunk)
    let useful = false
    for (const choice of choices) useful = this.#readChoice(choice) || useful
    // Only the last usage counts: services that send it in every chunk count up.
    if (usage) this.#tail.usage = usage
    if (choices.length > 0) return { line: JSON.stringify({ choices, ...extras }), useful }
    this.#keep(extras)
    return { line: null, useful: false }
  }

  /**
   * What is still to be sent once the stream has ended: the end of each choice that has none, where it is known how it
   * ended. `done`: the service said that it is complete; `overlong`: it was stopped here.
   */
  missingEnds(why: 'done' | 'cut' | 'overlong'): string | null {
    const open = [...this.#choices].filter(([, { finished }]) => !finished)
    if (open.length === 0) return null
    const choices = open.map(([index, choice]) => {
      const isWhole = why === 'done' && choice.calls.whole && (choice.chars > 0 || choice.calls.count > 0)
      if (!isWhole && why !== 'overlong') throw this.judge.bad(unfinished)
      choice.finished = true
      const reason = why === 'overlong' ? 'length' : choice.calls.count > 0 ? 'tool_calls' : 'stop'
      return { index, delta: {}, finish_reason: reason }
    })
    return JSON.stringify({ choices })
  }

  /** The tail of the answer once the stream has ended. */
  end(): string {
    const open = [...this.#choices.values()].some(({ finished }) => !finished)
    if (open || this.#choices.size === 0) throw this.judge.bad(unfinished)
    return JSON.stringify({ choices: [], ...this.#tail })
  }

  /** Adds the fields that services leave out as obvious and clients expect. Whether it took the answer on. */
  #readChoice(choice: Json): boolean {
    if (choice.error || choice.finish_reason === 'error') throw this.judge.faulty(choice.error ?? null)
    choice.index ??= 0
    const delta = isObject(choice.delta) ? choice.delta : {}
    choice.delta = delta
    choice.finish_reason = typeof choice.finish_reason === 'string' ? choice.finish_reason || null : null
    let known = this.#choices.get(choice.index)
    if (known === undefined) {
      known = { calls: new ToolCalls(this.judge.newId), finished: false, chars: 0 }
      this.#choices.set(choice.index, known)
      delta.role ??= 'assistant'
      if (this.#choices.size > providerChoicesMax) throw this.judge.bad('streamed more choices than anyone asks for')
    }
    if (Array.isArray(delta.tool_calls)) this.#readCalls(delta, known)
    const chars = charsIn(delta)
    known.chars += chars
    if (choice.finish_reason === null) return chars > 0
    known.finished = true
    if (known.calls.count > 0 && this.judge.stopsAtTools && choice.finish_reason === 'stop') {
      choice.finish_reason = 'tool_calls'
    }
    return true
  }

  #readCalls(delta: Json, known: Choice): void {
    delta.tool_calls = known.calls.pieces(delta.tool_calls as unknown[])
    if (known.calls.count > providerChoicesMax) throw this.judge.bad('streamed more tool calls than anyone asks for')
  }

  #keep(extras: Json): void {
    this.#tailChars += JSON.stringify(extras).length
    if (this.#tailChars > bodyBytesMax) {
      throw new ProviderError(
        fault('answer_too_large', `the provider sent more than ${bodyBytesMax} bytes beside its answer`),
      )
    }
    Object.assign(this.#tail, extras)
  }
}

const unfinished = 'ended its stream before the answer was finished'
/** For a server that ignores `stream`. */
export const wholeInstead =
  'answered with one whole JSON answer where a stream was asked for: it may not be able to stream'

/** Characters of content in a delta, whatever the service calls it: text, thoughts, arguments of calls. */
function charsIn(delta: Json): number {
  let chars = 0
  for (const [field, value] of Object.entries(delta)) {
    if (field === 'role') continue
    if (typeof value === 'string') chars += value.length
    else if (Array.isArray(value)) for (const one of value) chars += isObject(one) ? charsOf(one) : 0
    else if (isObject(value)) chars += charsOf(value)
  }
  return chars
}

function charsOf(part: Json): number {
  const { function: call, text, data } = part
  if (isObject(call)) return textChars(call.name) + textChars(call.arguments)
  return textChars(text) + textChars(data) + textChars(part.transcript)
}

function textChars(said: unknown): number {
  return typeof said === 'string' ? said.length : 0
}
