/**
 * The connected scouts a page at a time, each with its last hour in figures and in words, and how many of them are in
 * some trouble. A page looks at no more scouts than it has to; the counts look at each scout once and build nothing.
 */
import { scoutFailingRate, scoutIdleMs } from '../../../shared/limits/http.ts'
import type { System } from '../../../shared/system.ts'
import type { Scout } from '../../core/model/object-graph.ts'
import type { CoreState } from '../../core/state.ts'
import type { FleetHealth, ScoutFilter, ScoutStanding } from '../ports/client.ts'
import type { Listings } from './listings.ts'

export class FleetList {
  constructor(
    private readonly core: CoreState,
    private readonly system: System,
    private readonly listings: Listings,
  ) {}

  /** At most `count` behind this session; sessions are numbered in the order in which they began. */
  after(session: number, count: number, { operator, name, show }: ScoutFilter): ScoutStanding[] {
    const found: ScoutStanding[] = []
    for (const scout of this.core.roster.bySession.values()) {
      if (found.length >= count) break
      if (scout.session <= session || (operator !== undefined && scout.record.operator !== operator)) continue
      if (show !== undefined && !this.troubles(scout)[show]) continue
      const listing = this.listings.listing(scout)
      if (listing === null) continue
      if (name !== undefined && !listing.name.toLowerCase().includes(name.toLowerCase())) continue
      found.push({ ...listing, session: scout.session, ...this.listings.judged(scout) })
    }
    return found
  }

  health(): FleetHealth {
    const health: FleetHealth = { failing: 0, paused: 0, idle: 0 }
    for (const scout of this.core.roster.bySession.values()) {
      const { failing, paused, idle } = this.troubles(scout)
      if (failing) health.failing++
      if (paused) health.paused++
      if (idle) health.idle++
    }
    return health
  }

  private troubles(scout: Scout) {
    const { record, pauses } = scout
    return {
      failing: record.failureRate > scoutFailingRate,
      paused: pauses !== null && pauses.size > 0,
      // One that is new is not idle yet.
      idle: this.system.nowMs() - Math.max(record.wonMs, scout.joinedMs) >= scoutIdleMs,
    }
  }
}
