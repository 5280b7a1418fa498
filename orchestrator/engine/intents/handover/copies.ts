/**
 * Intents of other hubs, for who asks for them here: copies made of the shared journal, held in memory for as long as
 * there is room, brought up to date when they are asked for and while somebody follows their events. Lines of answers
 * in progress come from the hub that has the intent, while somebody follows it (`mirrored-intent.ts`). Nothing is done
 * to an intent through its copy.
 */
import { ByteAccount } from '../../../../shared/byte-account.ts'
import { type Fault, fault } from '../../../../shared/faults.ts'
import {
  copiesBytesMax,
  copiesMax,
  copyFollowMs,
  copyFreshMs,
  linesAtOnce,
  linesRoundsMax,
  mirroredLinesBytesMax,
  mirroredLinesBytesPerTenantMax,
} from '../../../../shared/limits/cluster/journal.ts'
import type { System, Timer } from '../../../../shared/system.ts'
import { unkept } from '../../durability/journal.ts'
import type { IntentLife, IntentLog, IntentPlace } from '../../ports/intents.ts'
import { type Store, StoreError, type StoreWrite } from '../../ports/store.ts'
import { IntentQueries } from '../intent-queries.ts'
import { projection } from './handover.ts'
import { MirroredIntent } from './mirrored-intent.ts'

interface Copy {
  /** Who follows it, and the lines that they lack. */
  live: MirroredIntent
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
  private readonly lines = new ByteAccount(mirroredLinesBytesMax, mirroredLinesBytesPerTenantMax)
  /** Those whose lines are asked for. */
  private readonly mirroring = new Set<string>()
  private bytes = 0
  private timer: Timer | null = null
  private isStopped = false

  constructor(private readonly parts: CopiesParts) {
    this.queries = new IntentQueries(parts.store, { intent: (id) => this.copies.get(id)?.live })
  }

  /** The hub that has it; undefined for what there is no copy of. */
  ownerOf(id: string): string | undefined {
    return this.copies.get(id)?.owner
  }

  stop(): void {
    this.isStopped = true
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
    return this.reading.get(id) ?? this.refresh(id, known)
  }

  /** Reads on, however fresh what is here seems: it was just changed. */
  renew(id: string): Promise<Fault | null> {
    const known = this.copies.get(id)
    // One that was over may go on: who followed it has left.
    if (known?.isOver) this.drop(id)
    else if (known !== undefined) known.readMs = Number.NEGATIVE_INFINITY
    return this.bring(id)
  }

  private refresh(id: string, known: Copy | undefined): Promise<Fault | null> {
    const reading = this.read(id, known).finally(() => this.reading.delete(id))
    this.reading.set(id, reading)
    return reading
  }

  private async read(id: string, known: Copy | undefined): Promise<Fault | null> {
    const life = await this.parts.log.read(id, known?.place)
    // What was read before is better than nothing.
    if (life === 'troubled') return known === undefined ? unkept('apart') : null
    if (life === 'unknown') {
      this.drop(id)
      return null
    }
    if (known?.live.isFollowed && life.writes.some(endsTask)) await this.completeLines(known, life.owner)
    // There was no room for it meanwhile.
    if (known !== undefined && this.copies.get(id) !== known) return this.read(id, undefined)
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
    const live = before?.live ?? new MirroredIntent(id, row.tenant, this.lines, () => this.beginMirror(id))
    const held = (known?.bytes ?? 0) + bytes
    this.bytes += held - (before?.bytes ?? 0)
    const isOver = row.state !== 'running'
    this.copies.set(id, { live, place, bytes: held, owner, readMs: system.nowMs(), isOver })
    if (writes.length > 0) {
      live.wrote(writes, store.tasksOf(id))
      live.wake()
    }
    if (isOver) live.over()
    this.makeRoom(id)
    this.timer ??= system.after(copyFollowMs, () => this.follow())
    return null
  }

  private makeRoom(kept: string): void {
    for (const id of this.copies.keys()) {
      if (this.copies.size <= copiesMax && this.bytes <= copiesBytesMax) return
      if (id !== kept) this.drop(id)
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
    for (const [id, copy] of followed) {
      if (!this.reading.has(id)) void this.refresh(id, copy)
      this.beginMirror(id)
    }
  }

  // ------------------------------------------------------------ lines

  private beginMirror(id: string): void {
    if (!this.mirroring.has(id) && this.mirroring.size < linesAtOnce) void this.mirror(id)
  }

  /** Asks for lines for as long as somebody follows. */
  private async mirror(id: string): Promise<void> {
    this.mirroring.add(id)
    for (let copy = this.followed(id); copy !== null; copy = this.followed(id)) {
      const found = await this.ask(copy.owner, copy, true)
      const isStill = found?.isHere === true && (!found.hasEvents || (await this.bringOn(id)))
      if (!isStill) await this.pause()
    }
    this.mirroring.delete(id)
    const copy = this.copies.get(id)
    if (copy !== undefined && !copy.live.isFollowed) copy.live.clear()
  }

  private followed(id: string): Copy | null {
    const copy = this.copies.get(id)
    return copy === undefined || this.isStopped || copy.isOver || !copy.live.isFollowed ? null : copy
  }

  /** Adds what it finds. */
  private async ask(hub: string, { live }: Copy, waits: boolean) {
    const { id: intent, seq, known } = live
    const found = await this.parts.log.lines(hub, { intent, seq, known, waits })
    if (found !== null) live.add(found.parts)
    return found
  }

  /** A task has ended: all of its lines are to be here before anybody reads of that. */
  private async completeLines(copy: Copy, hub: string): Promise<void> {
    for (let round = 0; round < linesRoundsMax; round++) {
      const found = await this.ask(hub, copy, false)
      if (found === null || found.parts.length === 0) return
    }
  }

  /** There are events that the copy lacks. False when the journal does not show them yet. */
  private async bringOn(id: string): Promise<boolean> {
    const before = this.copies.get(id)?.live.seq ?? 0
    await (this.reading.get(id) ?? this.refresh(id, this.copies.get(id)))
    return (this.copies.get(id)?.live.seq ?? 0) > before
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => this.parts.system.after(copyFollowMs, resolve))
  }
}

function endsTask(write: StoreWrite): boolean {
  return write.write === 'event' && write.event.type === 'task_settled'
}
