/**
 * What is due by the calendar: escrow that vests, or is burnt after a conviction, and seasons that move on. It is
 * looked for now and then, in steps, and gives events; nothing happens before they are sealed. Pure.
 */
import { burnAfterMs, ownerAgeMinMs, vestAfterMs } from '../../../shared/limits/ledger/ledger.ts'
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import { dayMs, isFrozen, moveDue, seasonAt, seasonOfDay } from '../seasons/season.ts'
import { burn, type Escrow, earnedOf, escrowIn } from './account.ts'
import type { LedgerEvent } from './events.ts'
import type { Projector } from './projector.ts'
import type { TrustView } from './trust-port.ts'

/** Accounts that are looked at in one step. */
const accountsPerStep = 200

/** Why points of a conviction are burnt, beside the same of a dispute. */
const note = 'convicted'

/** When escrow is burnt that waited when its scout was convicted; null for other escrow. */
export function burntAtMs({ day, scout, model }: Escrow, trust: Pick<TrustView, 'convictedMs'>): number | null {
  const convictedMs = trust.convictedMs(scout, model)
  return convictedMs === null || day * dayMs > convictedMs ? null : convictedMs + burnAfterMs
}

interface Due {
  nowMs: number
  trust: Pick<TrustView, 'isTrusted' | 'convictedMs'>
  /** When an operator's account was made; null for one that is unknown, which is as good as new. */
  ownerSinceMs: (operator: string) => number | null
  /** No more events than this; the rest is due the next time. */
  eventsMax: number
}

export function* eventsDue(projector: Projector, { nowMs, trust, ownerSinceMs, eventsMax }: Due): Steps<LedgerEvent[]> {
  const events: LedgerEvent[] = []
  for (const { season, state } of projector.seasons.values()) {
    const to = moveDue(season, state, nowMs)
    // Escrow of a season that closes now rolls over: the frozen one is not to be vested into in the same batch.
    if (to === 'closing' || to === 'closed') events.push({ type: 'season', season, to })
  }
  if (events.length > 0) return events
  let looked = 0
  for (const [account, points] of projector.balances.accounts()) {
    if (++looked % accountsPerStep === 0) yield
    const escrow = escrowIn(account)
    if (escrow === null) continue
    const burnsMs = burntAtMs(escrow, trust)
    if (burnsMs !== null) {
      // Neither vests what a conviction holds, though its scout be trusted again.
      if (nowMs >= burnsMs) events.push({ type: 'transfer', why: 'clawback', from: account, to: burn, points, note })
      if (events.length >= eventsMax) break
      continue
    }
    if (nowMs < (escrow.day + 1) * dayMs + vestAfterMs) continue
    const operator = operatorOf(escrow.scout)
    const sinceMs = ownerSinceMs(operator)
    if (sinceMs === null || nowMs - sinceMs < ownerAgeMinMs || !trust.isTrusted(escrow.scout, escrow.model)) continue
    const own = seasonOfDay(escrow.day)
    const season = isFrozen(projector.seasons.get(own)?.state) ? seasonAt(nowMs) : own
    events.push({ type: 'transfer', why: 'vest', from: account, to: earnedOf(season, operator), points })
    if (events.length >= eventsMax) break
  }
  return events
}
