/**
 * The answer to a submission that may not begin: it has failed already. To whoever reads it, it is an answer like every
 * other, so that no route has to know the limits of keys.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Answer, AnswerPart } from '../ports/client.ts'

export class RefusedAnswer implements Answer {
  readonly served = null
  readonly attempts = 0
  readonly queuedMs = 0
  readonly cost = null
  readonly microDollars = 0
  private part: AnswerPart | null

  constructor(
    readonly id: string,
    readonly created: number,
    cause: Fault,
  ) {
    this.part = { lines: [], end: { type: 'failed', fault: cause, forwardedBytes: 0 } }
  }

  position(): null {
    return null
  }

  take(): AnswerPart | null {
    const { part } = this
    this.part = null
    return part
  }

  onReadable(wake: () => void): void {
    if (this.part !== null) wake()
  }

  abandon(): void {
    this.part = null
  }
}
