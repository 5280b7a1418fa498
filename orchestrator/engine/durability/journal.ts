/**
 * Write before act: what has to be done waits here until what it rests on is committed. Entries go into the store in
 * order, all that gathered during one turn of the loop in one transaction, so that under load one sync serves many.
 * Behind a commit that took long the loop is left to others for as long. When the store cannot write, new promises are
 * refused at once, old ones are kept and tried again. In a network of hubs what concerns intents goes through a lane of
 * its own before it comes here.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { journalBytesMax, journalRetryMs, journalRowsMax, usageBacklogMax } from '../../../shared/limits/store.ts'
import type { System } from '../../../shared/system.ts'
import { restMs } from '../../../shared/turn-lane.ts'
import { type BatchStore, StoreError, type StoreTrouble, type StoreWrite, sizeOfWrite } from '../ports/store.ts'
import type { IntentLane, Landed } from './intent-lane.ts'

interface Entry {
  /** Entries have rising numbers. */
  order: number
  writes: readonly StoreWrite[]
  /** Performed after the commit. */
  then: () => void
  /** When given, the entry is a new promise that can still be refused. */
  refuse: ((trouble: StoreTrouble) => void) | null
}

/** Why a promise is refused: the store cannot write; or in a network its servers are away, or another hub has it. */
export type Refusal = StoreTrouble | 'apart' | 'elsewhere'

/** What a client hears whose promise the store could not keep. */
export const notWritable = fault('store_unavailable', 'The orchestrator cannot write to its disk. Try again later.', {
  retryAfterMs: 5_000,
})

const apart = 'The servers that keep the intents of this network cannot be reached, so nothing new is taken.'

const elsewhere = 'Another hub of this network goes on with this intent. Try again in a moment.'

/** What a client hears whose promise was refused. */
export function unkept(refusal: Refusal): Fault {
  if (refusal === 'elsewhere') return fault('store_unavailable', elsewhere, { retryAfterMs: 1_000 })
  if (refusal !== 'apart') return notWritable
  return fault('store_unavailable', `${apart} Try again later.`, { retryAfterMs: 5_000 })
}

const nothingLost: ReadonlySet<string> = new Set()

export class Journal {
  private entries: Entry[] = []
  private order = 0
  /** Rows that nobody waits for, which go along with the next commit, and behind which entry each came. */
  private lazy: StoreWrite[] = []
  private lazyOrders: number[] = []
  private scheduled = false
  private following = false
  /** When the loop has had its rest from the last commit. */
  private freeMs = 0
  /** What was wrong at the last try; null while the store is well. */
  trouble: StoreTrouble | null = null
  /** Lazy rows that were given up because the store did not recover in time. */
  dropped = 0
  /** Where intents are written first; null for a hub by itself. */
  lane: IntentLane | null = null

  constructor(
    private readonly store: BatchStore,
    private readonly system: System,
    /** Called when trouble begins, and when it is over. */
    private readonly onTurn: (isTroubled: boolean) => void = () => {},
    /**
     * Runs a commit with its follow-ups. A write whose condition did not hold, or a follow-up that broke, means that
     * memory and store may not agree any more; only a new start from the store puts that right.
     */
    private readonly contain: (work: () => void) => void = (work) => work(),
  ) {}

  /** Whether something waits for a commit, or for what follows from one. */
  get busy(): boolean {
    return this.entries.length > 0 || this.following || this.lane?.busy === true
  }

  /** What is to be written and is not yet; a look at all of it. */
  *unwritten(): Iterable<StoreWrite> {
    for (const { writes } of this.entries) yield* writes
    yield* this.lazy
  }

  /**
   * Commits these writes, after all that was added before, and then calls `then`. Without writes it only keeps order.
   * `intent`: to which all of them belong, where they do not say so themselves.
   */
  add(writes: readonly StoreWrite[], then: Landed, intent?: string): void {
    if (this.lane?.takes(writes) === true) return this.lane.add(writes, then, null, intent)
    this.addHere(writes, () => then(nothingLost))
  }

  /** Like `add`, for what nobody rests on yet: a store in trouble refuses it. */
  promise(writes: readonly StoreWrite[], then: () => void, refuse: (refusal: Refusal) => void): void {
    if (this.trouble !== null) return refuse(this.trouble)
    if (this.lane?.takes(writes) === true) return this.lane.promise(writes, then, refuse)
    this.entries.push({ order: ++this.order, writes, then, refuse })
    this.schedule()
  }

  /** Into this hub's store alone, in the order in which it comes here. */
  addHere(writes: readonly StoreWrite[], then: () => void): void {
    this.entries.push({ order: ++this.order, writes, then, refuse: null })
    this.schedule()
  }

  /** Commits this some time soon, in order with everything else; nobody is told. */
  lazily(write: StoreWrite): void {
    if (this.lazy.length >= usageBacklogMax) {
      this.dropped++
      return
    }
    this.lazy.push(write)
    this.lazyOrders.push(this.order)
    this.schedule()
  }

  /** Commits everything that waits, now; for the end of the process. */
  flush(): void {
    while (this.entries.length > 0 || this.lazy.length > 0) if (!this.commitSome()) return
  }

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    const waitMs = this.trouble === null ? this.freeMs - this.system.nowMs() : journalRetryMs
    if (waitMs > 0) this.system.after(waitMs, this.run)
    else this.system.soon(this.run)
  }

  private readonly run = (): void => {
    this.scheduled = false
    const beganMs = this.system.nowMs()
    this.contain(() => this.commitSome())
    const endedMs = this.system.nowMs()
    this.freeMs = endedMs + restMs(endedMs - beganMs)
    // With nothing left to write, the next promise is what tries the store again.
    if (this.entries.length > 0 || this.lazy.length > 0 || this.trouble !== null) this.schedule()
  }

  /** One transaction; false when the store refused it. */
  private commitSome(): boolean {
    const { batch, lazy, writes } = this.nextBatch()
    const wasTroubled = this.trouble !== null
    try {
      if (writes.length > 0) this.store.commit(writes)
      this.trouble = null
    } catch (error) {
      if (!(error instanceof StoreError) || error.trouble === 'fenced') throw error
      this.refuseNew(error.trouble)
      if (!wasTroubled) this.onTurn(true)
      return false
    }
    this.entries = this.entries.slice(batch.length)
    this.lazy = this.lazy.slice(lazy)
    this.lazyOrders = this.lazyOrders.slice(lazy)
    this.following = true
    try {
      for (const { then } of batch) then()
    } finally {
      this.following = false
    }
    if (wasTroubled) this.onTurn(false)
    return true
  }

  /**
   * Entries and lazy rows that go into one transaction, in the order in which they came: of two writes of one row the
   * later one has to win. Lazy rows behind the last of the entries go along where all entries do.
   */
  private nextBatch(): { batch: Entry[]; lazy: number; writes: StoreWrite[] } {
    const writes: StoreWrite[] = []
    let count = 0
    let rows = 0
    let bytes = 0
    let lazy = 0
    const takeLazy = (before: number) => {
      const lazyMax = lazy + journalRowsMax - rows
      const from = lazy
      while (lazy < lazyMax && this.lazyOrders[lazy]! < before) writes.push(this.lazy[lazy++]!)
      rows += lazy - from
    }
    for (const entry of this.entries) {
      takeLazy(entry.order)
      const more = { rows: 0, bytes: 0 }
      for (const write of entry.writes) {
        const size = sizeOfWrite(write)
        more.rows += size.rows
        more.bytes += size.bytes
      }
      const isFull = rows > 0 && rows + more.rows > journalRowsMax
      if (isFull || this.lazyOrders[lazy]! < entry.order) break
      rows += more.rows
      bytes += more.bytes
      writes.push(...entry.writes)
      count++
      if (bytes >= journalBytesMax) break
    }
    if (count === this.entries.length) takeLazy(Number.POSITIVE_INFINITY)
    return { batch: this.entries.slice(0, count), lazy, writes }
  }

  /** The store is in trouble: whoever was promised nothing yet hears so. */
  private refuseNew(trouble: StoreTrouble): void {
    this.trouble = trouble
    const refused = this.entries.filter((entry) => entry.refuse !== null)
    this.entries = this.entries.filter((entry) => entry.refuse === null)
    for (const { refuse } of refused) refuse!(trouble)
  }
}
