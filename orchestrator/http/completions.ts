/**
 * The two routes that ask for work: chat completions and embeddings. They check the request, hand its bytes to the
 * engine as they came, and give back the answer, whole or streamed (`sse.ts`).
 */
import { fault } from '../../shared/faults.ts'
import { httpIdleMs, requestDeadlineMs } from '../../shared/limits.ts'
import type { Answer, AnswerEnd, Submission } from '../engine/ports.ts'
import { AnswerWatch } from './answer-watch.ts'
import { type JsonBody, readJsonBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { refuse, replyJson } from './reply.ts'
import { chatRequest, embeddingsRequest } from './requests.ts'
import { answerHead, chasmField, splice } from './splice.ts'
import { streamAnswer } from './sse.ts'
import { refusal } from './validation.ts'

interface ChatFields {
  stream?: boolean | null
  stream_options?: { include_usage?: boolean | null } | null
}

export async function chatCompletions(exchange: Exchange): Promise<Response> {
  const body = await readJsonBody(exchange.request)
  if ('code' in body) return refuse(exchange.id, body)
  const refused = refusal(chatRequest, body.value)
  if (refused !== null) return refuse(exchange.id, refused)
  const { stream, stream_options: options } = body.value as ChatFields
  const answer = exchange.edge.engine.submit(submission(exchange, body, 'chat', stream === true))
  if (stream === true) return streamAnswer(exchange, answer, options?.include_usage === true)
  return wholeAnswer(exchange, answer, 'chat.completion')
}

export async function embeddings(exchange: Exchange): Promise<Response> {
  const body = await readJsonBody(exchange.request)
  if ('code' in body) return refuse(exchange.id, body)
  const refused = refusal(embeddingsRequest, body.value)
  if (refused !== null) return refuse(exchange.id, refused)
  return wholeAnswer(exchange, exchange.edge.engine.submit(submission(exchange, body, 'embed', false)), 'list')
}

function submission(exchange: Exchange, body: JsonBody, kind: Submission['kind'], stream: boolean): Submission {
  const { model, chasm } = body.value as { model: string; chasm?: { deadline_ms?: number | null } | null }
  const asked: Submission = { tenant: exchange.caller!.id, kind, model, stream, body: body.bytes }
  const deadlineMs = chasm?.deadline_ms
  return typeof deadlineMs === 'number' ? { ...asked, deadlineMs } : asked
}

async function wholeAnswer(exchange: Exchange, answer: Answer, object: string): Promise<Response> {
  const { request, server, id } = exchange
  // Nothing moves on the connection until the answer is there, which is no reason to close it.
  server.timeout(request, 0)
  const end = await endOf(exchange, answer).finally(() => server.timeout(request, httpIdleMs / 1000))
  if (end.type === 'failed') return refuse(id, end.fault)
  exchange.firstByte()
  const pieces: Uint8Array[] = []
  splice(pieces, Buffer.from(answerHead(answer, object) + chasmField(answer)), end.body)
  return replyJson(id, Buffer.concat(pieces))
}

async function endOf(exchange: Exchange, answer: Answer): Promise<AnswerEnd> {
  const watch = new AnswerWatch(answer, exchange.edge.system, exchange.request.signal)
  for (;;) {
    const end = answer.take()?.end
    if (end) return end
    // The engine holds the deadline; this wait only has to outlast it.
    const sign = await watch.next(2 * requestDeadlineMs)
    if (sign === 'gone') {
      return { type: 'failed', fault: fault('cancelled', 'The client closed the connection.'), forwardedBytes: 0 }
    }
  }
}
