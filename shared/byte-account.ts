/**
 * Bytes in flight, counted for the hub as a whole: what has arrived, or was announced, and is kept until somebody is
 * done with it. There is one account for requests, whose owners are tenants, and one for answers, whose owners are
 * operators of scouts, so that neither side fills the memory that the other needs. The edges take and give back.
 */

/** `share`: the owner has its part already. `full`: the account as a whole has no room. */
export type ByteRefusal = 'share' | 'full'

export class ByteAccount {
  private readonly byOwner = new Map<string, number>()
  /** Of all owners together. */
  private heldBytes = 0

  constructor(
    private readonly bytesMax: number,
    private readonly shareBytesMax: number,
  ) {}

  get held(): number {
    return this.heldBytes
  }

  /** Null when they were counted; whoever gets null gives back as many, once. */
  take(owner: string, bytes: number): ByteRefusal | null {
    const own = (this.byOwner.get(owner) ?? 0) + bytes
    if (own > this.shareBytesMax) return 'share'
    if (this.heldBytes + bytes > this.bytesMax) return 'full'
    this.byOwner.set(owner, own)
    this.heldBytes += bytes
    return null
  }

  give(owner: string, bytes: number): void {
    const left = (this.byOwner.get(owner) ?? 0) - bytes
    // A defect: more was given back than taken, and the account would let everything in from now on.
    if (left < 0) throw new Error('more bytes were given back than were taken')
    this.heldBytes -= bytes
    if (left === 0) this.byOwner.delete(owner)
    else this.byOwner.set(owner, left)
  }
}
