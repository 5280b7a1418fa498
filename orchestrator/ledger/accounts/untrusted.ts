/**
 * Which of the points that wait do so because their scout is not trusted with its model, and which are to be burnt
 * because it was convicted. It is looked through now and then, in steps, so that operators can be told what their
 * points wait for without looking at every account. Pure.
 */

import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import { escrowIn } from './account.ts'
import type { Projector } from './projector.ts'
import type { TrustView } from './trust-port.ts'
import { burntAtMs } from './vesting.ts'

/** Points in escrow of one operator when it was looked through. */
export interface LookedThrough {
  points: number
  /** Those of scouts that are not trusted with their model. */
  untrusted: number
  /** Those that waited when their scout was convicted, and when the first of them are burnt; null for none. */
  convicted: number
  burnsMs: number | null
}

/** Accounts that are looked at in one step. */
const accountsPerStep = 200

/** By operator: of everybody who has earned anything, or waits for it. */
export function* lookThrough(
  projector: Pick<Projector, 'balances' | 'operators'>,
  trust: Pick<TrustView, 'isTrusted' | 'convictedMs'>,
): Steps<Map<string, LookedThrough>> {
  const found = new Map<string, LookedThrough>()
  for (const operator of projector.operators()) found.set(operator, noPoints())
  /** By scout and model: escrow of several days asks the same. */
  const known = new Map<string, boolean>()
  let looked = 0
  for (const [account, points] of projector.balances.accounts()) {
    if (++looked % accountsPerStep === 0) yield
    const escrow = escrowIn(account)
    if (escrow === null) continue
    const { scout, model } = escrow
    const key = `${scout}\t${model}`
    const isTrusted = known.get(key) ?? trust.isTrusted(scout, model)
    known.set(key, isTrusted)
    const sum = found.get(operatorOf(scout)) ?? noPoints()
    found.set(operatorOf(scout), sum)
    sum.points += points
    if (!isTrusted) sum.untrusted += points
    const burnsMs = burntAtMs(escrow, trust)
    if (burnsMs === null) continue
    sum.convicted += points
    sum.burnsMs = Math.min(burnsMs, sum.burnsMs ?? burnsMs)
  }
  return found
}

function noPoints(): LookedThrough {
  return { points: 0, untrusted: 0, convicted: 0, burnsMs: null }
}

/** Of so many points that wait now, those that do for want of trust; `found` is undefined for a newcomer. */
export function untrustedOf(found: LookedThrough | undefined, waiting: number): number {
  // Trust takes days, so that nobody has it at once; and what has come since is like all of what was there.
  const isAll = found === undefined || (found.untrusted > 0 && found.untrusted === found.points)
  return isAll ? waiting : Math.min(found.untrusted, waiting)
}
