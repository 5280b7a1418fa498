/**
 * What happened to an identity in the last hour: tasks won, tasks lost and to what, attempts done and failed. Its
 * record only counts up, which costs a placement next to nothing; here the counts are noted every few minutes, and the
 * last hour is what they are now less what they were an hour ago. Fed with joins and heartbeats; read for listings and
 * for the `standing` frames to scouts.
 */
import { hourSlotMs, hourSlots } from '../../../shared/limits/scheduling.ts'
import type { ScoutRecord } from '../model/scout.ts'

export interface LastHour {
  considered: number
  won: number
  lostLatency: number
  lostPrice: number
  lostCapacity: number
  lostTrust: number
  done: number
  failed: number
}

const countsNoted = 8

function countsIn(record: ScoutRecord): number[] {
  const { won, lostLatency, lostPrice, lostTrust, passedOver, missed, done, failed } = record
  return [won, lostLatency, lostPrice, lostTrust, passedOver, missed, done, failed]
}

/** Notes the counts at the begin of a slot of time, at the first sign of life of the scout in it. */
export function noteHour(record: ScoutRecord, nowMs: number): void {
  const slot = Math.floor(nowMs / hourSlotMs)
  if (slot <= record.notedSlot) return
  const counts = countsIn(record)
  // A scout that was never considered has nothing to note: its counts of an hour ago are zero as well.
  if (record.noted === null && counts.some((count) => count !== 0)) {
    record.noted = new Float64Array(hourSlots * countsNoted)
  }
  for (let passed = Math.max(record.notedSlot, slot - hourSlots) + 1; passed <= slot; passed++) {
    record.noted?.set(counts, placeOf(passed))
  }
  record.notedSlot = slot
}

function placeOf(slot: number): number {
  return (((slot % hourSlots) + hourSlots) % hourSlots) * countsNoted
}

/** The counts of the last hour; `missing` is what was missed for lack of room and is not counted yet. */
export function lastHour(record: ScoutRecord, nowMs: number, missing: number): LastHour {
  const { noted, notedSlot } = record
  const oldest = Math.floor(nowMs / hourSlotMs) - hourSlots + 1
  const counts = countsIn(record)
  // Without a sign of life for so long, nothing can have happened to it since.
  const before = oldest > notedSlot ? counts : noted?.subarray(placeOf(oldest), placeOf(oldest) + countsNoted)
  const since = counts.map((count, at) => count - (before?.[at] ?? 0))
  const [won, lostLatency, lostPrice, lostTrust, passedOver, missed, done, failed] = since as Eight
  const lostCapacity = Math.max(0, Math.round(missed + missing))
  const considered = won + lostLatency + lostPrice + lostCapacity + lostTrust + passedOver
  return { considered, won, lostLatency, lostPrice, lostCapacity, lostTrust, done, failed }
}

type Eight = [number, number, number, number, number, number, number, number]
