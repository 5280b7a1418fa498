/**
 * How many tasks of one model at once a scout is trusted with: half as many after each failure of that model, one more
 * per round of its successes. Each model has a window of its own, so that a model that fails takes no place from one
 * that works. A window is kept only from a failure until it is as wide as what the scout asks for, and while its scout
 * is a newcomer, which has few places and shares them with others of its operator; and only of models that the scout
 * offers, of which there are at most `offersMax`. Fed by the ends of attempts and by leases that are taken and dropped;
 * the capability index and matching ask whether there is a place.
 */
import { newcomerWindow } from '../../../shared/limits/trust/audits.ts'
import { offersMax } from '../../../shared/limits/wire.ts'
import { autoModel } from '../../../shared/task.ts'
import type { Lease, ModelEntry, Scout } from '../model/object-graph.ts'
import type { Window } from '../model/scout.ts'
import { countPlaces, isFull, type Newcomers } from '../stats/newcomers.ts'
import type { TrustMarks } from '../stats/trust-marks.ts'

type Windows = ReadonlyMap<string, Window>

/** What says who is a newcomer, and counts what newcomers have. */
interface Probation {
  marks: TrustMarks
  newcomers: Newcomers
}

/** Whether the window of this model leaves a place for one task more. */
export function hasPlace(windows: Windows, key: string): boolean {
  const window = windows.get(key)
  if (window === undefined) return true
  const { running, size, places } = window
  if (places !== null && (running >= newcomerWindow || isFull(places))) return false
  return running < Math.floor(size)
}

/** There was none for this scout: if its operator's newcomers have them all, it looks again once one is free. */
export function awaitPlace({ windows, session }: Scout): void {
  if (windows === null) return
  for (const { places } of windows.values()) {
    if (places === null) continue
    if (isFull(places)) places.waiting.add(session)
    return
  }
}

/** The model has failed: half as many as before, and never less than one, so that nobody is ejected. */
export function shrinkWindow(scout: Scout, { capability }: Lease): void {
  if (capability === null) return
  const { key } = capability.entry
  const widest = Math.max(1, scout.capacity)
  const window = scout.windows?.get(key) ?? open(scout, key, widest)
  if (window !== null) window.size = Math.max(1, Math.min(widest, window.size) / 2)
}

/** The model has answered: a round of successes earns one task more. True when the window is wide open again. */
export function growWindow(scout: Scout, { capability }: Lease): boolean {
  const { windows, capacity } = scout
  const window = capability === null ? undefined : windows?.get(capability.entry.key)
  if (windows === null || capability === null || window === undefined) return false
  if (window.size === Number.POSITIVE_INFINITY) return false
  window.size += 1 / window.size
  if (window.size < capacity) return false
  widen(scout, capability.entry.key, window)
  return true
}

/** No failure bounds it any more, and without a probation nothing does. */
function widen(scout: Scout, key: string, window: Window): void {
  window.size = Number.POSITIVE_INFINITY
  if (window.places !== null) return
  scout.windows?.delete(key)
  if (scout.windows?.size === 0) scout.windows = null
}

/**
 * What marks say of this scout with this model may have changed: its probation begins or ends. True when it may have
 * more than before.
 */
export function reviewProbation(scout: Scout, entry: ModelEntry, { marks, newcomers }: Probation): boolean {
  const { record, windows } = scout
  const isNewcomer = marks.isOnProbation(record, entry)
  const window = windows?.get(entry.key)
  const places = window?.places ?? null
  if (isNewcomer === (places !== null)) return false
  if (places === null) {
    const opened = window ?? open(scout, entry.key, Number.POSITIVE_INFINITY)
    if (opened === null) return false
    opened.places = newcomers.enter(record.operator)
    countPlaces(opened.places, opened.running)
    return false
  }
  // It looks for work at once, and waits again if it finds none with another model.
  places.waiting.delete(scout.session)
  newcomers.leave(places, window!.running)
  window!.places = null
  if (window!.size === Number.POSITIVE_INFINITY) widen(scout, entry.key, window!)
  return true
}

function open(scout: Scout, key: string, size: number): Window | null {
  // Its scout may offer it no more.
  if (!scout.klass.entries.some((entry) => entry.key === key)) return null
  const window: Window = { size, running: 0, places: null }
  for (let lease = scout.newest; lease !== null; lease = lease.after) {
    if (lease.capability?.entry.key === key) window.running++
  }
  scout.windows ??= new Map()
  scout.windows.set(key, window)
  return window
}

/** The scout takes up, or drops, a lease. */
export function countHeld({ windows }: Scout, { capability }: Lease, more: 1 | -1): void {
  if (windows === null || capability === null) return
  const window = windows.get(capability.entry.key)
  if (window === undefined) return
  window.running += more
  if (window.places !== null) countPlaces(window.places, more)
}

/** The session ends, or offers something else: its windows wait with its identity. The longest-kept go beyond bound. */
export function keepWindows(scout: Scout, newcomers: Newcomers): void {
  const { windows, record, klass, session } = scout
  if (windows === null && record.windows === null) return
  const kept = record.windows ?? new Map<string, number>()
  for (const { key } of klass.entries) kept.delete(key)
  for (const [key, { size, running, places }] of windows ?? []) {
    places?.waiting.delete(session)
    if (places !== null) newcomers.leave(places, running)
    if (size === Number.POSITIVE_INFINITY) continue
    if (kept.size >= offersMax) kept.delete(kept.keys().next().value!)
    kept.set(key, size)
  }
  record.windows = kept.size > 0 ? kept : null
  scout.windows = null
}

/** A session begins, or offers something else: the windows of its identity hold for it as well, and its probations. */
export function takeUpWindows(scout: Scout, { marks, newcomers }: Probation): void {
  const { record, klass } = scout
  const windows = new Map<string, Window>()
  for (const entry of klass.entries) {
    const size = record.windows?.get(entry.key)
    const isNewcomer = marks.isOnProbation(record, entry)
    if (size === undefined && !isNewcomer) continue
    const places = isNewcomer ? newcomers.enter(record.operator) : null
    windows.set(entry.key, { size: size ?? Number.POSITIVE_INFINITY, running: 0, places })
  }
  if (windows.size === 0) return
  scout.windows = windows
  for (let lease = scout.newest; lease !== null; lease = lease.after) countHeld(scout, lease, 1)
}

/** Tasks at once of all models together. */
export function trustedWith({ windows, capacity, klass }: Scout): number {
  const most = Math.max(1, capacity)
  if (windows === null) return most
  let sum = 0
  for (const { key, model } of klass.entries) {
    const window = windows.get(key)
    const few = window === undefined || window.places === null ? most : newcomerWindow
    if (model !== autoModel) sum += Math.min(few, window?.size ?? most)
  }
  return Math.min(most, sum)
}
