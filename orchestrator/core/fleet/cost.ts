/**
 * What placing a task with a scout is expected to cost, in milliseconds, term by term. Placement compares candidates by
 * it, the grant carries it to the client, listings show it. It reads records and capabilities and changes neither.
 */
import { isPeerOperator } from '../../../shared/scouts/scout-id.ts'
import type { Capability, Intent, Scout, Task } from '../model/object-graph.ts'

/** Expected cost of a placement, term by term, in milliseconds. */
export interface Cost {
  firstContentMs: number
  tokensMs: number
  loadMs: number
  /** What a typical task costs there in money, weighed against time. */
  priceMs: number
  failureMs: number
  operatorMs: number
  /** Its scroll is spread over operators, and stays near the scout that has the conversation; may be negative. */
  scrollMs: number
  /** What audits of its answers have shown. */
  trustMs: number
  totalMs: number
}

/** What a certain failure would cost: about one lost attempt with its delay. */
const failurePenaltyMs = 10_000
/** Prefer another operator after a failure, but not at any price. */
const sameOperatorPenaltyMs = 5_000
/** Added to how long another hub takes to begin: two hubs work then, so it is to be faster by more than chance. */
const otherHubMs = 40
/** Assumed of a scout whose speed on this model is unknown. */
const unknownFirstContentMs = 500
const unknownTokensPerSecond = 50
/** What a millionth of a dollar weighs: it decides between equally fast scouts, but a second is worth a whole cent. */
const priceMsPerMicro = 0.1
/** The same for a client that sorts by price: only between scouts that cost about the same anything else decides. */
const sortedPriceMsPerMicro = 1_000
/** Length of answer by which speeds are compared. */
const typicalTokens = 200

/** For each task of the same scroll that an operator works on, up to a bound: then no one's end stops all of it. */
const siblingPenaltyMs = 300
const siblingPenaltyMsMax = 1_500
/** For the scout that answered what the task needs: its provider may still have the conversation at hand. */
const nearBonusMs = 300

/** Cost of nothing, to be filled in. */
export function blankCost(): Cost {
  const times = { firstContentMs: 0, tokensMs: 0, loadMs: 0 }
  return { ...times, priceMs: 0, failureMs: 0, operatorMs: 0, scrollMs: 0, trustMs: 0, totalMs: 0 }
}

/** Of the two times the one that the client sorts by counts so many times as much. */
const sortWeight = 5

/** What of a task bears on who suits it. */
export type Suited = Pick<Task, 'kind' | 'model' | 'routing' | 'promptBytes' | 'triedOperators' | 'intent' | 'near'>

/**
 * What placing the task here would cost, in milliseconds; the terms include the client's weights and add up. They are
 * written into `cost`, because two candidates are compared for every task and one of them is remembered.
 */
export function costOf(capability: Capability, task: Suited, cost: Cost = blankCost()): Cost {
  const { scout, samples } = capability
  const { record } = scout
  const { sort } = task.routing
  const plainFirstMs = samples > 0 ? capability.firstContentMs : unknownFirstContentMs
  const plainTokensMs = (typicalTokens * 1000) / (capability.tokensPerSecond || unknownTokensPerSecond)
  const awayMs = isPeerOperator(record.operator) ? otherHubMs : 0
  cost.firstContentMs = (sort === 'latency' ? sortWeight : 1) * (plainFirstMs + awayMs)
  cost.tokensMs = (sort === 'throughput' ? sortWeight : 1) * plainTokensMs
  // Engines batch: a full scout is slower than an empty one, but not as many times as it has tasks.
  cost.loadMs = (scout.running / Math.max(1, scout.capacity)) * (plainFirstMs + plainTokensMs)
  cost.priceMs = (sort === 'price' ? sortedPriceMsPerMicro : priceMsPerMicro) * capability.typicalMicros
  cost.failureMs = record.failureRate * failurePenaltyMs
  const { triedOperators } = task
  const isRepeat = triedOperators.length > 0 && triedOperators.includes(record.operator)
  cost.operatorMs = isRepeat ? sameOperatorPenaltyMs : 0
  cost.scrollMs = task.intent === null ? 0 : scrollCostMs(scout, task.intent, task.near)
  cost.trustMs = capability.mark === null ? 0 : capability.mark.trustMs
  const { firstContentMs, tokensMs, loadMs, priceMs, failureMs, operatorMs, scrollMs, trustMs } = cost
  cost.totalMs = firstContentMs + tokensMs + loadMs + priceMs + failureMs + operatorMs + scrollMs + trustMs
  return cost
}

/**
 * Whether another hub would cost less than a scout of this one that is idle. That has to be known: what nobody has seen
 * of either does not count. Nor does load: how much is taken of what a hub takes at once says nothing of how busy its
 * scouts are, which shows in how long it took to begin.
 */
export function isHubCheaper(hub: Capability, hubCost: Cost, own: Capability, ownCost: Cost): boolean {
  if (own.samples === 0) return false
  const areTokensKnown = hub.tokensPerSecond > 0 && own.tokensPerSecond > 0
  const knownMs = ({ totalMs, loadMs, tokensMs }: Cost) => totalMs - loadMs - (areTokensKnown ? 0 : tokensMs)
  return knownMs(hubCost) < knownMs(ownCost)
}

function scrollCostMs({ record }: Scout, { leasedBy }: Intent, near: string): number {
  const siblingsMs = Math.min((leasedBy.get(record.operator) ?? 0) * siblingPenaltyMs, siblingPenaltyMsMax)
  return siblingsMs - (near === record.scout ? nearBonusMs : 0)
}
