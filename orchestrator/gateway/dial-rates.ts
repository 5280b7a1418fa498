/**
 * How often scouts may dial: refused tries are counted by address, good ones by operator and in all. Whoever comes with
 * a good key is held up by nobody else's bad ones, also when all of them share the address of a proxy. The gateway asks
 * after the key was checked.
 */

export interface DialRates {
  /** Refused tries of one address. */
  upgradesPerSecondPerAddress: number
  /** Good ones, of all and of one operator. */
  upgradesPerSecond: number
  upgradesPerSecondPerOperator: number
}

/** Addresses and operators counted in one second; who is beyond it shares one count. */
const countedMax = 10_000
const others = 'others'

/** Counts by name within the present second. */
class SecondCounts {
  private second = -1
  private readonly counts = new Map<string, number>()

  add(name: string, nowMs: number): number {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.second) {
      this.second = second
      this.counts.clear()
    }
    const counted = this.counts.size < countedMax || this.counts.has(name) ? name : others
    const count = (this.counts.get(counted) ?? 0) + 1
    this.counts.set(counted, count)
    return count
  }
}

export class DialCounts {
  private readonly refused = new SecondCounts()
  private readonly good = new SecondCounts()
  private readonly all = new SecondCounts()

  constructor(private readonly rates: DialRates) {}

  /** Whether another refused try of this address is told why. */
  mayFail(address: string, nowMs: number): boolean {
    return this.refused.add(address, nowMs) <= this.rates.upgradesPerSecondPerAddress
  }

  /** What an operator with more tries than its share makes is not counted against the others. */
  mayJoin(operator: string, nowMs: number): boolean {
    if (this.good.add(operator, nowMs) > this.rates.upgradesPerSecondPerOperator) return false
    return this.all.add('all', nowMs) <= this.rates.upgradesPerSecond
  }
}
