/**
 * The data plane: one relay per task carries the answer from its scout to its reader, without the core seeing a byte.
 * It checks order and form, holds everything back until the first content (so that an attempt can fail unseen) and the
 * lines that end a choice until the settlement is committed (so that nobody sees a clean end that was none). Its buffer
 * is bounded: a reader that does not read makes the scout pause.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { streamBufferBytes, streamOverrunBytes } from '../../shared/limits.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import type { Served, TaskKind } from '../../shared/task.ts'
import { inspectBody, inspectLine } from './answer-check.ts'
import type { Answer, AnswerEnd, AnswerPart } from './ports.ts'

/** What a relay asks of the engine. */
export interface RelayHost {
  contentBegan(task: number, attempt: number): void
  flow(session: number, task: number, attempt: number, paused: boolean): void
  position(task: number): number | null
  abandon(task: number): void
}

const newline = 0x0a

export class Relay implements Answer {
  readonly id: string
  served: Served | null = null
  attempts = 0
  queuedMs = 0
  /** The attempt listened to and the session it comes from; attempt 0 listens to nobody. */
  attempt = 0
  session = 0
  /** What the next chunk must say. */
  seq = 0
  private offset = 0
  /** Tokens as far as the hub can tell: lines with content, or the provider's own count of a whole answer. */
  tokens = 0
  lastHeardMs = 0

  private contentBegan = false
  /** Lines before the first content: role, empty deltas. */
  private prelude: Uint8Array[] = []
  /** Ready for the reader. */
  private lines: Uint8Array[] = []
  /** Lines that end a choice. */
  private closing: Uint8Array[] = []
  /** Bytes of `lines`, and of what is not for the reader yet: `prelude` and `closing`. */
  private readyBytes = 0
  private withheldBytes = 0
  private paused = false
  /** What arrived since the pause was asked for. */
  private overrunBytes = 0
  private forwardedBytes = 0
  private body: Uint8Array | null = null
  private ended = false
  /** The end, until the reader has taken it. */
  private end: AnswerEnd | null = null
  private wake: (() => void) | null = null

  constructor(
    readonly task: number,
    readonly kind: TaskKind,
    readonly stream: boolean,
    readonly created: number,
    /** The request, until an attempt has succeeded. */
    readonly request: Uint8Array,
    private readonly host: RelayHost,
  ) {
    this.id = `${kind === 'embed' ? 'embd' : 'chatcmpl'}-${task.toString(36)}`
  }

  // ------------------------------------------------------------ scout's side

  begin(attempt: number, session: number, served: Served, queuedMs: number): void {
    this.queuedMs = queuedMs
    this.attempt = attempt
    this.attempts = attempt
    this.session = session
    this.served = served
  }

  /** Who really serves the attempt; what the reader has been told of it stays. */
  servedBy(attempt: number, served: Served): void {
    if (attempt === this.attempt && !this.contentBegan) this.served = served
  }

  /** The same attempt goes on over a new socket. */
  resume(session: number): void {
    this.session = session
    this.overrunBytes = 0
    // The pause was said on the old socket; said again if it still holds.
    if (this.paused) this.host.flow(session, this.task, this.attempt, true)
  }

  listensTo(session: number, attempt: number): boolean {
    return this.attempt === attempt && this.session === session && !this.ended
  }

  /** Takes one chunk; what is wrong with it comes back, and the attempt is not listened to any longer. */
  chunk(frame: FrameOf<'chunk'>, body: Uint8Array): Fault | null {
    const flaw = this.takeChunk(frame, body)
    if (flaw !== null) this.attempt = 0
    return flaw
  }

  private takeChunk(frame: FrameOf<'chunk'>, body: Uint8Array): Fault | null {
    if (!this.stream) return fault('bad_answer', 'The scout streamed an answer that was not to be streamed.')
    if (frame.seq !== this.seq || frame.offset !== this.offset) {
      return fault('chunk_gap', `The scout's stream has a gap at chunk ${this.seq}.`)
    }
    if (body[body.length - 1] !== newline) return fault('bad_answer', 'The scout sent half a line.')
    // What came before this chunk is judged, not its own size: one line may be larger than any buffer.
    if (this.overrunBytes > streamOverrunBytes) {
      return fault('scout_error', 'The scout went on sending after it was asked to pause.')
    }
    // No reader can make room here, so a pause would never end.
    if (this.withheldBytes > streamBufferBytes) {
      return fault('bad_answer', 'The scout sent too much before the first or after the last content.')
    }
    if (this.paused) this.overrunBytes += body.length
    this.seq++
    this.offset += body.length
    for (let from = 0; from < body.length; ) {
      const to = body.indexOf(newline, from)
      if (!this.takeLine(body.subarray(from, to))) {
        return fault('bad_answer', 'The scout sent a line that is no part of an answer.')
      }
      from = to + 1
    }
    if (this.readyBytes > streamBufferBytes && !this.paused) this.setPaused(true)
    return null
  }

  private takeLine(line: Uint8Array): boolean {
    const facts = inspectLine(line)
    if (facts === null) return false
    if (facts.hasContent) this.tokens++
    // Content in a line that ends a choice is held back with it: nobody has seen it, so the attempt can still fail unseen.
    if (facts.hasContent && !facts.hasFinish && !this.contentBegan) this.beginContent()
    if (this.contentBegan && !facts.hasFinish) {
      this.lines.push(line)
      this.readyBytes += line.length
      this.signal()
    } else {
      const withheld = facts.hasFinish ? this.closing : this.prelude
      withheld.push(line)
      this.withheldBytes += line.length
    }
    return true
  }

  private beginContent(): void {
    this.contentBegan = true
    this.host.contentBegan(this.task, this.attempt)
    this.lines = this.prelude
    this.readyBytes = sumOf(this.prelude)
    this.withheldBytes -= this.readyBytes
    this.prelude = []
  }

  /** Checks a settlement that claims success, and keeps its body until the commit; what is wrong with it comes back. */
  settle(frame: FrameOf<'settle'>, body: Uint8Array): Fault | null {
    if (frame.chunks !== this.seq) return fault('chunk_gap', `Of ${frame.chunks} chunks ${this.seq} arrived.`)
    if (this.stream && this.closing.length === 0) {
      return fault('bad_answer', 'The answer ended without a finish reason.')
    }
    const facts = inspectBody(body, this.kind, this.stream)
    if (facts === null) return fault('bad_answer', 'The scout settled with something that is no answer.')
    if (!this.stream) this.tokens = facts.completionTokens
    this.body = body
    return null
  }

  /** The attempt is over without having been seen: forget what it sent. */
  reset(): void {
    this.attempt = 0
    this.seq = 0
    this.offset = 0
    this.tokens = 0
    this.prelude = []
    this.closing = []
    this.body = null
    this.withheldBytes = 0
  }

  /** The task is terminal. */
  finish(cause: Fault | null, queuedMs: number): void {
    this.queuedMs = queuedMs
    this.ended = true
    if (cause === null && this.body !== null) {
      this.lines = [...this.lines, ...this.prelude, ...this.closing]
      this.end = { type: 'done', body: this.body }
    } else {
      const why = cause ?? fault('internal_error', 'The answer was committed without its body.')
      this.end = { type: 'failed', fault: why, forwardedBytes: this.forwardedBytes + sumOf(this.lines) }
    }
    this.prelude = []
    this.closing = []
    this.signal()
  }

  // ------------------------------------------------------------ reader's side

  position(): number | null {
    return this.host.position(this.task)
  }

  take(): AnswerPart | null {
    const { lines, end } = this
    if (lines.length === 0 && end === null) return null
    this.lines = []
    this.end = null
    this.forwardedBytes += sumOf(lines)
    this.readyBytes = 0
    if (this.paused) this.setPaused(false)
    return { lines, end }
  }

  readable(): Promise<void> {
    if (this.lines.length > 0 || this.end !== null) return Promise.resolve()
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }

  abandon(): void {
    if (!this.ended) this.host.abandon(this.task)
  }

  private setPaused(paused: boolean): void {
    this.paused = paused
    this.overrunBytes = 0
    if (!this.ended) this.host.flow(this.session, this.task, this.attempt, paused)
  }

  private signal(): void {
    const wake = this.wake
    this.wake = null
    wake?.()
  }
}

function sumOf(lines: readonly Uint8Array[]): number {
  let bytes = 0
  for (const line of lines) bytes += line.length
  return bytes
}
