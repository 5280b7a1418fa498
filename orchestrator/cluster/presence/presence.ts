/**
 * Presence: this hub tells the others of itself every few seconds, at once when something changed, and hears who else
 * is there. It drives `peers.ts` by bus and clock; whoever starts it is told of hubs that come and go.
 */
import { hubLookMs, presenceGapMs, presenceMs, summariesPerSecondMax } from '../../../shared/limits/cluster/presence.ts'
import { every, type System, type Timer } from '../../../shared/system.ts'
import type { LocalFleet } from '../../engine/ports/client.ts'
import type { HubBus } from '../bus/bus.ts'
import type { Membership } from '../membership.ts'
import { PerSecond } from '../roster/per-second.ts'
import { type PeerChange, Peers } from './peers.ts'
import { readSummary, summaryBytes } from './summary.ts'

export interface PresenceParts {
  system: System
  bus: HubBus
  membership: Membership
  /** What this hub tells of itself, at that moment. */
  fleet: () => LocalFleet
  /** Intents of other hubs that this one took, since it was started. */
  taken: () => number
  onPeer: (change: PeerChange) => void
}

export class Presence {
  readonly peers: Peers
  private told: Timer | null = null
  private looked: Timer | null = null
  private toldMs = Number.NEGATIVE_INFINITY
  private dueMs = Number.POSITIVE_INFINITY
  /** Summaries that were read, by the name of their hub; the roster bounds it. */
  private readonly reads = new Map<string, PerSecond>()

  constructor(private readonly parts: PresenceParts) {
    this.peers = new Peers(parts.membership.own)
  }

  start(): void {
    const { bus, membership } = this.parts
    bus.subscribe(`${membership.prefix}.presence.*`, (subject, message) => this.hear(subject, message))
    this.tell()
    const { system } = this.parts
    this.looked = every(system, hubLookMs, () => this.report(this.peers.look(system.nowMs())))
  }

  stop(): void {
    this.told?.cancel()
    this.looked?.cancel()
  }

  /** Something changed that the others should hear of at once. */
  changed(): void {
    this.tellAt(Math.max(this.parts.system.nowMs(), this.toldMs + presenceGapMs))
  }

  /** The roster or this hub's standing is another one. */
  followed(): void {
    const { membership } = this.parts
    const isMember = membership.standing === 'member'
    for (const name of this.reads.keys()) if (membership.chain.authority(name) === undefined) this.reads.delete(name)
    this.report(isMember ? this.peers.follow(membership.chain) : this.peers.leaveAll())
    if (isMember) this.changed()
  }

  private hear(subject: string, message: Uint8Array): void {
    const { membership, system } = this.parts
    const believed = membership.receive(message, subject)
    if (believed === null || believed.head.to !== null) return
    const { from } = believed.head
    if (subject !== this.subjectOf(from.name) || !this.mayRead(from.name)) return
    const summary = readSummary(believed.payload)
    if (summary === null) return
    if (summary.key !== null) membership.pairs.meet(from, summary.key)
    const { isNew, changes } = this.peers.note(from, summary, system.nowMs())
    this.report(changes)
    if (isNew) this.changed()
  }

  /** One more summary of this hub. */
  private mayRead(name: string): boolean {
    const reads = this.reads.get(name) ?? new PerSecond(summariesPerSecondMax)
    this.reads.set(name, reads)
    return reads.take(this.parts.system.nowMs())
  }

  private report(changes: readonly PeerChange[]): void {
    for (const change of changes) this.parts.onPeer(change)
  }

  private tell(): void {
    const { membership, system, fleet, taken } = this.parts
    this.toldMs = system.nowMs()
    this.dueMs = Number.POSITIVE_INFINITY
    const { name } = membership.own
    const summary = summaryBytes(this.peers.heard(), membership.pairs.own, fleet(), taken())
    membership.publish(null, this.subjectOf(name), summary)
    this.tellAt(this.toldMs + presenceMs)
  }

  /** The earliest of what was asked for counts. */
  private tellAt(dueMs: number): void {
    if (dueMs >= this.dueMs) return
    this.told?.cancel()
    this.dueMs = dueMs
    const { system } = this.parts
    this.told = system.after(Math.max(0, dueMs - system.nowMs()), () => this.tell())
  }

  private subjectOf(name: string): string {
    return `${this.parts.membership.prefix}.presence.${name}`
  }
}
