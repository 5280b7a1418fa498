/**
 * Where the ledger is kept: the chain of batches, which is only ever added to; what waits to be sealed; and a snapshot
 * of what the projector made of the chain, so that a start need not fold all of it. Part of the Store port, with the
 * same promises: writes come in batches, all or none, each with its condition.
 */
import type { Earning, EarningChoice } from '../../../ledger/accounts/earnings.ts'
import type { SeasonRow } from '../../../ledger/accounts/projector.ts'

/** A sealed batch as it is stored. */
export interface BatchRow {
  /** From 1, without gaps. */
  seq: number
  /** Milliseconds since 1970. */
  atMs: number
  head: Uint8Array
  signature: Uint8Array
  /** All leaves behind one another, each after its length; empty once its receipts are forgotten. */
  leaves: Uint8Array
}

/** The receipt of a durable task, committed with its settlement and not sealed yet. */
export interface EarnedRow {
  task: number
  receipt: Uint8Array
}

/** An event that a person asked for, which the hub has not looked at yet. */
export interface AskedRow {
  id: number
  /** JSON of an event. */
  event: string
}

/** Where a task's receipt is. */
export interface ReceiptPlace {
  seq: number
  /** Among the leaves of that batch. */
  place: number
}

export interface Snapshot {
  /** The number of the last batch that all of it goes up to; 0 for none. */
  projected: number
  /** And that some row of it may go up to, because the rest of its rows was not written yet. */
  written: number
  /** Those of `points` 0 only say up to where that is so. */
  balances: BalanceRow[]
  seasons: SeasonRow[]
}

export interface BalanceRow {
  account: string
  points: number
  /** The number of the last batch that is in it. */
  upTo: number
}

export type LedgerWrite =
  /**
   * The next batch: its number follows on the last one, and no task of it has a receipt. `tasks`: of its first leaves,
   * in their order. What was waiting for it is removed: the rows of `earned`, by task, and of `asked`, by id.
   */
  | {
      write: 'batch'
      batch: BatchRow
      tasks: readonly number[]
      earned: readonly number[]
      asked: readonly number[]
    }
  /** Goes with the settlement of its task. There must be none of this task. */
  | { write: 'earned'; earned: EarnedRow }
  | { write: 'askLedger'; event: string }
  /** With which key this scout signs; null for none any more. Goes with the batch whose event says so. */
  | { write: 'pin'; scout: string; key: Uint8Array | null }
  /** Of what was asked and cannot be. Unknown ids are passed over. */
  | { write: 'forgetAsked'; id: number }
  /** Rules under which batches are sealed; kept once. */
  | { write: 'rules'; hash: Uint8Array; text: string }
  /**
   * Receipts are forgotten up to batch `to`, and were up to `from`: the leaves of these batches, which lie between the
   * two, and the places of these tasks. Whatever else there is between the two stays.
   */
  | { write: 'forgetLeaves'; from: number; to: number; batches: readonly number[]; tasks: readonly number[] }
  /**
   * Some rows of the snapshot, which go up to batch `balancesUpTo` or `earningsUpTo`. Balances and seasons replace what
   * is there, earnings are added. The whole snapshot goes up to batch `from`, where it must be, and from now on to
   * `to`; accounts that were empty before that are removed.
   */
  | {
      write: 'fold'
      from: number
      to: number
      balances: readonly Pick<BalanceRow, 'account' | 'points'>[]
      balancesUpTo: number
      earnings: readonly Earning[]
      earningsUpTo: number
      seasons: readonly SeasonRow[]
    }

export interface EarningFilter extends EarningChoice {
  limit: number
}

/** For the ledger and its reports. */
export interface LedgerStore {
  lastBatch(): BatchRow | undefined
  batch(seq: number): BatchRow | undefined
  /** In their order. */
  batchesAfter(seq: number, limit: number): BatchRow[]
  /** Up to which batch receipts are forgotten; 0 for none. */
  forgottenUpTo(): number
  /** Undefined for a task without one, and for one that is not sealed, or forgotten. */
  receiptPlace(task: number): ReceiptPlace | undefined
  /** By task. */
  earned(limit: number): EarnedRow[]
  /** Oldest first. */
  asked(limit: number): AskedRow[]
  rulesText(hash: Uint8Array): string | undefined
  /** The key with which this scout signs. */
  pinned(scout: string): Uint8Array | undefined
  snapshot(): Snapshot
  /** Newest day first; those of one day by scout and model. */
  earnings(filter: EarningFilter): Earning[]
  /** Up to which batch the row of this scout, model and day goes; 0 for none. */
  earningUpTo(day: number, scout: string, model: string): number
  /** The rows of a day in which something earned nothing. */
  unpaidOf(day: number): Earning[]
  /** Paid tasks of a scout with a model, and days on which there were any. */
  earningRecord(scout: string, model: string): { paidTasks: number; days: number }
}
