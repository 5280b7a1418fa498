/**
 * Whether a scout that says hello is a process that was lost, or has taken its place. A new process cannot go on with
 * what the one before it held, so nobody needs to wait for that. Where several processes share one name it stays open
 * which of them is meant, and everything is waited for. Fed by the ends and beginnings of sessions.
 */
import type { Scout } from '../model/object-graph.ts'

/** Processes of one identity, and identities, that are remembered; of more the oldest is forgotten, and waited for. */
const lostMax = 4
const identitiesMax = 65_536

interface Lost {
  instance: string
  /** It may be back until then. */
  untilMs: number
}

export class LostInstances {
  /** By identity; the one that lost a process last comes last. */
  private readonly byScout = new Map<string, Lost[]>()

  get size(): number {
    return this.byScout.size
  }

  /** The session ended without a word: its process may be back until `untilMs`. */
  note({ record, instance }: Scout, nowMs: number, untilMs: number): void {
    const kept = this.left(record.scout, nowMs).filter((one) => one.instance !== instance)
    this.byScout.delete(record.scout)
    this.byScout.set(record.scout, [...kept, { instance, untilMs }].slice(-lostMax))
    for (const [scout, lost] of this.byScout) {
      if (this.byScout.size <= identitiesMax && lost.at(-1)!.untilMs > nowMs) return
      this.byScout.delete(scout)
    }
  }

  /** The instance whose place this one has taken; null for a process that was here before, or when it is uncertain. */
  replacedBy({ record, instance }: Scout, nowMs: number): string | null {
    const left = this.left(record.scout, nowMs)
    const others = left.filter((one) => one.instance !== instance)
    const [only] = left
    const isReplaced = record.sessions === 1 && left.length === 1 && others.length === 1
    if (others.length === 0 || isReplaced) this.byScout.delete(record.scout)
    else this.byScout.set(record.scout, others)
    return isReplaced ? only!.instance : null
  }

  private left(scout: string, nowMs: number): Lost[] {
    return (this.byScout.get(scout) ?? []).filter(({ untilMs }) => untilMs > nowMs)
  }
}
