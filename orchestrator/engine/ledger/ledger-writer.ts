/**
 * Keeps the chain: receipts and events wait here until a batch of them is sealed, folded and handed to the journal. The
 * order of the journal is the order of the chain. A receipt of a durable task is sealed once its settlement is
 * committed, which in a network of hubs may take long, or never be. While the store is in trouble nothing is sealed. A
 * snapshot of what was folded follows now and then, so that a start has little to fold.
 */
import {
  batchLeavesMax,
  foldRowsMax,
  receiptBacklogMax,
  snapshotEveryMs,
} from '../../../shared/limits/ledger/ledger.ts'
import type { System } from '../../../shared/system.ts'
import { type LedgerEvent, packEvent } from '../../ledger/accounts/events.ts'
import { Projector } from '../../ledger/accounts/projector.ts'
import type { Rules } from '../../ledger/points/rules.ts'
import { packLeaves, sealBatch } from '../../ledger/receipts/chain.ts'
import type { Journal } from '../durability/journal.ts'
import type { LedgerStore } from '../ports/ledger/ledger-store.ts'
import { replayed } from './replay.ts'

interface LedgerWriterParts {
  system: Pick<System, 'wallMs' | 'nowMs' | 'soon'>
  store: LedgerStore
  journal: Journal
  rules: Rules
  sign: (bytes: Uint8Array) => Uint8Array
  /** Runs work of a later turn: an error in it is a defect. */
  contain: (work: () => void) => void
}

interface Waiting {
  task: number
  receipt: Uint8Array
  /** There is a row of it in the store. */
  isDurable: boolean
}

export class LedgerWriter {
  projector = new Projector()
  private waiting: Waiting[] = []
  /** Receipts of durable tasks, by task, whose settlements are not committed yet. */
  private readonly unsettled = new Map<number, Uint8Array>()
  private isSealSoon = false
  private projected = 0
  private snapshotMs = 0
  /** Receipts that were given up because the store did not recover in time. */
  dropped = 0

  constructor(private readonly parts: LedgerWriterParts) {}

  /** Takes up what the last process left: the snapshot, the batches behind it, receipts that were not sealed. */
  start(): void {
    const { store, journal, rules } = this.parts
    const { projector, projected } = replayed(store)
    this.projector = projector
    this.projected = projected
    for (const { task, receipt } of store.earned(receiptBacklogMax)) {
      this.waiting.push({ task, receipt, isDurable: true })
    }
    this.snapshotMs = this.parts.system.nowMs()
    journal.lazily({ write: 'rules', hash: rules.hash, text: rules.text })
  }

  /** Receipts that are not sealed yet. */
  get backlog(): number {
    return this.waiting.length
  }

  isWaiting(task: number): boolean {
    return this.unsettled.has(task) || this.waiting.some((known) => known.task === task)
  }

  /** The receipt of a durable task, which is committed along with its settlement. */
  keep(task: number, receipt: Uint8Array): void {
    this.unsettled.set(task, receipt)
  }

  /** The settlement of a durable task is committed: now its receipt may be sealed. */
  settled(task: number): void {
    const receipt = this.unsettled.get(task)
    if (receipt === undefined) return
    this.unsettled.delete(task)
    this.add(task, receipt, true)
  }

  /** The settlement never will be committed: another hub has the task. */
  forsaken(task: number): void {
    this.unsettled.delete(task)
  }

  /** A receipt for the next batch. */
  add(task: number, receipt: Uint8Array, isDurable = false): void {
    // That of a durable task is in the store already, and is found there by the next process.
    if (this.waiting.length >= receiptBacklogMax) {
      this.dropped++
      return
    }
    this.waiting.push({ task, receipt, isDurable })
    if (this.waiting.length >= batchLeavesMax) this.sealSoon()
  }

  private sealSoon(): void {
    if (this.isSealSoon) return
    this.isSealSoon = true
    this.parts.system.soon(() => {
      this.isSealSoon = false
      this.parts.contain(() => this.sealReceipts())
    })
  }

  /** Once a second: seals what waits, and takes a snapshot when it is time. */
  tick(): void {
    this.sealReceipts()
    const isDue = this.parts.system.nowMs() - this.snapshotMs >= snapshotEveryMs
    if (isDue || this.projector.dirty >= foldRowsMax) this.snapshot()
  }

  /** At the end of the process. */
  flush(): void {
    while (this.waiting.length > 0 && this.sealReceipts());
    this.snapshot()
  }

  /** Seals one batch of receipts; false when the store is in trouble. */
  private sealReceipts(): boolean {
    if (this.parts.journal.trouble !== null) return false
    const sealed = this.waiting.splice(0, batchLeavesMax)
    if (sealed.length === 0) return true
    const tasks = sealed.map(({ task }) => task)
    const earned = sealed.filter(({ isDurable }) => isDurable).map(({ task }) => task)
    this.seal(
      sealed.map(({ receipt }) => receipt),
      { tasks, earned, asked: [] },
    )
    // What is more has a turn of its own.
    if (this.waiting.length >= batchLeavesMax) this.sealSoon()
    if (this.projector.dirty >= foldRowsMax) this.snapshot()
    return true
  }

  /** Seals events that follow from each other, in their order; those that cannot be any more are left out. */
  sealEvents(events: readonly LedgerEvent[], asked: readonly number[] = []): void {
    for (let at = 0; at < events.length; at += batchLeavesMax) {
      this.seal(events.slice(at, at + batchLeavesMax).map(packEvent), { tasks: [], earned: [], asked })
    }
  }

  private seal(leaves: Uint8Array[], of: { tasks: number[]; earned: number[]; asked: readonly number[] }): void {
    const { journal, rules, sign, system } = this.parts
    const atMs = Math.floor(system.wallMs())
    const batch = sealBatch(this.projector.end, { leaves, atMs, rulesHash: rules.hash, sign })
    this.projector.fold(batch)
    const { seq, head, signature } = batch
    journal.add([{ write: 'batch', batch: { seq, atMs, head, signature, leaves: packLeaves(leaves) }, ...of }], done)
  }

  /** Writes what was touched since the last one. */
  snapshot(): void {
    const { projector } = this
    const { journal, system } = this.parts
    this.snapshotMs = system.nowMs()
    const to = projector.end.seq
    if (to === this.projected || journal.trouble !== null) return
    const { accounts, earnings, seasons } = projector.takeTouched()
    const balances = [...accounts].map((account): [string, number] => [account, projector.balances.of(account)])
    const rows = [...seasons].map((season) => projector.seasons.get(season)!)
    const from = this.projected
    this.projected = to
    journal.add([{ write: 'fold', from, to, balances, earnings: [...earnings.values()], seasons: rows }], done)
  }
}

const done = (): void => {}
