/**
 * The port behind which every model service stands. The executor calls it with one request and receives the answer as
 * bytes in the shape that goes on the wire, so that nothing between the provider and the client encodes it again.
 */
import type { Fault } from '../../shared/faults.ts'
import type { Offer, TaskKind } from '../../shared/task.ts'

export interface ProviderRequest {
  kind: TaskKind
  /** The name under which the offer was made. */
  model: string
  stream: boolean
  /**
   * The client's request as it arrived, JSON; its `model`, `stream` and `chasm` fields do not count. Empty once the
   * first line was written: nobody is asked again then, and a large one takes memory.
   */
  body: Uint8Array
}

/** Where a provider puts its answer. Both calls take JSON text of one object without line breaks. */
export interface AnswerWriter {
  /**
   * One streamed change: the provider's chunk without `id`, `object`, `created` and `model` (the hub's to write), and
   * without usage. Resolves when the next one may be sent; a slow client holds it back. Rejects when aborted.
   */
  line(json: string): Promise<void>
}

/**
 * The end of an answer. Streamed: `{"choices":[],"usage":{…}}` when usage is known, else `{"choices":[]}`.
 * Not streamed: the whole answer without `id`, `object`, `created` and `model`.
 */
export interface ProviderAnswer {
  json: string
  /** Set when this answer used up what its service allows: for how long it takes no more requests for this model. */
  pauseMs?: number
}

export interface Provider {
  /** As in `PROVIDERS` and in the `chasm` field of answers: `groq`, `ollama`, `demo` … */
  readonly name: string
  /** What can be offered now, asked from the provider itself. Throws a ProviderError when it cannot be asked. */
  discover(signal: AbortSignal): Promise<Offer[]>
  /** Answers one request. Throws ProviderError on failure; honours `signal` within 500 ms. */
  answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer>
}

/** A provider's failure, already turned into a fault. */
export class ProviderError extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message)
    this.name = 'ProviderError'
  }
}
