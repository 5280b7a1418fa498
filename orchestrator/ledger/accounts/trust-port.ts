/**
 * What the ledger asks about trust, and what it is told, as plain data. Where audits have consequences they answer.
 * Else a simple policy does: a scout is trusted with a model after some paid tasks on more than one day, and nobody is
 * convicted. Pure.
 */
import { simpleTrustDays, simpleTrustTasks } from '../../../shared/limits/ledger/ledger.ts'
import { isPeerOperator, operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { Pledge } from './account.ts'

/** Asked when points are counted and when escrow is looked through. */
export interface TrustView {
  /** Whether what this scout earned with this model may vest now. */
  isTrusted(scout: string, model: string): boolean
  /** Whether its tasks earn nothing now. */
  isConvicted(scout: string, model: string): boolean
  /**
   * When it was convicted last, in milliseconds since 1970, though that conviction be over; null for who never was, for
   * who was cleared since, and while an appeal decides.
   */
  convictedMs(scout: string, model: string): number | null
}

/**
 * What the trust part decided: the points of these tasks are set aside until it has decided, given back, or burnt.
 * Tasks without a receipt, or whose points are gone, are passed over.
 */
export interface Verdict {
  /** Of the dispute or conviction; kept with each transfer that follows from it. */
  id: string
  do: 'hold' | 'release' | 'clawback'
  tasks: readonly number[]
  /** Where points are spent: what its sides have pledged, and whether that is lost. */
  pledges?: readonly (Pledge & { isLost: boolean })[]
  /** And what its client had spent on the answer, which it is given back. Once, with the end of its pledges. */
  repay?: { tenant: string; points: number }
}

/** What audits have found out; scouts of other hubs are judged there, so that here the simple policy is for them. */
export function auditedTrust(found: TrustView, simple: TrustView): TrustView {
  const judgeOf = (scout: string) => (isPeerOperator(operatorOf(scout)) ? simple : found)
  return {
    isTrusted: (scout, model) => judgeOf(scout).isTrusted(scout, model),
    isConvicted: (scout, model) => judgeOf(scout).isConvicted(scout, model),
    convictedMs: (scout, model) => judgeOf(scout).convictedMs(scout, model),
  }
}

/** Tasks that were paid, and days on which there were any, of a scout with a model. */
export interface Record {
  paidTasks: number
  days: number
}

export function simpleTrust(recordOf: (scout: string, model: string) => Record): TrustView {
  return {
    isTrusted(scout, model) {
      const { paidTasks, days } = recordOf(scout, model)
      return paidTasks >= simpleTrustTasks && days >= simpleTrustDays
    },
    isConvicted: () => false,
    convictedMs: () => null,
  }
}
