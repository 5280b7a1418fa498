/**
 * A whole answer on its way to its client: waits for the end of what the engine was asked, and keeps the answer where
 * the request has an Idempotency-Key. The routes of every dialect that answer at once call it; each makes the body of
 * its answer itself.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Answer, AnswerEnd } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { faultBody, jsonResponse, refuse } from '../response/response.ts'
import { type Idempotency, worthKeeping } from '../schema/idempotency.ts'

/** How a dialect words what is not an answer. */
interface Wording {
  refuse(requestId: string, fault: Fault): Response
  faultBody(requestId: string, fault: Fault): string
  /** Of every answer. */
  headers?: (requestId: string) => Record<string, string>
}

const openAiWording: Wording = { refuse, faultBody: (_id, fault) => faultBody(fault) }

/** `make` makes the body of the answer; it is not called for a repetition of a request whose answer was kept. */
export async function giveWhole(
  context: RequestContext,
  idempotency: Idempotency | Fault | null,
  make: () => Promise<Uint8Array<ArrayBuffer> | Fault>,
  wording: Wording = openAiWording,
): Promise<Response> {
  const { id, edge, caller } = context
  const headers = wording.headers?.(id)
  if (idempotency === null) {
    const made = await make()
    return made instanceof Uint8Array ? jsonResponse(id, made, 200, headers) : wording.refuse(id, made)
  }
  if ('code' in idempotency) return wording.refuse(id, idempotency)
  const words = (fault: Fault) => wording.faultBody(id, fault)
  const scope = { tenant: caller!.tenant, ...idempotency }
  const kept = await edge.engine.keepAnswer(scope, async () => worthKeeping(await make(), words))
  if ('code' in kept) return wording.refuse(id, kept)
  const replayed = kept.replayed ? { 'idempotent-replayed': 'true' } : {}
  return jsonResponse(id, kept.body, kept.status, { ...headers, ...replayed })
}

/** Waits for the end of an answer, whose work is stopped if the client leaves. */
export async function endOf(context: RequestContext, answer: Answer): Promise<AnswerEnd> {
  const { waits } = context.edge
  waits.begin(context, () => answer.abandon())
  try {
    return await takenEnd(answer)
  } finally {
    waits.end(context)
  }
}

/** The end of an answer, whose wait somebody else looks after. */
export async function takenEnd(answer: Answer): Promise<AnswerEnd> {
  // The engine ends it in any case: by its deadline, or because it was abandoned.
  for (;;) {
    const end = answer.take()?.end
    if (end) return end
    await new Promise<void>((resolve) => answer.onReadable(resolve))
  }
}
