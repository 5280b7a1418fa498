/**
 * The two interactive routes: chat completions and embeddings. They check the request, pass its bytes to the engine
 * unchanged, and return the answer, whole or streamed (`chunk-encoder.ts`). A whole answer to a request with an
 * Idempotency-Key is kept and given again; a stream is not, and the header is ignored there.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Answer, AnswerEnd, Submission } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, envelop, envelopeHead } from '../response/envelope.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { type JsonBody, readChecked } from '../schema/body.ts'
import { idempotencyOf, worthKeeping } from '../schema/idempotency.ts'
import { chatRequest, embeddingsRequest } from '../schema/openai-requests.ts'
import { isPlainChat } from '../schema/plain-chat.ts'
import { type ChasmFields, routingOf } from '../schema/routing-options.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { virtualChat } from '../virtual/virtual-chat.ts'
import { streamAnswer } from './chunk-encoder.ts'

/** The fields of a checked request that the hub itself looks at. */
interface AskedFields {
  model: string
  stream?: boolean | null
  stream_options?: { include_usage?: boolean | null } | null
  chasm?: ChasmFields | null
}

export async function chatCompletions(context: RequestContext): Promise<Response> {
  const read = await readChecked(context, chatRequest, isPlainChat)
  if ('code' in read) return refuse(context.id, read)
  if (isVirtual(read.value.model as string)) return virtualChat(context, read)
  const asked = askedBy(context, read, 'chat')
  return asked.submission.stream ? streamedAnswer(context, asked) : wholeAnswer(context, asked, 'chat.completion')
}

export async function embeddings(context: RequestContext): Promise<Response> {
  const read = await readChecked(context, embeddingsRequest)
  if ('code' in read) return refuse(context.id, read)
  return wholeAnswer(context, askedBy(context, read, 'embed'), 'list')
}

/** What is kept of a request while it waits: its bytes, nothing of the parsed value, which is far larger. */
interface Asked {
  submission: Submission
  withUsage: boolean
  explains: boolean
}

function askedBy(context: RequestContext, body: JsonBody, kind: TaskKind): Asked {
  const { model, stream, stream_options: options, chasm } = body.value as unknown as AskedFields
  const { id: tenant, weight = 1 } = context.caller!
  const isStream = kind === 'chat' && stream === true
  return {
    submission: { tenant, weight, kind, model, stream: isStream, body: body.bytes, ...routingOf(chasm) },
    withUsage: options?.include_usage === true,
    explains: chasm?.explain === true,
  }
}

function streamedAnswer(context: RequestContext, { submission, withUsage, explains }: Asked): Promise<Response> {
  const answer = context.edge.engine.submit(submission)
  return streamAnswer(context, answer, { withUsage, explains })
}

async function wholeAnswer(context: RequestContext, asked: Asked, object: string): Promise<Response> {
  const { id, edge } = context
  const idempotency = idempotencyOf(context, asked.submission.body)
  if (idempotency === null) {
    const made = await makeAnswer(context, asked, object)
    return made instanceof Uint8Array ? jsonResponse(id, made) : refuse(id, made)
  }
  if ('code' in idempotency) return refuse(id, idempotency)
  const scope = { tenant: asked.submission.tenant, ...idempotency }
  const kept = await edge.engine.keepAnswer(scope, async () => worthKeeping(await makeAnswer(context, asked, object)))
  if ('code' in kept) return refuse(id, kept)
  return jsonResponse(id, kept.body, kept.status, kept.replayed ? { 'idempotent-replayed': 'true' } : undefined)
}

async function makeAnswer(
  context: RequestContext,
  { submission, explains }: Asked,
  object: string,
): Promise<Uint8Array<ArrayBuffer> | Fault> {
  const answer = context.edge.engine.submit(submission)
  const end = await endOf(context, answer)
  if (end.type === 'failed') return end.fault
  context.firstByte()
  const pieces: Uint8Array[] = []
  const head = envelopeHead(answer, object) + chasmField(answer, explains)
  envelop(pieces, Buffer.from(head), end.body)
  return Buffer.concat(pieces)
}

/** Waits for the end of an answer that comes whole; a client that leaves abandons it. */
export async function endOf(context: RequestContext, answer: Answer): Promise<AnswerEnd> {
  const { waits } = context.edge
  waits.begin(context, () => answer.abandon())
  try {
    // The engine ends it in any case: by its deadline, or because it was abandoned.
    for (;;) {
      const end = answer.take()?.end
      if (end) return end
      await answer.readable()
    }
  } finally {
    waits.end(context)
  }
}
