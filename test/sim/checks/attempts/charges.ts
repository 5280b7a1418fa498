/**
 * What durable tasks are charged on the disk, against what was really sent: an attempt that its scout
 * never received may be taken back, and is not charged.
 */
import type { StoreWriteOf } from '../../../../orchestrator/engine/ports/store.ts'
import type { Checker } from '../invariants.ts'

export class Charges {
  /** The last attempt of each task that the present hub has granted; of earlier hubs nobody knows what was sent. */
  private readonly granted = new Map<number, number>()
  private readonly before = new Map<number, number>()

  constructor(private readonly checker: Pick<Checker, 'ledger' | 'fail'>) {}

  leased({ task, attempt }: StoreWriteOf<'lease'>): void {
    this.granted.set(task, attempt)
  }

  charged({ task, charged }: StoreWriteOf<'release'> | StoreWriteOf<'end'>): void {
    const before = this.before.get(task) ?? 0
    this.before.set(task, charged)
    const attempt = this.granted.get(task) ?? 0
    if (charged <= before || this.checker.ledger.task(task).lastAttempt >= attempt) return
    this.checker.fail(17, `attempt ${attempt} of task ${task} is charged and was never sent`)
  }

  forgetLeases(): void {
    this.granted.clear()
  }
}
