/**
 * Serving one other hub: this hub plays a scout of it, over a link instead of a socket. It offers what its own scouts
 * can do, grants a share of their free credits, takes the tasks that come for them, and leaves everything else to the
 * engine. A peer that asks for more than it was granted, or sends what is no frame of a hub, loses its link.
 */
import {
  linkAskedFramesPerSecond,
  linkRequestBytesMax,
  linkSignMs,
  linkSilenceMs,
} from '../../../shared/limits/cluster/sharing.ts'
import { concurrencyMax, requestBodyBytesMax } from '../../../shared/limits/wire.ts'
import { decodeFromHub, encode } from '../../../shared/protocol/codec.ts'
import { Assembly } from '../../../shared/protocol/fragments.ts'
import { type FrameOf, type HubFrame, protocolVersion, type ScoutFrame } from '../../../shared/protocol/frames.ts'
import { offersThatFit, packOffers } from '../../../shared/protocol/offers.ts'
import { anyPeerOperator, peerOperator } from '../../../shared/scouts/scout-id.ts'
import type { System } from '../../../shared/system.ts'
import type { Offer } from '../../../shared/task.ts'
import type { Answer, HubLoan, Submission } from '../../engine/ports/client.ts'
import { sharedTaskText } from '../../ledger/network/shared-task.ts'
import type { HubProcess } from '../roster/message.ts'
import { PerSecond } from '../roster/per-second.ts'
import type { FrameLink } from './frame-link.ts'
import { ServedTask } from './served-task.ts'

/** What serving asks of this hub. */
interface ServingHub {
  submit(submission: Submission): Answer
}

/** Work is done by own scouts, so that it travels one hop at most. */
const routing = { ignore: [anyPeerOperator] }

export interface ServingParts {
  system: System
  hub: ServingHub
  own: HubProcess
  /** The name of the hub that asks. */
  asker: string
}

/** A task whose request has not arrived whole. */
interface Arriving {
  frame: FrameOf<'task'>
  assembly: Assembly
}

export class Serving {
  /** Granted to the other hub and not used yet. */
  outstanding = 0
  private readonly tasks = new Map<string, ServedTask>()
  private readonly arriving = new Map<string, Arriving>()
  private arrivingBytes = 0
  private creditMax = 0
  /** Credits that the other hub may hold unused, by the last look. */
  private creditsMax = 0
  private isDraining = false
  private shownOffers: string
  /** When something came. */
  private heardMs: number
  private readonly frames = new PerSecond(linkAskedFramesPerSecond)

  constructor(
    private readonly parts: ServingParts,
    private readonly link: FrameLink,
    offers: readonly Offer[],
  ) {
    const { name, boot } = parts.own
    const wire = packOffers(offersThatFit(offers))
    this.shownOffers = JSON.stringify(wire)
    this.heardMs = parts.system.nowMs()
    const identity = { version: protocolVersion, name, instance: `${boot}-${link.link}`, agent: 'chasm hub' }
    this.send({ type: 'hello', ...identity, concurrency: concurrencyMax, offers: wire, held: [] })
  }

  /** What the other hub may use of this one. */
  get loan(): HubLoan {
    return { credits: this.outstanding, running: this.tasks.size + this.arriving.size }
  }

  /** A look at the clock: what is offered now, how many credits the other hub may hold, which tasks were silent. */
  look(offers: readonly Offer[], creditsMax: number): void {
    const nowMs = this.parts.system.nowMs()
    // It pings whatever it has a link to: the greeting was lost, or the word that the link is over there.
    if (nowMs - this.heardMs > linkSilenceMs) return this.link.end()
    this.creditsMax = creditsMax
    const wire = packOffers(offersThatFit(offers))
    const text = JSON.stringify(wire)
    if (text !== this.shownOffers) this.send({ type: 'offers', concurrency: concurrencyMax, offers: wire })
    this.shownOffers = text
    this.grant()
    for (const task of this.tasks.values()) task.sign(nowMs, linkSignMs)
  }

  /** This hub is leaving: it grants nothing more, and ends what it has. */
  drain(reason: string): void {
    if (this.isDraining) return
    this.isDraining = true
    this.send({ type: 'drain', reason })
  }

  /** The link is over. */
  ended(): void {
    for (const task of this.tasks.values()) task.forsake()
    this.tasks.clear()
    this.arriving.clear()
    this.arrivingBytes = 0
    this.outstanding = 0
  }

  receive(bytes: Uint8Array): void {
    this.heardMs = this.parts.system.nowMs()
    const frame = decodeFromHub(bytes)
    if (frame.type === 'malformed' || !this.mayCome(frame)) return this.link.end()
    switch (frame.type) {
      case 'welcome':
        this.creditMax = frame.creditMax
        return this.grant()
      case 'task':
        return this.take(frame)
      case 'fragment':
        return this.add(frame)
      case 'cancel':
        return this.cancel(frame)
      case 'flow':
        return this.tasks.get(keyOf(frame))?.pause(frame.paused)
      case 'ping':
        return this.send({ type: 'pong', ping: frame.ping, running: Math.min(this.tasks.size, concurrencyMax) })
      case 'hubDrain':
        this.isDraining = true
        return
      // A link that breaks ends its tasks, so nothing is kept for an acknowledgement; standings are for people.
      case 'settled':
      case 'standing':
        return
    }
  }

  /** Requests are bounded by themselves. */
  private mayCome({ type }: HubFrame): boolean {
    return type === 'fragment' || this.frames.take(this.parts.system.nowMs())
  }

  private take(frame: FrameOf<'task'>): void {
    if (this.outstanding === 0 || this.tasks.has(keyOf(frame)) || this.arriving.has(keyOf(frame)))
      return this.link.end()
    this.outstanding--
    const { body } = frame
    // What is kept of a frame must not keep the whole message that it came in.
    frame.nonce = Uint8Array.from(frame.nonce)
    frame.body = null
    if (body !== null) return this.begin(frame, Uint8Array.from(body))
    if (frame.size > requestBodyBytesMax || this.arrivingBytes + frame.size > linkRequestBytesMax) {
      return this.handBack(frame)
    }
    this.arrivingBytes += frame.size
    this.arriving.set(keyOf(frame), { frame, assembly: new Assembly(frame.size) })
  }

  private add(fragment: FrameOf<'fragment'>): void {
    const arriving = this.arriving.get(keyOf(fragment))
    // What follows a task that was handed back or cancelled.
    if (arriving === undefined) return
    const progress = arriving.assembly.add(fragment.index, fragment.bytes)
    if (progress === 'more') return
    if (progress === 'broken') return this.link.end()
    this.drop(arriving)
    this.begin(arriving.frame, arriving.assembly.body())
  }

  private drop({ frame }: Arriving): void {
    this.arriving.delete(keyOf(frame))
    this.arrivingBytes -= frame.size
  }

  private begin(frame: FrameOf<'task'>, body: Uint8Array): void {
    const { hub, asker, system } = this.parts
    const { kind, model, stream, deadlineMs } = frame
    const { task, attempt } = frame
    const known = { tenant: peerOperator(asker), asker: sharedTaskText({ asker, task, attempt }) }
    const answer = hub.submit({ ...known, kind, model, stream, body, deadlineMs, routing })
    const key = keyOf(frame)
    const send = (outgoing: ScoutFrame) => this.send(outgoing)
    const onEnd = () => this.tasks.delete(key)
    const parts = { frame, answer, send, onEnd, creditsAtEnd: () => this.creditsAtEnd() }
    // That it has begun is said where nothing else comes of it soon.
    this.tasks.set(key, new ServedTask(parts, system.nowMs()))
  }

  private cancel(frame: FrameOf<'cancel'>): void {
    const arriving = this.arriving.get(keyOf(frame))
    if (arriving !== undefined) {
      this.drop(arriving)
      return this.settleAtOnce(arriving.frame, 'cancelled', 'cancelled')
    }
    this.tasks.get(keyOf(frame))?.cancel()
  }

  private handBack(frame: FrameOf<'task'>): void {
    this.settleAtOnce(frame, 'released', 'scout_draining')
  }

  private settleAtOnce(
    { task, attempt, nonce }: FrameOf<'task'>,
    outcome: 'cancelled' | 'released',
    fault: string,
  ): void {
    const texts = { fault, message: 'The hub did not begin with it.', param: '', retryAfterMs: 0 }
    const head = { task, attempt, nonce, outcome, chunks: 0, provider: '', credits: 0 }
    this.send({ type: 'settle', ...head, ...texts, size: 0, body: new Uint8Array(0) })
  }

  /** In place of the one that the task has used, while the share allows it. */
  private creditsAtEnd(): number {
    if (this.isDraining || this.outstanding >= Math.min(this.creditsMax, this.creditMax)) return 0
    this.outstanding++
    return 1
  }

  private grant(): void {
    const count = Math.min(this.creditsMax, this.creditMax) - this.outstanding
    if (count <= 0 || this.isDraining) return
    this.outstanding += count
    this.send({ type: 'credit', count })
  }

  private send(frame: ScoutFrame): void {
    this.link.write(encode(frame))
  }
}

function keyOf({ task, attempt }: { task: number; attempt: number }): string {
  return `${task}/${attempt}`
}
