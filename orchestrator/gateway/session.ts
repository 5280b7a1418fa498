/**
 * One scout's socket as a state machine: bytes in, facts to the engine out, and the other way. It decodes and holds the
 * peer to protocol, phase and allowance; `large-bodies.ts` puts large bodies together and takes them apart. It knows
 * neither Bun nor timers: the socket is a port and time an argument, so that the simulator runs this very code.
 */
import type { ByteAccount } from '../../shared/byte-account.ts'
import * as wireLimits from '../../shared/limits/wire.ts'
import { type CloseName, closeTable } from '../../shared/protocol/close-codes.ts'
import { decodeFromScout, encode } from '../../shared/protocol/codec.ts'
import {
  type FrameOf,
  frameTable,
  type HubFrame,
  protocolVersion,
  type ScoutFrame,
} from '../../shared/protocol/frames.ts'
import { unpackOffers } from '../../shared/protocol/offers.ts'
import { type HubPhase, hubAccepts, hubPhaseMoves } from '../../shared/protocol/phases.ts'
import { isReservedModel } from '../../shared/task.ts'
import type { Hello, ScoutEvents } from '../engine/ports/scouts.ts'
import { Allowance } from './allowance.ts'
import { type BodyFrame, IncomingBodies, OutgoingBodies } from './large-bodies.ts'

/** The socket, as little of it as is needed. */
export interface ScoutSocket {
  /** Bytes sent, -1 when queued, 0 when the socket dropped it: fatal. */
  send(message: Uint8Array): number
  close(code: number, reason: string): void
  /** Bytes queued towards the peer. */
  buffered(): number
}

export interface SessionOptions {
  id: number
  operator: string
  address: string
  socket: ScoutSocket
  events: ScoutEvents
  /** With one more, acknowledgements go without a frame to go along with. */
  acksHeldMax: number
  /** Bytes of chunks and fragments per second; the protocol's when absent. */
  dataBytesPerSecond?: number
  nowMs: number
  /** Of half-delivered bodies, by operator. */
  bytesInFlight: ByteAccount
  /** It may send so many times the frames and bytes of one scout; once when absent. */
  allowance?: number
  /** Whether a scout with its key may have this name; any when absent. */
  mayBeNamed?: (name: string) => boolean
}

/** Bytes of a close reason that fit into the close frame. */
const closeReasonCharsMax = 120
const noBody = new Uint8Array(0)

export class ScoutSession {
  readonly id: number
  readonly operator: string
  readonly address: string
  phase: HubPhase = 'greeting'
  /**
   * When the last round trip through the scout's work loop ended, or the upgrade: a ping and its pong, or a task and
   * its answer. Of other frames only the pieces of a large answer count as one, because on a slow line the pong waits
   * behind them.
   */
  private roundTripMs: number
  private ping = 0
  /** The newest ping that was answered; a slow answer to an older one than the last is still a round trip. */
  private ponged = 0
  /** When the last ping was sent, or a task that was answered since, by the last look at the clock before that. */
  private pingedMs: number
  /** A task that was sent, whose answer would show what a pong shows; 0 for none. Which look came before it. */
  private asked = 0
  private askedMs = 0
  private checkedMs: number
  /** When the engine was told last that this scout is alive. */
  private heartbeatMs: number
  /** Before its welcome a scout takes nothing else. */
  private isWelcomed = false
  /** Settlements to be acknowledged with the next frame; null for none. */
  private acks: FrameOf<'settled'>['acks'] | null = null
  private readonly acksHeldMax: number
  private readonly socket: ScoutSocket
  private readonly events: ScoutEvents
  private readonly control: Allowance
  private readonly data: Allowance
  /** Tasks that were sent, and whose settlement has not come. */
  private unsettled = 0
  private readonly bytesInFlight: ByteAccount
  private readonly mayBeNamed: (name: string) => boolean
  /** Null before the first large body of that direction. */
  private incoming: IncomingBodies | null = null
  private outgoing: OutgoingBodies | null = null

  constructor(options: SessionOptions) {
    const { id, operator, address, socket, events, acksHeldMax, nowMs, bytesInFlight, mayBeNamed } = options
    const { dataBytesPerSecond = wireLimits.dataBytesPerSecond, allowance = 1 } = options
    this.id = id
    this.bytesInFlight = bytesInFlight
    this.mayBeNamed = mayBeNamed ?? (() => true)
    this.acksHeldMax = acksHeldMax
    this.operator = operator
    this.address = address
    this.socket = socket
    this.events = events
    this.roundTripMs = nowMs
    this.pingedMs = nowMs
    this.checkedMs = nowMs
    this.heartbeatMs = nowMs
    const { controlFramesPerSecond, controlBytesPerSecond, dataFramesPerSecond } = wireLimits
    this.control = new Allowance(allowance * controlFramesPerSecond, allowance * controlBytesPerSecond, 1, nowMs)
    this.data = new Allowance(allowance * dataFramesPerSecond, allowance * dataBytesPerSecond, 2, nowMs)
  }

  private enter(phase: HubPhase): void {
    if (!hubPhaseMoves[this.phase].includes(phase)) throw new Error(`session ${this.id}: ${this.phase} -> ${phase}`)
    this.phase = phase
  }

  // ------------------------------------------------------------ from the scout

  receive(message: Uint8Array | string, nowMs: number): void {
    if (this.phase === 'closed') return
    if (typeof message === 'string') return this.close('badFrame', 'text message; frames are binary')
    const frame = decodeFromScout(message)
    if (frame.type === 'malformed') return this.close('badFrame', frame.reason)
    const allowance = this.isData(frame) ? this.data : this.control
    // How many pongs there are is the hub's own doing.
    const isAsked = frame.type === 'pong' && this.awaits(frame.ping)
    if (!isAsked && !allowance.spend(message.length, nowMs)) return this.close('rate')
    if (!hubAccepts[this.phase].includes(frame.type)) {
      return this.close('badFrame', `${frame.type} in phase ${this.phase}`)
    }
    this.handle(frame, nowMs)
  }

  /** Each task that was sent may be settled once at the rate of answers: a hub asks another one for thousands. */
  private isData({ type }: ScoutFrame): boolean {
    if (type !== 'settle' || this.unsettled === 0) return 'data' in frameTable[type]
    this.unsettled--
    return true
  }

  private handle(frame: ScoutFrame, nowMs: number): void {
    const { id, events } = this
    switch (frame.type) {
      case 'hello':
        return this.greet(frame, nowMs)
      case 'credit':
        return events.credit(id, frame.count)
      case 'started':
        return events.started(id, frame)
      case 'chunk':
      case 'settle':
        return this.takeHead(frame, nowMs)
      case 'fragment':
        return this.takeFragment(frame, nowMs)
      case 'pong':
        if (!this.awaits(frame.ping)) return
        this.ponged = frame.ping
        this.roundTripMs = nowMs
        this.heartbeatMs = nowMs
        events.heartbeat(id)
        return this.pump()
      case 'drain':
        if (this.phase === 'ready') this.enter('draining')
        this.acknowledge()
        return events.draining(id)
      case 'offers':
        if (this.hasReserved(frame)) return
        return events.offers(id, frame.concurrency, unpackOffers(frame.offers))
    }
  }

  private awaits(ping: number): boolean {
    return ping > this.ponged && ping <= this.ping
  }

  private greet(hello: FrameOf<'hello'>, nowMs: number): void {
    if (hello.version !== protocolVersion) {
      return this.close('versionUnsupported', `this orchestrator speaks version ${protocolVersion}`)
    }
    if (!this.mayBeNamed(hello.name)) {
      return this.close('banned', `this key is not for a scout of the name "${hello.name.slice(0, 40)}"`)
    }
    if (this.hasReserved(hello)) return
    this.enter('ready')
    this.roundTripMs = nowMs
    this.events.joined({ session: this.id, operator: this.operator, address: this.address, hello: helloOf(hello) })
  }

  /** Closes over a name under which clients ask for the hub itself. */
  private hasReserved({ offers }: Pick<FrameOf<'offers'>, 'offers'>): boolean {
    const reserved = offers.find(([, model]) => isReservedModel(model))
    if (reserved === undefined) return false
    this.close('badFrame', `the model name "${reserved[1].slice(0, 40)}" is reserved: offer it under another one`)
    return true
  }

  private takeHead(head: BodyFrame, nowMs: number): void {
    if (this.incoming?.has(head) === true) {
      // A scout that gives an attempt up need not send the rest of its last chunk.
      if (head.type === 'chunk' || head.outcome === 'done') {
        return this.close('badFrame', `${head.type} before the last body was complete`)
      }
      this.incoming.forget(head)
    }
    if (head.body !== null) {
      if (head.body.length !== head.size) return this.close('badFrame', `${head.type}.size is not its body's length`)
      return this.deliver(head, head.body, nowMs)
    }
    if (head.size === 0) return this.deliver(head, noBody, nowMs)
    this.incoming ??= new IncomingBodies(this.operator, this.bytesInFlight, ({ task, attempt }, cause) => {
      this.events.broken(this.id, task, attempt, cause)
    })
    this.incoming.begin(head, nowMs)
  }

  private takeFragment(fragment: FrameOf<'fragment'>, nowMs: number): void {
    // What follows the head of a body that was refused.
    if (this.incoming?.has(fragment) !== true) return
    this.roundTripMs = nowMs
    const added = this.incoming.add(fragment)
    if (added === 'more') this.events.alive(this.id, fragment.task, fragment.attempt)
    else if (added !== null) this.deliver(added.head, added.body, nowMs)
  }

  private deliver(head: BodyFrame, body: Uint8Array, nowMs: number): void {
    if (head.type === 'chunk') return this.events.chunk(this.id, head, body)
    if (head.task === this.asked && head.outcome === 'done') this.answered(nowMs)
    this.events.settle(this.id, head, body)
  }

  /** A task came back answered: whoever works has shown it, and a busy fleet is not to be asked on top of that. */
  private answered(nowMs: number): void {
    this.asked = 0
    this.roundTripMs = nowMs
    this.pingedMs = Math.max(this.pingedMs, this.askedMs)
    if (nowMs - this.heartbeatMs < wireLimits.heartbeatMs) return
    this.heartbeatMs = nowMs
    this.events.heartbeat(this.id)
  }

  // ------------------------------------------------------------ to the scout

  send(frame: HubFrame, body?: Uint8Array): void {
    if (this.phase === 'closed') return
    if (frame.type === 'settled') return this.acknowledge(frame.acks)
    if (frame.type === 'welcome') this.isWelcomed = true
    if (frame.type === 'cancel') this.outgoing?.drop(frame.task, frame.attempt)
    if (frame.type !== 'task' || body === undefined) return this.write(frame)
    this.unsettled++
    const { task, attempt } = frame
    if (this.asked === 0) {
      this.asked = task
      this.askedMs = this.checkedMs
    }
    frame.acks = this.takeAcks()
    if (body.length <= wireLimits.inlineBodyBytesMax) {
      frame.body = body
      return this.write(frame)
    }
    this.write(frame)
    this.outgoing ??= new OutgoingBodies({
      buffered: () => this.socket.buffered(),
      write: (fragment) => this.write(fragment),
      ping: () => this.sendPing(),
      ponged: () => this.ponged,
    })
    this.outgoing.add(task, attempt, body)
  }

  /** There may be room for more fragments. */
  pump(): void {
    this.outgoing?.pump()
  }

  private sendPing(): number {
    const ping = ++this.ping
    this.write({ type: 'ping', ping, acks: this.takeAcks() })
    return ping
  }

  /**
   * A frame of its own for every acknowledgement would double what the hub sends, and no scout waits for one. Only who
   * leaves does: it ends with the last of them.
   */
  private acknowledge(more: FrameOf<'settled'>['acks'] = []): void {
    this.acks = this.acks === null ? more : [...this.acks, ...more]
    if (this.acks.length === 0 || (this.acks.length <= this.acksHeldMax && this.phase !== 'draining')) return
    this.write({ type: 'settled', acks: this.takeAcks() })
  }

  /** What waits to be acknowledged, for a frame that takes it along. */
  private takeAcks(): FrameOf<'settled'>['acks'] {
    const { acks } = this
    this.acks = null
    return acks ?? []
  }

  private write(frame: HubFrame): void {
    if (this.phase === 'closed') return
    if (this.socket.send(encode(frame)) === 0) this.close('tooSlow')
  }

  // ------------------------------------------------------------ time

  /** Looks at the clock: pings when it is time, gives up late bodies and a scout from which no pong came back. */
  check(nowMs: number): void {
    if (this.phase === 'closed' || this.phase === 'greeting') return
    this.checkedMs = nowMs
    // An answer that takes longer shows too late that the scout is there.
    if (nowMs - this.askedMs >= wireLimits.heartbeatMs) this.asked = 0
    this.incoming?.dropLate(nowMs)
    if (nowMs - this.roundTripMs > wireLimits.silenceMs) return this.close('silent')
    if (nowMs - this.pingedMs < wireLimits.heartbeatMs || !this.isWelcomed) return
    this.pingedMs = nowMs
    this.sendPing()
  }

  /**
   * This process stood still, and what arrived meanwhile is not read yet: the scout was not silent, may have sent more
   * than it could at once, and has a round trip to show that it is there. The ping also keeps its leases alive.
   */
  stood(forMs: number, nowMs: number): void {
    if (this.phase === 'closed') return
    const soonestMs = nowMs - wireLimits.silenceMs + wireLimits.wakeGraceMs
    this.roundTripMs = Math.min(nowMs, Math.max(this.roundTripMs + forMs, soonestMs))
    const lentMs = Math.min(forMs, wireLimits.standstillAllowanceMsMax)
    this.control.lend(lentMs)
    this.data.lend(lentMs)
    if (!this.isWelcomed) return
    this.pingedMs = nowMs
    this.sendPing()
  }

  /** Whether the time for the hello is over, and with it the session. */
  helloDue(nowMs: number): boolean {
    const isDue = this.phase === 'greeting' && nowMs - this.roundTripMs >= wireLimits.helloTimeoutMs
    if (isDue) this.close('silent', 'no hello in time')
    return isDue
  }

  // ------------------------------------------------------------ end

  close(why: CloseName, detail?: string): void {
    if (this.phase === 'closed') return
    const { code, meaning } = closeTable[why]
    const reason = detail === undefined ? meaning : `${meaning}: ${detail}`
    this.closed(why === 'keyRevoked')
    this.socket.close(code, reason.slice(0, closeReasonCharsMax))
  }

  /** The socket is gone, whoever closed it. Told to the engine once. */
  closed(isForsaken = false): void {
    if (this.phase === 'closed') return
    const greeted = this.phase !== 'greeting'
    this.enter('closed')
    this.outgoing?.clear()
    this.incoming?.clear()
    if (greeted) this.events.gone(this.id, isForsaken)
  }
}

/** A hello in the engine's own terms. */
export function helloOf(hello: FrameOf<'hello'>): Hello {
  const { name, instance, agent, concurrency, offers, held, publicKey } = hello
  const claims = held.map(([task, attempt, nonce]) => ({ task, attempt, nonce }))
  const said = { name, instance, agent, concurrency, offers: unpackOffers(offers), held: claims }
  return publicKey ? { ...said, publicKey } : said
}
