/**
 * Which scout gets a task. A few idle candidates are drawn at random and the one with the lowest expected cost in
 * milliseconds wins (the power of d choices: Mitzenmacher, 2001), so the price of a placement does not depend on the
 * size of the fleet. Predictions rank, they never reject. What a placement costs is in `cost.ts`.
 */

import { matchesAny } from '../../../shared/keys/key-terms.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { anyPeerOperator, isPeerOperator } from '../../../shared/scouts/scout-id.ts'
import { autoModel, type Offer } from '../../../shared/task.ts'
import type { Capability, ModelEntry, Scout, Task } from '../model/object-graph.ts'
import type { Random } from '../model/random.ts'
import { defaultRouting, type Requirements } from '../model/routing-options.ts'
import { isSpeedOld } from '../stats/records.ts'
import { type CapabilityIndex, canServe } from './capability-index.ts'
import { blankCost, type Cost, costOf, isHubCheaper } from './cost.ts'
import { awaitPlace, hasPlace } from './windows.ts'

/** Draws to find each of the two candidates: some may be repeats or have had this task before. */
const drawsMax = 8
/** Scouts looked at one by one when draws found nobody. */
const looksMax = 64
const manyLooksMax = 1_024
/**
 * Share of placements that take a candidate for being unknown when one was drawn: so newcomers can earn a record, and a
 * scout that was slow once, which nobody would choose again, can show that it no longer is.
 */
const explorationShare = 0.05
/** Attempts that ended well before a scout's record counts for trust. */
const trustedAttemptsMin = 5
/** What of a task says who may have it. */
type Wish = Pick<Task, 'kind' | 'routing' | 'promptBytes'>

/** What this scout would serve the task with; undefined when it cannot, or when it is excluded. */
export function capabilityFor(scout: Scout, task: Task): Capability | undefined {
  if (task.model === autoModel) return firstAccepted(scout, task)
  const capability = scout.capabilities[scout.klass.entries.indexOf(task.entry)]
  return capability !== undefined && isAccepted(capability, task) ? capability : undefined
}

function firstAccepted({ capabilities, pauses, windows }: Scout, task: Wish): Capability | undefined {
  return capabilities.find((capability) => {
    const { kind, model, key } = capability.entry
    if (kind !== task.kind || model === autoModel || pauses?.has(model)) return false
    return (windows === null || hasPlace(windows, key)) && isAccepted(capability, task)
  })
}

/** What a client asks who excludes nobody. */
const anybody: Omit<Wish, 'kind'> = { routing: defaultRouting, promptBytes: 0 }

/** Whether this scout, which can serve the model, may have what excludes nobody: not while it is set aside. */
export function servesAnybody(scout: Scout, entry: ModelEntry): boolean {
  if (entry.convicted === 0) return true
  const { kind, model } = entry
  if (model === autoModel) return firstAccepted(scout, { ...anybody, kind }) !== undefined
  const capability = scout.capabilities[scout.klass.entries.indexOf(entry)]
  return capability !== undefined && !isSetAside(capability, anybody)
}

/** Whether anybody is excluded: by the client, or because the request is larger than what every scout takes. */
export function isConstrained({ routing, promptBytes }: Pick<Task, 'routing' | 'promptBytes'>): boolean {
  const isChoosy = routing.only.length > 0 || routing.ignore.length > 0 || routing.requires !== null
  return isChoosy || promptBytes > bodyBytesMax
}

function isAccepted(capability: Capability, task: Wish): boolean {
  const { scout, offer, provider } = capability
  if (isSetAside(capability, task)) return false
  if (!isConstrained(task)) return true
  if (task.promptBytes > offer.requestBytesMax) return false
  const { only, ignore, requires } = task.routing
  const { record } = scout
  if (requires !== null && !(meets(offer, requires) && isTrusted(capability, requires))) return false
  const isOneOf = (names: readonly string[]) =>
    names.includes(record.scout) ||
    names.includes(record.operator) ||
    names.includes(provider) ||
    (isPeerOperator(record.operator) && names.includes(anyPeerOperator))
  return (only.length === 0 || isOneOf(only)) && !isOneOf(ignore)
}

/** Convicted, while others offer the model; whoever names the scout gets it all the same. */
function isSetAside({ mark, entry }: Capability, { routing }: Pick<Wish, 'routing'>): boolean {
  return mark?.isConvicted === true && entry.convicted < entry.offerers && routing.only.length === 0
}

function isTrusted({ scout, mark }: Capability, { trustMin, isTrusted: isAudited }: Requirements): boolean {
  const { done, failureRate } = scout.record
  if (isAudited === true && mark?.state !== 'trusted') return false
  return trustMin === undefined || (done >= trustedAttemptsMin && 1 - failureRate >= trustMin)
}

function meets(offer: Offer, requires: Requirements): boolean {
  const { models, contextTokensMin, abilities, priceMax } = requires
  const { promptPriceMax = priceMax, answerPriceMax = priceMax } = requires
  if (models !== undefined && !matchesAny(models, offer.model)) return false
  const { contextTokens, promptPrice, answerPrice } = offer
  if (contextTokensMin !== undefined && contextTokens > 0 && contextTokens < contextTokensMin) return false
  if (abilities !== undefined && (offer.abilities & abilities) !== abilities) return false
  return isWithin(promptPrice, promptPriceMax) && isWithin(answerPrice, answerPriceMax)
}

/** A price that nobody knows is within no bound. */
function isWithin(price: number | null, most: number | undefined): boolean {
  return most === undefined || (price !== null && price <= most)
}

/**
 * Whether this scout may have the task: not one that its client or its size excludes, and not one that had it before,
 * unless there is no other for the model. A second opinion comes from another operator or not at all.
 */
export function mayTry(entry: ModelEntry, scout: Scout, task: Task): boolean {
  if ((entry.convicted > 0 || isConstrained(task)) && capabilityFor(scout, task) === undefined) return false
  const { doubt, triedScouts } = task
  if (doubt !== null) return scout.record.operator !== doubt.operator
  return triedScouts.length === 0 || !triedScouts.includes(scout.record.scout) || entry.scouts <= triedScouts.length
}

type Lost = 'lostLatency' | 'lostPrice' | 'lostTrust' | 'passedOver'

/** Who gets a task, who of the two drawn does not, and what that one lost by. */
export interface Choice {
  best: Capability
  loser: Capability | null
  /** `passedOver`: at random, or by terms that are no fault of a scout. */
  lost: Lost
}

/** What a choice looks at beside the task. */
interface Placing {
  readonly index: CapabilityIndex
  readonly random: Random
  readonly nowMs: number
}

const [costOfOne, costOfOther] = [blankCost(), blankCost()]

/** The most suitable idle scout's capability; undefined when none is idle that may have the task. */
export function choose({ index, random, nowMs }: Placing, task: Task): Choice | undefined {
  // Drawn before any is weighed: what is known of both comes out of memory at the same time.
  const one = draw(index, task, random, undefined)
  const other = one && draw(index, task, random, one)
  if (one === undefined || other === undefined) {
    const only = one ?? searchFew(task)
    return only && { best: only, loser: null, lost: 'passedOver' }
  }
  const oneMs = costOf(one, task, costOfOne).totalMs
  const otherMs = costOf(other, task, costOfOther).totalMs
  const [isOneHub, isOtherHub] = [isHub(one), isHub(other)]
  let isOther = otherMs < oneMs
  if (isOneHub && !isOtherHub) isOther = !isHubCheaper(one, costOfOne, other, costOfOther)
  if (isOtherHub && !isOneHub) isOther = isHubCheaper(other, costOfOther, one, costOfOne)
  const best = isOther ? other : one
  const loser = isOther ? one : other
  const lost = isOther ? lossOf(costOfOne, costOfOther) : lossOf(costOfOther, costOfOne)
  const isUnknown = isNew(loser) || (lost === 'lostLatency' && isSpeedOld(loser, nowMs))
  if (isUnknown && random.unit() < explorationShare) return { best: loser, loser: best, lost: 'passedOver' }
  return { best, loser, lost }
}

/** Where most of the difference lies. */
function lossOf(loser: Cost, best: Cost): Lost {
  const times = loser.firstContentMs + loser.tokensMs + loser.loadMs
  const latencyMs = times - best.firstContentMs - best.tokensMs - best.loadMs
  const priceMs = loser.priceMs - best.priceMs
  const trustMs = loser.failureMs + loser.operatorMs + loser.trustMs - best.failureMs - best.operatorMs - best.trustMs
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
    const capability = entry.model === autoModel ? firstAccepted(drawn.scout, task) : drawn
    if (capability !== undefined) return capability
  }
  return undefined
}

function isHub({ scout }: Capability): boolean {
  return isPeerOperator(scout.record.operator)
}

/** Its scout has no record yet. */
function isNew({ scout }: Capability): boolean {
  return scout.record.done + scout.record.failed === 0
}

/** The draws found only scouts that had the task before: look through the idle ones, as long as they are few. */
function searchFew(task: Task): Capability | undefined {
  const { entry } = task
  // One operator's crowd should not hide the other one that a doubted verdict needs, nor many the few that are named.
  let looks = task.doubt === null && task.routing.only.length === 0 ? looksMax : manyLooksMax
  for (const { scout, withdrawn } of entry.ready) {
    if (!withdrawn && scout.idle) {
      if (!canServe(scout, entry)) awaitPlace(scout)
      else if (mayTry(entry, scout, task)) return capabilityFor(scout, task)
    }
    if (--looks === 0) return undefined
  }
  return undefined
}
