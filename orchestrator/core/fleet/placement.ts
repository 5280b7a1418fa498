/**
 * Which scout gets a task. A few idle candidates are drawn at random and the one with the lowest expected cost in
 * milliseconds wins (the power of d choices: Mitzenmacher, 2001), so the price of a placement does not depend on the
 * size of the fleet. Predictions rank, they never reject; each decision can name the terms of its cost.
 */

import { autoModel, type Offer } from '../../../shared/task.ts'
import type { Capability, Cost, Intent, ModelEntry, Requirements, Scout, ScoutRecord, Task } from '../model/entities.ts'
import type { Random } from '../model/random.ts'
import { type CapabilityIndex, isAble } from './capability-index.ts'

/** Draws to find each of the two candidates: some may be repeats or have had this task before. */
const drawsMax = 8
/** Scouts looked at one by one when draws found nobody. */
const looksMax = 64
/** Share of placements that take an untested candidate when one was drawn, so that newcomers can earn a record. */
const explorationShare = 0.05
/** What a certain failure would cost: about one lost attempt with its delay. */
const failurePenaltyMs = 10_000
/** Prefer another operator after a failure, but not at any price. */
const sameOperatorPenaltyMs = 5_000
/** Assumed of a scout whose speed on this model is unknown. */
const unknownFirstContentMs = 500
const unknownTokensPerSecond = 50
/** What a millionth of a dollar weighs: equally fast scouts are told apart, but a second is worth a whole cent. */
const priceMsPerMicro = 0.1
/** The same for a client that sorts by price: only scouts that cost about the same are told apart by anything else. */
const sortedPriceMsPerMicro = 1_000
/** Attempts that ended well before a scout's record says anything about trust. */
const trustedAttemptsMin = 5
/** Length of answer by which speeds are compared. */
const typicalTokens = 200

/** For each task of the same scroll that an operator works on, up to a bound: then no one's end stops all of it. */
const siblingPenaltyMs = 300
const siblingPenaltyMsMax = 1_500
/** For the scout that answered what the task needs: its provider may still have the conversation at hand. */
const nearBonusMs = 300

/** Cost of nothing, to be filled in. */
function blankCost(): Cost {
  const times = { firstContentMs: 0, tokensMs: 0, loadMs: 0 }
  return { ...times, priceMs: 0, failureMs: 0, operatorMs: 0, scrollMs: 0, totalMs: 0 }
}

/** Of the two times the one that the client sorts by counts so many times as much. */
const sortWeight = 5

/** What of a task bears on who suits it. */
type Suited = Pick<Task, 'kind' | 'model' | 'routing' | 'triedOperators' | 'intent' | 'near'>

/** What this scout would serve the task with; undefined when it cannot, or when its client wants none of it. */
export function capabilityFor(scout: Scout, task: Task): Capability | undefined {
  if (task.model === autoModel) return firstWanted(scout, task)
  const capability = scout.capabilities[scout.klass.entries.indexOf(task.entry)]
  return capability !== undefined && isWanted(capability, task) ? capability : undefined
}

function firstWanted({ capabilities, pauses }: Scout, task: Suited): Capability | undefined {
  return capabilities.find((capability) => {
    const { kind, model } = capability.entry
    return kind === task.kind && model !== autoModel && !pauses?.has(model) && isWanted(capability, task)
  })
}

/** Whether the client excludes anybody. */
export function isChoosy({ routing }: Pick<Task, 'routing'>): boolean {
  return routing.only.length > 0 || routing.ignore.length > 0 || routing.requires !== null
}

function isWanted({ scout, offer, provider }: Capability, task: Suited): boolean {
  if (!isChoosy(task)) return true
  const { only, ignore, requires } = task.routing
  const { record } = scout
  if (requires !== null && !(meets(offer, requires) && isTrusted(record, requires))) return false
  const isOneOf = (names: readonly string[]) =>
    names.includes(record.scout) || names.includes(record.operator) || names.includes(provider)
  return (only.length === 0 || isOneOf(only)) && !isOneOf(ignore)
}

function isTrusted({ done, failureRate }: ScoutRecord, { trustMin }: Requirements): boolean {
  return trustMin === undefined || (done >= trustedAttemptsMin && 1 - failureRate >= trustMin)
}

function meets(offer: Offer, { contextTokensMin, abilities, priceMax }: Requirements): boolean {
  const { contextTokens, promptPrice, answerPrice } = offer
  if (contextTokensMin !== undefined && contextTokens > 0 && contextTokens < contextTokensMin) return false
  if (abilities !== undefined && (offer.abilities & abilities) !== abilities) return false
  if (priceMax === undefined) return true
  return promptPrice !== null && answerPrice !== null && Math.max(promptPrice, answerPrice) <= priceMax
}

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
  cost.firstContentMs = (sort === 'latency' ? sortWeight : 1) * plainFirstMs
  cost.tokensMs = (sort === 'throughput' ? sortWeight : 1) * plainTokensMs
  // Engines batch: a full scout is slower than an empty one, but not as many times as it has tasks.
  cost.loadMs = (scout.running / Math.max(1, scout.capacity)) * (plainFirstMs + plainTokensMs)
  cost.priceMs = (sort === 'price' ? sortedPriceMsPerMicro : priceMsPerMicro) * capability.typicalMicros
  cost.failureMs = record.failureRate * failurePenaltyMs
  const { triedOperators } = task
  const isRepeat = triedOperators.length > 0 && triedOperators.includes(record.operator)
  cost.operatorMs = isRepeat ? sameOperatorPenaltyMs : 0
  cost.scrollMs = task.intent === null ? 0 : scrollCostMs(scout, task.intent, task.near)
  const { firstContentMs, tokensMs, loadMs, priceMs, failureMs, operatorMs, scrollMs } = cost
  cost.totalMs = firstContentMs + tokensMs + loadMs + priceMs + failureMs + operatorMs + scrollMs
  return cost
}

function scrollCostMs({ record }: Scout, { leasedBy }: Intent, near: string): number {
  const siblingsMs = Math.min((leasedBy.get(record.operator) ?? 0) * siblingPenaltyMs, siblingPenaltyMsMax)
  return siblingsMs - (near === record.scout ? nearBonusMs : 0)
}

/**
 * Whether this scout may have the task: not one that its client excludes, and not one that had it before, unless there
 * is no other for the model.
 */
export function mayTry(entry: ModelEntry, scout: Scout, task: Task): boolean {
  if (isChoosy(task) && capabilityFor(scout, task) === undefined) return false
  const { triedScouts } = task
  return triedScouts.length === 0 || !triedScouts.includes(scout.record.scout) || entry.scouts <= triedScouts.length
}

type Lost = 'lostLatency' | 'lostPrice' | 'lostTrust' | 'passedOver'

/** Who gets a task, who of the two drawn does not, and what that one lost by. */
export interface Choice {
  best: Capability
  loser: Capability | null
  /** `passedOver`: by chance, or by what speaks against no scout. */
  lost: Lost
}

const [costOfOne, costOfOther] = [blankCost(), blankCost()]

/** The most suitable idle scout's capability; undefined when none is idle that may have the task. */
export function choose(index: CapabilityIndex, task: Task, random: Random): Choice | undefined {
  // Drawn before any is weighed: what is known of both comes out of memory at the same time.
  const one = draw(index, task, random, undefined)
  const other = one && draw(index, task, random, one)
  if (one === undefined || other === undefined) {
    const only = one ?? searchFew(task)
    return only && { best: only, loser: null, lost: 'passedOver' }
  }
  const oneMs = costOf(one, task, costOfOne).totalMs
  const isOther = costOf(other, task, costOfOther).totalMs < oneMs
  const best = isOther ? other : one
  const loser = isOther ? one : other
  const newcomer = isNew(other) ? other : isNew(one) ? one : undefined
  if (newcomer === loser && random.unit() < explorationShare) return { best: loser, loser: best, lost: 'passedOver' }
  return { best, loser, lost: isOther ? lossOf(costOfOne, costOfOther) : lossOf(costOfOther, costOfOne) }
}

/** Where most of the difference lies. */
function lossOf(loser: Cost, best: Cost): Lost {
  const times = loser.firstContentMs + loser.tokensMs + loser.loadMs
  const latencyMs = times - best.firstContentMs - best.tokensMs - best.loadMs
  const priceMs = loser.priceMs - best.priceMs
  const trustMs = loser.failureMs + loser.operatorMs - best.failureMs - best.operatorMs
  const scrollMs = Math.max(0, loser.scrollMs - best.scrollMs)
  if (latencyMs > scrollMs && latencyMs >= priceMs && latencyMs >= trustMs) return 'lostLatency'
  if (priceMs > scrollMs && priceMs >= trustMs) return 'lostPrice'
  // Equal, or only its place in the scroll speaks against it.
  return trustMs > scrollMs ? 'lostTrust' : 'passedOver'
}

/** A random idle scout that may have the task, and is not the one drawn before. */
function draw(index: CapabilityIndex, task: Task, random: Random, known?: Capability): Capability | undefined {
  const { entry } = task
  for (let times = 0; times < drawsMax; times++) {
    const drawn = index.sampleIdle(entry, random)
    if (drawn === undefined) return undefined
    if (drawn.scout === known?.scout || !mayTry(entry, drawn.scout, task)) continue
    const capability = entry.model === autoModel ? firstWanted(drawn.scout, task) : drawn
    if (capability !== undefined) return capability
  }
  return undefined
}

/** Nobody knows yet how good its scout is. */
function isNew({ scout }: Capability): boolean {
  return scout.record.done + scout.record.failed === 0
}

/** Chance found only scouts that had the task before: look through the idle ones, as long as they are few. */
function searchFew(task: Task): Capability | undefined {
  const { entry } = task
  let looks = looksMax
  for (const { scout, withdrawn } of entry.ready) {
    if (!withdrawn && scout.idle && isAble(scout, entry) && mayTry(entry, scout, task))
      return capabilityFor(scout, task)
    if (--looks === 0) return undefined
  }
  return undefined
}
