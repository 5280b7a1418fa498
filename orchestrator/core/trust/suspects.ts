/**
 * Tenants whose tasks end scouts. A task may end the process of whoever takes it, and nobody can tell by looking at
 * it; but a tenant of which scout after scout is lost, and nothing gets done, is limited to a few tasks at a time, and
 * after each further loss waits for as long as a scout needs to come back. Its other tasks wait aside. Every answer
 * counts in its favour, so that a tenant that only had bad luck, as all have when a network fails, is soon like any
 * other. Fed by lost scouts, grants, releases and answers; asked by matching and by the queues.
 */
import type { Lease, Scout, Suspect, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'

/** What a lost scout adds to the score of the tenants whose tasks it had, shared among them; an answer takes off 1. */
const lossScore = 4
/** From here on a tenant is limited, and more is not remembered. */
const limitedScore = 16
const scoreMax = 32
/** Losses of one moment may have one cause, which is none of the tenant's. */
const momentMs = 1_000
/** After so long without a loss all is forgotten. */
const rememberedMs = 60_000
/** Tasks of a limited tenant at a time. */
const leasesMax = 2

/** A scout is lost, and did not announce that it leaves. */
export function noteLost(core: CoreState, { record }: Scout, leases: readonly Lease[]): void {
  const tenants = new Set(leases.map(({ task }) => task.tenant))
  // A scout that fails all the time says little about whose tasks it had.
  const score = (lossScore * (1 - record.failureRate)) / tenants.size
  for (const tenant of tenants) blame(core, tenant, score)
}

function blame(core: CoreState, tenant: string, score: number): void {
  const { nowMs } = core
  let suspect = core.suspects.get(tenant)
  if (suspect === undefined) {
    const times = { lastLossMs: nowMs, momentMs: nowMs, heldUntilMs: 0, dueMs: 0, timerSlot: -1 }
    const plain = { score: 0, momentScore: 0, leases: new Set<Lease>(), aside: new Set<Task>() }
    suspect = { timed: 'suspect', tenant, ...times, ...plain }
    core.suspects.set(tenant, suspect)
  }
  if (nowMs - suspect.momentMs >= momentMs) Object.assign(suspect, { momentMs: nowMs, momentScore: 0 })
  const added = Math.min(score, limitedScore - suspect.momentScore)
  suspect.momentScore += added
  suspect.score = Math.min(scoreMax, suspect.score + added)
  suspect.lastLossMs = nowMs
  if (isLimited(suspect)) suspect.heldUntilMs = nowMs + core.settings.returnWindowMs
  lookLater(core, suspect)
}

function isLimited({ score }: Suspect): boolean {
  return score >= limitedScore
}

function lookLater(core: CoreState, suspect: Suspect): void {
  const { heldUntilMs, lastLossMs } = suspect
  core.wheel.arm(suspect, heldUntilMs > core.nowMs ? heldUntilMs : lastLossMs + rememberedMs)
}

/** Whether this task may not be given out now, for what others of its tenant have done. */
export function isHeldBack(core: CoreState, { tenant }: Task): boolean {
  if (core.suspects.size === 0) return false
  const suspect = core.suspects.get(tenant)
  return suspect !== undefined && isLimited(suspect) && !mayBegin(core, suspect)
}

function mayBegin({ nowMs }: CoreState, { heldUntilMs, leases }: Suspect): boolean {
  return nowMs >= heldUntilMs && leases.size < leasesMax
}

/** Keeps a task that is held back out of everybody's way. */
export function setAside(core: CoreState, task: Task): void {
  const { queueTimeoutMs } = core.settings
  core.suspects.get(task.tenant)!.aside.add(task)
  const patientUntilMs = task.intent === null ? task.queuedMs + queueTimeoutMs : task.deadlineMs
  core.wheel.arm(task, Math.min(task.deadlineMs, patientUntilMs))
}

/** Whether it was aside, and is not any more. */
export function takeFromAside(core: CoreState, task: Task): boolean {
  return core.suspects.size > 0 && core.suspects.get(task.tenant)?.aside.delete(task) === true
}

/** Tasks of this tenant that wait aside. */
export function asideOf(core: CoreState, tenant: string): number {
  return core.suspects.size === 0 ? 0 : (core.suspects.get(tenant)?.aside.size ?? 0)
}

export function noteGrant(core: CoreState, task: Task, lease: Lease): void {
  if (core.suspects.size > 0) core.suspects.get(task.tenant)?.leases.add(lease)
}

export function noteRelease(core: CoreState, task: Task, lease: Lease): void {
  if (core.suspects.size === 0) return
  const suspect = core.suspects.get(task.tenant)
  if (suspect?.leases.delete(lease)) letGo(core, suspect)
}

/** One of its tasks has an answer. */
export function noteAnswer(core: CoreState, task: Task): void {
  if (core.suspects.size === 0) return
  const suspect = core.suspects.get(task.tenant)
  if (suspect === undefined) return
  suspect.score = Math.max(0, suspect.score - 1)
  if (suspect.score === 0) return clear(core, suspect)
  if (!isLimited(suspect)) suspect.heldUntilMs = 0
  letGo(core, suspect)
}

/** Its time is over, or none of its tasks was to be given out until now. */
export function suspectDue(core: CoreState, suspect: Suspect): void {
  if (core.nowMs - suspect.lastLossMs >= rememberedMs) return clear(core, suspect)
  lookLater(core, suspect)
  letGo(core, suspect)
}

/** As many of those that wait aside as may begin look for a scout. */
function letGo(core: CoreState, suspect: Suspect): void {
  const { aside, leases } = suspect
  if (aside.size === 0 || (isLimited(suspect) && !mayBegin(core, suspect))) return
  let room = isLimited(suspect) ? leasesMax - leases.size : aside.size
  for (const task of aside) {
    if (room-- === 0) return
    aside.delete(task)
    core.unplaced.push(task)
  }
}

function clear(core: CoreState, suspect: Suspect): void {
  suspect.score = 0
  letGo(core, suspect)
  core.wheel.disarm(suspect)
  core.suspects.delete(suspect.tenant)
}
