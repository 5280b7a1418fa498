/**
 * Receives the answer of one durable task: collects the lines of its attempt, so that readers of the intent's events
 * can follow, and makes the result of them when the attempt settles. Nothing of it survives the process before the
 * settlement is committed; a scout that reconnects after a restart sends its lines again.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { textOf } from '../../../shared/json/answer-text.ts'
import { bytesOf } from '../../../shared/json/byte-part.ts'
import { assemblyStepBytes } from '../../../shared/limits/answers.ts'
import { quotedAnswerCharsMax } from '../../../shared/limits/intents.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { Served, TaskKind } from '../../../shared/task.ts'
import { atOnce, isInSteps, type Steps } from '../../../shared/turn-lane.ts'
import type { Check, CheckSteps } from '../answers/answer-checks.ts'
import type { AnswerSink, AnswerSinkHost, Beginning } from '../answers/answer-sink.ts'
import { type Asked, type AskedSource, askedOf, askedUnknown } from '../answers/asked.ts'
import { AnswerAssembly } from '../answers/assembly/assemble.ts'
import { AttemptStream } from '../answers/attempt-stream.ts'
import type { DurableWatch } from '../answers/watch/durable-watch.ts'
import type { SpokenAnswer } from '../counting/spoken-answer.ts'
import type { TaskCount } from '../counting/task-count.ts'
import type { ServedPrice, Use } from '../ports/charged-key.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import type { ChunkHead, Settlement } from '../ports/scouts.ts'

export interface DurableSinkOptions {
  task: number
  kind: TaskKind
  model: string
  /** Makes the request for the next attempt, which may ask for the correction of a broken answer. */
  request: (repair: Repair | null) => Steps<Uint8Array | Fault>
  /** What is wrong with an answer's text, in one sentence; null when nothing can be. */
  breach: ((text: string) => string | null) | null
  /** Called after new lines. */
  onLines: () => void
  /** Counts what is done for it; null where no receipt is given. */
  count: TaskCount | null
  /** For whoever looks at answers; null where nobody is to. */
  watch: DurableWatch | null
}

interface SettledAnswer {
  body: Uint8Array
  served: Served
  use: Use
  price: ServedPrice
  /** For its receipt; null where there is none. */
  work: WorkDone | null
}

/** An answer that broke its contract, and how. */
export interface Repair {
  answer: string
  error: string
}

export class DurableSink implements AnswerSink, AskedSource {
  readonly task: number
  /** The attempt whose lines these are; 0 while there is none. */
  attempt = 0
  /** Its lines so far, from the first content on. */
  lines: Uint8Array[] = []
  private bytes = 0
  private current: AttemptStream | null = null
  /** The settled answer of this attempt, as it will be stored. */
  private answer: Uint8Array | null = null
  /** For the next attempt: a broken answer is to be corrected once, then the question is asked anew. */
  private repair: Repair | null = null
  private repairing = false
  /** The request of the next attempt, when it was made before, with what it asks to correct. */
  private prepared: { request: Uint8Array | Fault; repair: Repair | null } | null = null
  /** Of the request as it was sent last; after a restart of the hub, what it can have been at most. */
  requestBytes = bodyBytesMax
  private known: Asked | null = null

  constructor(
    private readonly options: DurableSinkOptions,
    private readonly host: AnswerSinkHost,
  ) {
    this.task = options.task
  }

  /** Of its lines. */
  get linesBytes(): number {
    return this.bytes
  }

  counted(): SpokenAnswer | null {
    return this.options.count?.answer() ?? null
  }

  begin({ attempt, session, nonce, served, promptPrice, answerPrice }: Beginning): void {
    const stream = this.open(attempt, session, served)
    stream.nonce = nonce
    this.options.count?.begin(attempt, served.scout)
    stream.promptPrice = promptPrice
    stream.answerPrice = answerPrice
  }

  /** Makes the request of the next attempt, for `request` to give out. */
  *prepare(): Steps<void> {
    const { repair } = this
    this.prepared = null
    this.prepared = { request: yield* this.options.request(repair), repair }
  }

  /** The attempt that it was made for does not begin. */
  forgetPrepared(): void {
    this.prepared = null
  }

  request(): Uint8Array | Fault {
    const { repair, prepared } = this
    this.repair = null
    this.prepared = null
    this.repairing = repair !== null
    const isFit = prepared !== null && prepared.repair === repair
    const request = isFit ? prepared.request : atOnce(this.options.request(repair))
    if (request instanceof Uint8Array) {
      this.requestBytes = request.length
      this.options.count?.sent(request)
      if (this.current !== null) this.options.watch?.sent(this.attempt, this.current.served, request)
    }
    return request
  }

  /** Rarely needed, so the request is made once more rather than kept. */
  asked(): Asked {
    if (this.known !== null) return this.known
    const request = atOnce(this.options.request(null))
    this.known = request instanceof Uint8Array ? askedOf(request) : askedUnknown
    return this.known
  }

  servedBy(attempt: number, served: Served): void {
    if (this.current?.attempt === attempt) this.current.served = served
  }

  nextChunk(attempt: number): number {
    return this.current?.attempt === attempt ? this.current.seq : 0
  }

  resume(attempt: number, session: number, scout: string): void {
    const { current } = this
    if (current?.attempt === attempt) current.session = session
    // After a restart of the hub: the scout holds the lease, but the lines that it sent before are lost.
    else this.open(attempt, session, { scout, provider: '', model: this.options.model })
  }

  private open(attempt: number, session: number, served: Served): AttemptStream {
    const { kind } = this.options
    this.void(this.attempt)
    this.attempt = attempt
    this.current = new AttemptStream(attempt, session, served, kind === 'chat', kind, false, this)
    return this.current
  }

  attemptStream(attempt: number, session: number): AttemptStream | undefined {
    const { current } = this
    return current?.attempt === attempt && current.session === session ? current : undefined
  }

  chunk(attemptStream: AttemptStream, head: ChunkHead, body: Uint8Array): Fault | null {
    const began = attemptStream.contentBegan
    const flaw = attemptStream.take(head, body) ?? this.keep(attemptStream)
    if (flaw !== null) this.current = null
    else if (attemptStream.contentBegan && !began) this.host.contentBegan(this.task, attemptStream.attempt)
    return flaw
  }

  private keep(attemptStream: AttemptStream): Fault | null {
    if (attemptStream.released.length === 0) return null
    this.bytes += bytesOf(attemptStream.released)
    if (this.bytes > bodyBytesMax)
      return fault('answer_too_large', 'The answer is larger than a durable task may have.')
    // Copies: a view would keep its whole frame in memory until the lines are freed.
    for (const line of attemptStream.released) this.lines.push(new Uint8Array(line))
    attemptStream.released = []
    this.options.onLines()
    return null
  }

  /** Assembles the answer before the core gets the settlement: what cannot be stored is no answer. */
  settle(attemptStream: AttemptStream, settlement: Settlement, body: Uint8Array): Check {
    const check = attemptStream.settle(settlement, body)
    if (isInSteps(check)) return this.settleInSteps(check, attemptStream, body)
    if (check !== null) return check
    // A contract's schema is compiled for its first answer, and many such answers may come in one turn.
    const left = this.options.count?.left(() => this.requestAgain()) ?? null
    const isLong = this.isLong || this.options.breach !== null || left !== null
    const steps = this.assemble(attemptStream, body, left)
    return isLong ? steps : atOnce(steps)
  }

  /** Takes more than a step to assemble. */
  private get isLong(): boolean {
    return this.bytes > assemblyStepBytes
  }

  private *settleInSteps(check: CheckSteps, attemptStream: AttemptStream, body: Uint8Array): CheckSteps {
    const flaw = yield* check
    if (flaw !== null) return flaw
    yield
    return yield* this.assemble(attemptStream, body, this.options.count?.left(() => this.requestAgain()) ?? null)
  }

  /** After a restart of the hub it has to be counted once more. */
  private *requestAgain(): Steps<Uint8Array | null> {
    const made = yield* this.options.request(null)
    return made instanceof Uint8Array ? made : null
  }

  /** `left`: what is left to be counted of its request. */
  private *assemble(attemptStream: AttemptStream, body: Uint8Array, left: Steps<void> | null): CheckSteps {
    if (left !== null) yield* left
    if (this.options.kind !== 'chat') this.answer = body
    else {
      const assembly = new AnswerAssembly()
      let bytes = 0
      for (const line of [...this.lines, ...attemptStream.end()]) {
        assembly.add(line)
        bytes += line.length
        if (bytes < assemblyStepBytes) continue
        yield
        bytes = 0
      }
      if (this.isLong) yield
      this.answer = assembly.result(body)
    }
    if (this.answer === null) return fault('bad_answer', 'The answer cannot be read.')
    if (this.isLong || this.options.breach !== null) yield
    return this.breach(this.answer)
  }

  private breach(answer: Uint8Array): Fault | null {
    if (this.options.breach === null) return null
    const text = textOf(answer)
    const error = this.options.breach(text)
    if (error === null) return null
    this.repair = this.repairing ? null : { answer: text.slice(0, quotedAnswerCharsMax), error }
    return fault('contract_broken', `The answer breaks the contract of its node. ${error}`)
  }

  void(attempt: number): void {
    if (this.attempt !== attempt) return
    this.options.count?.releasedAll()
    this.options.watch?.release()
    this.attempt = 0
    this.lines = []
    this.bytes = 0
    this.current = null
    this.answer = null
  }

  /** The settlement is committed: only lines are kept, for readers that lack them. */
  settled(): void {
    const { count, watch } = this.options
    count?.releasedAll()
    if (this.current !== null && this.answer !== null) watch?.seen(this.current, this.lines, this.answer)
    watch?.release()
    this.current = null
    this.answer = null
  }

  /** The settled answer of this attempt; undefined when there is none. */
  result(attempt: number): SettledAnswer | undefined {
    const { current: attemptStream, answer: body } = this
    if (attemptStream?.attempt !== attempt || body === null) return undefined
    const { served, promptPrice, answerPrice } = attemptStream
    const use = attemptStream.wholeUse()
    return { body, served, use, price: { promptPrice, answerPrice }, work: this.workOf(attemptStream) }
  }

  private workOf(attemptStream: AttemptStream): WorkDone | null {
    const { attempt, served, signed } = attemptStream
    const { count } = this.options
    const answer = count && attemptStream.answerCount()
    if (answer === null || count === null) return null
    return count.over({ attempt, served, answer, isPartial: false, isContinued: false, signed })
  }
}
