/**
 * One step of a dispute's hearing: another owner's scout is asked the same request again, or a judge is shown the
 * answers in two orders. A rerun looks to its scout like any request: same body, same model, the hub's tenant, which is
 * on no wire. Only idle scouts are asked, one after the other, with the least priority. Nobody hears who took part:
 * never a scout of the accused's owner or of the client, no owner twice, and nobody who is doubted.
 */
import { textOf } from '../../../../shared/json/answer-text.ts'
import { requestDeadlineMs } from '../../../../shared/limits/scheduling.ts'
import {
  hearingCandidatesSeen,
  judgeModelsMax,
  rerunsMin,
  rerunsShownMax,
  rerunsWaitMs,
  triesEach,
} from '../../../../shared/limits/trust/disputes.ts'
import { operatorOf } from '../../../../shared/scouts/scout-id.ts'
import { type System, secretUnit } from '../../../../shared/system.ts'
import type { TurnLane } from '../../../../shared/turn-lane.ts'
import type { ModelListing } from '../../../engine/ports/client.ts'
import type { LedgerWitness } from '../../../engine/ports/ledger/attested.ts'
import type { AuditedEngine } from '../../../engine/ports/trust/witness.ts'
import { ballotOf, readBallot, type Shown } from '../../disputes/ballot.ts'
import { answered, begin, type Dispute, giveUp, hearingOf, sizeOf, voted } from '../../disputes/dispute.ts'
import { asksForJson, groundOf } from '../../disputes/grounds.ts'
import type { DisputeTexts } from '../../disputes/texts.ts'
import { type Vote, voteOf } from '../../disputes/votes.ts'
import { ask } from '../asking.ts'
import type { TrustBook } from '../trust-book.ts'
import type { DisputeBook } from './dispute-book.ts'

export interface HearingEngine extends AuditedEngine {
  models(): readonly ModelListing[]
}

export interface HearingParts {
  system: System
  engine: HearingEngine
  /** Null in a hub that gives no receipts. */
  witness: LedgerWitness | null
  /** For what looks through many receipts. */
  lane: TurnLane
  book: DisputeBook
  trust: TrustBook
  /** Told of each task that is asked, and of each judge. */
  counted: (what: 'task' | Vote) => void
}

interface Spoken {
  text: string
  scout: string
}

export class Hearing {
  constructor(private readonly parts: HearingParts) {}

  /** Resolves after the commit of what came of it. */
  async step(dispute: Dispute): Promise<void> {
    const { book } = this.parts
    const texts = book.texts(dispute.id)
    if (texts === undefined) return this.giveUp(dispute)
    if (dispute.state === 'rerunning') return this.rerun(dispute, texts)
    if (dispute.state === 'judging') return this.judge(dispute, texts)
    // Of the first hearing nothing is shown to the judges of the second one.
    await book.change(dispute, () => begin(dispute, this.now()), { ...texts, reruns: [] })
  }

  private now(): number {
    return Math.floor(this.parts.system.wallMs())
  }

  private giveUp(dispute: Dispute): Promise<void> {
    return this.parts.book.change(dispute, () => giveUp(dispute, this.now()))
  }

  // ------------------------------------------------------------ reruns

  private async rerun(dispute: Dispute, texts: DisputeTexts): Promise<void> {
    const { reruns, askedAgain } = hearingOf(dispute)
    const size = sizeOf(dispute)
    const areAllAsked = askedAgain.length >= triesEach * size
    const hasWaited = areAllAsked || this.now() - dispute.sinceMs >= rerunsWaitMs
    if (reruns.length >= size || (hasWaited && reruns.length >= rerunsMin)) return this.findGround(dispute, texts)
    if (areAllAsked) return this.giveUp(dispute)
    const { stream } = JSON.parse(texts.request) as { stream?: unknown }
    const request = { model: dispute.model, stream: stream === true, body: Buffer.from(texts.request) }
    const scouts = this.candidates(dispute, dispute.model, askedAgain, firstOf(dispute, 'reruns'))
    if (scouts.length === 0) return
    const said = await this.ask(scouts, request)
    if (this.isOver(dispute, 'rerunning')) return
    // Who failed to answer is not known: all of them may be asked again, but not for ever.
    const owner = said === null ? '' : operatorOf(said.scout)
    const more = said === null ? texts : { ...texts, reruns: [...texts.reruns, said.text] }
    const note = () => {
      askedAgain.push(owner)
      if (said !== null) reruns.push(owner)
    }
    await this.parts.book.change(dispute, note, more)
  }

  private async findGround(dispute: Dispute, texts: DisputeTexts): Promise<void> {
    const { book, lane, witness } = this.parts
    const shown = { request: Buffer.from(texts.request), answer: Buffer.from(texts.answer) }
    const isRepeated = witness !== null && (await lane.whole(witness.repeats(dispute.task, shown)))
    if (this.isOver(dispute, 'rerunning')) return
    const asked = asksForJson(JSON.parse(texts.request) as object)
    const ground = groundOf({ answer: textOf(shown.answer), reruns: texts.reruns, asksForJson: asked, isRepeated })
    await book.change(dispute, () => answered(dispute, ground, this.now()))
  }

  // ------------------------------------------------------------ judges

  private async judge(dispute: Dispute, texts: DisputeTexts): Promise<void> {
    const { judges, reruns } = hearingOf(dispute)
    if (judges.length >= triesEach * sizeOf(dispute)) return this.giveUp(dispute)
    const found = this.judgesFor(dispute, [...reruns, ...judges])
    if (found === null) return
    const shown = shownTo(judges.length, textOf(Buffer.from(texts.answer)), texts.reruns)
    const request: unknown = JSON.parse(texts.request)
    const ballot = () => ballotOf(found.model, request, shown, () => secretUnit(this.parts.system))
    const [one, other] = [ballot(), ballot()]
    const first = await this.ask(found.scouts, { model: found.model, stream: false, body: one.body })
    const second = first && (await this.ask([first.scout], { model: found.model, stream: false, body: other.body }))
    if (this.isOver(dispute, 'judging')) return
    const places = shown.flatMap(({ place }) => (place > 0 ? [place] : []))
    const vote = voteOf(readBallot(first?.text ?? null, one), readBallot(second?.text ?? null, other), places)
    this.parts.counted(vote)
    const note = () => {
      judges.push(first === null ? '' : operatorOf(first.scout))
      voted(dispute, vote, this.now())
    }
    await this.parts.book.change(dispute, note)
  }

  /** Idle scouts of the model itself, else of others that many offer; null when there are none now. */
  private judgesFor(dispute: Dispute, used: readonly string[]): { model: string; scouts: string[] } | null {
    const chats = this.parts.engine.models().filter(({ kinds, id }) => kinds.includes('chat') && id !== dispute.model)
    const others = [...chats].sort((one, other) => other.scouts - one.scouts).slice(0, judgeModelsMax)
    const before = [...firstOf(dispute, 'reruns'), ...firstOf(dispute, 'judges')]
    for (const model of [dispute.model, ...others.map(({ id }) => id)]) {
      const scouts = this.candidates(dispute, model, used, before)
      if (scouts.length > 0) return { model, scouts }
    }
    return null
  }

  // ------------------------------------------------------------ who is asked

  /** `used`: owners who must not be asked; `before`: those who rather should not. */
  private candidates(dispute: Dispute, model: string, used: readonly string[], before: readonly string[]): string[] {
    const { engine, trust } = this.parts
    const { operator, tenant } = dispute
    const excluded = new Set([operator, tenant, ...used])
    const may = engine.idleScouts('chat', model, hearingCandidatesSeen).flatMap(({ scout, operator: owner }) => {
      const state = trust.find(scout, model)?.state ?? 'new'
      const isFit = !excluded.has(owner) && (state === 'new' || state === 'trusted')
      return isFit ? [{ scout, owner, isTrusted: state === 'trusted' }] : []
    })
    const fresh = may.filter(({ owner }) => !before.includes(owner))
    const rest = fresh.length > 0 ? fresh : may
    // A crowd of new names must not outvote everybody.
    const trusted = rest.filter(({ isTrusted }) => isTrusted)
    return (trusted.length > 0 ? trusted : rest).map(({ scout }) => scout)
  }

  /** Null when nobody answered. */
  private async ask(
    scouts: string[],
    request: { model: string; stream: boolean; body: Uint8Array },
  ): Promise<Spoken | null> {
    this.parts.counted('task')
    const asking = { scouts, kind: 'chat', ...request, deadlineMs: requestDeadlineMs } as const
    const { text, scout } = await ask(this.parts.engine, asking)
    return text === null || scout === null ? null : { text, scout }
  }

  /** Its time ended while somebody was asked: what that one says is too late. */
  private isOver(dispute: Dispute, state: Dispute['state']): boolean {
    return dispute.state !== state
  }
}

/** Owners of the first hearing, for the second one. */
function firstOf({ hearings }: Dispute, who: 'reruns' | 'judges'): readonly string[] {
  return hearings.length > 1 ? hearings[0]![who] : []
}

/** Each judge sees some of the reruns, in rotation, so that each rerun is seen about as often. */
function shownTo(judge: number, answer: string, reruns: readonly string[]): Shown[] {
  const count = Math.min(rerunsShownMax, reruns.length)
  const places = Array.from({ length: count }, (_, at) => (judge + at) % reruns.length)
  return [{ place: 0, text: answer }, ...places.map((place) => ({ place: place + 1, text: reruns[place]! }))]
}
