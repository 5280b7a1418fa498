/**
 * From a request to an accepted intent, for every route that accepts a plan: reads and checks the body, reads the
 * Idempotency-Key, plans over the live fleet, and hands the plan to the engine. Each route supplies what its fields
 * mean to the planner, and shows the accepted intent in its own form. It also decides what becomes of an intent whose
 * client leaves.
 */
import type { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { largeBodyBytes, modelPollMs } from '../../../shared/limits/http.ts'
import { intentPriorityDefault } from '../../../shared/limits/intents.ts'
import { abilitiesIn, dollars } from '../../../shared/task.ts'
import type { ModelListing } from '../../engine/ports/client.ts'
import type { IntentView } from '../../engine/ports/intents.ts'
import type { CatalogModel, Plan, PlanAsked, PlanContext, RequestCheck } from '../../engine/ports/planner.ts'
import { mayAskFor, unknownModel } from '../../tenants/scopes.ts'
import type { RequestContext } from '../request-context.ts'
import { type JsonBody, readDurable, storingFlaw } from '../schema/body.ts'
import { lengthFault } from '../schema/bounds/list-bounds.ts'
import { idempotencyOf } from '../schema/idempotency.ts'
import { chatRequest, embeddingsRequest } from '../schema/openai-requests.ts'
import { isPlainChat } from '../schema/plain-chat.ts'
import { refusal } from '../schema/validation.ts'

/** What a route makes of its fields. */
export interface PlanRequest {
  asked: PlanAsked
  deadlineMs: number
  metadata: Record<string, string>
  priority?: number
  /**
   * Nobody may wait for a model that no scout offers, as an intent may: the models of the plan, and these, which tasks
   * that join it later may need.
   */
  mustBeOffered?: readonly string[]
  /** The route ignores the Idempotency-Key of this request. */
  ignoresKey?: boolean
  /** The response tells the outcome, not only that the plan was accepted. */
  tellsOutcome?: boolean
}

/** The value of a checked body to a plan request, or what is wrong with it. */
type Interpret = (value: Record<string, unknown>) => PlanRequest | Fault

/** What waits for the intent. */
export interface Acceptance {
  view: IntentView
  /** Whether an Idempotency-Key found the intent of an earlier request. */
  replayed: boolean
  /** Whether the request has an Idempotency-Key, under which it may be repeated. */
  hasKey: boolean
}

export interface AcceptedPlan {
  acceptance: Acceptance
  /** The checked body: not to be kept while anything is waited for. */
  sent: Record<string, unknown>
}

export async function readAndAccept(
  context: RequestContext,
  schema: z.ZodType,
  interpret: Interpret,
): Promise<AcceptedPlan | Fault> {
  const body = await readDurable(context, schema)
  return 'code' in body ? body : acceptPlan(context, body, interpret)
}

/** The same for a body that has been read and checked. */
export async function acceptPlan(
  context: RequestContext,
  body: JsonBody,
  interpret: Interpret,
): Promise<AcceptedPlan | Fault> {
  const { edge, caller } = context
  const request = storingFlaw(body) ?? interpret(body.value)
  if ('code' in request) return request
  const { asked, deadlineMs, metadata, priority = intentPriorityDefault } = request
  const idempotency = request.ignoresKey === true ? null : idempotencyOf(context, body.bytes)
  if (idempotency !== null && 'code' in idempotency) return idempotency
  const isLarge = body.bytes.length > largeBodyBytes
  if (isLarge) await edge.lane.turn()
  const plan = await edge.planner.plan(asked, planContext(context, deadlineMs))
  if ('code' in plan) return plan
  const named = request.mustBeOffered
  const missing = named === undefined ? null : await missingModel(context, plan, named)
  if (missing !== null) return missing
  if (isLarge) await edge.lane.turn()
  const { tenant, weight } = caller!
  const { budgetTokens } = plan
  const accepted = await edge.intents.accept({
    ...{ tenant, weight, key: caller!, plan, priority, deadlineMs, metadata },
    ...(budgetTokens !== undefined && { budgetTokens }),
    ...(idempotency !== null && { idempotency, toldOutcome: request.tellsOutcome === true }),
  })
  if (accepted.type === 'refused') return accepted.fault
  const view = edge.intents.intent(accepted.id, tenant)
  if (view === undefined) return noLongerKept
  return { acceptance: { view, replayed: accepted.replayed, hasKey: idempotency !== null }, sent: body.value }
}

/** Why the plan cannot be carried out now. After a start of the hub its fleet is waited for, as a chat waits. */
async function missingModel(
  { edge, request, caller }: RequestContext,
  { tasks }: Plan,
  named: readonly string[],
): Promise<Fault | null> {
  const { engine, system } = edge
  const work = tasks.filter(({ control }) => control === undefined)
  for (const { kind, model } of [...work, ...named.map((model) => ({ kind: 'chat' as const, model }))]) {
    while (engine.awaitsModel(kind, model)) {
      if (request.signal.aborted) return clientGone
      await new Promise<void>((resolve) => system.after(modelPollMs, resolve))
    }
    const { scopes } = caller!
    const missing = mayAskFor(scopes, model) ? engine.missingModel(kind, model, scopes.models) : unknownModel(model)
    if (missing !== null) return missing
  }
  return null
}

const clientGone = fault('cancelled', 'The client closed the connection before the request was accepted.')

const noLongerKept = fault(
  'not_found',
  'The intent made with this Idempotency-Key is no longer kept: send the request with a new key.',
  { param: 'Idempotency-Key' },
)

/**
 * The client that waits for the intent's answer has left. Without a key nobody can come back for the answer, so the
 * work is cancelled. With a key the work goes on: other clients may wait under the same key, and a repetition of the
 * request is promised the same answer. It ends by its deadline at the latest.
 */
export function clientLeft({ edge, caller }: RequestContext, { view, hasKey }: Acceptance): void {
  if (!hasKey) void edge.intents.cancel(view.id, caller!.tenant)
}

/**
 * What a plan is made in, beside what the client asked for: the live fleet as far as its key may use it, this edge's
 * check of a request, and turns of the loop.
 */
export function planContext(
  { edge, caller }: Pick<RequestContext, 'edge' | 'caller'>,
  deadlineMs: number,
): PlanContext {
  const { engine, lane } = edge
  const { scopes } = caller!
  const check: RequestCheck = (kind, request) => {
    const { model } = request
    const isForeign = typeof model === 'string' && !mayAskFor(scopes, model)
    return isForeign ? unknownModel(model) : checkRequest(kind, request)
  }
  const catalog = catalogOf(engine.modelsFor(scopes))
  return { check, catalog, deadlineMs, lacksAudits: !engine.isAuditing, soon: () => lane.turn() }
}

const checkRequest: RequestCheck = (kind, request) => {
  const tooLong = lengthFault(request)
  if (tooLong !== null) return tooLong
  if (kind === 'embed') return refusal(embeddingsRequest, request)
  return isPlainChat(request) ? null : refusal(chatRequest, request)
}

/** By the list that they are made of: the engine gives out the same one until something in it changes. */
const catalogs = new WeakMap<readonly ModelListing[], CatalogModel[]>()

function catalogOf(models: readonly ModelListing[]): CatalogModel[] {
  const known = catalogs.get(models)
  if (known !== undefined) return known
  const catalog = models.map(catalogModel)
  catalogs.set(models, catalog)
  return catalog
}

function catalogModel(model: ModelListing): CatalogModel {
  const { id, kinds, scouts, contextTokens, abilities, about, promptPrice, answerPrice, speed } = model
  return {
    ...{ id, kinds, scouts, contextTokens, about, abilities: abilitiesIn(abilities) },
    promptDollars: dollars(promptPrice),
    answerDollars: dollars(answerPrice),
    firstContentMs: speed?.firstContentMs ?? null,
    tokensPerSecond: speed?.tokensPerSecond ?? null,
  }
}
