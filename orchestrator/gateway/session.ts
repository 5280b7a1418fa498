/**
 * One scout's socket as a state machine: bytes in, facts to the engine out, and the other way. It decodes, holds the
 * peer to protocol, phase and allowance, puts large bodies together and takes them apart. It knows neither Bun nor
 * timers: the socket is a port and time an argument, so that the simulator runs this very code.
 */
import type { ByteAccount } from '../../shared/byte-account.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import * as wireLimits from '../../shared/limits/wire.ts'
import { type CloseName, closeTable } from '../../shared/protocol/close-codes.ts'
import { decodeFromScout, encode } from '../../shared/protocol/codec.ts'
import { Assembly, fragmentsOf } from '../../shared/protocol/fragments.ts'
import {
  type FrameOf,
  frameTable,
  type HubFrame,
  protocolVersion,
  type ScoutFrame,
} from '../../shared/protocol/frames.ts'
import { unpackOffers } from '../../shared/protocol/offers.ts'
import { type HubPhase, hubAccepts, hubPhaseMoves } from '../../shared/protocol/phases.ts'
import type { ScoutEvents } from '../engine/ports/scouts.ts'
import { Allowance } from './allowance.ts'
import { helloOf } from './frame-mapping.ts'

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
  nowMs: number
  /** Of half-delivered bodies, by operator. */
  bytesInFlight: ByteAccount
}

type BodyFrame = FrameOf<'chunk'> | FrameOf<'settle'>

/** A body of which fragments are still to come, with the frame that announced it. */
interface Incoming {
  head: BodyFrame
  assembly: Assembly
  /** When it has to be complete. */
  dueMs: number
}

/** Fragments still to be sent. */
interface Outgoing {
  task: number
  attempt: number
  fragments: Iterator<FrameOf<'fragment'>>
}

const tooMuch = fault('scout_error', 'The scout sent too many large answers at once.')
const noRoom = fault('hub_overloaded', 'The orchestrator had no room for a large answer: ask again.')
const tooSlow = fault('scout_error', 'A large answer of the scout did not arrive in time.')

/** Bytes of a close reason that fit into the close frame. */
const closeReasonCharsMax = 120
const noBody = new Uint8Array(0)
/** Most sessions never send a large body: they share one empty list. */
const none: Outgoing[] = []

export class ScoutSession {
  readonly id: number
  readonly operator: string
  readonly address: string
  phase: HubPhase = 'greeting'
  /**
   * When the last round trip through the scout's work loop ended, or the upgrade. Of other frames only the pieces of a
   * large answer count as one, because on a slow line the pong waits behind them.
   */
  private roundTripMs: number
  private ping = 0
  /** The newest ping that was answered; a slow answer to an older one than the last is still a round trip. */
  private ponged = 0
  private pingedMs: number
  /** The ping behind the last full stretch of fragments, and the bytes of fragments sent since. */
  private mark = 0
  private stretchBytes = 0
  /** Settlements to be acknowledged with the next frame; null for none. */
  private acks: FrameOf<'settled'>['acks'] | null = null
  private readonly acksHeldMax: number
  private readonly socket: ScoutSocket
  private readonly events: ScoutEvents
  private readonly control: Allowance
  private readonly data: Allowance
  private readonly bytesInFlight: ByteAccount
  /** By task and attempt; null before the first. */
  private incoming: Map<string, Incoming> | null = null
  private incomingBytes = 0
  private outgoing: Outgoing[] = none

  constructor({ id, operator, address, socket, events, acksHeldMax, nowMs, bytesInFlight }: SessionOptions) {
    this.id = id
    this.bytesInFlight = bytesInFlight
    this.acksHeldMax = acksHeldMax
    this.operator = operator
    this.address = address
    this.socket = socket
    this.events = events
    this.roundTripMs = nowMs
    this.pingedMs = nowMs
    this.control = new Allowance(wireLimits.controlFramesPerSecond, wireLimits.controlBytesPerSecond, 1, nowMs)
    this.data = new Allowance(wireLimits.dataFramesPerSecond, wireLimits.dataBytesPerSecond, 2, nowMs)
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
    const allowance = 'data' in frameTable[frame.type] ? this.data : this.control
    // How many pongs there are is the hub's own doing.
    const isAsked = frame.type === 'pong' && this.awaits(frame.ping)
    if (!isAsked && !allowance.spend(message.length, nowMs)) return this.close('rate')
    if (!hubAccepts[this.phase].includes(frame.type)) {
      return this.close('badFrame', `${frame.type} in phase ${this.phase}`)
    }
    this.handle(frame, nowMs)
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
        events.heartbeat(id)
        return this.pump()
      case 'drain':
        if (this.phase === 'ready') this.enter('draining')
        this.acknowledge()
        return events.draining(id)
      case 'offers':
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
    this.enter('ready')
    this.roundTripMs = nowMs
    this.events.joined({ session: this.id, operator: this.operator, address: this.address, hello: helloOf(hello) })
  }

  private takeHead(head: BodyFrame, nowMs: number): void {
    const key = `${head.task}/${head.attempt}`
    const unfinished = this.incoming?.get(key)
    if (unfinished !== undefined) {
      // A scout that gives an attempt up need not send the rest of its last chunk.
      if (head.type === 'chunk' || head.outcome === 'done') {
        return this.close('badFrame', `${head.type} before the last body was complete`)
      }
      this.forgetIncoming(key, unfinished)
    }
    if (head.body !== null) {
      if (head.body.length !== head.size) return this.close('badFrame', `${head.type}.size is not its body's length`)
      return this.deliver(head, head.body)
    }
    if (head.size === 0) return this.deliver(head, noBody)
    if (this.incomingBytes + head.size > wireLimits.assemblyBytesMax) {
      return this.events.broken(this.id, head.task, head.attempt, tooMuch)
    }
    this.incoming ??= new Map()
    const timeMs = wireLimits.fragmentedBodyMs + (head.size / wireLimits.fragmentedBytesPerSecond) * 1_000
    this.incoming.set(key, { head, assembly: new Assembly(head.size), dueMs: nowMs + timeMs })
    this.incomingBytes += head.size
  }

  private takeFragment(fragment: FrameOf<'fragment'>, nowMs: number): void {
    const key = `${fragment.task}/${fragment.attempt}`
    const incoming = this.incoming?.get(key)
    // What follows the head of a body that was refused.
    if (incoming === undefined) return
    this.roundTripMs = nowMs
    const refused = this.makeRoom(incoming.assembly, fragment.bytes)
    if (refused !== null) return this.giveUp(key, incoming, refused)
    const state = incoming.assembly.add(fragment.index, fragment.bytes)
    if (state === 'more') return this.events.alive(this.id, fragment.task, fragment.attempt)
    if (state === 'broken') {
      const cause = fault('chunk_gap', 'The fragments of a large answer do not fit together.')
      return this.giveUp(key, incoming, cause)
    }
    this.forgetIncoming(key, incoming)
    this.deliver(incoming.head, incoming.assembly.body())
  }

  /** Counts what the next piece makes an assembly grow by. */
  private makeRoom(assembly: Assembly, bytes: Uint8Array): Fault | null {
    const growth = assembly.heldWith(bytes) - assembly.heldBytes
    if (growth === 0) return null
    const refused = this.bytesInFlight.take(this.operator, growth)
    if (refused === null) return null
    return refused === 'share' ? tooMuch : noRoom
  }

  private giveUp(key: string, incoming: Incoming, cause: Fault): void {
    this.forgetIncoming(key, incoming)
    this.events.broken(this.id, incoming.head.task, incoming.head.attempt, cause)
  }

  private forgetIncoming(key: string, { head, assembly }: Incoming): void {
    this.incoming?.delete(key)
    this.incomingBytes -= head.size
    this.bytesInFlight.give(this.operator, assembly.heldBytes)
  }

  private deliver(head: BodyFrame, body: Uint8Array): void {
    if (head.type === 'chunk') this.events.chunk(this.id, head, body)
    else this.events.settle(this.id, head, body)
  }

  // ------------------------------------------------------------ to the scout

  send(frame: HubFrame, body?: Uint8Array): void {
    if (this.phase === 'closed') return
    if (frame.type === 'settled') return this.acknowledge(frame.acks)
    if (frame.type === 'cancel') this.dropOutgoing(frame.task, frame.attempt)
    if (frame.type !== 'task' || body === undefined) return this.write(frame)
    const { task, attempt } = frame
    frame.acks = this.takeAcks()
    if (body.length <= wireLimits.inlineBodyBytesMax) {
      frame.body = body
      return this.write(frame)
    }
    this.write(frame)
    if (this.outgoing === none) this.outgoing = []
    this.outgoing.push({ task, attempt, fragments: fragmentsOf(task, attempt, body) })
    this.pump()
  }

  /** Sends fragments while there is room; call again when there may be more. One of each body in turn. */
  pump(): void {
    while (this.mayPush()) {
      const next = this.outgoing.shift()!
      const { done, value } = next.fragments.next()
      if (done) continue
      // Behind the others before it is sent: a write may find the socket dead, and then nothing is left to send.
      this.outgoing.push(next)
      this.stretchBytes += value.bytes.length
      this.write(value)
    }
  }

  /** Marks every stretch of fragments with a ping; the next one but one waits until that has been answered. */
  private mayPush(): boolean {
    if (this.outgoing.length === 0 || this.socket.buffered() >= wireLimits.fragmentBacklogBytes) return false
    if (this.stretchBytes < wireLimits.fragmentStretchBytes) return true
    if (this.ponged < this.mark) return false
    this.stretchBytes = 0
    this.mark = ++this.ping
    this.write({ type: 'ping', ping: this.mark, acks: this.takeAcks() })
    return this.outgoing.length > 0
  }

  private dropOutgoing(task: number, attempt: number): void {
    if (this.outgoing.length === 0) return
    this.outgoing = this.outgoing.filter((body) => body.task !== task || body.attempt !== attempt)
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
    if (this.incoming !== null) this.dropLate(this.incoming, nowMs)
    if (nowMs - this.roundTripMs > wireLimits.silenceMs) return this.close('silent')
    if (nowMs - this.pingedMs < wireLimits.heartbeatMs) return
    this.pingedMs = nowMs
    this.ping++
    this.write({ type: 'ping', ping: this.ping, acks: this.takeAcks() })
  }

  private dropLate(incoming: Map<string, Incoming>, nowMs: number): void {
    for (const [key, body] of incoming) if (nowMs >= body.dueMs) this.giveUp(key, body, tooSlow)
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
    this.closed()
    this.socket.close(code, reason.slice(0, closeReasonCharsMax))
  }

  /** The socket is gone, whoever closed it. Told to the engine once. */
  closed(): void {
    if (this.phase === 'closed') return
    const greeted = this.phase !== 'greeting'
    this.enter('closed')
    this.outgoing = none
    for (const [key, body] of this.incoming ?? []) this.forgetIncoming(key, body)
    this.incoming = null
    if (greeted) this.events.gone(this.id)
  }
}
