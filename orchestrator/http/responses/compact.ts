/**
 * Makes a short conversation of a long one: a model sums it up, and what comes back is what the user said, and one item
 * that holds the summary. Sent as `input` of a further request, that item stands for all that came before. Nothing of
 * it is kept here.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { endOf } from '../chat/whole-answer.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readChecked } from '../schema/body.ts'
import { type ContextFields, compactRequest, refusedAt, refusedField } from '../schema/response-request.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { type Result, resultMessage } from '../streaming/intent-answer.ts'
import { conversationOf, withIds } from './conversation.ts'
import { compactionItem } from './items/compaction.ts'
import { newResponseId, responseIdRandomBytes } from './items/item-ids.ts'
import { usageOf } from './items/usage.ts'
import { messagesOf } from './request/input-items.ts'
import { summaryRequest } from './request/summary-request.ts'

type Json = Record<string, unknown>

export async function compactResponse(context: RequestContext): Promise<Response> {
  const read = await readChecked(context, compactRequest)
  if ('code' in read) return refuse(context.id, read)
  const made = askedOf(context, read.value)
  return 'code' in made ? refuse(context.id, made) : compacted(context, made)
}

interface Asked {
  model: string
  body: Buffer<ArrayBuffer>
  /** What the user said. */
  kept: Json[]
}

function askedOf(context: RequestContext, sent: Json): Asked | Fault {
  const refused = refusedField(sent)
  if (refused !== null) return refused
  const fields = sent as unknown as ContextFields
  const { model, instructions = null } = fields
  if (isVirtual(model)) return refusedAt('model', 'must be a model of its own here, as from /v1/models, or `auto`')
  const conversation = conversationOf(context, fields)
  if ('code' in conversation) return conversation
  const messages = messagesOf(conversation.items, instructions)
  if (!Array.isArray(messages)) return messages
  const body = Buffer.from(JSON.stringify(summaryRequest(model, messages)))
  const { requestBytesMax } = context.edge.settings
  if (body.length > requestBytesMax) {
    return fault('request_too_large', `The conversation is larger than ${requestBytesMax} bytes: send less of it.`)
  }
  const refusedBytes = context.hold(body.length)
  if (refusedBytes !== null) return refusedBytes
  const kept = conversation.items.filter(({ type, role }) => (type ?? 'message') === 'message' && role === 'user')
  return { model, body, kept }
}

async function compacted(context: RequestContext, { model, body, kept }: Asked): Promise<Response> {
  const { id, edge, caller } = context
  const { tenant, weight } = caller!
  const answer = edge.engine.submit({ tenant, weight, key: caller!, kind: 'chat', model, stream: false, body })
  const end = await endOf(context, answer)
  if (end.type === 'failed') return refuse(id, end.fault)
  const { usage } = JSON.parse(Buffer.from(end.body).toString('utf8')) as Result
  const { text, finish } = resultMessage(end.body)
  if (finish === 'length') return refuse(id, cutOff)
  if (text.trim() === '') return refuse(id, nothingSaid)
  const response = newResponseId(edge.system.wallMs(), edge.system.randomBytes(responseIdRandomBytes))
  const said = withIds(kept, response)
  const output = [...said, compactionItem(response, said.length, text)]
  const shown = {
    id: response,
    object: 'response.compaction',
    created_at: answer.created,
    output,
    usage: usageOf(usage),
  }
  return jsonResponse(id, JSON.stringify(shown))
}

const cutOff = fault(
  'answer_too_large',
  'The model had no room to sum the conversation up: name one that takes more, or send less.',
)
const nothingSaid = fault(
  'provider_bad_answer',
  'The model gave no summary: send the request again, or name another one.',
)
