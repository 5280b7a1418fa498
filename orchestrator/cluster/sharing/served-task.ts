/**
 * One task of another hub while this one serves it: the request goes to the own engine under the other hub's name, to
 * own scouts alone, and what comes of it leaves as the frames that a scout would send. Pulled from the engine as far as
 * the other hub wants it. Whoever owns the link counts credits and tasks; this file knows one of them.
 */
import { isReportable, plainMessage } from '../../../shared/faults.ts'
import { chunkFrameBytes, inlineBodyBytesMax, nameCharsMax } from '../../../shared/limits/wire.ts'
import { fragmentsOf } from '../../../shared/protocol/fragments.ts'
import { durationOnWire, type FrameOf, type ScoutFrame } from '../../../shared/protocol/frames.ts'
import type { Answer, AnswerEnd } from '../../engine/ports/client.ts'

export interface ServedTaskParts {
  frame: FrameOf<'task'>
  answer: Answer
  send: (frame: ScoutFrame) => void
  /** Credits to grant along with the settlement. */
  creditsAtEnd: () => number
  onEnd: () => void
}

const nothing = new Uint8Array(0)

export class ServedTask {
  private seq = 0
  private offset = 0
  private isPaused = false
  /** The engine is waited for. */
  private isFollowing = false
  private isOver = false
  private wasCancelled = false
  private signMs: number

  constructor(
    private readonly parts: ServedTaskParts,
    nowMs: number,
  ) {
    this.signMs = nowMs
    void this.follow()
  }

  /** The other hub's client reads slowly, or again. */
  pause(isPaused: boolean): void {
    this.isPaused = isPaused
    if (!isPaused) void this.follow()
  }

  cancel(): void {
    this.wasCancelled = true
    // What its client does not read must not hold back the end.
    this.isPaused = false
    this.parts.answer.abandon()
    void this.follow()
  }

  /** The link is gone: nobody waits for it. */
  forsake(): void {
    this.isOver = true
    this.parts.answer.abandon()
  }

  /** A sign of life, when nothing else was sent for `silenceMs`. */
  sign(nowMs: number, silenceMs: number): void {
    if (this.isOver || this.isPaused || nowMs - this.signMs < silenceMs) return
    this.signMs = nowMs
    const { task, attempt } = this.parts.frame
    const provider = this.parts.answer.served?.provider ?? 'hub'
    this.parts.send({ type: 'started', task, attempt, provider: provider.slice(0, nameCharsMax) })
  }

  /** Takes what there is until the end, or until it is to pause. */
  private async follow(): Promise<void> {
    if (this.isFollowing) return
    this.isFollowing = true
    while (!this.isOver && !this.isPaused) {
      const part = this.parts.answer.take()
      if (part === null) await new Promise<void>((wake) => this.parts.answer.onReadable(wake))
      else {
        this.sendLines(part.lines)
        if (part.end !== null) this.settle(part.end)
      }
    }
    this.isFollowing = false
  }

  /** As few chunks as the bounds allow; a line that is larger than a chunk is one by itself. */
  private sendLines(lines: readonly Uint8Array[]): void {
    let pending: Uint8Array[] = []
    let bytes = 0
    for (const line of lines) {
      if (bytes > 0 && bytes + line.length + 1 > chunkFrameBytes) {
        this.sendChunk(pending, bytes)
        pending = []
        bytes = 0
      }
      pending.push(line)
      bytes += line.length + 1
    }
    if (bytes > 0) this.sendChunk(pending, bytes)
  }

  private sendChunk(lines: readonly Uint8Array[], size: number): void {
    const whole = Buffer.allocUnsafe(size)
    let at = 0
    for (const line of lines) {
      whole.set(line, at)
      at += line.length
      whole[at++] = newline
    }
    const { task, attempt } = this.parts.frame
    const body = size <= inlineBodyBytesMax ? whole : null
    this.parts.send({ type: 'chunk', task, attempt, seq: this.seq++, offset: this.offset, size, body })
    this.offset += size
    if (body === null) this.sendFragments(whole)
  }

  private settle(end: AnswerEnd): void {
    this.isOver = true
    const { frame, answer, send, creditsAtEnd, onEnd } = this.parts
    const { task, attempt, nonce } = frame
    const provider = (answer.served?.provider ?? '').slice(0, nameCharsMax)
    const head = { task, attempt, nonce, chunks: this.seq, provider, credits: creditsAtEnd() }
    const outcome = this.outcomeOf(end)
    const body = end.type === 'done' ? end.body : nothing
    const inline = body.length <= inlineBodyBytesMax ? body : null
    send({ type: 'settle', ...head, ...outcome, size: body.length, body: inline })
    if (inline === null) this.sendFragments(body)
    onEnd()
  }

  /** What only says that this hub could not do it now is handed back untouched: another one may. */
  private outcomeOf(
    end: AnswerEnd,
  ): Pick<FrameOf<'settle'>, 'outcome' | 'fault' | 'message' | 'param' | 'retryAfterMs'> {
    const none = { fault: '', message: '', param: '', retryAfterMs: 0 }
    if (end.type === 'done') return { outcome: 'done', ...none }
    const { code, message, param = '', retryAfterMs = 0 } = end.fault
    if (this.wasCancelled) return { outcome: 'cancelled', ...none, fault: 'cancelled', message: plainMessage(message) }
    const texts = { message: plainMessage(message), param: plainMessage(param).slice(0, nameCharsMax) }
    const later = { retryAfterMs: durationOnWire(retryAfterMs) }
    if (isReportable(code)) return { outcome: 'failed', fault: code, ...texts, ...later }
    if (this.seq > 0) return { outcome: 'failed', fault: 'provider_unavailable', ...texts, ...later }
    return { outcome: 'released', fault: 'scout_draining', ...texts, ...later }
  }

  private sendFragments(body: Uint8Array): void {
    const { task, attempt } = this.parts.frame
    for (const fragment of fragmentsOf(task, attempt, body)) this.parts.send(fragment)
  }
}

const newline = 10
