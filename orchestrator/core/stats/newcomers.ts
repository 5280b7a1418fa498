/**
 * The places of newcomers: whoever has not proved itself with a model has few tasks at once, and an owner's newcomers
 * share a bounded number, or new names would be as good as proof. Windows take and free places; who found none for
 * lack of its operator's is noted, and looks for work again once there is one. Kept only of operators with newcomers.
 */
import { newcomersInFlightMax } from '../../../shared/limits/trust/audits.ts'
import type { NewcomerPlaces } from '../model/scout.ts'

export class Newcomers {
  private readonly byOperator = new Map<string, NewcomerPlaces>()
  /** Those that have a place, and sessions that wait for one. */
  private readonly roomy = new Set<NewcomerPlaces>()

  /** One window more of this operator's. */
  enter(operator: string): NewcomerPlaces {
    let places = this.byOperator.get(operator)
    if (places === undefined) {
      places = { operator, windows: 0, running: 0, waiting: new Set(), roomy: this.roomy }
      this.byOperator.set(operator, places)
    }
    places.windows++
    return places
  }

  /** One window less, which had so many leases. */
  leave(places: NewcomerPlaces, running: number): void {
    places.windows--
    countPlaces(places, -running)
    if (places.windows > 0) return
    this.byOperator.delete(places.operator)
    this.roomy.delete(places)
  }

  /** A session that found no place before and may find one now; undefined when there is none. */
  next(): number | undefined {
    if (this.roomy.size === 0) return undefined
    for (const places of this.roomy) {
      const [session] = isFull(places) ? [] : places.waiting
      if (session !== undefined) {
        places.waiting.delete(session)
        return session
      }
      this.roomy.delete(places)
    }
    return undefined
  }

  all(): Iterable<NewcomerPlaces> {
    return this.byOperator.values()
  }
}

/** So many leases more, or less, in the windows of an operator's newcomers. */
export function countPlaces(places: NewcomerPlaces, more: number): void {
  places.running += more
  if (more < 0 && places.waiting.size > 0 && !isFull(places)) places.roomy.add(places)
}

export function isFull({ running }: NewcomerPlaces): boolean {
  return running >= newcomersInFlightMax
}
