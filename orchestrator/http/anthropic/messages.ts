/**
 * Anthropic's Messages API: a request becomes a chat request, goes the way of every chat, and its answer becomes a
 * message, whole or as events. `request` and `answer` below hold the two directions of the translation.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { type Asked, askedBy, submit } from '../chat/asked.ts'
import { earlyFault } from '../chat/chunk-encoder.ts'
import { endOf, giveWhole } from '../chat/whole-answer.ts'
import type { RequestContext } from '../request-context.ts'
import { anthropicError, refuseAnthropic } from '../response/anthropic-errors.ts'
import { chasmField, servedModel } from '../response/envelope.ts'
import { type JsonBody, readForTranslation, refusedSize, refusedUrl } from '../schema/body.ts'
import { idempotencyOf } from '../schema/idempotency.ts'
import { obstacleToContinue } from '../schema/routing-options.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { PullStream } from '../streaming/pull-stream.ts'
import { virtualChat } from '../virtual/virtual-chat.ts'
import type { AnswerForm, Json } from './answer/answer-form.ts'
import { messageOf } from './answer/message.ts'
import { MessageEncoder, messageId } from './answer/message-encoder.ts'
import { asMessage } from './answer/translated-chat.ts'
import { chatRequestOf, exactFields } from './request/chat-request.ts'
import { type MessagesFields, messagesRequest } from './request/messages-request.ts'

const utf8 = new TextDecoder()

const wording = {
  refuse: refuseAnthropic,
  faultBody: anthropicError,
  headers: (requestId: string) => ({ 'request-id': requestId }),
}

export async function createMessage(context: RequestContext): Promise<Response> {
  const body = await readForTranslation(context, messagesRequest)
  if ('code' in body) return refuseAnthropic(context.id, body)
  const sent = body.value as unknown as MessagesFields
  if (isVirtual(sent.model)) return virtualMessage(context, body, sent)
  const asked = askedMessage(context, body)
  if ('code' in asked) return refuseAnthropic(context.id, asked)
  if (asked.submission.stream) return streamed(context, asked)
  const idempotency = idempotencyOf(context, body.bytes)
  return giveWhole(context, idempotency, () => makeMessage(context, asked), wording)
}

interface AskedMessage extends Asked {
  form: AnswerForm
}

function askedMessage(context: RequestContext, body: JsonBody): AskedMessage | Fault {
  const sent = exactFields(utf8.decode(body.bytes), body.value)
  const made = chatRequestOf(sent)
  if ('code' in made) return made
  const { chat } = made
  const bytes = Buffer.from(JSON.stringify(chat))
  const flaw = obstacle(chat, sent) ?? refusedUrl(context, chat) ?? refusedSize(context, body, bytes.length)
  if (flaw !== null) return flaw
  const asked = askedBy(context, { bytes, value: { ...chat, ...preferencesOf(body.value) } }, 'chat')
  return 'code' in asked ? asked : { ...asked, form: formOf(sent) }
}

/** Beside the chat request: the hub alone reads them. */
function preferencesOf({ models, provider }: Json): Json {
  return { models, provider }
}

function formOf({ thinking, stop_sequences: stops }: MessagesFields): AnswerForm {
  const isOn = thinking?.type === 'enabled' || thinking?.type === 'adaptive'
  const shown = thinking?.display === 'omitted' ? 'omitted' : 'shown'
  return { thinking: isOn ? shown : 'none', stops: stops ?? [] }
}

function obstacle(chat: Json, { chasm }: MessagesFields): Fault | null {
  const message = chasm?.continue ? obstacleToContinue(chat) : null
  return message === null ? null : refusedField('chasm.continue', message)
}

function refusedField(param: string, rule: string): Fault {
  return fault('invalid_request', `\`${param}\` ${rule}.`, { param })
}

async function streamed(context: RequestContext, asked: AskedMessage): Promise<Response> {
  const content = new MessageEncoder(context, submit(context, asked), asked.form, asked.explains)
  const response = await new PullStream(context, content).respondWhenReady(earlyFault)
  response.headers.set('request-id', context.id)
  return response
}

async function makeMessage(context: RequestContext, asked: AskedMessage): Promise<Uint8Array<ArrayBuffer> | Fault> {
  const answer = submit(context, asked)
  const end = await endOf(context, answer)
  if (end.type === 'failed') return end.fault
  const head = { id: messageId(answer.id), model: servedModel(answer) }
  const message = messageOf(head, JSON.parse(utf8.decode(end.body)) as Json, asked.form)
  if ('code' in message) return message
  context.firstByte(answer.served)
  return Buffer.from(`{${chasmField(answer, asked.explains)}${JSON.stringify(message).slice(1)}`)
}

/** As through chat: planned there, and its answer translated. */
async function virtualMessage(context: RequestContext, body: JsonBody, sent: MessagesFields): Promise<Response> {
  const made = chatRequestOf(sent)
  if ('code' in made) return refuseAnthropic(context.id, made)
  const flaw = virtualFlaw(made.chat, sent) ?? refusedUrl(context, made.chat)
  if (flaw !== null) return refuseAnthropic(context.id, flaw)
  const usage = sent.stream === true && { stream_options: { include_usage: true } }
  const value = { ...made.chat, ...preferencesOf(body.value), ...usage }
  return asMessage(context.id, await virtualChat(context, { bytes: body.bytes, value }), formOf(sent))
}

function virtualFlaw(chat: Json, { model, chasm }: MessagesFields): Fault | null {
  if (chat.continue_final_message === true) {
    return refusedField('messages', `must not end with the assistant's for ${model}: several models answer`)
  }
  return chasm?.progress ? refusedField('chasm.progress', 'is for chat completions: remove it') : null
}
