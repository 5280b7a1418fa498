/**
 * How often scouts may dial: refused tries are counted by address, good ones by operator and in all. Whoever comes with
 * a good key is held up by nobody else's bad ones, also when all of them share the address of a proxy. The gateway asks
 * after the key was checked.
 */
import { WindowCounts } from '../../shared/window-counts.ts'

export interface DialRates {
  /** Refused tries of one address. */
  upgradesPerSecondPerAddress: number
  /** Good ones, of all and of one operator. */
  upgradesPerSecond: number
  upgradesPerSecondPerOperator: number
}

/** Addresses and operators counted in one second; who is beyond it shares one count. */
const countedMax = 10_000
const secondMs = 1_000

export class DialCounts {
  private readonly refused = new WindowCounts(secondMs, countedMax)
  private readonly good = new WindowCounts(secondMs, countedMax)
  private readonly all = new WindowCounts(secondMs, countedMax)

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
