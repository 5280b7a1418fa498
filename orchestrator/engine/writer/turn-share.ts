/**
 * How much of a turn of the loop goes into making requests and decisions out of stored results. What makes them reports
 * the bytes that it reads and writes; once a turn has had its share, tasks wait for turns of their own, in their order.
 * The commit barrier asks before it acts, and puts what follows for a task behind what waits for it.
 */
import { madeBytesPerTurn } from '../../../shared/limits/intents.ts'
import type { System } from '../../../shared/system.ts'
import type { TurnLane } from '../../../shared/turn-lane.ts'

export class TurnShare {
  private spentBytes = 0
  private readonly waiting = new Map<number, (() => void)[]>()

  constructor(
    private readonly system: Pick<System, 'soon'>,
    private readonly lane: TurnLane,
    /** Runs what has waited: an error in it is a defect of the engine. */
    private readonly contain: (work: () => void) => void,
  ) {}

  /** So many bytes were read or written in this turn. */
  spend(bytes: number): void {
    if (this.spentBytes === 0) this.system.soon(this.nextTurn)
    this.spentBytes += bytes
  }

  private readonly nextTurn = (): void => {
    this.spentBytes = 0
  }

  /** Whether an action for this task has to come later. A long one waits also because others do. */
  mustWait(task: number, isLong: boolean): boolean {
    if (this.waiting.has(task)) return true
    return isLong && (this.waiting.size > 0 || this.spentBytes >= madeBytesPerTurn)
  }

  /** Acts in a turn to come, behind what waits for this task already. */
  later(task: number, act: () => void): void {
    const before = this.waiting.get(task)
    if (before !== undefined) return void before.push(act)
    this.waiting.set(task, [act])
    this.lane.add(() => {
      this.contain(() => this.actNow(task))
      return true
    })
  }

  private actNow(task: number): void {
    const actions = this.waiting.get(task)!
    // What an action brings about for the task follows behind, too.
    for (let act = actions.shift(); act !== undefined; act = actions.shift()) act()
    this.waiting.delete(task)
  }
}
