/**
 * Audits that wait for their time. An answered request is asked again elsewhere between one minute and an hour later,
 * short times as likely as long ones (log-uniform), so that nobody can tell it by when it comes. Bounded in number and
 * in bytes: beyond that the one that waits longest goes, unasked, which only means one check less. Pure.
 */
import { auditsPendingMax, pendingBytesMax } from '../../../shared/limits/trust/audits.ts'

export interface DelayRange {
  minMs: number
  maxMs: number
}

/** When to ask, milliseconds from now. `unit` is a random number from 0 to 1. */
export function delayOf({ minMs, maxMs }: DelayRange, unit: number): number {
  return minMs * (maxMs / minMs) ** unit
}

interface Waiting<Audit> {
  dueMs: number
  bytes: number
  audit: Audit
}

export class PendingAudits<Audit> {
  /** In order of arrival. */
  private waiting: Waiting<Audit>[] = []
  private bytes = 0
  /** Those that went unasked for want of room. */
  dropped = 0

  get count(): number {
    return this.waiting.length
  }

  add(audit: Audit, bytes: number, dueMs: number): void {
    this.waiting.push({ dueMs, bytes, audit })
    this.bytes += bytes
    while (this.waiting.length > auditsPendingMax || this.bytes > pendingBytesMax) {
      this.bytes -= this.waiting.shift()!.bytes
      this.dropped++
    }
  }

  /** Takes out at most so many whose time has come. */
  takeDue(nowMs: number, most: number): Audit[] {
    const due: Audit[] = []
    this.waiting = this.waiting.filter((one) => {
      if (one.dueMs > nowMs || due.length >= most) return true
      due.push(one.audit)
      this.bytes -= one.bytes
      return false
    })
    return due
  }
}
