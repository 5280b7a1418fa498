/**
 * What all streams of this edge have in common: the client pulls, so that nothing is taken from the engine that nobody
 * reads; and a client that keeps its connection but reads nothing is given up after a while. What is said, and when a
 * stream is over, is each stream's own business.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { RequestContext } from '../request-context.ts'
import { streamHeaders } from '../response/response.ts'
import { IdleTimer } from './idle-timer.ts'

interface Pulled {
  /** The client can take more. Never throws: the runtime would cut the connection without a word. */
  pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void>
  /** The client is gone. */
  cancel(): void
}

/** The answer that this stream is. */
export function streamed(context: RequestContext, stream: Pulled): Response {
  context.streams = true
  const source = { pull: stream.pull.bind(stream), cancel: stream.cancel.bind(stream) }
  return new Response(new ReadableStream(source, { highWaterMark: 0 }), { headers: streamHeaders(context.id) })
}

/** Runs from the moment in which the client was given something until it asks for more. */
export class StallTimer {
  private readonly idleTimer: IdleTimer

  constructor(
    private readonly context: RequestContext,
    onStall: () => void,
  ) {
    const { edge, server, request } = context
    this.idleTimer = new IdleTimer(edge.system, () => {
      onStall()
      // Its socket is full, so the runtime has to cut it.
      server.timeout(request, 1)
    })
  }

  start(): void {
    this.idleTimer.set(this.context.edge.settings.clientStallMs)
  }

  stop(): void {
    this.idleTimer.off()
  }

  /** The stream is over. */
  end(): void {
    this.idleTimer.end()
  }
}

/** A defect in the middle of a stream, noted: what its client is told, with nothing of it but the request id. */
export function brokenAnswer({ edge, id }: RequestContext, error: unknown): Fault {
  edge.log.error({ err: error, requestId: id }, 'a streamed answer broke')
  const text = `The orchestrator failed at this answer: ask again, and tell its operator the request id ${id}.`
  return fault('internal_error', text)
}
