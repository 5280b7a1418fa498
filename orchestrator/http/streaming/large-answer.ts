/**
 * Answers that were made whole and are large: given to their client piece by piece as it takes them, counted by key
 * until the last piece has left, and cut when nothing is taken for too long. Otherwise the runtime would hold each of
 * them for as long as its client likes. The server passes every large response through here.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { answerPieceBytes } from '../../../shared/limits/http.ts'
import type { RequestContext } from '../request-context.ts'
import { refuse } from '../response/response.ts'
import { StallTimer } from './stall-timer.ts'

const later = { retryAfterMs: 2_000 }
const overBytes: Record<'share' | 'full', Fault> = {
  share: fault('rate_limited', 'This key has as many answers that it does not read as one key may: read them.', later),
  full: fault('hub_overloaded', 'The orchestrator holds all the answers that it has memory for: try again.', later),
}

/** The response with this body in pieces, or a refusal; the request has ended with it or will report so. */
export function pacedResponse(context: RequestContext, { status, headers }: Response, body: Uint8Array): Response {
  const { edge, caller, id } = context
  const tenant = caller?.tenant ?? ''
  // The runtime leaves the body out, and would not say when it is done with it.
  if (context.request.method === 'HEAD') {
    context.ended(status)
    return new Response(null, { status, headers })
  }
  const refused = edge.unreadBytes.take(tenant, body.length)
  if (refused !== null) {
    const refusal = refuse(id, overBytes[refused])
    context.ended(refusal.status)
    return refusal
  }
  let isOver = false
  const end = (outcome: number) => {
    if (isOver) return
    isOver = true
    edge.unreadBytes.give(tenant, body.length)
    context.ended(outcome)
  }
  const stall = new StallTimer(context, () => end(499))
  const left = () => {
    stall.end()
    end(499)
  }
  context.request.signal.addEventListener('abort', left, { once: true })
  let at = 0
  const source = {
    pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      stall.stop()
      // It was given up meanwhile, and its connection is being cut.
      if (isOver) return controller.close()
      controller.enqueue(body.subarray(at, at + answerPieceBytes))
      at += answerPieceBytes
      if (at < body.length) return stall.start()
      stall.end()
      controller.close()
      end(status)
    },
    cancel: left,
  }
  return new Response(new ReadableStream(source, { highWaterMark: 0 }), { status, headers })
}
