/**
 * How many tasks of one model at once a scout is trusted with: half as many after each failure of that model, one more
 * per round of its successes. Each model has a window of its own, so that a model that fails takes no place from one
 * that works. A window is kept only from a failure until it is as wide as what the scout asks for, and only of models
 * that the scout offers, of which there are at most `offersMax`. Fed by the ends of attempts and by leases that are
 * taken and dropped; the capability index and matching ask whether there is a place.
 */
import { offersMax } from '../../../shared/limits/wire.ts'
import { autoModel } from '../../../shared/task.ts'
import type { Lease, Scout } from '../model/object-graph.ts'
import type { Window } from '../model/scout.ts'

type Windows = ReadonlyMap<string, Window>

/** Whether the window of this model leaves a place for one task more. */
export function hasPlace(windows: Windows, key: string): boolean {
  const window = windows.get(key)
  return window === undefined || window.running < Math.floor(window.size)
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
  window.size += 1 / window.size
  if (window.size < capacity) return false
  windows.delete(capability.entry.key)
  if (windows.size === 0) scout.windows = null
  return true
}

function open(scout: Scout, key: string, size: number): Window | null {
  // Its scout may offer it no more.
  if (!scout.klass.entries.some((entry) => entry.key === key)) return null
  const window = { size, running: 0 }
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
  if (window !== undefined) window.running += more
}

/** The session ends, or offers something else: its windows wait with its identity. The longest-kept go beyond bound. */
export function keepWindows(scout: Scout): void {
  const { windows, record, klass } = scout
  if (windows === null && record.windows === null) return
  const kept = record.windows ?? new Map<string, number>()
  for (const { key } of klass.entries) kept.delete(key)
  for (const [key, { size }] of windows ?? []) {
    if (kept.size >= offersMax) kept.delete(kept.keys().next().value!)
    kept.set(key, size)
  }
  record.windows = kept.size > 0 ? kept : null
  scout.windows = null
}

/** A session begins, or offers something else: the windows of its identity hold for it as well. */
export function takeUpWindows(scout: Scout): void {
  const kept = scout.record.windows
  if (kept === null) return
  const windows = new Map<string, Window>()
  for (const { key } of scout.klass.entries) {
    const size = kept.get(key)
    if (size !== undefined) windows.set(key, { size, running: 0 })
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
  for (const { key, model } of klass.entries) if (model !== autoModel) sum += windows.get(key)?.size ?? most
  return Math.min(most, sum)
}
