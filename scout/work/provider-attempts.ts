/**
 * What the providers of one attempt said, one after the other, until one answered or another try would not help; and
 * how the attempt ends when none did. The executor enters each failure and settles with the ending.
 */
import { type Fault, type FaultCode, fault, faultTable } from '../../shared/faults.ts'
import { pauseDefaultMs } from '../../shared/limits/scheduling.ts'
import { type Ending, ended } from './settlement.ts'

/** What one provider finds too large another with the same model may well read. */
const ownLimits: ReadonlySet<FaultCode> = new Set<FaultCode>(['context_length_exceeded', 'request_too_large'])

export class Tries {
  private readonly faults: Fault[] = []

  constructor(private readonly model: string) {}

  add(cause: Fault): void {
    this.faults.push(cause)
  }

  /** Whether no other provider can do better: some of the answer is out, or the request itself is at fault. */
  isFinal(begun: boolean): boolean {
    const last = this.faults.at(-1)
    return last !== undefined && (begun || (faultTable[last.code].retry === 'never' && !ownLimits.has(last.code)))
  }

  /** How the attempt ends, with what every provider said. `begun`: some of the answer is out. */
  ending(begun: boolean): Ending {
    const last = this.faults.at(-1)
    if (last === undefined) {
      return ended('failed', fault('not_offered', `This scout does not offer ${this.model} any more.`))
    }
    if (this.isFinal(begun)) return ended('failed', last)
    const told = { message: [...new Set(this.faults.map(({ message }) => message))].join('; ') }
    const limited = this.faults.filter(({ code }) => code === 'provider_rate_limited')
    const open = this.faults.find((cause) => !limited.includes(cause) && !ownLimits.has(cause.code))
    if (open !== undefined) return ended('failed', { ...open, ...told })
    if (limited.length === 0) return ended('failed', { ...last, ...told })
    // Nobody's failure: handed back untouched, until the first of them may be asked again.
    const waitMs = Math.min(...limited.map(({ retryAfterMs }) => retryAfterMs ?? pauseDefaultMs))
    return ended('released', { ...limited[0]!, ...told, retryAfterMs: waitMs })
  }
}
