/**
 * Trust in one scout (by its durable identity) with one model: its state, its doubt, and the one place that changes
 * both. Doubt is a cumulative sum of log-likelihoods that never falls below 0, so that a long honest past buys nothing
 * for later; what it leads to is decided by fresh checks alone, whose evidence starts at 0. Pure: fed with outcomes of
 * audits and with time, by the trust desk and by the experiment alike.
 */
import type { TrustState } from '../../../shared/scouts/trust-words.ts'
import { nextState, type TrustMove } from './states.ts'
import {
  type AuditOutcome,
  calmDoubt,
  confirmingDoubt,
  confirmingShare,
  convictingEvidence,
  convictionMs,
  convictionMsMax,
  freshChecksMax,
  keptAfterOdd,
  passesNeeded,
  probationMs,
  probeShare,
  probeShareMax,
  repeatsMax,
  trustedShareMin,
  unprovenShare,
  watchedDoubt,
  watchedFactorMax,
  weights,
} from './weights.ts'

export interface TrustRecord {
  scout: string
  model: string
  owner: string
  state: TrustState
  /** Wall clock, as all times here: they outlive the process. */
  sinceMs: number
  firstMs: number
  doubt: number
  /** Passes that count towards trust; the audit share falls with them. */
  passed: number
  /** Checks and failed ones, of all time, for people to read. */
  checks: number
  failed: number
  /** What questions and comparisons have added to doubt, of all time; absent while that is nothing. */
  wrongDoubt?: number
  oddDoubt?: number
  /** Log-likelihood and count of the fresh checks of this confirmation, or of an appeal. */
  evidence: number
  fresh: number
  /** Repeats of one text, and whose requests showed them. */
  repeatTenants: string[]
  /** It was trusted since its first hello, or its last conviction: it is no newcomer, whatever its state is now. */
  isProven?: boolean
  /** Times it came under watch: what was doubted once is looked at more closely for good. */
  watches: number
  /** Convictions so far, when the last one began (0: never), and when this one ends. */
  convictions: number
  convictedMs: number
  untilMs: number
  /** The appeal against this conviction; absent without one. */
  appeal?: Appeal | undefined
  /** What the last conviction took, and an appeal gives back. */
  taken?: Pick<TrustRecord, 'isProven' | 'convictedMs'> | undefined
}

interface Appeal {
  atMs: number
  /** Its fresh checks have shown the same again. */
  isLost: boolean
}

export function newRecord(scout: string, model: string, owner: string, nowMs: number): TrustRecord {
  return {
    ...{ scout, model, owner, state: 'new', sinceMs: nowMs, firstMs: nowMs, doubt: 0, passed: 0, checks: 0 },
    ...{ failed: 0, evidence: 0, fresh: 0, repeatTenants: [], watches: 0, convictions: 0, convictedMs: 0, untilMs: 0 },
  }
}

/** Whether its probation is over. Records of before this was noted say it by their state alone. */
export function isProven(record: Pick<TrustRecord, 'state' | 'isProven'>): boolean {
  return record.isProven ?? record.state === 'trusted'
}

/** An appeal is under way. */
export function isAppealed({ state, appeal }: Pick<TrustRecord, 'state' | 'appeal'>): boolean {
  return state === 'convicted' && appeal?.isLost === false
}

/** Checks that are made from now on decide what becomes of it: of a confirmation, or of an appeal. */
export function isDecidedAfresh(record: Pick<TrustRecord, 'state' | 'appeal'>): boolean {
  return record.state === 'confirming' || isAppealed(record)
}

/** What a booking may depend on beside the record. */
export interface Circumstances {
  nowMs: number
  /** Passes that this owner needs before a new scout is trusted. */
  needed: number
  /** False while the brake holds for the model: evidence is kept, and counts when it is released. */
  mayConvict: boolean
}

/** The one mutator. */
function move(record: TrustRecord, what: TrustMove, nowMs: number): void {
  const next = nextState(record.state, what)
  const { convictedMs } = record
  if (next === undefined) throw new Error(`trust: ${what} in state ${record.state}`)
  const wasProven = isProven(record)
  // Its state alone does not say so any more.
  if (wasProven) record.isProven = true
  record.state = next
  record.sinceMs = nowMs
  if (what === 'grave') Object.assign(record, { evidence: 0, fresh: 0 })
  if (what === 'calmed') record.passed = 0
  if (what === 'earned') record.isProven = true
  if (what === 'doubted') record.watches++
  if (what === 'cleared') record.doubt = watchedDoubt
  if (what === 'confirmed' || what === 'repeated') {
    record.taken = { isProven: wasProven, convictedMs }
    record.untilMs = nowMs + Math.min(convictionMs * 2 ** record.convictions, convictionMsMax)
    record.convictions++
    record.convictedMs = nowMs
    record.isProven = false
  }
  if (what === 'overturned') {
    Object.assign(record, { doubt: watchedDoubt, repeatTenants: [], untilMs: 0, isProven: false, convictedMs: 0 })
    Object.assign(record, record.taken)
    record.convictions--
  }
  if (what === 'served' || what === 'overturned') Object.assign(record, { appeal: undefined, taken: undefined })
  if (what === 'served') Object.assign(record, { doubt: 0, passed: 0, repeatTenants: [], untilMs: 0, firstMs: nowMs })
}

/**
 * Counts the outcome of one check. `askedMs` is when the audited text was made: what is older than a confirmation, or
 * an appeal, is no fresh check of it, and does not count at all, because it led there. Nor does anything else count
 * during a conviction.
 */
export function book(record: TrustRecord, outcome: AuditOutcome, askedMs: number, now: Circumstances): void {
  const isFresh = isDecidedAfresh(record)
  if (record.state === 'convicted' && !isFresh) return
  if (isFresh && askedMs < (record.appeal?.atMs ?? record.sinceMs)) return
  record.checks++
  if (outcome === 'pass') record.passed++
  else record.failed++
  if (outcome === 'wrong') record.wrongDoubt = (record.wrongDoubt ?? 0) + weights.wrong
  else if (outcome !== 'pass') record.oddDoubt = (record.oddDoubt ?? 0) + weights[outcome]
  if (outcome === 'gross') record.passed = 0
  else if (outcome !== 'pass') record.passed = Math.floor(record.passed * keptAfterOdd)
  if (isFresh) {
    record.fresh++
    record.evidence += weights[outcome]
    return confirm(record, now)
  }
  record.doubt = Math.max(0, record.doubt + weights[outcome])
  judge(record, now)
}

/** Looks whether a confirmation or an appeal has come to its end; also called when the brake is released. */
export function confirm(record: TrustRecord, { nowMs, mayConvict }: Circumstances): void {
  if (!isDecidedAfresh(record)) return
  const { appeal } = record
  if (record.evidence >= convictingEvidence) {
    if (!mayConvict) return
    if (appeal === undefined) move(record, 'confirmed', nowMs)
    else record.appeal = { ...appeal, isLost: true }
  } else if (record.fresh >= freshChecksMax) move(record, appeal === undefined ? 'cleared' : 'overturned', nowMs)
}

/** Its owner appeals: from now on fresh checks decide, as in a confirmation. Once for each conviction. */
export function appeal(record: TrustRecord, nowMs: number): void {
  if (record.state !== 'convicted' || record.appeal !== undefined)
    throw new Error(`trust: an appeal in state ${record.state}`)
  Object.assign(record, { appeal: { atMs: nowMs, isLost: false }, evidence: 0, fresh: 0 })
}

function judge(record: TrustRecord, now: Circumstances): void {
  const { doubt } = record
  if (doubt >= watchedDoubt && (record.state === 'new' || record.state === 'trusted'))
    move(record, 'doubted', now.nowMs)
  if (record.state === 'watched' && doubt >= confirmingDoubt) move(record, 'grave', now.nowMs)
  if (record.state === 'watched' && doubt <= calmDoubt) move(record, 'calmed', now.nowMs)
  mature(record, now)
}

/** Whether time may move it now, whatever its owner needs: asked of each task that may be audited. */
export function mayMature({ state, passed }: Pick<TrustRecord, 'state' | 'passed'>): boolean {
  return state === 'convicted' || (state === 'new' && passed >= passesNeeded)
}

/** A newcomer whose time is over and whose checks passed is trusted; a conviction whose time is over ends. */
export function mature(record: TrustRecord, { nowMs, needed }: Circumstances): void {
  if (record.state === 'convicted' && nowMs >= record.untilMs) move(record, 'served', nowMs)
  const isOld = nowMs - record.firstMs >= probationMs
  if (record.state === 'new' && isOld && record.passed >= needed) move(record, 'earned', nowMs)
}

/** Counts a repeated text; enough of them convict by themselves. */
export function bookRepeat(record: TrustRecord, tenant: string, { nowMs, mayConvict }: Circumstances): void {
  const { repeatTenants } = record
  if (record.state === 'convicted') return
  if (repeatTenants.length < repeatsMax && !repeatTenants.includes(tenant)) repeatTenants.push(tenant)
  if (repeatTenants.length >= repeatsMax && mayConvict) move(record, 'repeated', nowMs)
}

/**
 * Share of this scout's tasks of this model that are audited. A newcomer that has its passes only waits for its first
 * day to end, and is audited like a trusted one meanwhile.
 */
export function auditShare(record: TrustRecord): number {
  const { state, passed, watches } = record
  if (isDecidedAfresh(record)) return confirmingShare
  if (state === 'convicted') return 0
  if (state === 'watched' || passed < passesNeeded)
    return state === 'trusted' ? trustedShare(passed, watches) : unprovenShare
  return trustedShare(passed, watches)
}

/**
 * Of its audits those that ask a question: more than half of them where questions add more to doubt than comparisons,
 * as of who serves a smaller model among friends. What is asked next depends on what is known already and never on its
 * own outcome, so the bounds on evidence hold.
 */
export function probeShareOf(record: Pick<TrustRecord, 'wrongDoubt' | 'oddDoubt'>): number {
  const { wrongDoubt = 0, oddDoubt = 0 } = record
  const share = (weights.wrong + wrongDoubt) / (2 * weights.wrong + wrongDoubt + oddDoubt)
  return Math.min(probeShareMax, Math.max(probeShare, share))
}

function trustedShare(passed: number, watches: number): number {
  const least = trustedShareMin * Math.min(watchedFactorMax, 2 ** watches)
  return Math.min(unprovenShare, Math.max(least, 1 / Math.max(1, passed)))
}
