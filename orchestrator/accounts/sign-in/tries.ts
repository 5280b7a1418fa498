/**
 * How often one network address may try to sign in: counted within the present minute of the clock that nobody sets.
 * The accounts ask before anything of a try is looked at.
 */
import { isIPv6 } from 'node:net'
import { triersMax } from '../../../shared/limits/keys.ts'
import { WindowCounts } from '../../../shared/window-counts.ts'

const minuteMs = 60_000

export class Tries {
  private readonly counts = new WindowCounts(minuteMs, triersMax)

  /** `triesMax`: of one network in one minute. */
  constructor(private readonly triesMax: number) {}

  /** Counts a try. Null when it may be; else the milliseconds until the next one may. */
  add(address: string, nowMs: number): number | null {
    const count = this.counts.add(networkOf(address), nowMs)
    return count <= this.triesMax ? null : (Math.floor(nowMs / minuteMs) + 1) * minuteMs - nowMs
  }
}

/** Whoever has one address of IPv6 has the 2^64 beside it as well. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const behind = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0)
    groups.push(...Array.from({ length: 8 - groups.length - behind }, () => '0'))
    if (tail !== '') groups.push(...tail.split(':'))
  }
  return groups.slice(0, 4).join(':')
}
