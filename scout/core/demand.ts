/**
 * How many credits the scout grants: never more than it could run at once, counting what runs and what the hub may
 * still send on credits it holds. The work loop asks it after everything that changes those numbers.
 */

export class Demand {
  /** Credits the hub holds: granted in this session and not yet used. */
  private granted = 0
  /** Tasks this scout takes at once; 0 while it takes none. */
  private wanted = 0

  constructor(private readonly concurrency: number) {}

  /** A new session: credits start at 0. `creditMax` is the most the hub will hold. */
  open(creditMax: number): void {
    this.granted = 0
    this.wanted = Math.min(this.concurrency, creditMax)
  }

  /** Either side leaves: nothing more is granted; credits already granted stay valid. */
  stop(): void {
    this.wanted = 0
  }

  /** The session is over, and its credits with it. */
  close(): void {
    this.granted = 0
    this.wanted = 0
  }

  /** A task arrived. False when no credit was left for it: the hub broke the protocol. */
  use(): boolean {
    if (this.granted === 0) return false
    this.granted--
    return true
  }

  /** Credits to grant now, counted as granted from here on. `occupied` is how many places are taken. */
  ask(occupied: number): number {
    const count = Math.max(0, this.wanted - occupied - this.granted)
    this.granted += count
    return count
  }
}
