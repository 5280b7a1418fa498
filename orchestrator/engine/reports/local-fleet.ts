/**
 * What the scouts that dialled this hub itself can do, without those that stand for other hubs: what a hub tells the
 * others of itself. Counted from the sessions when it is asked for, a few times a second at most: a look at each
 * session and at each class of equal offers.
 */
import { isPeerOperator } from '../../../shared/scouts/scout-id.ts'
import type { Offer } from '../../../shared/task.ts'
import { autoModel } from '../../../shared/task.ts'
import type { OfferClass } from '../../core/model/object-graph.ts'
import type { CoreState } from '../../core/state.ts'
import type { LocalFleet, LocalModel } from '../ports/client.ts'

/** Scouts with equal offers. */
interface ClassCount {
  scouts: number
  idle: number
}

export function localFleet({ roster, queued, intents: { size: intents } }: CoreState): LocalFleet {
  const fleet: LocalFleet = { scouts: 0, concurrency: 0, credits: 0, running: 0, queued, intents, models: [] }
  const classes = new Map<OfferClass, ClassCount>()
  for (const scout of roster.bySession.values()) {
    if (isPeerOperator(scout.record.operator) || scout.state !== 'ready') continue
    fleet.scouts++
    fleet.concurrency += scout.capacity
    fleet.credits += scout.credits
    fleet.running += scout.running
    let count = classes.get(scout.klass)
    if (count === undefined) {
      count = { scouts: 0, idle: 0 }
      classes.set(scout.klass, count)
    }
    count.scouts++
    if (scout.idle) count.idle++
  }
  fleet.models = modelsOf(classes)
  return fleet
}

function modelsOf(classes: ReadonlyMap<OfferClass, ClassCount>): LocalModel[] {
  const models = new Map<string, LocalModel>()
  for (const [{ offers }, { scouts, idle }] of classes) {
    for (const offer of offers) {
      if (offer.model === autoModel) continue
      const key = `${offer.kind} ${offer.model}`
      const known = models.get(key)
      if (known === undefined) models.set(key, { offer, scouts, idle })
      else {
        known.scouts += scouts
        known.idle += idle
        known.offer = wider(known.offer, offer)
      }
    }
  }
  return [...models.values()].sort((one, other) => (one.offer.model < other.offer.model ? -1 : 1))
}

/** An offer that promises what one of the two does. */
function wider(one: Offer, other: Offer): Offer {
  return {
    ...one,
    contextTokens: Math.max(one.contextTokens, other.contextTokens),
    abilities: one.abilities | other.abilities,
    promptPrice: lower(one.promptPrice, other.promptPrice),
    answerPrice: lower(one.answerPrice, other.answerPrice),
    about: one.about || other.about,
    requestBytesMax: Math.max(one.requestBytesMax, other.requestBytesMax),
  }
}

function lower(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.min(one, other)
}
