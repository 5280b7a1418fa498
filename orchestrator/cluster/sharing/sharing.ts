/**
 * Work between hubs. To a hub that asks, another one is a scout: a session of its gateway, over a link instead of a
 * socket, with the same frames, leases and credits. To the hub that serves, the other one is a tenant of its engine.
 * This file keeps one link in each direction to each hub that is here, and divides what the others may use.
 */
import {
  capacityShareOfPeers,
  creditShareOfPeers,
  linkAllowanceFactor,
  linkLookMs,
  linkRetryMs,
} from '../../../shared/limits/cluster/sharing.ts'
import { encode } from '../../../shared/protocol/codec.ts'
import { peerOperator } from '../../../shared/scouts/scout-id.ts'
import { every, type System, type Timer } from '../../../shared/system.ts'
import type { Answer, HubLoan, LocalFleet, Submission } from '../../engine/ports/client.ts'
import type { HubBus } from '../bus/bus.ts'
import type { Membership } from '../membership.ts'
import type { Peer, PeerChange } from '../presence/peers.ts'
import type { HubProcess } from '../roster/message.ts'
import { type Batch, batchBytes, readBatch, type Side } from './batch.ts'
import { FrameLink, type FrameLinkParts } from './frame-link.ts'
import { Serving } from './serving.ts'

/** A session of the gateway for another hub. */
interface PeerSession {
  receive(frame: Uint8Array, nowMs: number): void
  /** The link is over. */
  closed(): void
}

/** What the gateway needs of a link: what it needs of a socket. */
interface PeerSocket {
  /** Bytes sent; 0 when the link is over. */
  send(frame: Uint8Array): number
  close(code: number, reason: string): void
  buffered(): number
}

/** What sharing asks of this hub. */
export interface SharingHub {
  /** What its own scouts can do. */
  localFleet(): LocalFleet
  submit(submission: Submission): Answer
  /** `allowance`: frames and bytes a second, in those of one scout. */
  openPeer(operator: string, address: string, socket: PeerSocket, allowance: number): PeerSession
}

export interface SharingParts {
  system: System
  bus: HubBus
  membership: Membership
  hub: SharingHub
}

/** What a scout says that leaves. */
const farewell = Uint8Array.from(encode({ type: 'drain', reason: 'the link to this hub has ended' }))

/** What there is with one hub that is here. */
interface Neighbour {
  process: HubProcess
  /** Where this hub serves; null until there is something to serve with. */
  serving: { link: FrameLink; service: Serving } | null
  retryAtMs: number
  asking: { link: FrameLink; session: PeerSession } | null
  /** Where this hub asked, without a link now, and the other one may not know of its end; null for nowhere. */
  untold: number | null
}

export class Sharing {
  private readonly neighbours = new Map<string, Neighbour>()
  private timer: Timer | null = null
  private links = 0
  private isDraining = false

  constructor(private readonly parts: SharingParts) {}

  start(): void {
    const { bus, membership } = this.parts
    const { prefix, own } = membership
    bus.subscribe(`${prefix}.to.${own.name}.*`, (subject, message) => this.receive(subject, message))
    this.timer = every(this.parts.system, linkLookMs, () => this.look())
  }

  /** Asks no hub for more credits and grants none; what is under way goes on. */
  drain(reason: string): void {
    this.isDraining = true
    for (const { serving } of this.neighbours.values()) serving?.service.drain(reason)
  }

  stop(): void {
    this.timer?.cancel()
    for (const { serving, asking } of this.neighbours.values()) {
      serving?.link.end()
      asking?.link.end()
    }
  }

  /** What another hub may use of this one; null while there is no link. */
  loanTo(name: string): HubLoan | null {
    return this.neighbours.get(name)?.serving?.service.loan ?? null
  }

  note({ peer, what }: PeerChange): void {
    if (what === 'went') this.forget(peer.name)
    else this.greet(peer)
  }

  private greet({ name, boot }: Peer): void {
    this.forget(name)
    this.neighbours.set(name, { process: { name, boot }, serving: null, retryAtMs: 0, asking: null, untold: null })
  }

  private forget(name: string): void {
    const neighbour = this.neighbours.get(name)
    this.neighbours.delete(name)
    neighbour?.serving?.link.over(false)
    neighbour?.asking?.link.over(false)
  }

  // ------------------------------------------------------------ serving

  private look(): void {
    const { system, hub } = this.parts
    if (this.neighbours.size === 0) return
    for (const neighbour of this.neighbours.values()) this.tell(neighbour)
    const fleet = hub.localFleet()
    const offers = fleet.models.map(({ offer }) => offer)
    const credits = this.creditsEach(fleet)
    let left = this.capacityLeft(fleet)
    let others = this.neighbours.size
    for (const neighbour of this.neighbours.values()) {
      const { serving, retryAtMs } = neighbour
      const own = Math.min(credits, Math.ceil(left / others--))
      left -= own
      if (serving !== null) serving.service.look(offers, own)
      else if (offers.length > 0 && !this.isDraining && system.nowMs() >= retryAtMs) this.serve(neighbour, fleet)
    }
  }

  /** Credits that each of the other hubs may hold unused: a share of what is free, while nobody here waits. */
  private creditsEach({ credits, queued }: LocalFleet): number {
    if (queued > 0) return 0
    return Math.ceil((credits * creditShareOfPeers) / this.neighbours.size)
  }

  /** What the other hubs together may have at once beyond what they have. */
  private capacityLeft({ concurrency }: LocalFleet): number {
    const most = Math.max(this.neighbours.size, Math.floor(concurrency * capacityShareOfPeers))
    const running = [...this.neighbours.values()].map(({ serving }) => serving?.service.loan.running ?? 0)
    return Math.max(0, most - running.reduce((sum, some) => sum + some, 0))
  }

  private serve(neighbour: Neighbour, fleet: LocalFleet): void {
    const { system, hub, membership } = this.parts
    const { process } = neighbour
    const asker = process.name
    const link = this.linkTo(process, 'serves', ++this.links, {
      onFrame: (frame) => service.receive(frame),
      onEnd: () => {
        service.ended()
        neighbour.serving = null
        neighbour.retryAtMs = system.nowMs() + linkRetryMs
      },
    })
    const offers = fleet.models.map(({ offer }) => offer)
    const service = new Serving({ system, hub, own: membership.own, asker }, link, offers)
    neighbour.serving = { link, service }
  }

  // ------------------------------------------------------------ asking

  /** A hub that serves has opened a link; an earlier one is over. */
  private ask(neighbour: Neighbour, number: number): FrameLink {
    const { system, hub, membership } = this.parts
    const { process } = neighbour
    neighbour.asking?.link.over(true)
    neighbour.untold = null
    const link = this.linkTo(process, 'asks', number, {
      onFrame: (frame) => session.receive(frame, system.nowMs()),
      onEnd: (isKnown) => {
        if (neighbour.asking?.link === link) neighbour.asking = null
        if (!isKnown) neighbour.untold = number
        // The next link knows nothing of the tasks of this one: nobody should wait for their scout to come back.
        session.receive(farewell, system.nowMs())
        session.closed()
      },
    })
    const socket: PeerSocket = {
      send: (frame) => {
        link.write(frame)
        return link.isOpen ? frame.length : 0
      },
      close: () => link.end(),
      // All of it leaves with the end of this turn; what is on its way unanswered is bounded by pings.
      buffered: () => 0,
    }
    const address = membership.chain.authority(process.name)?.url ?? ''
    const session = hub.openPeer(peerOperator(process.name), address, socket, linkAllowanceFactor)
    neighbour.asking = { link, session }
    return link
  }

  // ------------------------------------------------------------ both

  private linkTo(
    process: HubProcess,
    side: Side,
    link: number,
    events: Pick<FrameLinkParts, 'onFrame' | 'onEnd'>,
  ): FrameLink {
    const { system, membership } = this.parts
    const subject = this.subjectTo(process)
    const send = (payload: Uint8Array) => membership.publish(process, subject, payload)
    return new FrameLink({ system, side, link, send, ...events })
  }

  private receive(subject: string, message: Uint8Array): void {
    const { membership } = this.parts
    const believed = membership.receive(message, subject)
    if (believed === null || believed.head.to === null) return
    const { from } = believed.head
    const neighbour = this.neighbours.get(from.name)
    const batch = readBatch(believed.payload)
    if (batch === null || (neighbour !== undefined && neighbour.process.boot !== from.boot)) return
    const link = neighbour && this.linkOf(neighbour, batch)
    if (link !== undefined) link.receive(batch)
    else if (!batch.isLast) this.refuse(from, batch)
  }

  /** The link that a batch belongs to; a new one where a hub begins to serve. */
  private linkOf(neighbour: Neighbour, { from, link, seq }: Batch): FrameLink | undefined {
    const known = from === 'asks' ? neighbour.serving?.link : neighbour.asking?.link
    if (known?.link === link) return known
    const isBeginning = from === 'serves' && seq === 0 && (known === undefined || link > known.link)
    return isBeginning && !this.isDraining ? this.ask(neighbour, link) : undefined
  }

  /** Nobody waits here for what is served there: else that hub would wait for tasks on a link that is none. */
  private tell(neighbour: Neighbour): void {
    const { process, untold } = neighbour
    if (untold !== null && this.refuse(process, { from: 'serves', link: untold })) neighbour.untold = null
  }

  /** There is no such link here: whoever still uses it opens another one. False when that could not be said. */
  private refuse(to: HubProcess, { from, link }: Pick<Batch, 'from' | 'link'>): boolean {
    const side: Side = from === 'asks' ? 'serves' : 'asks'
    const end = batchBytes({ from: side, link, seq: 0, isLast: true, frames: [] })
    return this.parts.membership.publish(to, this.subjectTo(to), end)
  }

  private subjectTo({ name }: HubProcess): string {
    const { prefix, own } = this.parts.membership
    return `${prefix}.to.${name}.${own.name}`
  }
}
