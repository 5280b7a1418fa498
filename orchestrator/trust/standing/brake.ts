/**
 * Stops the convictions of a model when a large share of its owners came under watch within a day: then the model, its
 * providers or the comparison changed, not all of these people (macprovider's issue 528 is the example: one bad canary
 * nearly expelled every good provider). Evidence is kept meanwhile, the administrator is told. A ring of many owners
 * can cause this; it buys the ring time, and everybody's attention. Pure.
 */
import { brakeOwnersMin, brakeShare, brakeWindowMs } from './weights.ts'

export class Brake {
  /** When each owner of this model last came under watch. */
  private readonly watchedMs = new Map<string, number>()

  noteWatched(owner: string, atMs: number): void {
    this.watchedMs.set(owner, Math.max(atMs, this.watchedMs.get(owner) ?? 0))
  }

  /** Owners that came under watch within the window. */
  watched(nowMs: number): number {
    // In no order: after a start they come as they were stored.
    for (const [owner, atMs] of this.watchedMs) if (nowMs - atMs >= brakeWindowMs) this.watchedMs.delete(owner)
    return this.watchedMs.size
  }

  /** Whether convictions wait. `owners` are those that offer the model or did within the window. */
  holds(owners: number, nowMs: number): boolean {
    const watched = this.watched(nowMs)
    return watched >= brakeOwnersMin && watched >= brakeShare * owners
  }
}
