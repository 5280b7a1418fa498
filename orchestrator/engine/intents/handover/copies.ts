/**
 * Intents of other hubs, for who asks for them here: copies made of the shared journal, held in memory for as long as
 * there is room, brought up to date when they are asked for and while somebody follows their events. A copy shows what
 * was written; answers in progress are seen where the intent is. Nothing is done to an intent through its copy.
 */
import { ByteAccount } from '../../../../shared/byte-account.ts'
import { type Fault, fault } from '../../../../shared/faults.ts'
import { copiesBytesMax, copiesMax, copyFollowMs, copyFreshMs } from '../../../../shared/limits/cluster/journal.ts'
import type { System, Timer } from '../../../../shared/system.ts'
import { unkept } from '../../durability/journal.ts'
import { unlimitedKey } from '../../ports/charged-key.ts'
import type { IntentLife, IntentLog, IntentPlace } from '../../ports/intents.ts'
import { type Store, StoreError, type StoreWrite } from '../../ports/store.ts'
import { IntentQueries } from '../intent-queries.ts'
import { LiveIntent } from '../live-intents.ts'
import { projection } from './handover.ts'

interface Copy {
  /** Who follows it; knows no tasks. */
  live: LiveIntent
  place: IntentPlace
  bytes: number
  owner: string
  readMs: number
  isOver: boolean
}

export interface CopiesParts {
  system: System
  log: IntentLog
  /** Where the copies are held. */
  store: Store
}

export class IntentCopies {
  /** What there is of them to read. */
  readonly queries: IntentQueries
  /** Least recently asked for first. */
  private readonly copies = new Map<string, Copy>()
  private readonly reading = new Map<string, Promise<Fault | null>>()
  private bytes = 0
  private timer: Timer | null = null

  constructor(private readonly parts: CopiesParts) {
    this.queries = new IntentQueries(parts.store, { intent: (id) => this.copies.get(id)?.live })
  }

  /** The hub that has it; undefined for what there is no copy of. */
  ownerOf(id: string): string | undefined {
    return this.copies.get(id)?.owner
  }

  stop(): void {
    this.timer?.cancel()
  }

  /** Makes a copy, or brings it up to date. Resolves with why that cannot be done; null also for an unknown intent. */
  bring(id: string): Promise<Fault | null> {
    const known = this.copies.get(id)
    if (known !== undefined) {
      this.copies.delete(id)
      this.copies.set(id, known)
      const isFresh = known.isOver || this.parts.system.nowMs() - known.readMs < copyFreshMs
      if (isFresh) return Promise.resolve(null)
    }
    const running = this.reading.get(id)
    if (running !== undefined) return running
    const reading = this.read(id, known).finally(() => this.reading.delete(id))
    this.reading.set(id, reading)
    return reading
  }

  /** Reads on, however fresh what is here seems: it was just changed. */
  renew(id: string): Promise<Fault | null> {
    const known = this.copies.get(id)
    // One that was over may go on: who followed it has left.
    if (known?.isOver) this.drop(id)
    else if (known !== undefined) known.readMs = Number.NEGATIVE_INFINITY
    return this.bring(id)
  }

  private async read(id: string, known: Copy | undefined): Promise<Fault | null> {
    const life = await this.parts.log.read(id, known?.place)
    // What was read before is better than nothing.
    if (life === 'troubled') return known === undefined ? unkept('apart') : null
    if (life === 'unknown') {
      this.drop(id)
      return null
    }
    return this.keep(id, life, life.goesOn ? known : undefined)
  }

  private keep(id: string, { writes, bytes, owner, place }: IntentLife, known: Copy | undefined): Fault | null {
    const { store, system } = this.parts
    const before = this.copies.get(id)
    try {
      store.commit(known === undefined ? projection({ intent: id, writes }) : writes)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.drop(id)
      return fault('internal_error', 'What the journal of this network has of this intent cannot be read.')
    }
    const row = store.intent(id)
    if (row === undefined) {
      this.drop(id)
      return null
    }
    const live = before?.live ?? new LiveIntent(id, row.tenant, unlimitedKey(row.tenant), 0, new ByteAccount(0, 0))
    const held = (known?.bytes ?? 0) + bytes
    this.bytes += held - (before?.bytes ?? 0)
    const isOver = row.state !== 'running'
    this.copies.set(id, { live, place, bytes: held, owner, readMs: system.nowMs(), isOver })
    if (writes.length > 0) live.wake()
    if (isOver) live.over()
    this.makeRoom(id)
    this.timer ??= system.after(copyFollowMs, () => this.follow())
    return null
  }

  private makeRoom(kept: string): void {
    for (const [id, { live }] of this.copies) {
      if (this.copies.size <= copiesMax && this.bytes <= copiesBytesMax) return
      if (id === kept) continue
      live.letGo()
      this.drop(id)
    }
  }

  private drop(id: string): void {
    const copy = this.copies.get(id)
    if (copy === undefined) return
    copy.live.letGo()
    this.copies.delete(id)
    this.bytes -= copy.bytes
    const writes: StoreWrite[] = [{ write: 'dropIntent', intent: id }]
    this.parts.store.commit(writes)
  }

  private follow(): void {
    const followed = [...this.copies].filter(([, { live, isOver }]) => live.isFollowed && !isOver)
    this.timer = this.copies.size === 0 ? null : this.parts.system.after(copyFollowMs, () => this.follow())
    for (const [id, copy] of followed) if (!this.reading.has(id)) void this.refresh(id, copy)
  }

  private refresh(id: string, copy: Copy): Promise<Fault | null> {
    const reading = this.read(id, copy).finally(() => this.reading.delete(id))
    this.reading.set(id, reading)
    return reading
  }
}
