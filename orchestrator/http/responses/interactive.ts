/**
 * A response for a client who waits: it takes the way of a chat completion, in memory, and nothing of it is written
 * before it is whole. Then it is kept, unless the client does not want that. A response that cannot be kept (the disk
 * is full, or it is too large) is given all the same, and says so in `store`.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import { keptResponseBytesMax } from '../../../shared/limits/store.ts'
import type { Answer } from '../../engine/ports/client.ts'
import { askedBy, submit } from '../chat/asked.ts'
import { endOf } from '../chat/whole-answer.ts'
import type { RequestContext } from '../request-context.ts'
import { servedAs } from '../response/envelope.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { type ResponseFields, refusedAt } from '../schema/response-request.ts'
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
  const { edge } = context
  const flaw = flawOf(fields)
  if (flaw !== null) return flaw
  const conversation = conversationOf(context, fields)
  if ('code' in conversation) return conversation
  const mapped = chatRequestOf(fields, conversation.items)
  if ('code' in mapped) return mapped
  const body = Buffer.from(JSON.stringify(mapped.chat))
  const { system, settings } = edge
  if (body.length > settings.requestBytesMax) return tooLarge(settings.requestBytesMax)
  const id = newResponseId(system.wallMs(), system.randomBytes(responseIdRandomBytes))
  const request = fields.store === false ? null : keptRequest(fields, withIds(conversation.input, id))
  // The chat request takes the place of the body that has arrived.
  const refused = context.hold(Math.max(0, body.length - context.bodyBytes) + (request?.length ?? 0))
  if (refused !== null) return refused
  const { model, tools, models = null, provider = null, chasm = null, stream = null } = fields
  // The chat's own fields where the preferences look at the work; none of what it was made of is kept.
  const asked = askedBy(
    context,
    { value: { ...mapped.chat, model, models, provider, chasm, stream }, bytes: body },
    'chat',
  )
  if ('code' in asked) return asked
  const answer = submit(context, asked)
  const { created: createdAt } = answer
  const store = request !== null
  const beginning = { id, createdAt, model, echo: echoOf(fields), toolNames: toolNamesIn(tools), store }
  return { answer, beginning, request, explains: asked.explains }
}

/** What `chasm` cannot ask of a chat. */
function flawOf({ chasm }: ResponseFields): Fault | null {
  if ((chasm?.params ?? null) !== null) return refusedAt('chasm.params', 'is for virtual models: remove it')
  if ((chasm?.deadline_ms ?? 0) <= requestDeadlineMs) return null
  const advice = 'a response in the background may take longer'
  return refusedAt('chasm.deadline_ms', `must be at most ${requestDeadlineMs} for a client who waits: ${advice}`)
}

function tooLarge(bytesMax: number): Fault {
  const text = `The conversation is larger than ${bytesMax} bytes: shorten it with POST /v1/responses/compact.`
  return fault('request_too_large', text)
}

async function wholeResponse(context: RequestContext, asked: Asked): Promise<Response> {
  const { id, edge } = context
  const { answer, beginning, explains } = asked
  const end = await endOf(context, answer)
  if (end.type === 'failed') return refuse(id, end.fault)
  context.firstByte(answer.served)
  const made = new ResponseAnswer(beginning, () => {})
  made.add(JSON.parse(Buffer.from(end.body).toString('utf8')) as Json)
  made.close()
  const atSeconds = Math.floor(edge.system.wallMs() / 1000)
  const ending = { atSeconds, model: answer.served!.model, chasm: servedAs(answer, explains) }
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
  return edge.engine.responses.keep({
    id: beginning.id,
    tenant: caller!.tenant,
    createdMs,
    request,
    answer,
    intent: null,
  })
}
