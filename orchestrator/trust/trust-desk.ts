/**
 * The trust desk: looks at answers as they are committed, draws those that are audited, and lets audits run when their
 * time has come. The engine shows it answers and places its requests like any other; the store keeps what it found out.
 * How answers are judged is in `comparison/`, what follows in `standing/`, one audit's course in `desk/audits.ts`.
 */
import { bytesOf } from '../../shared/json/byte-part.ts'
import { auditedPromptBytesMax, auditedVectorBytesMax, auditsRunningMax } from '../../shared/limits/trust/audits.ts'
import { isPeerOperator, operatorOf } from '../../shared/scouts/scout-id.ts'
import { every, type System, secretUnit, type Timer } from '../../shared/system.ts'
import type { Served } from '../../shared/task.ts'
import type { TrustFilter, TrustReport } from '../engine/ports/trust/trust-report.ts'
import type {
  AnswerWitness,
  GrantNote,
  Interest,
  WatchedTask,
  WitnessedAnswer,
  WitnessSeat,
} from '../engine/ports/trust/witness.ts'
import type { TrustView } from '../ledger/accounts/trust-port.ts'
import { delayOf, PendingAudits } from './audits/pending.ts'
import { questionHash } from './checks/question-hash.ts'
import { SharedTexts } from './checks/repeats.ts'
import { plainTextHash, textHash } from './checks/text-hash.ts'
import { textIn } from './desk/asking.ts'
import { type Audit, type AuditEnd, Audits } from './desk/audits.ts'
import { KeptBudget } from './desk/kept-budget.ts'
import { ModelBook } from './desk/model-book.ts'
import type { Life, Sample, TrustParts } from './desk/parts.ts'
import { noteOf, scoutsOf } from './desk/report.ts'
import { isUnproven, noteKind, noteSignals, ringOf, type Seat, Seats, shareOf } from './desk/seats.ts'
import { TrustBook } from './desk/trust-book.ts'
import { isAppealed, probeShareOf } from './standing/record.ts'

/** Characters of a text that are enough to notice a repeat. */
const repeatCharsRead = 1_024
/** Of what an audit waits for. */
const probeBytes = 512

export class TrustDesk implements AnswerWitness, TrustView {
  readonly book: TrustBook
  private readonly budget: KeptBudget
  /** Ends of audits since the start. */
  private readonly ended: Record<AuditEnd, number> = { booked: 0, inconclusive: 0, expired: 0 }
  private readonly system: System
  private readonly models: ModelBook
  private readonly seats: Seats
  private readonly audits: Audits
  private readonly pending = new PendingAudits<Audit>()
  private readonly shared = new SharedTexts()
  private readonly life: Life = { isOver: false }
  private running = 0
  private timer: Timer | null = null

  constructor(private readonly parts: TrustParts) {
    this.system = parts.system
    this.budget = new KeptBudget(parts, this.life)
    this.models = new ModelBook(parts)
    this.book = new TrustBook(parts, this.models, this.life)
    this.seats = new Seats(this.book)
    const { book, budget, models, seats } = this
    this.audits = new Audits({ ...parts, book, budget, models, seats, life: this.life })
    budget.tick()
  }

  start(): void {
    this.timer = every(this.system, this.parts.settings.tickMs, () => this.tick())
  }

  stop(): void {
    this.timer?.cancel()
    this.budget.stop()
    this.book.flush()
    this.models.flush()
    // What is still under way ends with the engine, and is booked nowhere.
    this.life.isOver = true
  }

  /** Tasks of clients that were settled within a day. */
  get settledTasks(): number {
    return this.budget.counts().settled
  }

  report(of: TrustFilter): TrustReport {
    const { isEnforced } = this.parts.settings
    const { audits: asked, settled } = this.budget.counts()
    const money = this.budget.money()
    const { count, dropped } = this.pending
    const tally = {
      asked,
      settled,
      money,
      pending: count + this.running,
      dropped,
      ended: this.ended,
      booked: this.book.booked,
    }
    const braked = this.models.names().filter((model) => this.book.isBraked(model))
    return { isEnforced, ...scoutsOf(this.book, of, isEnforced, this.system.wallMs()), ...tally, braked }
  }

  noteOf(scout: string): string | null {
    return noteOf(this.book, scout, this.parts.settings.isEnforced)
  }

  // ------------------------------------------------------------ from the ledger

  get findings(): TrustView | null {
    return this.parts.settings.isEnforced ? this : null
  }

  isTrusted(scout: string, model: string): boolean {
    return this.book.find(scout, model)?.state === 'trusted'
  }

  isConvicted(scout: string, model: string): boolean {
    return this.book.find(scout, model)?.state === 'convicted'
  }

  convictedMs(scout: string, model: string): number | null {
    const record = this.book.find(scout, model)
    return record === undefined || isAppealed(record) ? null : record.convictedMs || null
  }

  // ------------------------------------------------------------ from the engine

  note({ scout, model }: Served, task: WatchedTask): GrantNote {
    const seat = this.seats.of(scout, model)
    if (seat === undefined) return { interest: 'none', state: isPeerOperator(operatorOf(scout)) ? null : 'new' }
    if (seat.isPeer) return { interest: 'none', state: null }
    const interest = task.attempts > 1 ? 'none' : this.interest(seat, task)
    return { interest, state: seat.record.state, seat }
  }

  private interest(seat: Seat, task: WatchedTask): Interest {
    const { scout, model } = seat.record
    noteKind(seat, task.kind)
    const isDrawn = secretUnit(this.system) < shareOf(seat) && this.mayAudit(seat)
    // Nobody answers a question with vectors, and each is as unlike the others as its text.
    const mayShow = task.isShown && task.requestBytes <= auditedPromptBytesMax
    if (task.kind === 'embed') return isDrawn && mayShow ? 'audit' : 'none'
    if (isDrawn && this.isQuestion(seat, task.isShown)) this.add({ type: 'probe', scout, model }, probeBytes)
    else if (isDrawn && mayShow) return 'audit'
    return task.isShown && isUnproven(seat) ? 'text' : 'none'
  }

  /** Whether this audit asks a question, which it does in any case where the request may not be shown. */
  private isQuestion({ record }: Seat, mayCompare = true): boolean {
    const isUseful = this.models.of(record.model)?.questions.isUseful ?? false
    return isUseful && (!mayCompare || secretUnit(this.system) < probeShareOf(record))
  }

  private mayAudit({ record }: Seat): boolean {
    this.book.look(record)
    return this.budget.allows(record)
  }

  settled({ scout, model, provider }: Served, tokens: number, answerBytes: number, known?: WitnessSeat): void {
    this.budget.noteSettled(1)
    const seat = (known as Seat | undefined) ?? this.seats.of(scout, model)
    if (seat !== undefined) noteSignals(seat, provider, tokens, answerBytes)
  }

  answered(answer: WitnessedAnswer): void {
    const { kind, served, interest, request, lines, body } = answer
    if (kind === 'embed' && body.length > auditedVectorBytesMax) return
    const seat = (answer.seat as Seat | undefined) ?? this.seats.of(served.scout, served.model)
    if (seat === undefined) return
    if (kind === 'chat') this.lookForRepeats(seat, answer)
    const isExample = this.models.wantsExample(answer)
    if (!isExample && interest !== 'audit') return
    const seenBy = new Set([seat.record.owner])
    const sample: Sample = { answer, answeredMs: this.system.wallMs(), seenBy, isTaken: false, isSpent: false }
    if (isExample) this.models.noteExample(sample)
    if (interest === 'audit') this.add({ type: 'shadow', sample }, request.length + body.length + bytesOf(lines))
  }

  private lookForRepeats(seat: Seat, answer: WitnessedAnswer): void {
    const hash = hashOf(answer)
    if (hash === null) return
    const isCommon = this.shared.note(hash, seat.record.owner)
    const isRepeat = ringOf(seat).note(hash, questionHash(answer.request))
    if (isRepeat && !isCommon && !answer.isDirected) this.book.bookRepeat(seat.record, answer.tenant)
  }

  // ------------------------------------------------------------ in its time

  private add(audit: Audit, bytes: number): void {
    const { system, parts } = this
    this.pending.add(audit, bytes, system.nowMs() + delayOf(parts.settings.delay, secretUnit(system)))
  }

  private tick(): void {
    this.book.tick()
    this.budget.tick()
    this.models.remember()
    this.checkDoubted()
    // Each at its own time, and not in step with the others.
    const untilMs = this.system.nowMs() + this.parts.settings.tickMs
    for (const audit of this.pending.takeDue(untilMs, auditsRunningMax - this.running)) this.runSoon(audit)
  }

  /**
   * Who is doubted gets fewer requests, and none at times: it is checked all the same, or it would stay doubted. Every
   * other check is a question.
   */
  private checkDoubted(): void {
    const { engine, settings } = this.parts
    const nowMs = this.system.nowMs()
    const pace = { minMs: settings.delay.minMs, maxMs: Math.max(settings.delay.minMs, settings.delay.maxMs / 6) }
    for (const { scout, model } of this.book.doubted()) {
      const seat = this.seats.of(scout, model)
      if (seat === undefined || seat.checkMs > nowMs || !engine.isConnected(scout)) continue
      seat.checkMs = nowMs + delayOf(pace, secretUnit(this.system))
      if (seat.kind === 'chat' && this.isQuestion(seat)) {
        this.runSoon({ type: 'probe', scout, model })
        continue
      }
      const sample = this.models.takeSample(model, seat.record.owner, secretUnit(this.system))
      if (sample !== undefined) this.runSoon({ type: 'beside', scout, sample })
    }
  }

  private runSoon(audit: Audit): void {
    this.running++
    const delayMs = secretUnit(this.system) * this.parts.settings.tickMs
    this.system.after(delayMs, () => {
      this.running--
      this.run(audit)
    })
  }

  private run(audit: Audit): void {
    this.running++
    void this.audits.run(audit).then((end) => {
      this.running--
      this.ended[end]++
    })
  }
}

/** Null for an answer that is too short to say anything, or has no text. */
function hashOf(answer: WitnessedAnswer): number | null {
  const { body, textStart = 0, textEnd = 0 } = answer
  const hash = textEnd > 0 ? plainTextHash(body, textStart, textEnd) : undefined
  if (hash !== undefined) return hash
  const text = textIn(answer, repeatCharsRead)
  return text === null ? null : textHash(text)
}
