/**
 * Checks of answers that are too long for one turn of the loop: one check after the other, one step of it in each turn.
 * The scouts' desk brings what a sink made of a settlement and goes on when the check is over; an answer that nobody
 * wants any more is dropped. Short answers never come here.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Steps, TurnLane } from '../../../shared/turn-lane.ts'

export type CheckSteps = Steps<Fault | null>

/** What is wrong with an answer, null when nothing is; of a long one, the steps that find out. */
export type Check = Fault | null | CheckSteps

interface LongCheck {
  steps: CheckSteps
  isWanted: () => boolean
  /** Called once, with what was found; `undefined` when it was not wanted to the end. */
  over: (flaw: Fault | null | undefined) => void
}

export class AnswerChecks {
  private readonly waiting: LongCheck[] = []

  constructor(
    private readonly lane: TurnLane,
    /** Runs one step: an error in it is a defect of the engine. */
    private readonly contain: (work: () => void) => void,
  ) {}

  get size(): number {
    return this.waiting.length
  }

  add(check: LongCheck): void {
    this.waiting.push(check)
    if (this.waiting.length === 1) this.lane.add(() => this.step())
  }

  private step(): boolean {
    let isOver = true
    this.contain(() => {
      this.goOn()
      isOver = this.waiting.length === 0
    })
    return isOver
  }

  private goOn(): void {
    const { steps, isWanted, over } = this.waiting[0]!
    if (!isWanted()) {
      this.waiting.shift()
      return over(undefined)
    }
    const { done, value } = steps.next()
    if (done !== true) return
    this.waiting.shift()
    over(value)
  }
}
