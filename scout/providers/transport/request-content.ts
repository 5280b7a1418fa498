/**
 * The body of a request on its way to a service: one piece, or many that are sent one after the other, so that nowhere
 * a copy of a large one is made. `request-body.ts` makes it, `bounded-fetch.ts` sends it, once more for a redirect.
 */
import { requestPieceBytes } from '../../../shared/limits/provider.ts'

export class RequestContent {
  constructor(private pieces: readonly Uint8Array[]) {}

  static of(json: object): RequestContent {
    return new RequestContent([Buffer.from(JSON.stringify(json))])
  }

  /** The options of one `fetch` that sends it. Pieces could not be sent again where a kept connection is gone. */
  sending(headers: Headers): BunFetchRequestInit {
    const [whole, ...others] = this.pieces
    if (others.length === 0) return { body: whole as Uint8Array<ArrayBuffer> }
    const bytes = this.pieces.reduce((sum, { length }) => sum + length, 0)
    headers.set('content-length', String(bytes))
    return { body: streamOf(this.pieces), keepalive: false }
  }

  /** The service has it: its bytes are let go of. */
  sent(): void {
    this.pieces = []
  }
}

function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const parts = partsOf(pieces)
  return new ReadableStream({
    pull(controller) {
      const { done, value } = parts.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
}

function* partsOf(pieces: readonly Uint8Array[]): Generator<Uint8Array, undefined> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += requestPieceBytes) yield piece.subarray(at, at + requestPieceBytes)
  }
}
