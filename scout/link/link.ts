/**
 * Drives one session after another: performs the outputs of the session machine with a socket and one timer, and passes
 * it what happened. Work frames go to the handler; frames to send come from the work loop, as fast as `waitMs` allows.
 * It never decides when to dial, greet or give up: that is the session's.
 */
import { backlogPollMs } from '../../shared/limits/scout.ts'
import {
  controlBytesPerSecond,
  controlFramesPerSecond,
  dataFramesPerSecond,
  fragmentBacklogBytes,
} from '../../shared/limits/wire.ts'
import { decodeFromHub, encode } from '../../shared/protocol/codec.ts'
import { type FrameOf, frameTable, type ScoutFrame } from '../../shared/protocol/frames.ts'
import type { ScoutPhase } from '../../shared/protocol/phases.ts'
import type { System, Timer } from '../../shared/system.ts'
import { Pace } from '../core/pace.ts'
import { type Hello, Session, type SessionInput, type SessionOutput, type WorkFrame } from '../core/session.ts'
import type { Log } from '../log.ts'
import type { Exit } from '../tasks/outbox.ts'
import type { Dial, Socket } from './socket.ts'

/** Who does the work of the sessions. */
export interface LinkHandler {
  hello(): Hello
  welcomed(frame: FrameOf<'welcome'>): void
  work(frame: WorkFrame): void
  lost(): void
  /** The next dial comes after `delayMs`. */
  waiting(delayMs: number, reason: string): void
  /** The end; nothing follows. */
  stopped(refused: boolean, reason: string): void
}

interface Allowance {
  frames: Pace
  bytes: Pace
}

/** An envelope around its body, roughly; a fault message makes it larger now and then. */
const envelopeBytes = 64

export class Link implements Exit {
  private readonly session: Session
  private socket: Socket | null = null
  private control!: Allowance
  private data!: Allowance
  private timer: Timer | null = null
  private timerDueMs = 0
  private readonly out: SessionOutput[] = []
  private performing = false

  constructor(
    private readonly system: System,
    private readonly dial: Dial,
    private readonly handler: LinkHandler,
    private readonly log: Log,
    /** Bytes of chunks and fragments that the hub allows per second. */
    private readonly dataBytesPerSecond: number,
  ) {
    this.session = new Session(system.nowMs())
  }

  get phase(): ScoutPhase {
    return this.session.phase
  }

  start(): void {
    this.step({ type: 'tick' })
  }

  /** The scout is to end: work is finished first, then `leave` is called. */
  drain(reason: string): void {
    this.step({ type: 'drain', reason })
  }

  leave(): void {
    this.step({ type: 'leave' })
  }

  /** The hub broke the protocol: closes with 4400 and dials again. */
  violation(reason: string): void {
    this.step({ type: 'violation', reason })
  }

  waitMs(data: boolean, bytes: number): number {
    if (this.socket === null || (this.phase !== 'ready' && this.phase !== 'draining')) return Number.POSITIVE_INFINITY
    if (this.socket.bufferedAmount > fragmentBacklogBytes) return backlogPollMs
    const nowMs = this.system.nowMs()
    const allowance = data ? this.data : this.control
    return Math.max(allowance.frames.waitMs(1, nowMs), allowance.bytes.waitMs(bytes + envelopeBytes, nowMs))
  }

  /** Sends at once; without a socket the frame is dropped, as it belongs to a session that is over. */
  send(frame: ScoutFrame): void {
    if (this.socket === null) return
    const bytes = encode(frame)
    const allowance = 'data' in frameTable[frame.type] ? this.data : this.control
    // The hub asked for it, and does not count it either.
    if (frame.type !== 'pong') {
      allowance.frames.spend(1)
      allowance.bytes.spend(bytes.length)
    }
    this.socket.send(bytes)
  }

  private step(input: SessionInput): void {
    const { system, out } = this
    this.session.step(input, { nowMs: system.nowMs(), random: system.random(), out })
    if (this.performing) return
    this.performing = true
    try {
      // Performing an output may push further ones, which then follow in order.
      for (let i = 0; i < out.length; i++) this.perform(out[i]!)
    } finally {
      out.length = 0
      this.performing = false
    }
    this.arm()
  }

  private perform(output: SessionOutput): void {
    switch (output.type) {
      case 'dial':
        return this.open()
      case 'send':
        return this.send(output.frame)
      case 'close':
        this.socket?.close(output.code, output.reason)
        this.socket = null
        return
      case 'welcomed':
        return this.handler.welcomed(output.frame)
      case 'deliver':
        return this.handler.work(output.frame)
      case 'lost':
        this.socket = null
        return this.handler.lost()
      case 'waiting':
        this.socket = null
        return this.handler.waiting(output.delayMs, output.reason)
      case 'stopped':
        this.socket = null
        return this.handler.stopped(output.refused, output.reason)
    }
  }

  private open(): void {
    const nowMs = this.system.nowMs()
    this.control = { frames: new Pace(controlFramesPerSecond, nowMs), bytes: new Pace(controlBytesPerSecond, nowMs) }
    this.data = { frames: new Pace(dataFramesPerSecond, nowMs), bytes: new Pace(this.dataBytesPerSecond, nowMs) }
    // A socket that was closed from here may still emit events; only those of the present one count.
    const hear = (input: () => void) => {
      if (this.socket === socket) input()
    }
    const socket: Socket = this.dial({
      opened: () => hear(() => this.step({ type: 'opened', hello: this.handler.hello() })),
      refused: (status) => hear(() => this.step({ type: 'refused', status })),
      closed: (code, reason) => hear(() => this.step({ type: 'closed', code, reason })),
      message: (bytes) => hear(() => this.message(bytes)),
    })
    this.socket = socket
  }

  /** The frame boundary: whatever a message holds, the worst that follows is the end of this one session. */
  private message(bytes: Uint8Array | null): void {
    if (bytes === null) return this.violation('a message was text; frames are binary')
    const frame = decodeFromHub(bytes)
    if (frame.type === 'malformed') return this.violation(frame.reason)
    try {
      this.step({ type: 'frame', frame })
    } catch (error) {
      this.log.error({ frame: frame.type, error: String(error) }, 'A frame met a defect of this scout')
      this.step({ type: 'violation', reason: 'the scout could not handle a frame' })
    }
  }

  private arm(): void {
    const dueMs = this.session.dueMs
    const done = dueMs === Number.POSITIVE_INFINITY
    // A timer that comes too early costs one tick without effect, which is less than moving it with every frame.
    if (this.timer !== null && this.timerDueMs <= dueMs && !done) return
    this.timer?.cancel()
    this.timer = null
    if (done) return
    this.timerDueMs = dueMs
    this.timer = this.system.after(Math.max(0, dueMs - this.system.nowMs()), () => {
      this.timer = null
      this.step({ type: 'tick' })
    })
  }
}
