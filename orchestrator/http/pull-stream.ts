/**
 * What all streams of this edge have in common: the client pulls, so that nothing is taken from the engine that nobody
 * reads; and a client that keeps its connection but reads nothing is given up after a while. What is said, and when a
 * stream is over, is each stream's own business.
 */
import type { Timer } from '../../shared/system.ts'
import type { Exchange } from './exchange.ts'
import { streamHeaders } from './reply.ts'

interface Pulled {
  /** The client can take more. Never throws: the runtime would cut the connection without a word. */
  pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void>
  /** The client is gone. */
  cancel(): void
}

/** The answer that this stream is. */
export function streamed(exchange: Exchange, stream: Pulled): Response {
  exchange.streams = true
  const source = { pull: stream.pull.bind(stream), cancel: stream.cancel.bind(stream) }
  return new Response(new ReadableStream(source, { highWaterMark: 0 }), { headers: streamHeaders(exchange.id) })
}

/** Runs from the moment in which the client was given something until it asks for more. */
export class StallTimer {
  private timer: Timer | null = null

  constructor(
    private readonly exchange: Exchange,
    private readonly onStall: () => void,
  ) {}

  start(): void {
    const { edge, server, request } = this.exchange
    this.timer = edge.system.after(edge.settings.clientStallMs, () => {
      this.onStall()
      // Its socket is full, so the runtime has to cut it.
      server.timeout(request, 1)
    })
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = null
  }
}
