/**
 * The ledger, as the disk alone shows it: every batch that is committed is folded here too. Points conserve after each
 * of them, a task has one receipt, that of a durable task comes with its settlement and is sealed in the end, and a hub
 * that starts has the balances that follow from the batches. In the end nothing is set aside of clients' points, and
 * they have paid for no more than receipts say. What comes back for an answer was spent on it, and whoever loses a
 * dispute loses its pledge, and nobody else.
 */
import type { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { StoreWrite, StoreWriteOf } from '../../orchestrator/engine/ports/store.ts'
import { type Pledge, pledgeIn } from '../../orchestrator/ledger/accounts/account.ts'
import { violationsOf } from '../../orchestrator/ledger/accounts/balances.ts'
import { type Pin, readEvent, type Transfer } from '../../orchestrator/ledger/accounts/events.ts'
import { Projector } from '../../orchestrator/ledger/accounts/projector.ts'
import { paidPrice, pointsOf } from '../../orchestrator/ledger/points/work.ts'
import { unpackLeaves } from '../../orchestrator/ledger/receipts/leaf-buffer.ts'
import { isReceipt, type Receipt, readReceipt } from '../../orchestrator/ledger/receipts/receipt.ts'
import { chargeOf } from '../../orchestrator/ledger/spending/reservations.ts'
import { signedBytes } from '../../shared/answers/answer-hash.ts'
import { AnswerCheck, keyIn } from '../../shared/answers/answer-keys.ts'
import { nonceBytes } from '../../shared/protocol/frames.ts'
import { listedRules } from '../support/ledger/small-ledger.ts'
import { firstBatch } from './grants.ts'
import type { Dice } from './world.ts'

const simRules = listedRules()

export const rulings = ['upheld', 'rejected', 'undecided'] as const
type Ruling = (typeof rulings)[number]

/** Of which one may be disputed. */
const tasksKept = 100

export class Receipts {
  private readonly projector = new Projector()
  private readonly sealed = new Set<number>()
  /** Durable tasks whose settlement is on the disk. */
  private readonly settled = new Set<number>()

  /** What clients have paid, and what they owed at most. */
  private spent = 0
  private owed = 0

  /** With which scouts sign, as the chain has pinned it. */
  private readonly keys = new Map<string, AnswerCheck>()

  /** What was spent on a task, and has come back for it. */
  private readonly spentOn = new Map<string, number>()
  private readonly repaidFor = new Map<string, number>()
  /** The newest tasks about which nobody has filed a dispute. */
  private undisputedTasks: number[] = []
  /** Tasks and verdicts of disputes, by their ids. */
  private readonly taskOf = new Map<string, string>()
  private readonly rulings = new Map<string, Ruling>()

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
        if (event.type === 'transfer') this.transfer(event)
        if (event.type === 'pin') this.pinned(event)
        continue
      }
      const receipt = readReceipt(leaf)
      const { task, model, promptUnits, answerUnits } = receipt
      if (receipt.countersignature !== null) this.countersigned(receipt, receipt.countersignature)
      this.owed += chargeOf(pointsOf(paidPrice(simRules, model), promptUnits, answerUnits))
      if (tasks[place] !== task) this.fail(41, `batch ${batch.seq} has the receipt of task ${task} in another place`)
      if (this.sealed.has(task)) this.fail(41, `task ${task} has two receipts`)
      this.sealed.add(task)
      this.undisputedTasks.push(task)
    }
    this.undisputedTasks = this.undisputedTasks.slice(-tasksKept)
    this.projector.fold({ ...batch, leaves })
    for (const flaw of violationsOf(this.projector.balances)) this.fail(40, `after batch ${batch.seq} ${flaw}`)
  }

  private pinned({ scout, key }: Pin): void {
    if (this.keys.has(scout)) this.fail(63, `the key of ${scout} is pinned twice`)
    const bytes = key === null ? null : keyIn(key)
    if (bytes !== null) this.keys.set(scout, new AnswerCheck(bytes))
  }

  private countersigned({ task, attempt, scout, answerHash }: Receipt, countersignature: Uint8Array): void {
    const nonce = countersignature.subarray(0, nonceBytes)
    const bytes = signedBytes({ task, attempt, nonce, answerHash })
    const isSigned = this.keys.get(scout)?.verifies(bytes, countersignature.subarray(nonceBytes)) === true
    if (!isSigned) this.fail(63, `the countersignature of task ${task} is not that of ${scout}`)
  }

  private transfer({ why, from, to, points, note = '' }: Transfer): void {
    if (why === 'spend') {
      this.spent += points
      this.spentOn.set(note, (this.spentOn.get(note) ?? 0) + points)
    }
    const pledge = pledgeIn(from) ?? pledgeIn(to)
    if (pledge !== null) this.pledged(why, pledge)
    if (why === 'repay') this.repaid(note, points)
  }

  private pledged(why: Transfer['why'], { dispute, task }: Pledge): void {
    this.taskOf.set(dispute, String(task))
    const ruling = this.rulings.get(dispute)
    if (why === 'forfeit' && ruling !== 'rejected') this.fail(61, `${dispute} lost its pledge, and was ${ruling}`)
    if (why === 'refund' && ruling === 'rejected') this.fail(61, `${dispute} was rejected and kept its pledge`)
  }

  private repaid(dispute: string, points: number): void {
    const task = this.taskOf.get(dispute) ?? ''
    const sum = (this.repaidFor.get(task) ?? 0) + points
    this.repaidFor.set(task, sum)
    const spent = this.spentOn.get(task) ?? 0
    if (sum > spent) this.fail(60, `${sum} points came back for task ${task}, and ${spent} were spent on it`)
    const ruling = this.rulings.get(dispute)
    if (ruling !== 'upheld') this.fail(60, `points came back for an answer whose dispute was ${ruling}`)
  }

  isSealed(task: number): boolean {
    return this.sealed.has(task)
  }

  // ------------------------------------------------------------ for who disputes

  undisputed(dice: Dice): number | null {
    return this.undisputedTasks.length === 0 ? null : dice.pick(this.undisputedTasks)
  }

  disputed(task: number): void {
    this.undisputedTasks = this.undisputedTasks.filter((one) => one !== task)
  }

  ruled(dispute: string, ruling: Ruling): void {
    this.rulings.set(dispute, ruling)
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
      spendable === totals.client + totals.reserved + totals.pledged
    if (!isSame) this.fail(42, `a start has ${minted} points up to batch ${own.lastSeq()}, the batches ${-totals.mint}`)
    for (const operator of this.projector.operators()) {
      const [found, due] = [own.pointsOf(operator).waiting, this.projector.waitingOf(operator)]
      if (found !== due) this.fail(42, `a start has ${found} points for ${operator}, the batches ${due}`)
    }
  }

  private isWhole(dispute: string, task: string): void {
    const [back, spent] = [this.repaidFor.get(task) ?? 0, this.spentOn.get(task) ?? 0]
    const isUpheld = this.rulings.get(dispute) === 'upheld'
    if (isUpheld && back < spent) this.fail(60, `${back} of ${spent} points came back for task ${task}`)
  }

  /** Nothing is under way any more. */
  over(): void {
    for (const task of this.settled) if (!this.sealed.has(task)) this.fail(41, `task ${task} has no receipt in the end`)
    const { reserved, pledged } = this.projector.balances.totals
    if (pledged !== 0) this.fail(61, `${pledged} points are pledged in the end, and nothing is disputed`)
    for (const [dispute, task] of this.taskOf) this.isWhole(dispute, task)
    if (reserved !== 0) this.fail(57, `${reserved} points are set aside in the end, and nothing is under way`)
    if (this.spent > this.owed) this.fail(58, `clients paid ${this.spent} points and owed ${this.owed}`)
  }
}
