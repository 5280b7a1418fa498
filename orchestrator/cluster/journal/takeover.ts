/**
 * Who goes on with which intents. At its start a hub takes up its own; later those of hubs that are gone for long or
 * not in the roster any more, if it is the first one behind them in the circle that is here. That order only spares
 * work: what counts is who appends first, which the journal knows. Scouts that come meanwhile with leases of such
 * intents wait until it is known whether this hub has them.
 */
import {
  leasesWaitMs,
  stillSpeaksMs,
  takeoverAtOnce,
  takeoverLanes,
  takeoverLookMs,
  takeoverMs,
} from '../../../shared/limits/cluster/journal.ts'
import type { System } from '../../../shared/system.ts'
import type { IntentHost } from '../../engine/ports/intents.ts'
import type { StoreWrite } from '../../engine/ports/store.ts'
import { Looks } from '../looks.ts'
import type { Membership } from '../membership.ts'
import type { Peers } from '../presence/peers.ts'
import { circleBehind } from '../roster/circle.ts'
import { slotOfTask } from '../roster/task-space.ts'
import type { IntentJournal } from './intent-journal.ts'
import { LeftMarks } from './left-marks.ts'
import type { Marked } from './marks.ts'

interface TakeoverParts {
  system: System
  journal: Pick<IntentJournal, 'trouble' | 'take' | 'marks' | 'decided'>
  membership: Pick<Membership, 'own' | 'chain'>
  peers: Pick<Peers, 'get' | 'here'>
  host: IntentHost
  log: { info(fields: object, message: string): void; error(fields: object, message: string): void }
}

/** A scout that waits for what becomes of its hub. `boot`: the start of that which was heard last. */
interface Waiter {
  hub: string
  boot: number | undefined
  sinceMs: number
  done: () => void
}

export class Takeover {
  /** Intents of other hubs that this one took, since it was started. */
  taken = 0
  private readonly looks: Looks
  /** Since when the servers are connected without a break; null while they are not. */
  private wellSinceMs: number | null = null
  private hasOwn = false
  private readonly left: LeftMarks
  /** These cannot be gone on with. */
  private readonly unfit = new Set<string>()
  /** Hubs that are gone, and of which this one has taken what falls to it. */
  private readonly decidedHubs = new Set<string>()
  private readonly waiting = new Set<Waiter>()

  constructor(private readonly parts: TakeoverParts) {
    parts.journal.decided = (task) => this.decided(task)
    this.left = new LeftMarks(() => parts.system.nowMs())
    this.looks = new Looks(parts.system, takeoverLookMs, () => this.look())
  }

  start(): void {
    this.looks.start()
  }

  stop(): void {
    this.looks.stop()
  }

  private async look(): Promise<void> {
    const { system, journal } = this.parts
    if (journal.trouble !== null) {
      this.wellSinceMs = null
      return
    }
    this.wellSinceMs ??= system.nowMs()
    if (!this.hasOwn) await this.takeOwn()
    this.hearAgain()
    for (const hub of this.absentHubs()) if (!this.looks.isStopped) await this.takeFrom(hub)
  }

  /** What this hub had when its last process ended; others may have taken it. */
  private async takeOwn(): Promise<void> {
    const { journal, membership, host } = this.parts
    const { name } = membership.own
    await journal.marks.settle()
    const marked = await journal.marks.of(name)
    // What is behind this asks the store, which may be closed by now.
    if (marked === 'unsure' || this.looks.isStopped) return
    const { isDone, rid } = await this.takeAll([...new Set([...host.waiting(), ...this.left.due(name, marked)])], name)
    for (const mark of this.left.over(name, marked, rid)) journal.marks.wipeOf(name, mark.name)
    this.hasOwn = isDone
    if (!isDone) return
    for (const { hub, done } of [...this.waiting]) if (hub === name) done()
  }

  /** Every hub that ever was in the roster, is not in it now or was silent for too long, and may have left intents. */
  private absentHubs(): string[] {
    const { membership, peers, system } = this.parts
    const { chain, own } = membership
    const known = new Set(chain.documents.flatMap(({ document }) => document.hubs.map(({ name }) => name)))
    known.delete(own.name)
    return [...known].filter((name) => {
      if (chain.authority(name) === undefined) return true
      const heardMs = Math.max(peers.get(name)?.heardMs ?? 0, this.wellSinceMs ?? Number.POSITIVE_INFINITY)
      return system.nowMs() - heardMs > takeoverMs
    })
  }

  private async takeFrom(hub: string): Promise<void> {
    const { journal, membership, peers } = this.parts
    const marked = await journal.marks.of(hub)
    if (marked === 'unsure' || this.looks.isStopped) return
    const living = [membership.own.name, ...peers.here().map(({ name }) => name)]
    if (circleBehind(hub, living)[0] === membership.own.name) {
      const fit = this.left.due(hub, marked).filter((intent) => !this.unfit.has(intent))
      const { rid } = await this.takeAll(fit, hub)
      this.wipe(hub, marked, rid)
    }
    this.decide(hub)
  }

  private wipe(hub: string, marked: Marked, rid: readonly string[]): void {
    const { marks } = this.parts.journal
    const over = this.left.over(hub, marked, rid)
    const areAll = over.length > 1 && over.length === marked.marks.length && marked.isWhole
    if (areAll) marks.wipeAllOf(hub, marked)
    else for (const { name } of over) marks.wipeOf(hub, name)
  }

  // ------------------------------------------------------------ scouts that wait

  /**
   * Resolves once it is known whether this hub goes on with the intent of a task, within a time that scouts wait for a
   * welcome; null when that is known.
   */
  decided(task: number): Promise<void> | null {
    const { membership, system, peers } = this.parts
    const slot = slotOfTask(task)
    // From before this hub was in the network.
    const hub = slot === 0 ? membership.own.name : membership.chain.hubOfSlot(slot)
    if (hub === undefined) return null
    const isOwn = hub === membership.own.name
    if (isOwn ? this.hasOwn : this.decidedHubs.has(hub)) return null
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel()
        this.waiting.delete(waiter)
        resolve()
      }
      const waiter = { hub, boot: peers.get(hub)?.boot, sinceMs: system.nowMs(), done }
      const timer = system.after(leasesWaitMs, done)
      this.waiting.add(waiter)
    })
  }

  private decide(hub: string): void {
    this.decidedHubs.add(hub)
    for (const { hub: of, done } of [...this.waiting]) if (of === hub) done()
  }

  /** A hub that was started anew, or goes on to speak, has its intents. */
  private hearAgain(): void {
    const { peers } = this.parts
    for (const { hub, boot, sinceMs, done } of [...this.waiting]) {
      const peer = peers.get(hub)
      if (peer !== undefined && (peer.boot !== boot || peer.heardMs - sinceMs >= stillSpeaksMs)) done()
    }
    for (const hub of this.decidedHubs) if (peers.get(hub)?.isHere === true) this.decidedHubs.delete(hub)
  }

  /** `isDone` false: some have to be tried again. `rid`: those whose mark of that hub means nothing any more. */
  private async takeAll(intents: readonly string[], from: string): Promise<{ isDone: boolean; rid: string[] }> {
    const rid: string[] = []
    let isDone = true
    let at = 0
    // While some are written into the store, others are read.
    const lane = async () => {
      while (at < intents.length && !this.looks.isStopped) {
        const some = intents.slice(at, at + takeoverAtOnce)
        at += takeoverAtOnce
        if (!(await this.takeSome(some, from, rid))) isDone = false
      }
    }
    await Promise.all(Array.from({ length: takeoverLanes }, lane))
    return { isDone: isDone && !this.looks.isStopped, rid }
  }

  private async takeSome(intents: readonly string[], from: string, rid: string[]): Promise<boolean> {
    const { journal, membership, host, log } = this.parts
    const isOwn = from === membership.own.name
    const lives: { intent: string; writes: StoreWrite[] }[] = []
    const kept: string[] = []
    const gone: string[] = []
    let isDone = true
    const takeOne = async (intent: string) => {
      const taken = await journal.take(intent, from)
      if (taken.is === 'taken' || (taken.is === 'over' && isOwn)) lives.push({ intent, writes: taken.writes })
      if (taken.is === 'unshared') kept.push(intent)
      if (taken.is === 'elsewhere') gone.push(intent)
      if (taken.is === 'flawed') this.refuse(intent, taken.flaw)
      if (taken.is === 'later') isDone = false
      // One that is marked and not there yet may be on its way, from a hub that is not as gone as it seems.
      const isRid = isOwn || taken.is !== 'unshared'
      if (isRid && !staysMarked.has(taken.is)) rid.push(intent)
    }
    await Promise.all(intents.map(takeOne))
    if (this.looks.isStopped) return false
    for (const { intent, reason } of host.take(lives)) this.refuse(intent, reason)
    if (isOwn) {
      host.keep(kept)
      host.letGo(gone)
    } else if (lives.length > 0) {
      this.taken += lives.length
      log.info({ hub: from, intents: lives.length }, 'intents of a hub that is gone go on here')
    }
    return isDone
  }

  private refuse(intent: string, reason: string): void {
    if (this.unfit.size < unfitMax) this.unfit.add(intent)
    this.parts.log.error({ intent, reason }, 'an intent in the journal of the network cannot be gone on with')
  }
}

const staysMarked: ReadonlySet<string> = new Set(['later', 'flawed'])

/** Refused intents that are remembered, so that they are not read again. */
const unfitMax = 10_000
