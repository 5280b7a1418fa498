/**
 * The ledger, as the disk alone shows it: every batch that is committed is folded here too. Points conserve after each
 * of them, a task has one receipt, that of a durable task comes with its settlement and is sealed in the end, and a hub
 * that starts has the balances that follow from the batches. In the end nothing is set aside of clients' points, and
 * they have paid for no more than receipts say.
 */
import type { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { StoreWrite, StoreWriteOf } from '../../orchestrator/engine/ports/store.ts'
import { violationsOf } from '../../orchestrator/ledger/accounts/balances.ts'
import { readEvent } from '../../orchestrator/ledger/accounts/events.ts'
import { Projector } from '../../orchestrator/ledger/accounts/projector.ts'
import { chargeOf } from '../../orchestrator/ledger/accounts/reservations.ts'
import { paidPrice, pointsOf } from '../../orchestrator/ledger/points/work.ts'
import { unpackLeaves } from '../../orchestrator/ledger/receipts/leaf-buffer.ts'
import { isReceipt, readReceipt } from '../../orchestrator/ledger/receipts/receipt.ts'
import { listedRules } from '../support/ledger/small-ledger.ts'
import { firstBatch } from './grants.ts'

const simRules = listedRules()

export class Receipts {
  private readonly projector = new Projector()
  private readonly sealed = new Set<number>()
  /** Durable tasks whose settlement is on the disk. */
  private readonly settled = new Set<number>()

  /** What clients have paid, and what they owed at most. */
  private spent = 0
  private owed = 0

  constructor(private readonly fail: (invariant: number, what: string) => void) {
    this.projector.fold(firstBatch)
  }

  committed(writes: readonly StoreWrite[]): void {
    const earned = new Set<number>()
    for (const write of writes) if (write.write === 'earned') earned.add(write.earned.task)
    for (const write of writes) {
      if (write.write === 'batch') this.batch(write)
      if (write.write !== 'settle') continue
      this.settled.add(write.task)
      if (!earned.delete(write.task)) this.fail(41, `task ${write.task} is settled without what it earned`)
    }
    for (const task of earned) this.fail(41, `task ${task} has earned without being settled`)
  }

  private batch({ batch, tasks }: StoreWriteOf<'batch'>): void {
    const leaves = unpackLeaves(batch.leaves)
    for (const [place, leaf] of leaves.entries()) {
      if (!isReceipt(leaf)) {
        const event = readEvent(leaf)
        if (event.type === 'transfer' && event.why === 'spend') this.spent += event.points
        continue
      }
      const { task, model, promptUnits, answerUnits } = readReceipt(leaf)
      this.owed += chargeOf(pointsOf(paidPrice(simRules, model), promptUnits, answerUnits))
      if (tasks[place] !== task) this.fail(41, `batch ${batch.seq} has the receipt of task ${task} in another place`)
      if (this.sealed.has(task)) this.fail(41, `task ${task} has two receipts`)
      this.sealed.add(task)
    }
    this.projector.fold({ ...batch, leaves })
    for (const flaw of violationsOf(this.projector.balances)) this.fail(40, `after batch ${batch.seq} ${flaw}`)
  }

  /** What a hub that has just started made of its snapshot and of the batches behind it. */
  started(engine: HubEngine): void {
    const own = engine.ledger!
    const { totals } = this.projector.balances
    const { minted, escrow, spendable } = own.conservation()
    const isSame =
      own.lastSeq() === this.projector.end.seq &&
      minted === 0 - totals.mint &&
      escrow === totals.escrow &&
      spendable === totals.client + totals.reserved
    if (!isSame) this.fail(42, `a start has ${minted} points up to batch ${own.lastSeq()}, the batches ${-totals.mint}`)
    for (const operator of this.projector.operators()) {
      const [found, due] = [own.pointsOf(operator).waiting, this.projector.waitingOf(operator)]
      if (found !== due) this.fail(42, `a start has ${found} points for ${operator}, the batches ${due}`)
    }
  }

  /** Nothing is under way any more. */
  over(): void {
    for (const task of this.settled) if (!this.sealed.has(task)) this.fail(41, `task ${task} has no receipt in the end`)
    const { reserved } = this.projector.balances.totals
    if (reserved !== 0) this.fail(57, `${reserved} points are set aside in the end, and nothing is under way`)
    if (this.spent > this.owed) this.fail(58, `clients paid ${this.spent} points and owed ${this.owed}`)
  }
}
