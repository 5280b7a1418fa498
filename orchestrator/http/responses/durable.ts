/**
 * A response that a durable intent makes: in the background, by a virtual model, or under an Idempotency-Key. What is
 * kept of its request lies beside the intent. A client that leaves cancels a response that it waits for, unless the
 * request has an Idempotency-Key.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { durableTriesMax, intentDeadlineMs } from '../../../shared/limits/intents.ts'
import type { Terms } from '../../engine/ports/planner.ts'
import { hasTaker } from '../chat/fallback-answer.ts'
import { type Acceptance, acceptPlan, clientLeft, type PlanRequest } from '../intents/accept-plan.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import type { JsonBody } from '../schema/body.ts'
import { type Try, triesOf } from '../schema/preferences/tries.ts'
import { type ResponseFields, refusedAt } from '../schema/response-request.ts'
import { routingOf } from '../schema/routing-options.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { streamIntent } from '../streaming/intent-stream.ts'
import { answerOf, endOf, virtualFields, virtualPlan } from '../virtual/virtual-chat.ts'
import { conversationOf, withIds } from './conversation.ts'
import { DurableEncoder, durableResponse, labelFor } from './durable-view.ts'
import { responseId } from './items/item-ids.ts'
import { type Echo, echoOf } from './items/response-object.ts'
import { keptRequest } from './kept-turn.ts'
import { chatRequestOf, hints, namedOtherwise } from './request/chat-request.ts'

type Json = Record<string, unknown>

/** All that is still needed of the request once it was accepted: its parsed body is many times as large. */
interface Manner {
  isBackground: boolean
  isStreamed: boolean
  isStored: boolean
  echo: Echo
}

export async function answerDurably(context: RequestContext, body: JsonBody): Promise<Response> {
  const fields = body.value as unknown as ResponseFields
  let input: Json[] = []
  const accepted = await acceptPlan(context, body, () => {
    const planned = planOf(context, fields)
    if ('code' in planned) return planned
    input = planned.input
    return planned.plan
  })
  if ('code' in accepted) return refuse(context.id, accepted)
  const { acceptance } = accepted
  const { background, stream, store } = fields
  const isStored = store !== false
  const request = isStored ? keptRequest(fields, withIds(input, responseId(acceptance.view.id))) : nothing
  if (!(await keepRequest(context, acceptance, request))) {
    clientLeft(context, acceptance)
    return refuse(context.id, notKept)
  }
  const echo = echoOf(fields)
  return answer(context, acceptance, { isBackground: background === true, isStreamed: stream === true, isStored, echo })
}

const notKept = fault('store_unavailable', 'The orchestrator cannot write to its disk. Try again later.', {
  retryAfterMs: 5_000,
})

const nothing = Buffer.alloc(0)

/** An empty request marks a response that is not to be kept, for a hub that starts before it was removed. */
function keepRequest({ edge, caller }: RequestContext, { view }: Acceptance, request: Buffer): Promise<boolean> {
  const { createdMs, id: intent } = view
  const id = responseId(intent)
  return edge.engine.responses.keep({ id, tenant: caller!.tenant, createdMs, request, answer: null, intent })
}

function planOf(context: RequestContext, fields: ResponseFields): { plan: PlanRequest; input: Json[] } | Fault {
  const conversation = conversationOf(context, fields)
  if ('code' in conversation) return conversation
  const mapped = chatRequestOf(fields, conversation.items)
  if ('code' in mapped) return mapped
  const { stream: _, ...chat } = mapped.chat
  const { model, background, metadata, chasm, store } = fields
  const made = isVirtual(model) ? virtualPlanOf(fields, chat) : singlePlanOf(context, fields, chat)
  if ('code' in made) return made
  const plan = {
    ...made,
    deadlineMs: chasm?.deadline_ms ?? intentDeadlineMs,
    metadata: { ...metadata, ...labelFor({ model, background: background === true }) },
    mustBeOffered: made.mustBeOffered ?? [],
    // Nothing is kept that a repetition could be given.
    ignoresKey: store === false,
    tellsOutcome: background !== true,
  }
  return { plan, input: conversation.input }
}

type Planned = Pick<PlanRequest, 'asked' | 'mustBeOffered'>

function virtualPlanOf({ model, models, provider, chasm }: ResponseFields, chat: Json): Planned | Fault {
  const sent = { ...chat, ...(models && { models }), ...(provider && { provider }) }
  const unfit = Object.keys(sent).find((field) => !virtualFields.includes(field) && !hints.includes(field))
  if (unfit !== undefined) {
    const field = namedOtherwise[unfit] ?? unfit
    return refusedAt(field, `has no meaning for ${model}, which makes one answer of several: name another model`)
  }
  return virtualPlan({ ...chat, ...(chasm && { chasm: { ...chasm, deadline_ms: null } }) })
}

/** What concerns a client who waits, or a virtual model. */
const interactiveOnly = ['hedge_after_ms', 'explain', 'params'] as const

function singlePlanOf({ edge }: RequestContext, fields: ResponseFields, chat: Json): Planned | Fault {
  const { model, models = null, provider = null, chasm = null } = fields
  const unfit = interactiveOnly.find((field) => (chasm?.[field] ?? null) !== null)
  if (unfit !== undefined) return refusedAt(`chasm.${unfit}`, 'is not for a response that is made durably: remove it')
  const preferred = triesOf({ ...chat, model, models, provider, chasm }, 'chat')
  if (preferred !== null && 'code' in preferred) return preferred
  const tries = preferred ?? [{ model, provider: null, routing: routingOf(chasm).routing ?? {} }]
  if (tries.length > durableTriesMax) {
    const rule = `make ${tries.length} tries with \`provider.order\`, and at most ${durableTriesMax} are made durably`
    return refusedAt('models', `${rule}: name fewer`)
  }
  const { engine } = edge
  const takers = tries.filter((one) => hasTaker(one, engine, 'chat') || engine.awaitsModel('chat', one.model))
  // With nobody for any of them, the first one tells so.
  const planned = takers.length > 0 ? takers : tries.slice(0, 1)
  const request = { ...chat, model: planned[0]!.model }
  return { asked: { request, tries: planned.map((one) => ({ model: one.model, terms: termsOf(one) })) } }
}

function termsOf({ routing: { attemptsMax, requires, sort, only, ignore } }: Try): Terms {
  const routing = { ...(sort && { sort }), ...(only && { only }), ...(ignore && { ignore }) }
  return {
    ...(attemptsMax !== undefined && { attemptsMax }),
    ...(requires && { requires }),
    ...(Object.keys(routing).length > 0 && { routing }),
  }
}

async function answer(context: RequestContext, accepted: Acceptance, manner: Manner): Promise<Response> {
  const { edge, id, caller } = context
  const { view } = accepted
  const { isBackground, isStreamed, isStored, echo } = manner
  const onLeave = () => {
    if (!isBackground) clientLeft(context, accepted)
  }
  const forget = async () => {
    if (!isStored) await edge.intents.forget(view.id, caller!.tenant)
  }
  const now = () => ({ ...durableResponse(context, edge.intents.intent(view.id, null) ?? view, echo), store: isStored })
  if (isStreamed) {
    const encoder = new DurableEncoder(context, view, { ...echo, store: isStored })
    return streamIntent(context, { answer: answerOf(context, view), encoder, onLeave, onEnd: () => void forget() })
  }
  // Nothing of it has begun when it is accepted, and people poll until it has.
  if (isBackground) return jsonResponse(id, JSON.stringify({ ...now(), status: 'queued' }))
  const end = await endOf(context, answerOf(context, view), onLeave)
  const shown = 'code' in end ? refuse(id, end) : jsonResponse(id, JSON.stringify(now()))
  await forget()
  return shown
}
