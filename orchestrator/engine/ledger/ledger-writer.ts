/**
 * Keeps the chain: receipts and events wait here until a batch of them is sealed, folded and handed to the journal. The
 * order of the journal is the order of the chain. A receipt of a durable task is sealed once its settlement is
 * committed, which in a network of hubs may take long, or never be. While the store is in trouble nothing is sealed.
 */
import { keyIn } from '../../../shared/answers/answer-keys.ts'
import { batchLeavesMax, receiptBacklogMax } from '../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../shared/system.ts'
import { type LedgerEvent, packEvent } from '../../ledger/accounts/events.ts'
import type { Projector, Said, Worked } from '../../ledger/accounts/projector.ts'
import type { Rules } from '../../ledger/points/rules.ts'
import { sealBatch } from '../../ledger/receipts/chain.ts'
import { LeafBuffer, packLeaves } from '../../ledger/receipts/leaf-buffer.ts'
import { ownReceipt, type Receipt, readReceipt } from '../../ledger/receipts/receipt.ts'
import type { Journal } from '../durability/journal.ts'
import type { LedgerStore } from '../ports/ledger/ledger-store.ts'
import type { Signed, WorkDone } from '../ports/ledger/work.ts'
import type { StoreWrite } from '../ports/store.ts'
import { OpenBatch } from './open-batch.ts'
import type { ReceiptMaker } from './receipt-maker.ts'
import type { Countersigning } from './signing/countersigning.ts'
import { type SnapshotPace, SnapshotWriter } from './snapshot-writer.ts'

interface LedgerWriterParts {
  system: Pick<System, 'wallMs' | 'nowMs' | 'soon'>
  store: LedgerStore
  journal: Journal
  rules: Rules
  maker: ReceiptMaker
  signatures: Countersigning
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
  /** Its signature is being checked. */
  isInCheck: boolean
  /** Its settlement is committed. */
  isSettled: boolean
}

interface Sealing {
  /** What the leaves say. */
  of: Said
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
  /** Receipts of chats, by task, whose signatures are being checked. */
  private readonly inCheck = new Map<number, Receipt>()
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
    const checked = this.inCheck.get(task)
    if (checked !== undefined) return packed(checked)
    const kept = this.unsettled.get(task)
    if (kept !== undefined) return kept.receipt
    const batch = this.open.find(({ tasks }) => tasks.includes(task))
    return batch?.leaves.leaves()[batch.tasks.indexOf(task)]
  }

  /** The receipt of a durable task, which is committed along with its settlement, and what its client owes for it. */
  keep(work: WorkDone): { receipt: Uint8Array; owed: number } {
    const { maker, system } = this.parts
    const receipt = ownReceipt(maker.make(work, system.wallMs()))
    const { owed } = maker
    const row = packed(receipt)
    const kept: Kept = { receipt: row, worked: receipt, isInCheck: false, isSettled: false }
    this.unsettled.set(work.task, kept)
    // The row in the store is without: a crash may lose a countersignature, and no receipt.
    if (work.signed !== null)
      kept.isInCheck = this.parts.signatures.add(receipt, work.signed, (found) => this.checked(kept, receipt, found))
    return { receipt: row, owed }
  }

  private checked(kept: Kept, receipt: Receipt, countersignature: Uint8Array | null): void {
    kept.isInCheck = false
    if (countersignature !== null) kept.receipt = packed({ ...receipt, countersignature })
    if (kept.isSettled) this.settled(receipt.task)
  }

  /** The settlement of a durable task is committed: now its receipt may be sealed. */
  settled(task: number): void {
    const kept = this.unsettled.get(task)
    if (kept === undefined) return
    kept.isSettled = true
    if (kept.isInCheck) return
    this.unsettled.delete(task)
    this.add(task, kept)
  }

  /** The settlement never will be committed: another hub has the task. */
  forsaken(task: number): void {
    this.unsettled.delete(task)
  }

  /** Makes a receipt for the next batch; what its client owes for it. */
  give(work: WorkDone): number {
    if (this.isFull()) return 0
    const { maker, system } = this.parts
    const receipt = maker.make(work, system.wallMs())
    const { owed } = maker
    if (work.signed === null || !this.check(ownReceipt(receipt), work.signed)) this.put(receipt)
    return owed
  }

  /** Its receipt waits for the check of its signature. */
  private check(receipt: Receipt, signed: Signed): boolean {
    const isAdded = this.parts.signatures.add(receipt, signed, (countersignature) => {
      this.inCheck.delete(receipt.task)
      receipt.countersignature = countersignature
      this.put(receipt)
    })
    if (isAdded) this.inCheck.set(receipt.task, receipt)
    return isAdded
  }

  private put(receipt: Receipt): void {
    const batch = this.roomy()
    batch.leaves.receipt(receipt)
    this.added(batch, receipt.task, receipt)
  }

  /** One of which there is a row in the store: if there is no room for it, the next process finds it there. */
  private add(task: number, { receipt, worked }: Pick<Kept, 'receipt' | 'worked'>): void {
    if (this.isFull()) return
    const batch = this.roomy()
    batch.leaves.add(receipt)
    batch.earned.push(task)
    this.added(batch, task, worked)
  }

  private added(batch: OpenBatch, task: number, worked: Worked): void {
    batch.added(task, worked)
    this.backlog++
    if (batch.length === batchLeavesMax) this.sealSoon()
  }

  /** Whether too many wait for one more. Those in check are few. */
  private isFull(): boolean {
    const last = this.open.at(-1)
    if (this.backlog < receiptBacklogMax || (last !== undefined && last.length < batchLeavesMax)) return false
    this.dropped++
    return true
  }

  /** The batch that the next receipt goes into. */
  private roomy(): OpenBatch {
    const last = this.open.at(-1)
    if (last !== undefined && last.length < batchLeavesMax) return last
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
    this.parts.signatures.giveUp()
    while (this.open.length > 0 && this.sealReceipts());
  }

  /** Calls back as soon as no receipt waits to be sealed; of several the last one alone. */
  whenSealed(then: () => void): void {
    this.onSealed = then
    this.tellSealed()
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
    const { tasks, earned, length } = batch
    this.backlog -= length
    this.seal(batch.leaves, { of: batch, tasks, earned, asked: [] })
    batch.done()
    this.snapshot.step(length)
    // What is more has a turn of its own.
    if (this.backlog >= batchLeavesMax) this.sealSoon()
    this.tellSealed()
    return true
  }

  private tellSealed(): void {
    // A receipt whose signature is being checked waits too.
    if (this.open.length > 0 || this.parts.signatures.isChecking) return
    const then = this.onSealed
    this.onSealed = null
    then?.()
  }

  /** Seals events that follow from each other, in their order. */
  sealEvents(events: readonly LedgerEvent[], asked: readonly number[] = []): void {
    for (let at = 0; at < events.length; at += batchLeavesMax) {
      const of = events.slice(at, at + batchLeavesMax)
      this.seal(packLeaves(of.map(packEvent)), { of, tasks: [], earned: [], asked }, of.flatMap(pinIn))
    }
  }

  private seal(leaves: LeafBuffer, { of, ...rows }: Sealing, pins: readonly StoreWrite[] = noWrites): void {
    const { journal, rules, sign, system } = this.parts
    const atMs = Math.floor(system.wallMs())
    const batch = sealBatch(this.projector.end, { leaves, atMs, rulesHash: rules.hash, sign })
    this.projector.take(batch, of)
    journal.addHere([{ write: 'batch', batch, ...rows }, ...pins], done)
  }
}

const done = (): void => {}
const noWrites: readonly StoreWrite[] = []

/** What the store keeps of an event beside its batch. */
function pinIn(event: LedgerEvent): StoreWrite[] {
  if (event.type !== 'pin') return []
  return [{ write: 'pin', scout: event.scout, key: event.key === null ? null : keyIn(event.key) }]
}

function packed(receipt: Receipt): Uint8Array {
  const leaves = new LeafBuffer()
  leaves.receipt(receipt)
  return leaves.leaves()[0]!
}
