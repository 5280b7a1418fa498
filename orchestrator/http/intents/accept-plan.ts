/**
 * From a request to an accepted intent, for every route that accepts a plan: reads and checks the body, reads the
 * Idempotency-Key, plans, and hands the plan to the engine. Each route supplies what its fields mean to the planner,
 * and shows the accepted intent in its own form. It also decides what becomes of an intent whose client leaves.
 */
import type { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { intentPriorityDefault } from '../../../shared/limits/intents.ts'
import type { IntentView } from '../../engine/ports/intents.ts'
import type { PlanAsked } from '../../engine/ports/planner.ts'
import type { RequestContext } from '../request-context.ts'
import { type JsonBody, readChecked } from '../schema/body.ts'
import { idempotencyOf } from '../schema/idempotency.ts'
import { planContext } from '../schema/planning.ts'

/** What a route makes of its fields. */
interface PlanRequest {
  asked: PlanAsked
  deadlineMs: number
  metadata: Record<string, string>
  priority?: number
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
  const body = await readChecked(context, schema)
  return 'code' in body ? body : acceptPlan(context, body, interpret)
}

/** The same for a body that has been read and checked. */
export async function acceptPlan(
  context: RequestContext,
  body: JsonBody,
  interpret: Interpret,
): Promise<AcceptedPlan | Fault> {
  const { edge, caller } = context
  const request = interpret(body.value)
  if ('code' in request) return request
  const { asked, deadlineMs, metadata, priority = intentPriorityDefault } = request
  const idempotency = request.ignoresKey === true ? null : idempotencyOf(context, body.bytes)
  if (idempotency !== null && 'code' in idempotency) return idempotency
  const plan = await edge.planner.plan(asked, planContext(edge.engine, edge.system, deadlineMs))
  if ('code' in plan) return plan
  const { id: tenant, weight = 1 } = caller!
  const { budgetTokens } = plan
  const accepted = await edge.intents.accept({
    ...{ tenant, weight, plan, priority, deadlineMs, metadata },
    ...(budgetTokens !== undefined && { budgetTokens }),
    ...(idempotency !== null && { idempotency, toldOutcome: request.tellsOutcome === true }),
  })
  if (accepted.type === 'refused') return accepted.fault
  const view = edge.intents.intent(accepted.id, tenant)
  if (view === undefined) return noLongerKept
  return { acceptance: { view, replayed: accepted.replayed, hasKey: idempotency !== null }, sent: body.value }
}

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
  if (!hasKey) void edge.intents.cancel(view.id, caller!.id)
}
