/**
 * What audits cost, where an administrator bounds that: in micro-dollars of the hub's own price list, whatever scouts
 * ask or report, over 24 hours in slots of an hour. Before a request is asked the most that it is expected to cost is
 * set aside; afterwards what was said counts. An answer beyond that counts as long as it is. Pure.
 */
import { bytesPerUnit } from '../../../shared/limits/ledger/ledger.ts'
import { auditAnswerUnits } from '../../../shared/limits/trust/audits.ts'
import { slotOf } from './budget.ts'

const slots = 24

export interface Bound {
  /** Micro-dollars. */
  perDay: number
  /** Of so many units of a prompt and of an answer. */
  costOf: (model: string, promptUnits: number, answerUnits: number) => number
}

/** Of one request: what was set aside for it, when. */
export interface Bill {
  model: string
  requestBytes: number
  microDollars: number
  atMs: number
}

export class AuditSpending {
  /** By hour since 1970; those of the last day. */
  private readonly spentBy = new Map<number, number>()

  constructor(readonly bound: Bound) {}

  /** Within the last 24 hours. */
  spent(nowMs: number): number {
    const oldest = slotOf(nowMs) - slots + 1
    let sum = 0
    for (const [slot, spent] of this.spentBy) {
      if (slot < oldest) this.spentBy.delete(slot)
      else sum += spent
    }
    return sum
  }

  left(nowMs: number): number {
    return Math.max(0, this.bound.perDay - this.spent(nowMs))
  }

  /** What asking this is expected to cost at most. */
  quote(model: string, request: Uint8Array, atMs: number): Bill {
    const { max_tokens: most } = JSON.parse(Buffer.from(request).toString('utf8')) as { max_tokens?: unknown }
    const units = typeof most === 'number' ? Math.min(most, auditAnswerUnits) : auditAnswerUnits
    const requestBytes = request.length
    return { model, requestBytes, microDollars: this.price(model, requestBytes, units), atMs }
  }

  /** What it did cost, with so many bytes of an answer. */
  priceOf({ model, requestBytes }: Bill, answerBytes: number): number {
    return this.price(model, requestBytes, Math.ceil(answerBytes / bytesPerUnit))
  }

  /** More, or less, in the hour of this time. */
  add(microDollars: number, atMs: number): void {
    const slot = slotOf(atMs)
    this.spentBy.set(slot, (this.spentBy.get(slot) ?? 0) + microDollars)
  }

  /** By hour, newest first, to be kept. */
  kept(nowMs: number): number[] {
    const newest = slotOf(nowMs)
    return Array.from({ length: slots }, (_, age) => this.spentBy.get(newest - age) ?? 0)
  }

  /** Goes on from what was kept. After a clock that ran ahead it counts as of now. */
  recall(hour: number, spent: readonly number[], nowMs: number): void {
    for (const [age, microDollars] of spent.entries()) {
      const slot = Math.min(hour - age, slotOf(nowMs))
      this.spentBy.set(slot, (this.spentBy.get(slot) ?? 0) + microDollars)
    }
  }

  /** All bytes of a request count as text, which they are at most. */
  private price(model: string, requestBytes: number, answerUnits: number): number {
    return this.bound.costOf(model, Math.ceil(requestBytes / bytesPerUnit), answerUnits)
  }
}
