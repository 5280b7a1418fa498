/**
 * One audit from its time to its outcome. A shadow asks a real request again, of references, until their answers, texts
 * or embeddings, say who is odd; a probe asks a question whose answer is known. Each step that computes is short, and
 * between them the loop is others'. What comes of it is booked for all who answered.
 */
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import { auditedVectorBytesMax, makersMax } from '../../../shared/limits/trust/audits.ts'
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { secretUnit } from '../../../shared/system.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { IdleScout, WitnessedAnswer } from '../../engine/ports/trust/witness.ts'
import type { Try } from '../audits/question-bank.ts'
import type { Question } from '../audits/questions.ts'
import { type Answered, type Candidate, referencesAmong } from '../audits/references.ts'
import { type Profile, profileOf } from '../comparison/grams.ts'
import type { TrustedPairs } from '../comparison/pairs.ts'
import { finalNumber } from '../comparison/probe-answer.ts'
import { similarityOf } from '../comparison/similarity.ts'
import { type Vectors, vectorLikeness, vectorsIn } from '../comparison/vectors.ts'
import { type AuditVerdict, verdictOf } from '../comparison/verdict.ts'
import { ask, nothingSaid, type Said, textIn } from './asking.ts'
import type { KeptBudget } from './kept-budget.ts'
import type { ModelBook, Temperature } from './model-book.ts'
import type { Life, Sample, TrustParts } from './parts.ts'
import { judgesOf, type Seat, type Seats } from './seats.ts'
import type { TrustBook } from './trust-book.ts'

/** Idle scouts among which references are chosen. */
const candidatesSeen = 24
/** References that may fail to answer before an audit is given up. */
const failuresMax = 3

export type Audit =
  | { type: 'shadow'; sample: Sample }
  /** The same, with the doubted scout's answer beside the one that was given: it may get no requests of its own. */
  | { type: 'beside'; scout: string; sample: Sample }
  | { type: 'probe'; scout: string; model: string }

export interface AuditParts extends TrustParts {
  seats: Seats
  models: ModelBook
  book: TrustBook
  budget: KeptBudget
  life: Readonly<Life>
}

/** How an audit ended. */
export type AuditEnd = 'booked' | 'inconclusive' | 'expired'

/** What an answer is compared by. */
type Heard = Profile | Vectors

/** One who answered. */
interface Witness {
  seat: Seat
  heard: Heard
  /** When its text was made. */
  atMs: number
}

/** What one who was asked a question has answered, and when. */
interface TimedTry extends Try {
  scout: string
  atMs: number
}

export class Audits {
  private number = 0

  constructor(private readonly parts: AuditParts) {}

  run(audit: Audit): Promise<AuditEnd> {
    this.number++
    if (audit.type === 'probe') return this.probe(audit.scout, audit.model)
    return this.alone(audit.sample, () => (audit.type === 'shadow' ? this.shadow(audit.sample) : this.beside(audit)))
  }

  // ------------------------------------------------------------ shadows

  /** What another audit asks for is left to that one. */
  private async alone(sample: Sample, work: () => Promise<AuditEnd>): Promise<AuditEnd> {
    if (sample.isTaken) return 'expired'
    sample.isTaken = true
    const end = await work()
    sample.isTaken = sample.isSpent
    return end
  }

  private async shadow(sample: Sample): Promise<AuditEnd> {
    const first = this.witnessOf(sample)
    return first === undefined ? 'inconclusive' : this.settle(sample, [first])
  }

  private async beside({ scout, sample }: Extract<Audit, { type: 'beside' }>): Promise<AuditEnd> {
    const { budget, seats, system } = this.parts
    const { served } = sample.answer
    const other = this.witnessOf(sample)
    const seat = seats.of(scout, served.model)
    if (other === undefined || seat === undefined || seat.record.owner === other.seat.record.owner)
      return 'inconclusive'
    if (!budget.allows(seat.record)) return 'expired'
    const heard = heardIn(await this.askAgain(sample, [scout]))
    if (heard === null) return 'expired'
    return this.settle(sample, [{ seat, heard, atMs: system.wallMs() }, other])
  }

  private witnessOf({ answer, answeredMs }: Sample): Witness | undefined {
    const seat = this.parts.seats.of(answer.served.scout, answer.served.model)
    const isText = answer.kind === 'chat'
    const heard = heardIn({ text: isText ? textIn(answer) : null, body: isText ? null : answer.body })
    return seat === undefined || heard === null ? undefined : { seat, heard, atMs: answeredMs }
  }

  /** Asks references until it is clear who is odd among these. The first is the one who is audited. */
  private async settle(sample: Sample, witnesses: Witness[]): Promise<AuditEnd> {
    const { seats, models } = this.parts
    const { answer, seenBy } = sample
    const { model, provider } = answer.served
    const [{ seat }] = witnesses as [Witness]
    const pairs = answer.kind === 'chat' ? models.of(model)?.pairs[temperatureOf(answer.request)] : null
    if (pairs === undefined) return 'inconclusive'
    let verdict: AuditVerdict = witnesses.length > 1 ? this.judge(witnesses, pairs) : { type: 'open' }
    for (let failures = 0; verdict.type === 'open'; ) {
      const answered = { owners: seenBy, isFirst: witnesses.length === 1, provider, number: this.number }
      const references = sample.isSpent ? [] : this.references(seat, answer, answered)
      if (references.length === 0 || failures >= failuresMax) return 'expired'
      const said = await this.askAgain(sample, references)
      const heard = heardIn(said)
      const referenceSeat = said.scout === null ? undefined : seats.of(said.scout, model)
      if (heard === null || referenceSeat === undefined) {
        failures++
        continue
      }
      judgesOf(seat).note(referenceSeat.record.owner)
      witnesses.push({ seat: referenceSeat, heard, atMs: this.parts.system.wallMs() })
      verdict = this.judge(witnesses, pairs)
      if (witnesses.length === 2 && pairs !== null) this.notePair(model, temperatureOf(answer.request), witnesses)
    }
    return this.bookShadow(verdict, witnesses)
  }

  /** Who cannot be judged yet still shows how alike trusted answers are. Vectors need no such pairs. */
  private judge(witnesses: readonly Witness[], pairs: TrustedPairs | null): AuditVerdict {
    return pairs === null || pairs.isReady ? verdictAmong(witnesses, pairs) : { type: 'inconclusive' }
  }

  private notePair(model: string, temperature: Temperature, [one, other]: Witness[]): void {
    if (one?.seat.record.state !== 'trusted' || other?.seat.record.state !== 'trusted') return
    const owners = [one.seat.record.owner, other.seat.record.owner] as const
    this.parts.models.addPair(model, temperature, owners, similarityOf(one.heard as Profile, other.heard as Profile))
  }

  private bookShadow(verdict: AuditVerdict, witnesses: readonly Witness[]): AuditEnd {
    if (verdict.type !== 'agreed' && verdict.type !== 'odd') return 'inconclusive'
    for (const [at, { seat, atMs }] of witnesses.entries()) {
      const isOdd = verdict.type === 'odd' && verdict.at === at
      const outcome = !isOdd ? 'pass' : verdict.isGross ? 'gross' : 'odd'
      this.parts.book.book(seat.record, outcome, atMs)
    }
    return 'booked'
  }

  private references(seat: Seat, { kind, served }: WitnessedAnswer, answered: Answered): string[] {
    if (!this.parts.budget.allows(seat.record)) return []
    return referencesAmong(this.candidates(kind, served.model), answered, judgesOf(seat)).map(({ scout }) => scout)
  }

  private candidates(kind: TaskKind, model: string): Candidate[] {
    const { engine, book } = this.parts
    return engine.idleScouts(kind, model, candidatesSeen).map(({ scout, operator, provider }: IdleScout): Candidate => {
      const state = book.find(scout, model)?.state ?? 'new'
      return { scout, owner: operator, provider, state, isAnchor: false }
    })
  }

  /** Gives a client's request to one of these. */
  private async askAgain(sample: Sample, scouts: readonly string[]): Promise<Said> {
    const { kind, stream, request: body, deadlineMs, served } = sample.answer
    const said = await this.ask(scouts, { kind, model: served.model, stream, body, deadlineMs })
    if (said.scout !== null) sample.seenBy.add(operatorOf(said.scout))
    if (said.isShared) sample.isSpent = true
    return said
  }

  private async ask(
    scouts: readonly string[],
    request: { kind: TaskKind; model: string; stream: boolean; body: Uint8Array; deadlineMs: number },
  ): Promise<Said> {
    const { budget, engine, life } = this.parts
    const bill = life.isOver ? null : budget.bill(request.model, request.body)
    if (bill === null) return nothingSaid
    budget.noteAsked()
    const said = await ask(engine, { scouts, ...request })
    // Of vectors the list prices the prompt alone.
    budget.settle(bill, said.scout === null ? null : Buffer.byteLength(said.text ?? ''))
    return said
  }

  // ------------------------------------------------------------ probes

  private async probe(scout: string, model: string): Promise<AuditEnd> {
    const { seats, models, book, system, budget } = this.parts
    const seat = seats.of(scout, model)
    const questions = models.of(model)?.questions
    if (seat === undefined || questions === undefined) return 'inconclusive'
    if (!budget.allows(seat.record)) return 'expired'
    const known = questions.take(seat.record.owner)
    if (known === undefined)
      return this.enrol(
        seat,
        questions.draft(() => secretUnit(system)),
      )
    const tried = await this.tryOf(scout, model, known)
    if (tried === null) return 'expired'
    book.book(seat.record, tried.isRight ? 'pass' : 'wrong', tried.atMs)
    return 'booked'
  }

  /** Asks a new question of this scout and of some others; what they know of it counts for each. */
  private async enrol(seat: Seat, question: Question): Promise<AuditEnd> {
    const { models, book, budget, seats } = this.parts
    const { scout, model } = seat.record
    const others = this.makers(model, seat.record.owner)
    while (others.length > 0 && !budget.allows(seat.record, others.length + 1)) others.pop()
    const makers = [scout, ...others]
    const tries = (await Promise.all(makers.map((maker) => this.tryOf(maker, model, question)))).filter(isThere)
    const counts = models.of(model)?.questions.enrol(question, tries, makers.map(operatorOf)) ?? []
    let booked = 0
    for (const [at, { scout: maker, isRight, atMs }] of tries.entries()) {
      const record = seats.of(maker, model)?.record
      if (record === undefined || counts[at] !== true) continue
      book.book(record, isRight ? 'pass' : 'wrong', atMs)
      booked++
    }
    return booked > 0 ? 'booked' : 'inconclusive'
  }

  /** Idle scouts of other owners, one of each; trusted ones first. */
  private makers(model: string, owner: string): string[] {
    const byOwner = new Map<string, Candidate>()
    for (const one of this.candidates('chat', model)) {
      if (one.owner === owner || (one.state !== 'trusted' && one.state !== 'new')) continue
      if (byOwner.get(one.owner)?.state !== 'trusted') byOwner.set(one.owner, one)
    }
    const sorted = [...byOwner.values()].sort((a, b) => Number(b.state === 'trusted') - Number(a.state === 'trusted'))
    return sorted.slice(0, makersMax - 1).map(({ scout }) => scout)
  }

  /** What it knows; null when it did not answer. */
  private async tryOf(scout: string, model: string, { text, answer }: Question): Promise<TimedTry | null> {
    const { models, system } = this.parts
    const request = models.of(model)?.envelopes.request(model, text, secretUnit(system))
    if (request === undefined) return null
    const said = await this.ask([scout], { kind: 'chat', model, ...request, deadlineMs: requestDeadlineMs })
    if (said.text === null) return null
    return { scout, owner: operatorOf(scout), isRight: finalNumber(said.text) === answer, atMs: system.wallMs() }
  }
}

function isThere<T>(one: T | null): one is T {
  return one !== null
}

function verdictAmong(witnesses: readonly Witness[], pairs: TrustedPairs | null): AuditVerdict {
  return verdictOf(witnesses.length, (one, other) => {
    const [a, b] = [witnesses[one]!.heard, witnesses[other]!.heard]
    if (pairs === null) return vectorLikeness(a as Vectors, b as Vectors)
    return pairs.likeness(similarityOf(a as Profile, b as Profile))
  })
}

/** Null for an answer that cannot be compared. */
function heardIn({ text, body }: Pick<Said, 'text' | 'body'>): Heard | null {
  if (body !== null) return body.length <= auditedVectorBytesMax ? vectorsIn(body) : null
  return text === null ? null : profileOf(text)
}

/** Below this the same model says nearly the same. */
const coldBelow = 0.35

function temperatureOf(request: Uint8Array): Temperature {
  const { temperature } = JSON.parse(Buffer.from(request).toString('utf8')) as { temperature?: unknown }
  return typeof temperature === 'number' && temperature < coldBelow ? 'cold' : 'warm'
}
