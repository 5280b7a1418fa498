/**
 * Points in a network of hubs, for the routes that show those of this one: what an operator has at all hubs, and how
 * much of it is of which. Seasons are closed and paid by each hub for itself.
 */
import type { LeaderboardRow, LedgerReport } from '../../engine/ports/ledger/ledger.ts'
import type { NetworkLedgerReport } from '../../engine/ports/network/network-ledger.ts'
import type { OperatorSum } from '../../ledger/network/network-ledger.ts'
import type { RequestContext } from '../request-context.ts'

/** Null for a hub by itself. */
export function networkPoints({ edge }: RequestContext, operator: string, season: string) {
  const sum = edge.network?.ledger?.operator(operator, season)
  if (sum === undefined) return null
  const { earned, waiting, unacknowledged } = sum
  return { earned, waiting, unacknowledged, hubs: sum.hubs }
}

/** The leaderboard of the network; names are of those who agreed to be shown at this hub. */
export function networkRows(
  network: NetworkLedgerReport,
  ledger: Pick<LedgerReport, 'shownAs'>,
  season: string,
): LeaderboardRow[] {
  return network.season(season).map(({ operator, earned: points, waiting }) => {
    return { operator, name: ledger.shownAs(operator) ?? '', points, waiting }
  })
}

export function hubsOf(network: NetworkLedgerReport, operator: string, season: string) {
  return network.operator(operator, season).hubs.map(({ hub, earned, waiting }) => ({ hub, points: earned, waiting }))
}

/** What all operators have of a season, at each hub. */
export function sumsOf(network: NetworkLedgerReport, season: string) {
  const hubs = new Map<string, { hub: string; points: number; waiting: number }>()
  for (const sum of network.season(season)) addTo(hubs, sum)
  return { network: [...hubs.values()] }
}

function addTo(hubs: Map<string, { hub: string; points: number; waiting: number }>, { hubs: shares }: OperatorSum) {
  for (const { hub, earned, waiting } of shares) {
    const row = hubs.get(hub) ?? { hub, points: 0, waiting: 0 }
    row.points += earned
    row.waiting += waiting
    hubs.set(hub, row)
  }
}
