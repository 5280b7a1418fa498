/**
 * How much a scout misses for lack of room. A full scout is drawn once and then left off its model's list, so what it
 * misses from there on is estimated: each task that looks for a scout adds to `sought` the chance with which one more
 * listed scout would have been drawn, and what a full one misses is the increase of that, less what it then took from
 * the queue itself. Costs the same in any fleet. Fed by the index and by matching; kept in the record.
 */
import type { Capability, Scout, Task } from '../model/object-graph.ts'

/** Two are drawn. */
const drawn = 2

/** The task looks for a scout. */
export function noteSought(task: Task): void {
  const { entry } = task
  entry.sought += Math.min(1, drawn / (entry.ready.length + 1))
  task.sought = entry.sought
}

/** A draw found this one without room: the task that was placed is the first that it misses. */
export function noteFull(capability: Capability): void {
  capability.fullFrom = capability.entry.sought - 1
  capability.missedFrom = capability.fullFrom
}

/** A task that had to queue goes to this scout after all. */
export function noteServed({ klass, capabilities }: Scout, { entry, sought }: Task): void {
  const capability = capabilities[klass.entries.indexOf(entry)]
  if (capability !== undefined && sought > capability.fullFrom) capability.missedFrom++
}

/** It has room again, or is not ready for another reason than room. */
export function noteRoom(capability: Capability): void {
  const { scout, fullFrom } = capability
  if (fullFrom === Number.POSITIVE_INFINITY) return
  scout.record.missed += missedBy(capability)
  capability.fullFrom = Number.POSITIVE_INFINITY
}

/** Counts what a scout that still has no room has missed so far. */
export function bookMissed({ record, unlisted }: Scout): void {
  for (const capability of unlisted) {
    record.missed += missedBy(capability)
    capability.missedFrom = capability.entry.sought
  }
}

/** What it has missed and is not counted yet. */
export function missing({ unlisted }: Scout): number {
  return unlisted.reduce((sum, capability) => sum + missedBy(capability), 0)
}

/** Since the last look; below zero when more was taken from the queue than came anew. */
function missedBy({ entry, fullFrom, missedFrom }: Capability): number {
  return fullFrom === Number.POSITIVE_INFINITY ? 0 : entry.sought - missedFrom
}
