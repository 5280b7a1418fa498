/**
 * The two interactive routes: chat completions and embeddings. They check the request, pass its bytes to the engine
 * unchanged, and return the answer, whole or streamed (`chunk-encoder.ts`). A whole answer to a request with an
 * Idempotency-Key is kept and given again; a stream is not, and the header is ignored there.
 */
import type { Fault } from '../../../shared/faults.ts'
import { forwarded } from '../forwarded.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, envelopedBytes, envelopeHead, writeEnvelope } from '../response/envelope.ts'
import { refuse } from '../response/response.ts'
import { readChecked } from '../schema/body.ts'
import { idempotencyOf } from '../schema/idempotency.ts'
import { chatRequest, embeddingsRequest } from '../schema/openai-requests.ts'
import { isPlainChat } from '../schema/plain-chat.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { virtualChat } from '../virtual/virtual-chat.ts'
import { type Asked, type AskedFields, askedBy, submit } from './asked.ts'
import { streamAnswer } from './chunk-encoder.ts'
import { endOf, giveWhole } from './whole-answer.ts'

export async function chatCompletions(context: RequestContext): Promise<Response> {
  const read = await readChecked(context, chatRequest, isPlainChat)
  if ('code' in read) return refuse(context.id, read)
  const { model } = read.value as AskedFields
  const { forward } = context.edge
  if (model && isVirtual(model)) return forward === null ? virtualChat(context, read) : forwarded(context, read.bytes)
  const asked = askedBy(context, read, 'chat')
  if ('code' in asked) return refuse(context.id, asked)
  // Which of several models is free is known where the fleet is.
  if (asked.tries !== null && forward !== null) return forwarded(context, read.bytes)
  return asked.submission.stream ? streamedAnswer(context, asked) : wholeAnswer(context, asked, 'chat.completion')
}

export async function embeddings(context: RequestContext): Promise<Response> {
  const read = await readChecked(context, embeddingsRequest)
  if ('code' in read) return refuse(context.id, read)
  const asked = askedBy(context, read, 'embed')
  if ('code' in asked) return refuse(context.id, asked)
  if (asked.tries !== null && context.edge.forward !== null) return forwarded(context, read.bytes)
  return wholeAnswer(context, asked, 'list')
}

function streamedAnswer(context: RequestContext, asked: Asked): Promise<Response> {
  const { withUsage, explains } = asked
  return streamAnswer(context, submit(context, asked), { withUsage, explains })
}

function wholeAnswer(context: RequestContext, asked: Asked, object: string): Promise<Response> {
  const idempotency = idempotencyOf(context, asked.submission.body)
  return giveWhole(context, idempotency, () => makeAnswer(context, asked, object))
}

async function makeAnswer(
  context: RequestContext,
  asked: Asked,
  object: string,
): Promise<Uint8Array<ArrayBuffer> | Fault> {
  const answer = submit(context, asked)
  const end = await endOf(context, answer)
  if (end.type === 'failed') return end.fault
  context.firstByte(answer.served)
  const head = Buffer.from(envelopeHead(answer, object) + chasmField(answer, asked.explains))
  const bytes = new Uint8Array(envelopedBytes(head.length, end.body))
  writeEnvelope(bytes, 0, head, end.body)
  return bytes
}
