/**
 * What audits cost, where an administrator bounds that: in micro-dollars of the hub's own price list, whatever scouts
 * ask or report, over 24 hours. Before a request is asked the most that it is expected to cost is
 * set aside; afterwards what was said counts. An answer beyond that counts as long as it is. Pure.
 */
import { bytesPerUnit } from '../../../shared/limits/ledger/ledger.ts'
import { auditAnswerUnits } from '../../../shared/limits/trust/audits.ts'
import { RollingDay } from './rolling-day.ts'

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
  private readonly day = new RollingDay()

  constructor(readonly bound: Bound) {}

  /** Within the last 24 hours. */
  spent(nowMs: number): number {
    this.day.turn(nowMs)
    return this.day.sum
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

  /** Set aside now. */
  add(microDollars: number, nowMs: number): void {
    this.day.add(microDollars, nowMs)
  }

  /** So much more, or less, was spent on what was billed then. */
  amend(microDollars: number, { atMs }: Bill): void {
    this.day.amend(microDollars, atMs)
  }

  /** By hour, newest first, to be kept. */
  kept(nowMs: number): number[] {
    return this.day.kept(nowMs)
  }

  /** Goes on from what was kept. */
  recall(hour: number, spent: readonly number[], nowMs: number): void {
    this.day.recall(hour, spent, nowMs)
  }

  /** All bytes of a request count as text, which they are at most. */
  private price(model: string, requestBytes: number, answerUnits: number): number {
    return this.bound.costOf(model, Math.ceil(requestBytes / bytesPerUnit), answerUnits)
  }
}
