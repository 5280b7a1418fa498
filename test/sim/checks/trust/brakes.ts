/** Which owners came under watch of late, and who was convicted: what holds convictions up, and what newcomers need. */
import type { TrustRecord } from '../../../../orchestrator/trust/standing/record.ts'

const dayMs = 86_400_000

export class Brakes {
  /** By model: when each owner came under watch. */
  private readonly watched = new Map<string, Map<string, number>>()
  /** When each owner was convicted last. */
  private readonly convicted = new Map<string, number>()

  clear(): void {
    this.watched.clear()
    this.convicted.clear()
  }

  /** A start knows of those that are doubted now. */
  loaded({ owner, model, state, sinceMs, convictedMs }: TrustRecord): void {
    if (state === 'watched' || state === 'confirming') this.note(model, owner, sinceMs)
    this.convict(owner, convictedMs)
  }

  moved({ state: before }: TrustRecord, { owner, model, state }: TrustRecord, nowMs: number): void {
    if ((before === 'new' || before === 'trusted') && (state === 'watched' || state === 'confirming'))
      this.note(model, owner, nowMs)
    if (state === 'convicted') this.convict(owner, nowMs)
  }

  /** A conviction of this owner was overturned: these are all of its records. */
  absolve(owner: string, records: Iterable<TrustRecord>): void {
    this.convicted.delete(owner)
    for (const { convictedMs } of records) this.convict(owner, convictedMs)
  }

  /** At least three owners, and a fifth of those who offer the model, within a day. */
  holds(model: string, owners: number, nowMs: number): boolean {
    const times = [...(this.watched.get(model)?.values() ?? [])]
    const recent = times.filter((atMs) => nowMs - atMs < dayMs).length
    return recent >= 3 && recent >= 0.2 * owners
  }

  /** Passes that a newcomer of this owner needs. */
  needed(owner: string, nowMs: number): number {
    return nowMs - (this.convicted.get(owner) ?? Number.NEGATIVE_INFINITY) < 30 * dayMs ? 30 : 10
  }

  private note(model: string, owner: string, atMs: number): void {
    const owners = this.watched.get(model) ?? new Map<string, number>()
    owners.set(owner, Math.max(atMs, owners.get(owner) ?? 0))
    this.watched.set(model, owners)
  }

  private convict(owner: string, atMs: number): void {
    if (atMs > 0) this.convicted.set(owner, Math.max(atMs, this.convicted.get(owner) ?? 0))
  }
}
