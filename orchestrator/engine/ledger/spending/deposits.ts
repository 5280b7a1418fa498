/**
 * Earned points that their operator makes spendable, for itself or for another client: taken from its oldest season
 * that is not closed, which they then are no part of.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import { clientOf, earnedOf } from '../../../ledger/accounts/account.ts'
import type { Transfer } from '../../../ledger/accounts/events.ts'
import type { Projector } from '../../../ledger/accounts/projector.ts'
import { isFrozen } from '../../../ledger/seasons/season.ts'

/** What an operator has earned in seasons that are not closed, the oldest first. */
export function openEarnings(
  { balances, seasons }: Projector,
  operator: string,
): { account: string; points: number }[] {
  const open = [...seasons.values()].filter(({ state }) => !isFrozen(state)).map(({ season }) => season)
  const accounts = open.sort().map((season) => earnedOf(season, operator))
  return accounts.map((account) => ({ account, points: balances.of(account) })).filter(({ points }) => points > 0)
}

export function depositEvents(
  projector: Projector,
  operator: string,
  client: string,
  points: number,
): Transfer[] | Fault {
  const events: Transfer[] = []
  let rest = points
  for (const { account: from, points: has } of openEarnings(projector, operator)) {
    const some = Math.min(rest, has)
    if (some > 0) events.push({ type: 'transfer', why: 'deposit', from, to: clientOf(client), points: some })
    rest -= some
  }
  if (rest === 0) return events
  const text = `You have ${points - rest} earned points in seasons that are not closed, and not ${points}`
  return fault('insufficient_points', `${text}: name fewer, or wait until more have vested.`, { param: 'points' })
}
