/**
 * How much of a turn of the loop goes into making requests and decisions out of stored results. That is work in steps,
 * which report the bytes that they read and write; once a turn has had its share, the rest waits for turns of its own,
 * one task after the other, so that what is half made is of one task alone. The commit barrier brings the work of a
 * task, and puts what follows for the task behind it.
 */
import { madeBytesPerTurn } from '../../../shared/limits/intents.ts'
import type { System } from '../../../shared/system.ts'
import type { Steps, TurnLane } from '../../../shared/turn-lane.ts'

interface Action {
  /** To be done before; null for nothing. */
  work: Steps<void> | null
  act: () => void
}

export class TurnShare {
  private spentBytes = 0
  /** In the order in which their turns come; the first is under way. */
  private readonly waiting = new Map<number, Action[]>()

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

  /** Whether what is to be done for this task has to wait behind something. */
  isWaiting(task: number): boolean {
    return this.waiting.has(task)
  }

  /** Acts once the work is done: at once when this turn has room for it and nobody waits, else in turns to come. */
  add(task: number, work: Steps<void> | null, act: () => void): void {
    const before = this.waiting.get(task)
    if (before !== undefined) return void before.push({ work, act })
    if (this.waiting.size === 0 && this.isDone(work)) return act()
    this.waiting.set(task, [{ work, act }])
    if (this.waiting.size === 1) this.lane.add(() => this.step())
  }

  /** Goes on with it as far as this turn's share goes. */
  private isDone(work: Steps<void> | null): boolean {
    if (work === null) return true
    while (this.spentBytes < madeBytesPerTurn) if (work.next().done === true) return true
    return false
  }

  private step(): boolean {
    let isOver = true
    this.contain(() => {
      this.goOn()
      isOver = this.waiting.size === 0
    })
    return isOver
  }

  private goOn(): void {
    const [task, actions] = this.waiting.entries().next().value!
    // What an action brings about for the task follows behind, too.
    for (let next = actions[0]; next !== undefined; next = actions[0]) {
      if (!this.isDone(next.work)) return
      actions.shift()
      next.act()
    }
    this.waiting.delete(task)
  }
}
