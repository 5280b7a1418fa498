/**
 * What changed what one client has, read backwards from the chain. What is set aside for a task and comes back is left
 * out: what the task did cost is there. Movements of one day and kind are one row, for a busy client pays many times a
 * second. Pure.
 */
import { clientOf, kindOf, reservedIn } from '../accounts/account.ts'
import { type Transfer, transfersIn } from '../accounts/events.ts'
import type { Batch } from '../receipts/chain.ts'
import { dayMs } from '../seasons/season.ts'

/** `pledge` and `return`: what is at stake in a dispute. `repay`: what was spent on an answer that does not hold. */
export const movementKinds = ['deposit', 'grant', 'revoke', 'spend', 'pledge', 'return', 'repay'] as const
type MovementKind = (typeof movementKinds)[number]

export interface Movement {
  /** Its number since 1970, of UTC. */
  day: number
  kind: MovementKind
  /** Below zero where they were taken. */
  points: number
  /** Events that are added up here. */
  count: number
}

export class Movements {
  private readonly byKind = new Map<string, Movement>()

  constructor(private readonly tenant: string) {}

  get size(): number {
    return this.byKind.size
  }

  /** Newest day first. */
  rows(): Movement[] {
    return [...this.byKind.values()].sort((one, other) => other.day - one.day)
  }

  add({ atMs, leaves }: Pick<Batch, 'atMs' | 'leaves'>): void {
    const day = Math.floor(atMs / dayMs)
    for (const transfer of transfersIn(leaves)) this.count(day, transfer)
  }

  private count(day: number, { why, from, to, points }: Transfer): void {
    const name = why === 'refund' && kindOf(from) === 'pledged' ? 'return' : why
    const kind = movementKinds.find((one) => one === name)
    const change = kind === undefined ? 0 : this.change(from, to) * points
    if (kind === undefined || change === 0) return
    const key = `${day} ${kind}`
    const row = this.byKind.get(key) ?? { day, kind, points: 0, count: 0 }
    this.byKind.set(key, row)
    row.points += change
    row.count++
  }

  /** 1 for what this client got, -1 for what it gave. */
  private change(from: string, to: string): 1 | -1 | 0 {
    const own = clientOf(this.tenant)
    if (to === own) return 1
    return from === own || reservedIn(from)?.tenant === this.tenant ? -1 : 0
  }
}
