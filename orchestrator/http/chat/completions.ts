/**
 * The two routes that ask for work: chat completions and embeddings. They check the request, hand its bytes to the
 * engine as they came, and give back the answer, whole or streamed (`sse.ts`). A whole answer to a request with an
 * Idempotency-Key is kept and given again; a stream is not, and the header is ignored there.
 */
import type { Fault } from '../../../shared/faults.ts'
import { httpIdleMs } from '../../../shared/limits.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Answer, AnswerEnd, Submission } from '../../engine/ports/client.ts'
import type { Exchange } from '../request-context.ts'
import { answerHead, chasmField, splice } from '../response/envelope.ts'
import { refuse, replyJson } from '../response/response.ts'
import { type JsonBody, readChecked } from '../schema/body.ts'
import { idempotencyOf, worthKeeping } from '../schema/idempotency.ts'
import { chatRequest, embeddingsRequest } from '../schema/openai-requests.ts'
import { type ChasmFields, wishesOf } from '../schema/routing-options.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { virtualChat } from '../virtual/virtual-chat.ts'
import { streamAnswer } from './sse.ts'

/** The fields of a checked request that the hub itself looks at. */
interface AskedFields {
  model: string
  stream?: boolean | null
  stream_options?: { include_usage?: boolean | null } | null
  chasm?: ChasmFields | null
}

export async function chatCompletions(exchange: Exchange): Promise<Response> {
  const read = await readChecked(exchange.request, chatRequest)
  if ('code' in read) return refuse(exchange.id, read)
  if (isVirtual(read.value.model as string)) return virtualChat(exchange, read)
  const asked = askedBy(exchange, read, 'chat')
  const { fields, submission } = asked
  if (!submission.stream) return wholeAnswer(exchange, asked, 'chat.completion')
  const answer = exchange.edge.engine.submit(submission)
  const withUsage = fields.stream_options?.include_usage === true
  return streamAnswer(exchange, answer, { withUsage, explains: fields.chasm?.explain === true })
}

export async function embeddings(exchange: Exchange): Promise<Response> {
  const read = await readChecked(exchange.request, embeddingsRequest)
  if ('code' in read) return refuse(exchange.id, read)
  return wholeAnswer(exchange, askedBy(exchange, read, 'embed'), 'list')
}

interface Asked {
  fields: AskedFields
  submission: Submission
}

function askedBy(exchange: Exchange, body: JsonBody, kind: TaskKind): Asked {
  const fields = body.value as unknown as AskedFields
  const { id: tenant, weight = 1 } = exchange.caller!
  const stream = kind === 'chat' && fields.stream === true
  const { model, chasm } = fields
  return { fields, submission: { tenant, weight, kind, model, stream, body: body.bytes, ...wishesOf(chasm) } }
}

async function wholeAnswer(exchange: Exchange, asked: Asked, object: string): Promise<Response> {
  const { id, edge } = exchange
  const idempotency = idempotencyOf(exchange, asked.submission.body)
  if (idempotency === null) {
    const made = await makeAnswer(exchange, asked, object)
    return made instanceof Uint8Array ? replyJson(id, made) : refuse(id, made)
  }
  if ('code' in idempotency) return refuse(id, idempotency)
  const scope = { tenant: asked.submission.tenant, ...idempotency }
  const kept = await edge.engine.keepAnswer(scope, async () => worthKeeping(await makeAnswer(exchange, asked, object)))
  if ('code' in kept) return refuse(id, kept)
  return replyJson(id, kept.body, kept.status, kept.replayed ? { 'idempotent-replayed': 'true' } : undefined)
}

async function makeAnswer(
  exchange: Exchange,
  { fields, submission }: Asked,
  object: string,
): Promise<Uint8Array<ArrayBuffer> | Fault> {
  const answer = exchange.edge.engine.submit(submission)
  const end = await endOf(exchange, answer)
  if (end.type === 'failed') return end.fault
  exchange.firstByte()
  const pieces: Uint8Array[] = []
  const head = answerHead(answer, object) + chasmField(answer, fields.chasm?.explain === true)
  splice(pieces, Buffer.from(head), end.body)
  return Buffer.concat(pieces)
}

async function endOf({ request, server }: Exchange, answer: Answer): Promise<AnswerEnd> {
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
