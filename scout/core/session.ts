/**
 * The scout's side of a session as a pure state machine: when to dial, greet, work, give a silent hub up, dial again,
 * leave, and when to stop for good. The link passes it what happened, with the time and a random number, and performs
 * its outputs in order. It keeps no timer: a tick is due at `dueMs`. What tasks do is the executor's.
 *
 * | phase | entered | left | holds meanwhile |
 * |---|---|---|---|
 * | waiting | at the start, and by every loss | by the tick at `dialAtMs` | there is no socket |
 * | dialing | with a `dial` output | by `opened`, `refused`, `closed`, or silence | nothing has been sent |
 * | greeting | by `opened`, with the hello | by the welcome, a loss, or silence | only `welcome` is accepted |
 * | ready | by the welcome | by a drain, a loss, or silence | credits may be granted; frames are delivered |
 * | draining | by a drain, with the drain frame | by `leave` or a loss, which stops it | frames are still delivered |
 * | stopped | by `leave`, a final refusal, or a drain without a session | never | no tick is due |
 *
 * The moves are `scoutPhaseMoves`; every way out of ready and draining emits `lost` once.
 */
import { fullJitterMs } from '../../shared/backoff.ts'
import { plainMessage } from '../../shared/faults.ts'
import {
  silenceMs as defaultSilenceMs,
  reconnectBaseMs,
  reconnectCapMs,
  reconnectWindowMs,
  standstillMs,
  supersededDelayMs,
  wakeGraceMs,
} from '../../shared/limits/wire.ts'
import { closeTable } from '../../shared/protocol/close-codes.ts'
import { type FrameOf, type HubFrame, protocolVersion } from '../../shared/protocol/frames.ts'
import { type ScoutPhase, scoutAccepts, scoutPhaseMoves } from '../../shared/protocol/phases.ts'
import { finalClose, finalStatus, lossReason, refusedReason } from './refusal.ts'

/** The fields of the hello, which is sent when a socket opens. */
export type Hello = Omit<FrameOf<'hello'>, 'type' | 'version'>

/** A frame of a session at work. */
export type WorkFrame = Exclude<HubFrame, { type: 'welcome' }>

export type SessionInput =
  /** Time has passed: at `dueMs`, or at any other moment. */
  | { type: 'tick' }
  | { type: 'opened'; hello: Hello }
  /** The upgrade was answered with another HTTP status than 101. */
  | { type: 'refused'; status: number }
  | { type: 'closed'; code: number; reason: string }
  | { type: 'frame'; frame: HubFrame }
  /** The hub broke the protocol in a way that the link or the executor found. */
  | { type: 'violation'; reason: string }
  /** The operator has asked the scout to end. */
  | { type: 'drain'; reason: string }
  /** After a drain: nothing is left to do. */
  | { type: 'leave' }

export type SessionOutput =
  | { type: 'dial' }
  | { type: 'send'; frame: FrameOf<'hello'> | FrameOf<'drain'> }
  /** Close the socket, or give up the dial; its further events are ignored. */
  | { type: 'close'; code: number; reason: string }
  | { type: 'welcomed'; frame: FrameOf<'welcome'> }
  | { type: 'deliver'; frame: WorkFrame }
  /** A session in which work was possible is over. */
  | { type: 'lost' }
  /** The next dial comes after `delayMs`. `reason` completes "… because". */
  | { type: 'waiting'; delayMs: number; reason: string }
  /** The end. `refused` when the hub refuses this scout for good; `reason` is a sentence for the operator. */
  | { type: 'stopped'; refused: boolean; reason: string }

/** Where outputs are pushed, and the time and the chance of this input. */
export interface Moment {
  nowMs: number
  /** Uniform in [0, 1). */
  random: number
  out: SessionOutput[]
}

export class Session {
  private at: ScoutPhase = 'waiting'
  /** When the next dial is due; only while waiting. */
  private dialAtMs: number
  /** When the last frame of the hub arrived, or the dial began. */
  private heardMs = 0
  private silenceMs = defaultSilenceMs
  /** It was given a round trip after this process stood still, and nothing was heard since. */
  private isSpared = false
  /** Dials in a row that did not end in a welcome. */
  private failedDials = 0
  /** Over which time to spread the redial; a `hubDrain` may name another one. */
  private windowMs = reconnectWindowMs

  /** The first dial is due at `nowMs`. */
  constructor(nowMs: number) {
    this.dialAtMs = nowMs
  }

  get phase(): ScoutPhase {
    return this.at
  }

  /** When the next tick is due; Infinity when none is. */
  get dueMs(): number {
    if (this.at === 'stopped') return Number.POSITIVE_INFINITY
    return this.at === 'waiting' ? this.dialAtMs : this.heardMs + this.silenceMs
  }

  /** Takes one input and pushes what follows from it. Throws only on a defect of the caller: an impossible move. */
  step(input: SessionInput, moment: Moment): void {
    switch (input.type) {
      case 'tick':
        return this.tick(moment)
      case 'opened':
        this.enter('greeting')
        this.heardMs = moment.nowMs
        moment.out.push({ type: 'send', frame: { type: 'hello', version: protocolVersion, ...input.hello } })
        return
      case 'refused': {
        const final = finalStatus(input.status)
        if (final !== null) return this.stop(true, final, moment)
        return this.lose(0, refusedReason(input.status), moment)
      }
      case 'closed': {
        const final = finalClose(input.code, input.reason)
        if (final !== null) return this.stop(true, final, moment)
        return this.lose(input.code, lossReason(input.code, input.reason), moment)
      }
      case 'frame':
        return this.hear(input.frame, moment)
      case 'violation':
        return this.hangUp(closeTable.badFrame.code, input.reason, moment)
      case 'drain':
        return this.drain(input.reason, moment)
      case 'leave':
        return this.leave('The scout has finished and left.', moment)
    }
  }

  private tick(moment: Moment): void {
    const lateMs = moment.nowMs - this.dueMs
    if (lateMs < 0) return
    if (this.at !== 'waiting') {
      if (lateMs < standstillMs || this.isSpared) return this.hangUp(closeTable.silent.code, '', moment)
      // This process stood still, and what the hub has sent meanwhile may not be read yet.
      this.isSpared = true
      this.heardMs = moment.nowMs - this.silenceMs + Math.min(this.silenceMs, wakeGraceMs)
      return
    }
    this.enter('dialing')
    this.isSpared = false
    this.heardMs = moment.nowMs
    this.silenceMs = defaultSilenceMs
    moment.out.push({ type: 'dial' })
  }

  private hear(frame: HubFrame, moment: Moment): void {
    if (!(scoutAccepts[this.at] as readonly string[]).includes(frame.type)) {
      return this.hangUp(closeTable.badFrame.code, `${frame.type} does not belong into phase ${this.at}`, moment)
    }
    this.heardMs = moment.nowMs
    this.isSpared = false
    if (frame.type === 'welcome') return this.welcome(frame, moment)
    // A hub that named no time at all would be dialed again without a pause, as often as it hangs up.
    if (frame.type === 'hubDrain') this.windowMs = Math.max(reconnectBaseMs, frame.windowMs)
    moment.out.push({ type: 'deliver', frame })
  }

  private welcome(frame: FrameOf<'welcome'>, moment: Moment): void {
    const { code } = closeTable.versionUnsupported
    if (frame.version !== protocolVersion) {
      moment.out.push({ type: 'close', code, reason: `this scout speaks version ${protocolVersion}` })
      return this.stop(true, finalClose(code, '')!, moment)
    }
    this.enter('ready')
    this.failedDials = 0
    this.silenceMs = frame.silenceMs
    this.windowMs = reconnectWindowMs
    moment.out.push({ type: 'welcomed', frame })
  }

  private drain(reason: string, moment: Moment): void {
    if (this.at === 'draining' || this.at === 'stopped') return
    if (this.at !== 'ready') return this.leave('The scout left while it was not connected.', moment)
    this.enter('draining')
    moment.out.push({ type: 'send', frame: { type: 'drain', reason: plainMessage(reason) } })
  }

  private leave(reason: string, moment: Moment): void {
    if (this.at === 'stopped') return
    if (this.at !== 'waiting') moment.out.push({ type: 'close', code: closeTable.leaving.code, reason: '' })
    this.stop(false, reason, moment)
  }

  /** Ends the socket from this side. */
  private hangUp(code: number, reason: string, moment: Moment): void {
    if (this.at === 'waiting' || this.at === 'stopped') return
    moment.out.push({ type: 'close', code, reason })
    this.lose(code, lossReason(code, reason), moment)
  }

  private lose(code: number, reason: string, moment: Moment): void {
    if (this.at === 'draining') {
      return this.stop(false, `The connection ended before everything was handed over: ${reason}.`, moment)
    }
    const delayMs = this.redialDelayMs(code, moment.random)
    if (this.at === 'ready') moment.out.push({ type: 'lost' })
    this.enter('waiting')
    this.dialAtMs = moment.nowMs + delayMs
    moment.out.push({ type: 'waiting', delayMs, reason })
  }

  private redialDelayMs(code: number, random: number): number {
    if (code === closeTable.superseded.code) return supersededDelayMs + Math.floor(random * reconnectWindowMs)
    if (this.at === 'ready') return Math.floor(random * this.windowMs)
    return fullJitterMs(this.failedDials++, reconnectBaseMs, reconnectCapMs, random)
  }

  private stop(refused: boolean, reason: string, moment: Moment): void {
    if (this.at === 'ready' || this.at === 'draining') moment.out.push({ type: 'lost' })
    this.enter('stopped')
    moment.out.push({ type: 'stopped', refused, reason })
  }

  private enter(next: ScoutPhase): void {
    if (!scoutPhaseMoves[this.at].includes(next)) throw new Error(`a session cannot go from ${this.at} to ${next}`)
    this.at = next
  }
}
