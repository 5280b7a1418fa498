/**
 * Negative credit: the provider behind a scout is not to be asked for a model for a while. A pause belongs to the
 * session while there is one, and to the identity in between: a provider's limit does not end with a reconnect.
 */
import { offersMax } from '../../../shared/limits/wire.ts'
import type { ModelEntry, Pause, Scout } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { noteResume } from './resume-times.ts'

/** Begins a pause, or moves its end. */
export function pauseUntil(core: CoreState, scout: Scout, model: string, untilMs: number): void {
  let pause: Pause | undefined = scout.pauses?.get(model)
  if (pause === undefined) {
    makeRoom(core, scout)
    pause = { timed: 'pause', holder: scout, model, dueMs: 0, timerSlot: -1 }
    core.roster.pause(scout, pause)
  }
  core.wheel.arm(pause, untilMs)
  noteResume(pause)
  noteLimited(core, scout.klass.entries)
}

/** Of these models a scout is paused, or gone: the tasks that wait for them may wait in vain. */
export function noteLimited(core: CoreState, entries: readonly ModelEntry[]): void {
  for (const entry of entries) {
    if (entry.queued > 0 && entry.scouts === 0 && entry.offerers > 0) core.limited.add(entry)
  }
}

/** The scout offers something else: its pauses hold for that as well. */
export function renotePauses(core: CoreState, { pauses, klass }: Scout): void {
  if (pauses === null) return
  for (const pause of pauses.values()) noteResume(pause)
  noteLimited(core, klass.entries)
}

/** As many as it may offer models; more come only from one that changes its offers, and the oldest of those ends. */
function makeRoom(core: CoreState, { pauses, klass }: Scout): void {
  if (pauses === null || pauses.size < offersMax) return
  const offered = new Set(klass.offers.map(({ model }) => model))
  const [first] = pauses.values()
  let oldest = first!
  for (const pause of pauses.values()) {
    if (offered.has(pause.model)) continue
    oldest = pause
    break
  }
  core.wheel.disarm(oldest)
  core.roster.resume(oldest.holder, oldest.model)
}

/** The session ends: what is left of its pauses waits for the next one of its identity. */
export function keepPauses(core: CoreState, { pauses, record }: Scout): void {
  const kept = new Map<string, number>()
  for (const [model, untilMs] of record.pauses ?? []) if (untilMs > core.nowMs) kept.set(model, untilMs)
  for (const pause of pauses?.values() ?? []) {
    core.wheel.disarm(pause)
    // Those of its identity's other sessions may fill it.
    if (kept.size < offersMax) kept.set(pause.model, Math.max(pause.dueMs, kept.get(pause.model) ?? 0))
  }
  record.pauses = kept.size > 0 ? kept : null
}

/** A session begins: the pauses of its identity continue. */
export function takeUpPauses(core: CoreState, scout: Scout): void {
  for (const [model, untilMs] of scout.record.pauses ?? []) {
    if (untilMs > core.nowMs) pauseUntil(core, scout, model, untilMs)
  }
}
