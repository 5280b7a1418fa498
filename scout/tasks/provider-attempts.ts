/**
 * The providers that were asked for one task, one after the other, and how each of them failed; from that, whether
 * another one can help, and how the attempt is settled when none could. `answer-task.ts` adds each failure and returns
 * the settlement.
 */
import { pauseLengthMs } from '../../shared/backoff.ts'
import { type Fault, type FaultCode, fault, faultTable } from '../../shared/faults.ts'
import { type Settlement, settlementOf } from './settlement.ts'

/** What is too large for one provider may fit another one with the same model. */
const ownLimits: ReadonlySet<FaultCode> = new Set<FaultCode>(['context_length_exceeded', 'request_too_large'])

export class ProviderAttempts {
  private readonly faults: Fault[] = []

  constructor(private readonly model: string) {}

  failed(cause: Fault): void {
    this.faults.push(cause)
  }

  /** Whether no other provider can help: part of the answer has been sent, or the request itself is at fault. */
  isFinal(begun: boolean): boolean {
    const last = this.faults.at(-1)
    return last !== undefined && (begun || (faultTable[last.code].retry === 'never' && !ownLimits.has(last.code)))
  }

  /** The settlement after all of them failed, with every provider's message. `begun`: part of the answer was sent. */
  settlement(begun: boolean): Settlement {
    const last = this.faults.at(-1)
    if (last === undefined) {
      return settlementOf('failed', fault('not_offered', `This scout does not offer ${this.model} any more.`))
    }
    if (this.isFinal(begun)) return settlementOf('failed', last)
    const together = { message: [...new Set(this.faults.map(({ message }) => message))].join('; ') }
    const limited = this.faults.filter(({ code }) => code === 'provider_rate_limited')
    const open = this.faults.find((cause) => !limited.includes(cause) && !ownLimits.has(cause.code))
    if (open !== undefined) return settlementOf('failed', { ...open, ...together })
    if (limited.length === 0) return settlementOf('failed', { ...last, ...together })
    // Nobody's failure: handed back untouched, until the first of them may be asked again.
    const waitMs = Math.min(...limited.map(({ retryAfterMs }) => pauseLengthMs(retryAfterMs)))
    return settlementOf('released', { ...limited[0]!, ...together, retryAfterMs: waitMs })
  }
}
