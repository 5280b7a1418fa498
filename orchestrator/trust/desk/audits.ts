/**
 * One audit from its time to its outcome. A shadow asks a real request again, of references, until their answers say
 * who is odd; a probe asks a question whose answer is known. Each step that computes is short, and between them the
 * loop is others'. What comes of it is booked for all who answered.
 */
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import { makersMax } from '../../../shared/limits/trust/audits.ts'
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { secretUnit } from '../../../shared/system.ts'
import type { IdleScout } from '../../engine/ports/trust/witness.ts'
import type { Question } from '../audits/questions.ts'
import { type Candidate, referencesAmong } from '../audits/references.ts'
import { type Profile, profileOf } from '../comparison/grams.ts'
import type { TrustedPairs } from '../comparison/pairs.ts'
import { finalNumber } from '../comparison/probe-answer.ts'
import { similarityOf } from '../comparison/similarity.ts'
import { type AuditVerdict, verdictOf } from '../comparison/verdict.ts'
import type { AuditBudget } from '../standing/budget.ts'
import { ask, type Said, textIn } from './asking.ts'
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
  budget: AuditBudget
  life: Readonly<Life>
}

/** How an audit ended. */
export type AuditEnd = 'booked' | 'inconclusive' | 'expired'

/** One who answered. */
interface Witness {
  seat: Seat
  profile: Profile
  /** When its text was made. */
  atMs: number
}

export class Audits {
  private number = 0

  constructor(private readonly parts: AuditParts) {}

  run(audit: Audit): Promise<AuditEnd> {
    this.number++
    if (audit.type === 'shadow') return this.shadow(audit.sample)
    return audit.type === 'beside' ? this.beside(audit) : this.probe(audit.scout, audit.model)
  }

  // ------------------------------------------------------------ shadows

  private async shadow(sample: Sample): Promise<AuditEnd> {
    const first = this.witnessOf(sample)
    return first === undefined ? 'inconclusive' : this.settle(sample, [first])
  }

  private async beside({ scout, sample }: Extract<Audit, { type: 'beside' }>): Promise<AuditEnd> {
    const { budget, seats, system } = this.parts
    const { stream, request: body, deadlineMs, served } = sample.answer
    const other = this.witnessOf(sample)
    const seat = seats.of(scout, served.model)
    if (other === undefined || seat === undefined || seat.record.owner === other.seat.record.owner)
      return 'inconclusive'
    if (!budget.allows(seat.record.state, system.wallMs())) return 'expired'
    const said = await this.ask([scout], { model: served.model, stream, body, deadlineMs })
    if (said === null) return 'expired'
    return this.settle(sample, [{ seat, profile: profileOf(said.text), atMs: system.wallMs() }, other])
  }

  private witnessOf({ answer, answeredMs }: Sample): Witness | undefined {
    const seat = this.parts.seats.of(answer.served.scout, answer.served.model)
    const text = textIn(answer)
    return seat === undefined || text === null ? undefined : { seat, profile: profileOf(text), atMs: answeredMs }
  }

  /** Asks references until it is clear who is odd among these. The first is the one who is audited. */
  private async settle({ answer }: Sample, witnesses: Witness[]): Promise<AuditEnd> {
    const { seats, models } = this.parts
    const { model, provider } = answer.served
    const [{ seat }] = witnesses as [Witness]
    const pairs = models.of(model)?.pairs[temperatureOf(answer.request)]
    if (pairs === undefined) return 'inconclusive'
    const asked = new Set(witnesses.map((one) => one.seat.record.owner))
    let verdict: AuditVerdict = witnesses.length > 1 ? this.judge(witnesses, pairs) : { type: 'open' }
    for (let failures = 0; verdict.type === 'open'; ) {
      const references = this.references(seat, [...asked], model, provider)
      if (references.length === 0 || failures >= failuresMax) return 'expired'
      const { stream, request: body, deadlineMs } = answer
      const other = await this.ask(references, { model, stream, body, deadlineMs })
      const referenceSeat = other === null ? undefined : seats.of(other.scout, model)
      if (other === null || referenceSeat === undefined) {
        failures++
        continue
      }
      asked.add(referenceSeat.record.owner)
      judgesOf(seat).note(referenceSeat.record.owner)
      witnesses.push({ seat: referenceSeat, profile: profileOf(other.text), atMs: this.parts.system.wallMs() })
      verdict = this.judge(witnesses, pairs)
      if (witnesses.length === 2) this.notePair(model, temperatureOf(answer.request), witnesses)
    }
    return this.bookShadow(verdict, witnesses)
  }

  /** Who cannot be judged yet still shows how alike trusted answers are. */
  private judge(witnesses: readonly Witness[], pairs: TrustedPairs): AuditVerdict {
    return pairs.isReady ? verdictAmong(witnesses, pairs) : { type: 'inconclusive' }
  }

  private notePair(model: string, temperature: Temperature, [one, other]: Witness[]): void {
    if (one?.seat.record.state !== 'trusted' || other?.seat.record.state !== 'trusted') return
    const owners = [one.seat.record.owner, other.seat.record.owner] as const
    this.parts.models.addPair(model, temperature, owners, similarityOf(one.profile, other.profile))
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

  private references(seat: Seat, owners: string[], model: string, provider: string): string[] {
    const { budget, system } = this.parts
    if (!budget.allows(seat.record.state, system.wallMs())) return []
    const answered = { owners, provider, number: this.number }
    return referencesAmong(this.candidates(model), answered, judgesOf(seat)).map(({ scout }) => scout)
  }

  private candidates(model: string): Candidate[] {
    const { engine, book } = this.parts
    return engine
      .idleScouts('chat', model, candidatesSeen)
      .map(({ scout, operator, provider }: IdleScout): Candidate => {
        const state = book.find(scout, model)?.state ?? 'new'
        return { scout, owner: operator, provider, state, isAnchor: false }
      })
  }

  private ask(
    scouts: readonly string[],
    request: { model: string; stream: boolean; body: Uint8Array; deadlineMs: number },
  ): Promise<Said | null> {
    const { budget, engine, life, system } = this.parts
    if (life.isOver) return Promise.resolve(null)
    budget.noteAsked(1, system.wallMs())
    return ask(engine, { scouts, ...request })
  }

  // ------------------------------------------------------------ probes

  private async probe(scout: string, model: string): Promise<AuditEnd> {
    const { seats, models, book, system, budget } = this.parts
    const seat = seats.of(scout, model)
    const questions = models.of(model)?.questions
    if (seat === undefined || questions === undefined) return 'inconclusive'
    if (!budget.allows(seat.record.state, system.wallMs())) return 'expired'
    const known = questions.take(seat.record.owner)
    if (known === undefined)
      return this.enrol(
        seat,
        questions.draft(() => secretUnit(system)),
      )
    const isRight = await this.isRight(scout, model, known)
    if (isRight === null) return 'expired'
    book.book(seat.record, isRight ? 'pass' : 'wrong', system.wallMs())
    return 'booked'
  }

  /** Asks a new question of this scout and of some others; what they know of it counts for each. */
  private async enrol(seat: Seat, question: Question): Promise<AuditEnd> {
    const { models, book, seats, system } = this.parts
    const { scout, model } = seat.record
    const makers = [scout, ...this.makers(model, seat.record.owner)]
    const answers = await Promise.all(makers.map((maker) => this.isRight(maker, model, question)))
    const tries = makers.flatMap((maker, at) => {
      const isRight = answers[at] ?? null
      return isRight === null ? [] : [{ maker, owner: operatorOf(maker), isRight }]
    })
    const counts = models.of(model)?.questions.enrol(question, tries) ?? []
    let booked = 0
    for (const [at, { maker, isRight }] of tries.entries()) {
      const record = seats.of(maker, model)?.record
      if (record === undefined || counts[at] !== true) continue
      book.book(record, isRight ? 'pass' : 'wrong', system.wallMs())
      booked++
    }
    return booked > 0 ? 'booked' : 'inconclusive'
  }

  /** Idle scouts of other owners, one of each; trusted ones first. */
  private makers(model: string, owner: string): string[] {
    const byOwner = new Map<string, Candidate>()
    for (const one of this.candidates(model)) {
      if (one.owner === owner || (one.state !== 'trusted' && one.state !== 'new')) continue
      if (byOwner.get(one.owner)?.state !== 'trusted') byOwner.set(one.owner, one)
    }
    const sorted = [...byOwner.values()].sort((a, b) => Number(b.state === 'trusted') - Number(a.state === 'trusted'))
    return sorted.slice(0, makersMax - 1).map(({ scout }) => scout)
  }

  private async isRight(scout: string, model: string, { text, answer }: Question): Promise<boolean | null> {
    const { models, system } = this.parts
    const request = models.of(model)?.envelopes.request(model, text, secretUnit(system))
    if (request === undefined) return null
    const said = await this.ask([scout], { model, ...request, deadlineMs: requestDeadlineMs })
    return said === null ? null : finalNumber(said.text) === answer
  }
}

function verdictAmong(witnesses: readonly Witness[], pairs: TrustedPairs): AuditVerdict {
  return verdictOf(witnesses.length, (one, other) =>
    pairs.likeness(similarityOf(witnesses[one]!.profile, witnesses[other]!.profile)),
  )
}

/** Below this the same model says nearly the same. */
const coldBelow = 0.35

function temperatureOf(request: Uint8Array): Temperature {
  const { temperature } = JSON.parse(Buffer.from(request).toString('utf8')) as { temperature?: unknown }
  return typeof temperature === 'number' && temperature < coldBelow ? 'cold' : 'warm'
}
