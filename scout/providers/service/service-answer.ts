/**
 * Reads what a service answers, whole or chunk by chunk, and evens out what services do differently: where usage is,
 * what of a tool call is left out, how an error in the middle is told. What comes out is the service's own words minus
 * what is the hub's to write. A stream comes from outside: all that is kept of it is bounded.
 */
import { fault } from '../../../shared/faults.ts'
import { providerChoicesMax } from '../../../shared/limits/provider.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { reservedFields } from '../../../shared/protocol/reserved-fields.ts'
import { ProviderError } from '../provider.ts'
import { isObject, type Json } from '../transport/json-object.ts'

/** Turns an error inside of a service's answer into a fault. */
export interface AnswerJudge {
  bad(what: string): ProviderError
  faulty(error: unknown): ProviderError
  /** Whether this service writes `stop` where a tool is called. */
  readonly stopsAtTools: boolean
}

/** A whole answer; `field` is the list without which it is none. */
export function readWhole(answer: unknown, field: 'choices' | 'data', judge: AnswerJudge): Json {
  if (!isObject(answer)) throw judge.bad('answered with something that is not an object')
  if (answer.error) throw judge.faulty(answer.error)
  const list = answer[field]
  if (!Array.isArray(list) || list.length === 0) throw judge.bad(`answered without "${field}"`)
  if (field === 'choices') for (const choice of list) if (isObject(choice)) readChoice(choice, judge)
  return stripped(answer)
}

function readChoice(choice: Json, judge: AnswerJudge): void {
  if (choice.error || choice.finish_reason === 'error') throw judge.faulty(choice.error ?? null)
  const calls = isObject(choice.message) ? choice.message.tool_calls : null
  if (!Array.isArray(calls) || calls.length === 0) return
  for (const call of calls) if (isObject(call)) completeCall(call)
  if (judge.stopsAtTools && choice.finish_reason === 'stop') choice.finish_reason = 'tool_calls'
}

/** Takes out what the hub writes, and Groq's own corner, of which only the usage is of use to anyone. */
function stripped(said: Json): Json {
  const corner = said.x_groq
  delete said.x_groq
  if (isObject(corner) && isObject(corner.usage)) said.usage ??= corner.usage
  for (const name of reservedFields) delete said[name]
  return said
}

/** What of a tool call clients insist on and services leave out. */
function completeCall(call: Json): void {
  if (!isObject(call.function)) return
  if (call.function.name) call.type ??= 'function'
  if (isObject(call.function.arguments)) call.function.arguments = JSON.stringify(call.function.arguments)
}

/** One streamed answer, chunk after chunk. */
export class AnswerStream {
  /** Choices that have begun, with what matters of each until its end. */
  readonly #choices = new Map<unknown, { calls: number; finished: boolean }>()
  #tail: Json = {}
  #tailChars = 0

  constructor(private readonly judge: AnswerJudge) {}

  /** The line to send for this chunk, or null when it holds no choice. */
  read(chunk: unknown): string | null {
    const choices = isObject(chunk) ? (chunk.choices ?? []) : null
    if (!isObject(chunk) || !Array.isArray(choices) || !choices.every(isObject)) {
      throw this.judge.bad('streamed something that is no chunk of an answer')
    }
    if (isObject(chunk.x_groq) && chunk.x_groq.error) throw this.judge.faulty(chunk.x_groq.error)
    const { choices: _choices, usage, ...extras } = stripped(chunk)
    for (const choice of choices) this.#readChoice(choice)
    // Only the last usage counts: services that send it in every chunk count up.
    if (usage) this.#tail.usage = usage
    if (choices.length > 0) return JSON.stringify({ choices, ...extras })
    this.#keep(extras)
    return null
  }

  /** The tail of the answer once the stream has ended. */
  end(): string {
    const open = [...this.#choices.values()].some(({ finished }) => !finished)
    if (open || this.#choices.size === 0) throw this.judge.bad('ended its stream before the answer was finished')
    return JSON.stringify({ choices: [], ...this.#tail })
  }

  /** Adds the fields that services leave out as obvious and clients expect. */
  #readChoice(choice: Json): void {
    if (choice.error || choice.finish_reason === 'error') throw this.judge.faulty(choice.error ?? null)
    choice.index ??= 0
    choice.delta ??= {}
    choice.finish_reason ||= null
    const known = this.#choices.get(choice.index) ?? { calls: 0, finished: false }
    this.#choices.set(choice.index, known)
    if (this.#choices.size > providerChoicesMax) throw this.judge.bad('streamed more choices than anyone asks for')
    const calls = isObject(choice.delta) ? choice.delta.tool_calls : null
    if (Array.isArray(calls)) for (const call of calls) if (isObject(call)) this.#readCall(call, known)
    if (choice.finish_reason === null) return
    known.finished = true
    if (known.calls > 0 && this.judge.stopsAtTools && choice.finish_reason === 'stop') {
      choice.finish_reason = 'tool_calls'
    }
  }

  /** A piece with a name begins a call, the others go on with it. */
  #readCall(call: Json, known: { calls: number }): void {
    completeCall(call)
    if (isObject(call.function) && call.function.name) known.calls++
    call.index ??= Math.max(0, known.calls - 1)
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
