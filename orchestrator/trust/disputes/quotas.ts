/**
 * Who may file a dispute or an appeal now. A dispute makes other people's machines work and sets points aside, so each
 * client has a few at once and a share of its own tasks, one that is rejected counts twice, and who keeps losing waits.
 * Pure: asked with the newest disputes, which outlive the process.
 */
import {
  disputesCountedMs,
  disputesPerClientMin,
  disputesPerClientShare,
  disputesPerDayMin,
  disputeTasksShare,
  lostAmong,
  lostMax,
  lostPauseMs,
  openPerClientMax,
  openPerOwnerMax,
  tasksPerHearing,
} from '../../../shared/limits/trust/disputes.ts'
import type { Side } from './dispute.ts'

/** What counts of each dispute, newest first. */
export interface Counted {
  tenant: string
  operator: string
  filedMs: number
  isOpen: boolean
  /** The side against which it was decided; null for none, and while it is open. */
  loser: Side | null
  /** When that was. */
  endedMs: number
  /** Who asked for a second hearing, and when. */
  appeal: { by: Side; atMs: number } | null
}

export type QuotaFlaw = 'client_open' | 'owner_open' | 'client_month' | 'client_lost' | 'owner_lost' | 'day'

const dayMs = 86_400_000

/** Why this client may file no other dispute about a scout of this operator; null when it may. */
export function filingFlaw(
  known: readonly Counted[],
  { tenant, operator }: Pick<Counted, 'tenant' | 'operator'>,
  { nowMs, ownTasks, settledTasks }: { nowMs: number; ownTasks: number; settledTasks: number },
): QuotaFlaw | null {
  const own = known.filter((one) => one.tenant === tenant)
  if (own.filter(({ isOpen }) => isOpen).length >= openPerClientMax) return 'client_open'
  if (hasLostTooOften(own, 'client', nowMs)) return 'client_lost'
  const month = own.filter(({ filedMs }) => nowMs - filedMs < disputesCountedMs)
  const used = month.reduce((sum, { loser }) => sum + (loser === 'client' ? 2 : 1), 0)
  if (used >= disputesPerClientMin + Math.floor(disputesPerClientShare * ownTasks)) return 'client_month'
  if (known.filter((one) => one.operator === operator && one.isOpen).length >= openPerOwnerMax) return 'owner_open'
  return dayFlaw(known, settledTasks, nowMs)
}

/** The same of an appeal: an owner who keeps losing its appeals waits as well. */
export function appealFlaw(
  known: readonly Counted[],
  { tenant, operator }: Pick<Counted, 'tenant' | 'operator'>,
  by: Side,
  { nowMs, settledTasks }: { nowMs: number; settledTasks: number },
): QuotaFlaw | null {
  const own = known.filter((one) => (by === 'client' ? one.tenant === tenant : one.operator === operator))
  const appealed = own.filter(({ appeal }) => appeal?.by === by)
  if (hasLostTooOften(appealed, by, nowMs)) return by === 'client' ? 'client_lost' : 'owner_lost'
  return dayFlaw(known, settledTasks, nowMs)
}

function dayFlaw(known: readonly Counted[], settledTasks: number, nowMs: number): QuotaFlaw | null {
  let hearings = 0
  for (const { filedMs, appeal } of known) {
    if (nowMs - filedMs < dayMs) hearings++
    // Twice as many are asked, and more.
    if (appeal !== null && nowMs - appeal.atMs < dayMs) hearings += 2
  }
  const most = Math.max(disputesPerDayMin, Math.floor((disputeTasksShare * settledTasks) / tasksPerHearing))
  return hearings >= most ? 'day' : null
}

function hasLostTooOften(own: readonly Counted[], side: Side, nowMs: number): boolean {
  const ended = own.filter(({ isOpen, loser }) => !isOpen || loser !== null).slice(0, lostAmong)
  const lost = ended.filter(({ loser }) => loser === side)
  const last = Math.max(...lost.map(({ endedMs }) => endedMs))
  return lost.length >= lostMax && nowMs - last < lostPauseMs
}
