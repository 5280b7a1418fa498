/**
 * Keeps the chain: receipts and events wait here until a batch of them is sealed, folded and handed to the journal. The
 * order of the journal is the order of the chain. A receipt of a durable task is sealed once its settlement is
 * committed, which in a network of hubs may take long, or never be. While the store is in trouble nothing is sealed.
 */
import { batchLeavesMax, receiptBacklogMax } from '../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../shared/system.ts'
import { type LedgerEvent, packEvent } from '../../ledger/accounts/events.ts'
import type { Projector, Worked } from '../../ledger/accounts/projector.ts'
import type { Rules } from '../../ledger/points/rules.ts'
import { sealBatch } from '../../ledger/receipts/chain.ts'
import { LeafBuffer, packLeaves } from '../../ledger/receipts/leaf-buffer.ts'
import { readReceipt } from '../../ledger/receipts/receipt.ts'
import type { Journal } from '../durability/journal.ts'
import type { LedgerStore } from '../ports/ledger/ledger-store.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import { OpenBatch } from './open-batch.ts'
import type { ReceiptMaker } from './receipt-maker.ts'
import { type SnapshotPace, SnapshotWriter } from './snapshot-writer.ts'

interface LedgerWriterParts {
  system: Pick<System, 'wallMs' | 'nowMs' | 'soon'>
  store: LedgerStore
  journal: Journal
  rules: Rules
  maker: ReceiptMaker
  sign: (bytes: Uint8Array) => Uint8Array
  /** Runs work of a later turn: an error in it is a defect. */
  contain: (work: () => void) => void
  /** The chain as the store has it, folded. */
  projector: Projector
  projected: number
  pace?: SnapshotPace | undefined
}

/** A receipt that was made before it may be sealed. */
interface Kept {
  receipt: Uint8Array
  worked: Worked
}

interface Sealing {
  /** What the leaves say. */
  of: readonly (Worked | LedgerEvent)[]
  tasks: readonly number[]
  earned: readonly number[]
  asked: readonly number[]
}

export class LedgerWriter {
  readonly projector: Projector
  readonly snapshot: SnapshotWriter
  /** Oldest first; all but the last one are full. */
  private open: OpenBatch[] = []
  /** Receipts of durable tasks, by task, whose settlements are not committed yet. */
  private readonly unsettled = new Map<number, Kept>()
  private isSealSoon = false
  /** Receipts that are not sealed yet. */
  backlog = 0
  /** Receipts that were given up because the store did not recover in time. */
  dropped = 0
  private onSealed: (() => void) | null = null

  constructor(private readonly parts: LedgerWriterParts) {
    const { system, journal, projector, projected, pace } = parts
    this.projector = projector
    this.snapshot = new SnapshotWriter({ system, journal, projector, projected }, pace)
  }

  /** Takes up what the last process left: receipts that were not sealed. */
  start(): void {
    const { store, journal, rules } = this.parts
    for (const { task, receipt } of store.earned(receiptBacklogMax)) {
      this.add(task, { receipt, worked: readReceipt(receipt) })
    }
    journal.lazily({ write: 'rules', hash: rules.hash, text: rules.text })
  }

  /** The receipt of this task, which is not sealed yet; undefined for a task of which none waits. */
  waiting(task: number): Uint8Array | undefined {
    const kept = this.unsettled.get(task)
    if (kept !== undefined) return kept.receipt
    const batch = this.open.find(({ tasks }) => tasks.includes(task))
    return batch?.leaves.leaves()[batch.tasks.indexOf(task)]
  }

  /** The receipt of a durable task, which is committed along with its settlement, and what its client owes for it. */
  keep(work: WorkDone): { receipt: Uint8Array; owed: number } {
    const leaves = new LeafBuffer()
    const { worked, owed } = this.parts.maker.make(work, this.parts.system.wallMs(), leaves)
    const receipt = leaves.leaves()[0]!
    this.unsettled.set(work.task, { receipt, worked })
    return { receipt, owed }
  }

  /** The settlement of a durable task is committed: now its receipt may be sealed. */
  settled(task: number): void {
    const kept = this.unsettled.get(task)
    if (kept === undefined) return
    this.unsettled.delete(task)
    this.add(task, kept)
  }

  /** The settlement never will be committed: another hub has the task. */
  forsaken(task: number): void {
    this.unsettled.delete(task)
  }

  /** Makes a receipt for the next batch; what its client owes for it. */
  give(work: WorkDone): number {
    const batch = this.roomy()
    if (batch === null) return 0
    const { worked, owed } = this.parts.maker.make(work, this.parts.system.wallMs(), batch.leaves)
    batch.worked.push(worked)
    this.added(batch, work.task)
    return owed
  }

  /** One of which there is a row in the store: if there is no room for it, the next process finds it there. */
  private add(task: number, { receipt, worked }: Kept): void {
    const batch = this.roomy()
    if (batch === null) return
    batch.leaves.add(receipt)
    batch.worked.push(worked)
    batch.earned.push(task)
    this.added(batch, task)
  }

  private added(batch: OpenBatch, task: number): void {
    batch.tasks.push(task)
    this.backlog++
    if (batch.size === batchLeavesMax) this.sealSoon()
  }

  /** The batch that the next receipt goes into; null when too many wait. */
  private roomy(): OpenBatch | null {
    const last = this.open.at(-1)
    if (last !== undefined && last.size < batchLeavesMax) return last
    if (this.backlog >= receiptBacklogMax) {
      this.dropped++
      return null
    }
    const batch = new OpenBatch()
    this.open.push(batch)
    return batch
  }

  private sealSoon(): void {
    if (this.isSealSoon) return
    this.isSealSoon = true
    this.parts.system.soon(() => {
      this.isSealSoon = false
      this.parts.contain(() => this.sealReceipts())
    })
  }

  /** Once a second: seals what waits. */
  tick(): void {
    this.sealReceipts()
    this.snapshot.step(0)
  }

  /** Seals all that waits, before something that is not to come before it in the chain. */
  sealWaiting(): void {
    while (this.open.length > 0 && this.sealReceipts());
  }

  /** Calls back as soon as no receipt waits to be sealed; of several the last one alone. */
  whenSealed(then: () => void): void {
    this.onSealed = then
    if (this.open.length === 0) this.allSealed()
  }

  /** At the end of the process. */
  flush(): void {
    this.sealWaiting()
    this.snapshot.flush()
  }

  /** Seals one batch of receipts; false when the store is in trouble. */
  private sealReceipts(): boolean {
    if (this.parts.journal.trouble !== null) return false
    const batch = this.open.shift()
    if (batch === undefined) return true
    this.backlog -= batch.size
    const { tasks, worked: of, earned } = batch
    this.seal(batch.leaves, { of, tasks, earned, asked: [] })
    this.snapshot.step(batch.size)
    // What is more has a turn of its own.
    if (this.backlog >= batchLeavesMax) this.sealSoon()
    if (this.open.length === 0) this.allSealed()
    return true
  }

  private allSealed(): void {
    const then = this.onSealed
    this.onSealed = null
    then?.()
  }

  /** Seals events that follow from each other, in their order. */
  sealEvents(events: readonly LedgerEvent[], asked: readonly number[] = []): void {
    for (let at = 0; at < events.length; at += batchLeavesMax) {
      const of = events.slice(at, at + batchLeavesMax)
      this.seal(packLeaves(of.map(packEvent)), { of, tasks: [], earned: [], asked })
    }
  }

  private seal(leaves: LeafBuffer, { of, ...rows }: Sealing): void {
    const { journal, rules, sign, system } = this.parts
    const atMs = Math.floor(system.wallMs())
    const batch = sealBatch(this.projector.end, { leaves, atMs, rulesHash: rules.hash, sign })
    this.projector.take(batch, of)
    journal.addHere([{ write: 'batch', batch, ...rows }], done)
  }
}

const done = (): void => {}
