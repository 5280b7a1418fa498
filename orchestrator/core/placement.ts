/**
 * Which scout gets a task. A few idle candidates are drawn at random and the one with the lowest expected cost in
 * milliseconds wins (the power of d choices: Mitzenmacher, 2001), so the price of a placement does not depend on the
 * size of the fleet. Predictions rank, they never reject; each decision can name the terms of its cost.
 */

import { autoModel, type Offer } from '../../shared/task.ts'
import type { CapabilityIndex } from './capability-index.ts'
import type { Cost, Intent, ModelEntry, Requirements, Scout, Task } from './entities.ts'
import type { Random } from './random.ts'

/** Candidates compared per placement. */
const choices = 2
/** Draws to find them: some may be repeats or have had this task before. */
const draws = 8
/** Share of placements that take an untested candidate when one was drawn, so that newcomers can earn a record. */
const explorationShare = 0.05
/** What a certain failure would cost: about one lost attempt with its delay. */
const failurePenaltyMs = 10_000
/** Prefer another operator after a failure, but not at any price. */
const sameOperatorPenaltyMs = 5_000
/** Assumed of a scout whose speed on this model is unknown. */
const unknownFirstContentMs = 500
const unknownTokensPerSecond = 50
/** Length of answer by which speeds are compared. */
const typicalTokens = 200

/** For each task of the same scroll that an operator works on, up to a bound: then no one's end stops all of it. */
const siblingPenaltyMs = 300
const siblingPenaltyMsMax = 1_500
/** For the scout that answered what the task needs: its provider may still have the conversation at hand. */
const nearBonusMs = 300

/** What the client sorts by counts this many times as much as the rest. */
const sortWeight = 5

/** What of a task bears on who suits it. */
type Suited = Pick<Task, 'kind' | 'model' | 'wishes' | 'triedOperators' | 'intent' | 'near'>

/** The offer with which this scout would serve the task; undefined when its client wants none of them. */
export function offerFor(scout: Scout, task: Task): Offer | undefined {
  if (task.model === autoModel) return firstWanted(scout, task)
  const { offers, entries } = scout.klass
  const offer = offers[entries.indexOf(task.entry)]
  return offer !== undefined && isWanted(scout, offer, task) ? offer : undefined
}

function firstWanted(scout: Scout, task: Suited): Offer | undefined {
  return scout.klass.offers.find((offer) => offer.kind === task.kind && isWanted(scout, offer, task))
}

/** Whether the client excludes anybody. */
export function isChoosy({ wishes }: Pick<Task, 'wishes'>): boolean {
  return wishes.only.length > 0 || wishes.ignore.length > 0 || wishes.requires !== null
}

function isWanted({ record }: Scout, offer: Offer, task: Suited): boolean {
  if (!isChoosy(task)) return true
  const { provider } = offer
  const { only, ignore, requires } = task.wishes
  if (requires !== null && !meets(offer, requires)) return false
  const isOneOf = (names: readonly string[]) =>
    names.includes(record.scout) || names.includes(record.operator) || names.includes(provider)
  return (only.length === 0 || isOneOf(only)) && !isOneOf(ignore)
}

function meets(offer: Offer, { contextTokensMin, abilities, priceMax }: Requirements): boolean {
  const { contextTokens, promptPrice, answerPrice } = offer
  if (contextTokensMin !== undefined && contextTokens > 0 && contextTokens < contextTokensMin) return false
  if (abilities !== undefined && (offer.abilities & abilities) !== abilities) return false
  if (priceMax === undefined) return true
  return promptPrice !== null && answerPrice !== null && Math.max(promptPrice, answerPrice) <= priceMax
}

/** The model this scout would use for the task. */
function servedModel(scout: Scout, task: Suited): string {
  return task.model === autoModel ? (firstWanted(scout, task)?.model ?? task.model) : task.model
}

/** What placing the task here would cost, in milliseconds; the terms include the client's weights and add up. */
export function costOf(scout: Scout, task: Suited): Cost {
  const speed = scout.record.speeds.get(servedModel(scout, task))
  const [firstWeight, tokensWeight] = task.wishes.sort === 'throughput' ? [1, sortWeight] : [sortWeight, 1]
  const plainFirstMs = speed?.firstContentMs ?? unknownFirstContentMs
  const plainTokensMs = (typicalTokens * 1000) / (speed?.tokensPerSecond || unknownTokensPerSecond)
  const firstContentMs = firstWeight * plainFirstMs
  const tokensMs = tokensWeight * plainTokensMs
  // Engines batch: a full scout is slower than an empty one, but not as many times as it has tasks.
  const loadMs = (scout.leased.size / Math.max(1, scout.capacity)) * (plainFirstMs + plainTokensMs)
  const failureMs = scout.record.failureRate * failurePenaltyMs
  const operatorMs = task.triedOperators.includes(scout.record.operator) ? sameOperatorPenaltyMs : 0
  const scrollMs = task.intent === null ? 0 : scrollCostMs(scout, task.intent, task.near)
  const totalMs = firstContentMs + tokensMs + loadMs + failureMs + operatorMs + scrollMs
  return { firstContentMs, tokensMs, loadMs, failureMs, operatorMs, scrollMs, totalMs }
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
  if (isChoosy(task) && offerFor(scout, task) === undefined) return false
  const { triedScouts } = task
  return triedScouts.length === 0 || !triedScouts.includes(scout.record.scout) || entry.scouts <= triedScouts.length
}

/** The most suitable idle scout; undefined when none is idle that may have it. */
export function chooseScout(index: CapabilityIndex, entry: ModelEntry, task: Task, random: Random): Scout | undefined {
  let best: Scout | undefined
  let bestMs = Number.POSITIVE_INFINITY
  let newcomer: Scout | undefined
  let compared = 0
  for (let draw = 0; draw < draws && compared < choices; draw++) {
    const scout = index.sampleIdle(entry, random)
    if (scout === undefined) return undefined
    if (scout === best || !mayTry(entry, scout, task)) continue
    compared++
    if (scout.record.done + scout.record.failed === 0) newcomer = scout
    const { totalMs } = costOf(scout, task)
    if (totalMs < bestMs) {
      best = scout
      bestMs = totalMs
    }
  }
  if (best === undefined) return searchFew(entry, task)
  return newcomer !== undefined && random.unit() < explorationShare ? newcomer : best
}

/** Chance found only scouts that had the task before: look through the idle ones, as long as they are few. */
function searchFew(entry: ModelEntry, task: Task): Scout | undefined {
  let looks = 64
  for (const klass of entry.readyClasses) {
    // One look for a class that is listed and has nobody idle any more, one for each scout of the others.
    if (klass.idle.size === 0 && --looks === 0) return undefined
    for (const scout of klass.idle) {
      if (mayTry(entry, scout, task)) return scout
      if (--looks === 0) return undefined
    }
  }
  return undefined
}
