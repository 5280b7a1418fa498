/**
 * The two routes that ask for work: chat completions and embeddings. They check the request, hand its bytes to the
 * engine as they came, and give back the answer, whole or streamed (`chunk-encoder.ts`). A whole answer to a request with an
 * Idempotency-Key is kept and given again; a stream is not, and the header is ignored there.
 */
import type { Fault } from '../../../shared/faults.ts'
import { httpIdleMs } from '../../../shared/limits/http.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Answer, AnswerEnd, Submission } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, envelop, envelopeHead } from '../response/envelope.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { type JsonBody, readChecked } from '../schema/body.ts'
import { idempotencyOf, worthKeeping } from '../schema/idempotency.ts'
import { chatRequest, embeddingsRequest } from '../schema/openai-requests.ts'
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
  const read = await readChecked(context.request, chatRequest)
  if ('code' in read) return refuse(context.id, read)
  if (isVirtual(read.value.model as string)) return virtualChat(context, read)
  const asked = askedBy(context, read, 'chat')
  const { fields, submission } = asked
  if (!submission.stream) return wholeAnswer(context, asked, 'chat.completion')
  const answer = context.edge.engine.submit(submission)
  const withUsage = fields.stream_options?.include_usage === true
  return streamAnswer(context, answer, { withUsage, explains: fields.chasm?.explain === true })
}

export async function embeddings(context: RequestContext): Promise<Response> {
  const read = await readChecked(context.request, embeddingsRequest)
  if ('code' in read) return refuse(context.id, read)
  return wholeAnswer(context, askedBy(context, read, 'embed'), 'list')
}

interface Asked {
  fields: AskedFields
  submission: Submission
}

function askedBy(context: RequestContext, body: JsonBody, kind: TaskKind): Asked {
  const fields = body.value as unknown as AskedFields
  const { id: tenant, weight = 1 } = context.caller!
  const stream = kind === 'chat' && fields.stream === true
  const { model, chasm } = fields
  return { fields, submission: { tenant, weight, kind, model, stream, body: body.bytes, ...routingOf(chasm) } }
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
  { fields, submission }: Asked,
  object: string,
): Promise<Uint8Array<ArrayBuffer> | Fault> {
  const answer = context.edge.engine.submit(submission)
  const end = await endOf(context, answer)
  if (end.type === 'failed') return end.fault
  context.firstByte()
  const pieces: Uint8Array[] = []
  const head = envelopeHead(answer, object) + chasmField(answer, fields.chasm?.explain === true)
  envelop(pieces, Buffer.from(head), end.body)
  return Buffer.concat(pieces)
}

async function endOf({ request, server }: RequestContext, answer: Answer): Promise<AnswerEnd> {
  const { signal } = request
  if (signal.aborted) answer.abandon()
  else signal.addEventListener('abort', () => answer.abandon(), { once: true })
  // Nothing moves on the connection until the answer is there, which is no reason to close it.
  server.timeout(request, 0)
  // The engine ends it in any case: by its deadline, or because it was abandoned.
  for (let end = answer.take()?.end; ; end = answer.take()?.end) {
    if (end) {
      server.timeout(request, httpIdleMs / 1000)
      return end
    }
    await answer.readable()
  }
}
