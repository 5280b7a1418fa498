/**
 * The ledger as the edges see it: what scouts earned and why something earned nothing, seasons and their statements,
 * receipts with what is needed to check them. Everything is asked of the brain, which owns the ledger.
 */
import type { Fault } from '../../../../shared/faults.ts'
import type { Conservation } from '../../../ledger/accounts/balances.ts'
import type { Earning } from '../../../ledger/accounts/earnings.ts'
import type { SeasonRow } from '../../../ledger/accounts/projector.ts'
import type { Verdict } from '../../../ledger/accounts/trust-port.ts'
import type { Batch, SealedBatch } from '../../../ledger/receipts/chain.ts'
import type { Statement, StatementRow } from '../../../ledger/statement.ts'
import type { LedgerWitness } from './attested.ts'
import type { EarningFilter } from './ledger-store.ts'
import type { Pledges } from './pledges.ts'

/** Whether people are shown points: not at all, or as what they earned; or have to spend them on what they ask. */
export const pointsModes = ['off', 'show', 'spend'] as const
export type PointsMode = (typeof pointsModes)[number]

/** How an operator stands in the season that is open now. */
export interface OperatorPoints {
  season: string
  /** Vested in it. */
  earned: number
  /** In escrow, of whatever season. */
  waiting: number
  /** Those of them whose scout is not trusted with its model, as of minutes ago; null soon after a start. */
  untrusted: number | null
  /** Those that waited when their scout was convicted, and when the first of them are burnt; as of minutes ago. */
  convicted: number
  burnsMs: number | null
}

export interface LeaderboardRow extends StatementRow {
  /** In escrow. */
  waiting: number
}

/** What an owner has to spend on its requests. */
export interface SpendablePoints {
  available: number
  /** Set aside for tasks that are under way: what they do not cost comes back. */
  reserved: number
  /** Earned in seasons that are not closed: what can be made available. */
  earned: number
}

/** One task's receipt with what proves it. */
export interface ReceiptProof {
  receipt: Uint8Array
  salt: Uint8Array
  index: number
  path: Uint8Array[]
  head: Uint8Array
  signature: Uint8Array
}

export interface LedgerReport {
  /** The hub's public key. */
  readonly hub: string
  readonly mode: PointsMode
  /** What receipts say of single answers, for disputes. */
  readonly witness: LedgerWitness
  /** Null where points are not spent. */
  readonly pledges: Pledges | null
  /** `season`: the present one when absent. */
  pointsOf(operator: string, season?: string): OperatorPoints
  /** Newest day first. */
  earnings(filter: EarningFilter): Earning[]
  /** Oldest first. */
  seasons(): SeasonRow[]
  /** Undefined for a season of which nothing is known. */
  statement(season: string): Statement | undefined
  /** Of the present season: the most points first. */
  leaderboard(): readonly LeaderboardRow[]
  /** Under which name an operator agreed to be shown; null without one. */
  shownAs(operator: string): string | null
  /** Under which name an operator agrees to be shown; null for none. What stood in the way, null when nothing did. */
  showAs(operator: string, name: string | null): Promise<Fault | null>
  /** Points that are set aside for tasks now. */
  readonly held: number
  /** Null where points are not spent. */
  spendable(tenant: string): SpendablePoints | null
  /**
   * Moves so many points that an operator earned to what a client can spend, be it itself or another one. What stood in
   * the way, null when nothing did.
   */
  deposit(operator: string, client: string, points: number): Promise<Fault | null>
  /** Takes back the key with which this scout signs: the next one is kept. False when there is none. */
  unpin(scout: string): Fault | boolean
  /** Signatures of scouts over their answers, by what became of them. */
  signaturesSeen(): Readonly<Record<string, number>>
  /** The signature over the bytes of a file. */
  sign(bytes: Uint8Array): Uint8Array
  conservation(): Conservation
  /** The number of the last batch that is sealed; 0 for none. */
  lastSeq(): number
  /** `waiting`: it is not sealed yet. Undefined for a task without a receipt, and for one of somebody else. */
  receipt(task: number, owner: string | null): ReceiptProof | 'waiting' | undefined
  batchesAfter(seq: number, limit: number): Batch[]
  /** The same as they are stored: their leaves in one piece. */
  sealedAfter(seq: number, limit: number): SealedBatch[]
  /** Text of the rules with this hash. */
  rulesText(hash: Uint8Array): string | undefined
  /** Whether this leaf of a batch concerns an owner: its scout's, or its request. */
  concerns(leaf: Uint8Array, owner: string): boolean
  /** Moves the points of these tasks as the trust part has decided; the points that could not be reached. */
  judge(verdict: Verdict): number
}
