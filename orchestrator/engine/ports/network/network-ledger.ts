/**
 * The ledgers of all hubs of a network as this one counts them, for whoever shows them. What a hub closes and pays is
 * its own act: these are sums to look at.
 */

import type { OperatorSum } from '../../../ledger/network/network-ledger.ts'
import type { LedgerReport } from '../ledger/ledger.ts'

/** How far the ledger of one hub is counted here. */
export interface HubLedgerListing {
  /** `unheard`: nothing was told of it yet. `removed`: it is not in the roster, and counts for nothing. */
  state: 'counted' | 'unheard' | 'flawed' | 'removed'
  name: string
  /** Its public key. */
  key: string
  /** The number of the last batch that is counted, and of the first one; 0 where there is none. */
  batch: number
  from: number
  /** Why it counts no further, as a clause. */
  why: string | null
}

export interface NetworkLedgerReport {
  /** Those of the roster, and removed ones that were heard of. */
  hubs(): HubLedgerListing[]
  /** Everybody who has something of this season: the most points first. As of seconds ago. */
  season(season: string): readonly OperatorSum[]
  operator(operator: string, season: string): OperatorSum
}

/** What the network takes of this hub's own ledger. */
export type OwnLedger = Pick<LedgerReport, 'sealedAfter' | 'lastSeq' | 'rulesText'>
