/**
 * Forwards one answer to a client that waits for it, without the core seeing a byte. It takes one attempt, or two that
 * race until the first content; hands what is released to its reader; and bounds what the reader leaves: a slow one
 * makes the scout pause. For a client that opted in it keeps what was forwarded, and another scout can go on there.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { bytesOf } from '../../../shared/json/byte-part.ts'
import { streamBufferBytes, streamOverrunBytes, unreadBytesFree } from '../../../shared/limits/http.ts'
import type { TrustWord } from '../../../shared/scouts/trust-words.ts'
import type { Served, TaskKind } from '../../../shared/task.ts'
import type { Cost } from '../../core/fleet/cost.ts'
import type { SpokenAnswer } from '../counting/spoken-answer.ts'
import type { TaskCount } from '../counting/task-count.ts'
import type { ChargedKey, ServedPrice, Use } from '../ports/charged-key.ts'
import { type Answer, type AnswerEnd, type AnswerPart, answerId } from '../ports/client.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import type { ChunkHead, Settlement } from '../ports/scouts.ts'
import type { Check } from './answer-checks.ts'
import { afterPauseBytesMax, isLeft, lostAfterContent, noBody, tooMuchUnread, tooSlow } from './answer-host.ts'
import type { AnswerSink, AnswerSinkHost, Beginning } from './answer-sink.ts'
import { type Asked, type AskedSource, askedOf, askedUnknown } from './asked.ts'
import { AttemptStream, noLines } from './attempt-stream.ts'
import { continuedWithin, textOfLine } from './continuation.ts'
import type { AnswerWatch } from './watch/answer-watch.ts'

export interface RelayOptions {
  task: number
  tenant: string
  kind: TaskKind
  stream: boolean
  /** Seconds since 1970. */
  created: number
  request: Uint8Array
  /** Whether another scout may go on after what was forwarded. */
  continues: boolean
  /** Who pays. */
  key: ChargedKey
  /** For who looks at answers; null for nobody. */
  watch: AnswerWatch | null
  /** Counts what is done for it; null where no receipt is given. */
  count: TaskCount | null
}

export class Relay implements AnswerSink, Answer, AskedSource {
  readonly id: string
  readonly task: number
  readonly tenant: string
  readonly created: number
  served: Served | null = null
  trust: TrustWord | null = null
  cost: Cost | null = null
  attempts = 0
  queuedMs = 0
  readonly key: ChargedKey
  readonly kind: TaskKind
  /** What was used for it, and at which prices; known at the end. Null when that is nothing. */
  use: Use | null = null
  usePrice: ServedPrice | null = null
  microDollars: number | null = null
  /** For its receipt; known at the end, null where there is none. */
  work: WorkDone | null = null
  /** Tasks before this one, as far as that is known; null when it does not wait for a scout. */
  place: number | null = null
  private readonly attemptStreams: AttemptStream[] = []
  /** The attempt whose content is being forwarded. */
  private winner: AttemptStream | null = null
  /** Ready for the reader. */
  private lines = noLines
  private readyBytes = 0
  /** Of these, the bytes that are counted in the account of what nobody reads. */
  private heldBytes = 0
  /** The account had no room for them. */
  private isCrowded = false
  private isAbandoned = false
  private paused = false
  /** What waited when the pause began: one chunk may be larger than what makes a pause. */
  private pausedAtBytes = 0
  /** What arrived since the pause was asked for. */
  private overrunBytes = 0
  private forwardedBytes = 0
  /** Text forwarded so far, for whoever has to go on after it. */
  private prefix = ''
  private prefixTokens = 0
  /** Lines that the reader has got or will get. */
  private forwardedLines = 0
  /** The attempt whose content was forwarded is void, and no other one goes on after it. */
  private isLost = false
  private ended = false
  /** The end, until the reader has taken it. */
  private end: AnswerEnd | null = null
  private wake: (() => void) | null = null
  private readonly watch: AnswerWatch | null
  private readonly stream: boolean
  private readonly continues: boolean
  private readonly count: TaskCount | null
  /** As it arrived; null once the task is over. */
  private body: Uint8Array | null
  /** Of the request as it was sent last. */
  requestBytes: number
  private known: Asked | null = null

  constructor(
    { task, tenant, kind, stream, created, request, continues, key, watch, count }: RelayOptions,
    private readonly host: AnswerSinkHost,
  ) {
    this.task = task
    this.tenant = tenant
    this.created = created
    this.kind = kind
    this.stream = stream
    this.continues = continues
    this.watch = watch
    this.key = key
    this.count = count
    this.body = request
    this.requestBytes = request.length
    this.id = answerId(kind, task)
  }

  // ------------------------------------------------------------ scout's side

  begin(beginning: Beginning): void {
    const { attempt, session, served, queuedMs, cost } = beginning
    // What was forwarded is known here first: the brain may have granted before it learnt that content began.
    const continuing = this.forwardedLines > 0
    this.count?.begin(attempt, served.scout)
    const attemptStream = new AttemptStream(attempt, session, served, this.stream, this.kind, continuing, this)
    attemptStream.nonce = beginning.nonce
    attemptStream.after = this.forwardedLines
    attemptStream.cost = cost
    attemptStream.promptPrice = beginning.promptPrice
    attemptStream.answerPrice = beginning.answerPrice
    this.attemptStreams.push(attemptStream)
    this.attempts = attempt
    this.queuedMs = queuedMs
    this.place = null
    this.watch?.begin(attemptStream, beginning.noted)
    if (this.winner !== null) return
    this.served = served
    this.trust = attemptStream.trust
    this.cost = cost
  }

  request(): Uint8Array | Fault {
    const request = this.requestNow()
    if (request instanceof Uint8Array) this.count?.sent(request)
    return request
  }

  private requestNow(): Uint8Array | Fault {
    const request = this.body
    if (request === null) throw new Error(`task ${this.task} begins an attempt after its end`)
    // Granted before the brain learnt that nobody can go on.
    if (this.isLost) return lostAfterContent
    if (this.prefix === '') return request
    const continued = continuedWithin(request, this.prefix, this.prefixTokens)
    if (continued instanceof Uint8Array) this.requestBytes = continued.length
    return continued
  }

  counted(): SpokenAnswer | null {
    return this.count?.answer() ?? null
  }

  asked(): Asked {
    this.known ??= this.body === null ? askedUnknown : askedOf(this.body)
    return this.known
  }

  servedBy(attempt: number, served: Served): void {
    const attemptStream = this.streamOf(attempt)
    if (attemptStream === undefined) return
    attemptStream.served = served
    // What the reader has been told of it stays.
    if (this.winner === null) this.served = served
  }

  nextChunk(attempt: number): number {
    return this.streamOf(attempt)?.seq ?? 0
  }

  resume(attempt: number, session: number): void {
    const attemptStream = this.streamOf(attempt)
    if (attemptStream === undefined) return
    attemptStream.session = session
    this.overrunBytes = 0
    // The pause was said on the old socket; said again if it still holds.
    if (this.paused) this.host.flow(session, this.task, attempt, true)
  }

  attemptStream(attempt: number, session: number): AttemptStream | undefined {
    const attemptStream = this.streamOf(attempt)
    return attemptStream?.session === session ? attemptStream : undefined
  }

  private streamOf(attempt: number): AttemptStream | undefined {
    for (const attemptStream of this.attemptStreams) if (attemptStream.attempt === attempt) return attemptStream
    return undefined
  }

  chunk(attemptStream: AttemptStream, head: ChunkHead, body: Uint8Array): Fault | null {
    const flaw = this.overrun(body) ?? attemptStream.take(head, body)
    if (flaw !== null) {
      this.drop(attemptStream, flaw)
      return flaw
    }
    if (attemptStream.contentBegan && this.winner === null) this.win(attemptStream)
    // `win` steps what arrived before, which may have ended this attempt.
    const released = attemptStream.takeReleased()
    if (attemptStream === this.winner) this.forward(released)
    return null
  }

  settle(attemptStream: AttemptStream, settlement: Settlement, body: Uint8Array): Check {
    const left = this.count?.left() ?? null
    return left === null ? attemptStream.settle(settlement, body) : attemptStream.settleBehind(left, settlement, body)
  }

  private overrun(body: Uint8Array): Fault | null {
    if (this.overrunBytes > streamOverrunBytes) {
      return fault('scout_error', 'The scout went on sending after it was asked to pause.')
    }
    // Every session of a scout that comes and goes may bring so much before it hears of the pause: nobody's doing but
    // that of the reader for whom all of it waits.
    if (this.paused && this.readyBytes - this.pausedAtBytes > afterPauseBytesMax) return tooSlow
    if (this.isCrowded) return tooMuchUnread
    if (this.paused) this.overrunBytes += body.length
    return null
  }

  private win(attemptStream: AttemptStream): void {
    // The one that was shown broke off, and the brain has not decided yet what becomes of the task.
    if (!this.follows(attemptStream)) return
    this.winner = attemptStream
    this.served = attemptStream.served
    this.trust = attemptStream.trust
    this.cost = attemptStream.cost
    this.host.contentBegan(this.task, attemptStream.attempt)
  }

  private forward(lines: Uint8Array[]): void {
    if (lines.length === 0) return
    this.addLines(lines)
    this.forwardedLines += lines.length
    for (const line of lines) {
      this.readyBytes += line.length
      if (this.continues) this.remember(textOfLine(line))
    }
    if (this.readyBytes > unreadBytesFree) this.hold()
    if (this.readyBytes > streamBufferBytes && !this.paused) this.setPaused(true)
    this.signal()
  }

  /** Counts what waits; with more than there is room for, the next chunk fails the answer. */
  private hold(): void {
    if (this.isAbandoned) return
    const growth = this.readyBytes - this.heldBytes
    this.isCrowded = this.host.unread.take(this.tenant, growth) !== null
    if (!this.isCrowded) this.heldBytes += growth
  }

  /** Nothing of it waits any more. */
  private letGo(): void {
    this.isCrowded = false
    if (this.heldBytes > 0) this.host.unread.give(this.tenant, this.heldBytes)
    this.heldBytes = 0
  }

  /** An empty list is replaced and a list with lines added to: most readers take every list before the next. */
  private addLines(lines: Uint8Array[]): void {
    if (this.lines.length === 0) this.lines = lines
    else for (const line of lines) this.lines.push(line)
  }

  private remember(text: string): void {
    this.prefix += text
    if (text !== '') this.prefixTokens++
  }

  /** Whether its content is what comes next: nothing has been shown, or it goes on behind exactly that. */
  private follows({ after }: AttemptStream): boolean {
    return this.forwardedLines === (this.continues ? after : 0)
  }

  /**
   * The brain makes attempts void that it does not know to have begun their content, nor to have broken off. Nobody
   * begins anew then: the reader would get content twice. Nor may another attempt that began before go on.
   */
  void(attempt: number): void {
    const attemptStream = this.streamOf(attempt)
    if (attemptStream !== undefined) this.drop(attemptStream)
    if (this.winner !== null || this.isLost) return
    const mayBegin = this.continues || this.forwardedLines === 0
    if (mayBegin && this.attemptStreams.every((other) => this.follows(other))) return
    this.dropAll()
    this.isLost = true
    this.host.fail(this.task, lostAfterContent)
  }

  private drop(attemptStream: AttemptStream, flaw: Fault | null = null): void {
    this.attemptStreams.splice(this.attemptStreams.indexOf(attemptStream), 1)
    attemptStream.watched?.release()
    this.count?.released(attemptStream.attempt)
    // A reader that is itself at fault has had what was forwarded.
    if (this.winner === attemptStream && (flaw === null || !isLeft(flaw))) this.winner = null
  }

  private dropAll(): void {
    for (const { watched } of this.attemptStreams) watched?.release()
    this.attemptStreams.length = 0
  }

  /** The task is terminal. When it is done, the one attempt that was not made void has the answer. */
  finish(cause: Fault | null, queuedMs: number): void {
    this.queuedMs = queuedMs
    this.ended = true
    this.place = null
    const [attemptStream] = this.attemptStreams
    if (cause === null && attemptStream?.body && !this.isLost) {
      this.served = attemptStream.served
      this.trust = attemptStream.trust
      this.cost = attemptStream.cost
      this.addLines(attemptStream.takeReleased())
      this.addLines(attemptStream.end())
      this.end = { type: 'done', body: attemptStream.body }
      this.used(attemptStream, attemptStream.wholeUse(), false)
      this.watch?.seen(attemptStream, attemptStream.body)
    } else {
      const why = cause ?? (this.isLost ? lostAfterContent : noBody)
      this.end = { type: 'failed', fault: why, forwardedBytes: this.forwardedBytes + bytesOf(this.lines) }
      // Who leaves early has had what was forwarded.
      if (this.winner !== null && isLeft(why)) this.used(this.winner, this.winner.partUse(), true)
    }
    this.count?.releasedAll()
    this.dropAll()
    this.winner = null
    // Its reader may hold on to this answer for long.
    this.body = null
    this.prefix = ''
    this.signal()
  }

  /** It never begins; whoever reads it finds an answer that has failed, like every other. */
  refuse(cause: Fault): void {
    this.finish(cause, 0)
    this.microDollars = 0
  }

  private used(attemptStream: AttemptStream, use: Use, isPartial: boolean): void {
    const { promptPrice, answerPrice, attempt, served, continuing: isContinued } = attemptStream
    this.use = use
    this.usePrice = { promptPrice, answerPrice }
    const answer = this.count && attemptStream.answerCount()
    if (answer === null || this.count === null) return
    this.work = this.count.over({ attempt, served, answer, isPartial, isContinued, signed: attemptStream.signed })
  }

  // ------------------------------------------------------------ reader's side

  position(): number | null {
    if (!this.ended) this.host.where(this.task)
    return this.place
  }

  take(): AnswerPart | null {
    const { lines, end } = this
    if (lines.length === 0 && end === null) return null
    this.lines = noLines
    this.end = null
    this.forwardedBytes += bytesOf(lines)
    this.readyBytes = 0
    this.letGo()
    if (this.paused) this.setPaused(false)
    return { lines, end }
  }

  onReadable(wake: () => void): void {
    if (this.lines.length > 0 || this.end !== null) wake()
    else this.wake = wake
  }

  abandon(): void {
    this.isAbandoned = true
    this.letGo()
    if (!this.ended) this.host.abandon(this.task)
  }

  private setPaused(paused: boolean): void {
    this.paused = paused
    this.pausedAtBytes = this.readyBytes
    this.overrunBytes = 0
    if (this.winner !== null) this.host.flow(this.winner.session, this.task, this.winner.attempt, paused)
  }

  private signal(): void {
    const wake = this.wake
    this.wake = null
    wake?.()
  }
}
