/**
 * A response for a client who waits: it takes the way of a chat completion, in memory, and nothing of it is written
 * before it is whole. Then it is kept, unless the client does not want that. A response that cannot be kept (the disk
 * is full, or it is too large) is given all the same, and says so in `store`.
 */
import type { Fault } from '../../../shared/faults.ts'
import { fault } from '../../../shared/faults.ts'
import { keptResponseBytesMax } from '../../../shared/limits/store.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { Answer } from '../../engine/ports/client.ts'
import { submitTries } from '../chat/fallback-answer.ts'
import { endOf } from '../chat/whole-answer.ts'
import type { RequestContext } from '../request-context.ts'
import { servedShown } from '../response/envelope.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { type PreferenceFields, triesOf } from '../schema/preferences/tries.ts'
import type { ResponseFields } from '../schema/response-request.ts'
import { routingOf } from '../schema/routing-options.ts'
import { conversationOf, withIds } from './conversation.ts'
import { type Beginning, ResponseAnswer } from './events/response-answer.ts'
import { newResponseId, responseIdRandomBytes } from './items/item-ids.ts'
import { echoOf } from './items/response-object.ts'
import { toolNamesIn } from './items/tool-names.ts'
import { keptRequest } from './kept-turn.ts'
import { chatRequestOf } from './request/chat-request.ts'
import { streamResponse } from './response-stream.ts'

type Json = Record<string, unknown>

/** What a response needs of its request once that was submitted: its parsed body is many times as large. */
interface Asked {
  answer: Answer
  beginning: Beginning
  /** What is kept of the request; null when nothing is to be. */
  request: Buffer | null
  explains: boolean
}

export function answerNow(context: RequestContext, fields: ResponseFields): Promise<Response> | Response {
  const asked = submitted(context, fields)
  if ('code' in asked) return refuse(context.id, asked)
  const { answer, beginning, explains } = asked
  const shown = { beginning, explains, keep: (response: Json) => kept(context, asked, response) }
  return fields.stream === true ? streamResponse(context, answer, shown) : wholeResponse(context, asked)
}

function submitted(context: RequestContext, fields: ResponseFields): Asked | Fault {
  const { edge, caller } = context
  const conversation = conversationOf(context, fields)
  if ('code' in conversation) return conversation
  const mapped = chatRequestOf(fields, conversation.items)
  if ('code' in mapped) return mapped
  const { models, provider } = fields
  const tries = triesOf({ ...mapped.chat, models, provider, chasm: fields.chasm } as PreferenceFields, 'chat')
  if (tries !== null && 'code' in tries) return tries
  const body = Buffer.from(JSON.stringify(mapped.chat))
  if (body.length > bodyBytesMax) return tooLarge
  const { system } = edge
  const id = newResponseId(system.wallMs(), system.randomBytes(responseIdRandomBytes))
  const request = fields.store === false ? null : keptRequest(fields, withIds(conversation.input, id))
  const refused = context.hold(body.length + (request?.length ?? 0))
  if (refused !== null) return refused
  const { id: tenant, weight = 1 } = caller!
  const { model, tools, chasm } = fields
  const stream = fields.stream === true
  const submission = { tenant, weight, kind: 'chat' as const, model, stream, body, ...routingOf(chasm) }
  const answer = submitTries(edge, submission, tries)
  const { created: createdAt } = answer
  const store = request !== null
  const beginning = { id, createdAt, model, echo: echoOf(fields), toolNames: toolNamesIn(tools), store }
  return { answer, beginning, request, explains: chasm?.explain === true }
}

const tooLarge = fault(
  'request_too_large',
  `The conversation is larger than ${bodyBytesMax} bytes: shorten it with POST /v1/responses/compact.`,
)

async function wholeResponse(context: RequestContext, asked: Asked): Promise<Response> {
  const { id, edge } = context
  const { answer, beginning, explains } = asked
  const end = await endOf(context, answer)
  if (end.type === 'failed') return refuse(id, end.fault)
  context.firstByte()
  const made = new ResponseAnswer(beginning, () => {})
  made.add(JSON.parse(Buffer.from(end.body).toString('utf8')) as Json)
  made.close()
  const atSeconds = Math.floor(edge.system.wallMs() / 1000)
  const ending = { atSeconds, model: answer.served!.model, chasm: servedShown(answer, explains) }
  const response = made.ended(ending, beginning.store)
  const isStored = beginning.store && (await kept(context, asked, response))
  return jsonResponse(id, JSON.stringify(isStored === beginning.store ? response : { ...response, store: isStored }))
}

/** Whether it is kept: it is not when it is too large, or when the store cannot write. */
async function kept(context: RequestContext, { request, beginning }: Asked, response: Json): Promise<boolean> {
  if (request === null) return false
  const { edge, caller } = context
  const answer = Buffer.from(JSON.stringify(response))
  if (answer.length + request.length > keptResponseBytesMax) return false
  const createdMs = edge.system.wallMs()
  return edge.engine.responses.keep({ id: beginning.id, tenant: caller!.id, createdMs, request, answer, intent: null })
}
