/**
 * A function as a provider: the handler given to `defineScout` answers tasks like any model service. It reads the
 * request for the function and writes what it returns in the shape that goes on the wire: a string, an object as JSON,
 * or pieces as they come. `define.ts` is the public door to it; the executor calls it like every provider.
 */
import { type FaultCode, fault } from '../../shared/faults.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import type { Offer } from '../../shared/task.ts'
import {
  type AnswerWriter,
  type Provider,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from '../providers/provider.ts'

export interface SpecialistRequest {
  /** The model that was asked for: one of the offers. */
  model: string
  /** Text of the last user message; empty when there is none. */
  text: string
  /** The client's whole request, as it arrived: `messages`, `temperature`, `tools` … Nothing in it has been checked. */
  request: Record<string, unknown>
  /** Aborted when the client leaves or the time is up; the answer is thrown away from then on. */
  signal: AbortSignal
}

/** A whole text, an object that is sent as JSON, or the pieces of a text as they come. */
export type SpecialistAnswer = string | object | AsyncIterable<string>

export type Handle = (request: SpecialistRequest) => SpecialistAnswer | Promise<SpecialistAnswer>

/** The codes whose message reaches the client; anything else that a handler throws stays in the scout's log. */
type SayableCode = Extract<
  FaultCode,
  'invalid_request' | 'content_refused' | 'context_length_exceeded' | 'provider_unavailable' | 'provider_rate_limited'
>

/** Thrown by a handler: `message` reaches the client. `retryAfterMs` is when another try may succeed. */
export class ScoutError extends ProviderError {
  constructor(code: SayableCode, message: string, extra?: { param?: string; retryAfterMs?: number }) {
    super(fault(code, message, extra))
  }
}

export class Specialist implements Provider {
  constructor(
    readonly name: string,
    private readonly offers: readonly Offer[],
    private readonly handle: Handle,
  ) {}

  async discover(): Promise<Offer[]> {
    return [...this.offers]
  }

  async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    const json = readRequest(request.body)
    const answer = await this.handle({ model: request.model, text: lastUserText(json), request: json, signal })
    if (request.stream) return await stream(piecesOf(answer), writer)
    let text = ''
    for await (const piece of piecesOf(answer)) {
      signal.throwIfAborted()
      text += piece
      if (text.length > bodyBytesMax) throw new ProviderError(fault('answer_too_large', tooLarge))
    }
    const message = { role: 'assistant', content: text, refusal: null }
    return { json: JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop', logprobs: null }] }) }
  }
}

const tooLarge = `The answer is larger than ${bodyBytesMax} bytes.`

async function stream(pieces: AsyncIterable<string>, writer: AnswerWriter): Promise<ProviderAnswer> {
  await writer.line(lineOf({ role: 'assistant', content: '' }, null))
  for await (const piece of pieces) await writer.line(lineOf({ content: piece }, null))
  await writer.line(lineOf({}, 'stop'))
  return { json: '{"choices":[]}' }
}

function lineOf(delta: object, finish: string | null): string {
  return JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }] })
}

/** The answer as pieces of text, none of them empty. */
async function* piecesOf(answer: SpecialistAnswer): AsyncGenerator<string> {
  if (typeof answer === 'string') {
    if (answer !== '') yield answer
  } else if (isPieces(answer)) {
    for await (const piece of answer) {
      if (typeof piece !== 'string') throw new TypeError('handle yielded something that is not a string')
      if (piece !== '') yield piece
    }
  } else if (typeof answer === 'object' && answer !== null) yield JSON.stringify(answer)
  else throw new TypeError('handle must return a string, an object or an async iterable of strings')
}

function isPieces(answer: unknown): answer is AsyncIterable<string> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer
}

function readRequest(body: Uint8Array): Record<string, unknown> {
  const json: unknown = JSON.parse(new TextDecoder().decode(body))
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  throw new ProviderError(fault('invalid_request', 'The request must be a JSON object.'))
}

function lastUserText({ messages }: Record<string, unknown>): string {
  if (!Array.isArray(messages)) return ''
  const last = messages.findLast((message) => message?.role === 'user')?.content
  if (typeof last === 'string') return last
  if (!Array.isArray(last)) return ''
  return last.flatMap((part) => (part?.type === 'text' && typeof part.text === 'string' ? [part.text] : [])).join('\n')
}
