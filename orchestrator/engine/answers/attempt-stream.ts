/**
 * One attempt's stream as it comes in: in order, without gaps, each line checked once. What comes before the first
 * content and what ends a choice is withheld, so that an attempt can fail unseen and nobody sees a clean end that was
 * none. Its owner, a relay or a transcript, decides where the released lines go.
 */

import { type Fault, fault } from '../../../shared/faults.ts'
import { bytePart, ownPart } from '../../../shared/json/byte-part.ts'
import type { JsonSpans } from '../../../shared/json/json-spans.ts'
import { answerSliceBytes, chunkLinesMax, streamedAnswerBytesMax } from '../../../shared/limits/answers.ts'
import { streamBufferBytes } from '../../../shared/limits/http.ts'
import {
  answerBytesPerTokenEstimated,
  promptBytesPerTokenReserved,
  tokensPerMediumReserved,
} from '../../../shared/limits/keys.ts'
import { inlineBodyBytesMax } from '../../../shared/limits/wire.ts'
import type { TrustWord } from '../../../shared/scouts/trust-words.ts'
import type { Served, TaskKind } from '../../../shared/task.ts'
import { isInSteps, type Steps } from '../../../shared/turn-lane.ts'
import type { Cost } from '../../core/fleet/cost.ts'
import { isOneText, oneText, type SpokenAnswer } from '../counting/spoken-answer.ts'
import type { Use } from '../ports/charged-key.ts'
import type { AnswerCount, Signed } from '../ports/ledger/work.ts'
import type { ChunkHead, Settlement } from '../ports/scouts.ts'
import type { WitnessSeat } from '../ports/trust/witness.ts'
import { type BodyFacts, inspectBody, inspectLine, passBody } from './answer-check.ts'
import type { Check, CheckSteps } from './answer-checks.ts'
import type { AskedSource } from './asked.ts'
import { Choices } from './choices.ts'
import { LineTemplate } from './line-template.ts'
import type { WatchedLines } from './watch/watched-lines.ts'

const newline = 0x0a
/** Shared by all who hold no lines; never added to. */
export const noLines: Uint8Array[] = []
const noFacts: BodyFacts = { promptTokens: 0, completionTokens: 0, textStart: 0, textEnd: 0 }
const tooLong = fault(
  'answer_too_large',
  `The scout streamed more than ${streamedAnswerBytesMax} bytes as one answer: limit it with \`max_tokens\`.`,
)

const noAnswer = fault('bad_answer', 'The scout settled with something that is no answer.')

export class AttemptStream {
  /** What the next chunk must say. */
  seq = 0
  private offset = 0
  contentBegan = false
  /** Lines for the owner to take, in order; see `takeReleased`. */
  released = noLines
  /** Lines before the first content: role, empty deltas. */
  private prelude = noLines
  /** Lines that end a choice. */
  private closing = noLines
  private withheldBytes = 0
  /** Lines with content so far, or the provider's own count of a whole answer. */
  tokens = 0
  /** What was found in the settled body. */
  facts = noFacts
  /** The settled body, until it is committed. */
  body: Uint8Array | null = null
  /** The session over which a settlement came that is being checked in steps; 0 when there is none. */
  private checkedIn = 0
  /** The right to settle it; null when that is not known here. */
  nonce: Uint8Array | null = null
  /** What its scout has signed with its settlement; null when it has not. */
  signed: Signed | null = null
  /** When the core last learnt that this attempt lives. */
  renewedMs = 0
  /** Lines that its owner had forwarded when it began. */
  after = 0
  /** What placing this attempt was expected to cost. */
  cost: Cost | null = null
  /** What a token of it is charged; null when unknown. */
  promptPrice: number | null = null
  answerPrice: number | null = null
  /** Its lines for who looks at answers; null where nobody does. */
  watched: WatchedLines | null = null
  /** How its scout was trusted with the model when it was granted; null where nobody judges it. */
  trust: TrustWord | null = null
  /** What whoever judges its scout remembers of it. */
  seat: WitnessSeat | undefined = undefined
  /** null unless it is streamed. */
  private readonly choices: Choices | null
  private readonly template: LineTemplate | null
  /** What it says, for its receipt; null where there will be none, and for an answer that is one short text. */
  private spoken: SpokenAnswer | null
  /** What it says is one short text of its body, which is counted when it is asked for. */
  private isOneText = false

  constructor(
    readonly attempt: number,
    /** The socket it comes over; another one after a reconnect. */
    public session: number,
    public served: Served,
    private readonly stream: boolean,
    private readonly kind: TaskKind,
    /** It goes on after what was forwarded before: what precedes its content has been said. */
    readonly continuing: boolean,
    private readonly source: AskedSource,
  ) {
    this.choices = stream ? new Choices(source) : null
    this.template = stream ? new LineTemplate() : null
    this.spoken = stream ? (source.counted?.() ?? null) : null
  }

  /** Whether a settlement was taken, on which the core decides at the end of the turn. */
  get isSettled(): boolean {
    return this.body !== null
  }

  /** Whether its settlement is being checked. Nothing counts that follows it over the same socket. */
  get isInCheck(): boolean {
    return this.checkedIn === this.session
  }

  beginCheck(): void {
    this.checkedIn = this.session
  }

  /** Takes one chunk; what is wrong with it comes back. */
  take(head: ChunkHead, body: Uint8Array): Fault | null {
    if (!this.stream) return fault('bad_answer', 'The scout streamed an answer that was not to be streamed.')
    if (head.seq !== this.seq || head.offset !== this.offset) {
      return fault('chunk_gap', `The scout's stream has a gap at chunk ${this.seq}.`)
    }
    if (body[body.length - 1] !== newline) return fault('bad_answer', 'The scout sent half a line.')
    // What came before this chunk is judged, not its own size: one line may be larger than any buffer.
    if (this.withheldBytes > streamBufferBytes) {
      return fault('bad_answer', 'The scout sent too much before the first or after the last content.')
    }
    if (this.offset + body.length > streamedAnswerBytesMax) return tooLong
    this.seq++
    this.offset += body.length
    // Almost every chunk is one line like the one before.
    const template = this.template!
    if (!template.fits(body, body.length - 1)) return this.takeLines(body)
    this.tokens++
    const length = body.length - 1
    this.spoken?.like(body, length, template.textStart, template.textEndOf(length))
    this.released = added(this.released, bytePart(body, 0, body.length - 1))
    return null
  }

  private takeLines(body: Uint8Array): Fault | null {
    let lines = 0
    for (let from = 0; from < body.length; ) {
      const to = body.indexOf(newline, from)
      if (++lines > chunkLinesMax && body.length > inlineBodyBytesMax) {
        return fault('bad_answer', `The scout sent more than ${chunkLinesMax} lines in one large chunk.`)
      }
      if (!this.takeLine(bytePart(body, from, to))) {
        return fault('bad_answer', 'The scout sent a line that is no part of an answer.')
      }
      from = to + 1
    }
    return null
  }

  private takeLine(line: Uint8Array): boolean {
    const facts = inspectLine(line, this.choices!, this.template!)
    if (facts === null) return false
    if (facts.hasContent) this.tokens++
    if (facts.hasContent) this.spoken?.line(line, this.template!.lessons)
    // Content in a line that ends a choice is withheld with it: nobody has seen it, the attempt can still fail unseen.
    if (facts.hasContent && !facts.hasFinish && !this.contentBegan) this.beginContent()
    if (this.contentBegan && !facts.hasFinish) this.released = added(this.released, line)
    else {
      const kept = ownPart(line)
      if (facts.hasFinish) this.closing = added(this.closing, kept)
      else this.prelude = added(this.prelude, kept)
      this.withheldBytes += line.length
    }
    return true
  }

  private beginContent(): void {
    this.contentBegan = true
    if (!this.continuing) this.released = this.prelude
    for (const { length } of this.prelude) this.withheldBytes -= length
    this.prelude = noLines
  }

  /** Checks a settlement that claims success, and keeps its body until the commit. */
  settle(settlement: Settlement, body: Uint8Array): Check {
    const { chunks, nonce, signature } = settlement
    if (chunks !== this.seq) return fault('chunk_gap', `Of ${chunks} chunks ${this.seq} arrived.`)
    // Copies: they outlive the frame.
    if (signature) this.signed = { nonce: new Uint8Array(nonce), signature: new Uint8Array(signature) }
    if (this.choices?.isComplete === false) {
      return fault('bad_answer', 'The answer ended without a finish reason.')
    }
    return body.length <= answerSliceBytes ? this.keep(body, null) : this.keepLong(body)
  }

  /** The same once something else is over: a long request is counted to its end before its answer is taken. */
  *settleBehind(before: Steps<void>, settlement: Settlement, body: Uint8Array): CheckSteps {
    yield* before
    const check = this.settle(settlement, body)
    return isInSteps(check) ? yield* check : check
  }

  private *keepLong(body: Uint8Array): CheckSteps {
    const known = yield* passBody(body)
    const flaw = known === null ? noAnswer : this.keep(body, known)
    if (flaw === null && !this.stream && this.kind === 'chat' && this.spoken !== null) {
      yield* this.spoken.wholeInSteps(body)
    }
    return flaw
  }

  private keep(body: Uint8Array, known: JsonSpans | null): Fault | null {
    const facts = inspectBody(body, this.kind, this.stream, this.source, this.offset, known)
    if (facts === null) return noAnswer
    if (!this.stream) this.tokens = facts.completionTokens
    this.facts = facts
    this.body = body
    if (!this.stream) this.speakWhole(body, facts, known !== null)
    return null
  }

  /** Its texts are in the settled body; embeddings have none, and a long one is read in steps. */
  private speakWhole(body: Uint8Array, { textStart, textEnd }: BodyFacts, isInSteps: boolean): void {
    const isRead = this.kind === 'chat' && !isInSteps
    this.isOneText = isRead && isOneText(body, textStart, textEnd)
    if (this.isOneText) return
    this.spoken ??= this.source.counted?.() ?? null
    if (!isRead) return
    if (textEnd > 0) this.spoken?.text(body, textStart, textEnd)
    else this.spoken?.whole(body)
  }

  /** What it has said, once, where that is counted. */
  answerCount(): AnswerCount | null {
    const { body, facts } = this
    if (this.isOneText && body !== null) return oneText(body, facts.textStart, facts.textEnd)
    return this.spoken?.end() ?? null
  }

  /** What an answer that is whole has used, as far as it is believed; an estimate where nobody counted. */
  wholeUse(): Use {
    const { tokens, body } = this
    const { promptTokens, completionTokens } = this.facts
    const { model } = this.served
    if (promptTokens > 0 || completionTokens > 0) return { model, promptTokens, completionTokens, isEstimated: false }
    const inBody = this.kind === 'embed' ? 0 : Math.ceil((body?.length ?? 0) / answerBytesPerTokenEstimated)
    return this.estimate(tokens > 0 ? tokens : inBody)
  }

  /** What it has used so far, when its client leaves. */
  partUse(): Use {
    return this.estimate(this.tokens)
  }

  private estimate(completionTokens: number): Use {
    const { requestBytes } = this.source
    const { media, mediaBytes } = this.source.asked()
    const textTokens = Math.ceil(Math.max(0, requestBytes - mediaBytes) / promptBytesPerTokenReserved)
    const promptTokens = textTokens + media * tokensPerMediumReserved
    return { model: this.served.model, promptTokens, completionTokens, isEstimated: true }
  }

  /** What was withheld, for a reader of a committed answer. */
  end(): Uint8Array[] {
    if (this.continuing || this.prelude.length === 0) return this.closing
    return [...this.prelude, ...this.closing]
  }

  /** Bytes of content so far. */
  get answerBytes(): number {
    return this.stream ? this.offset : (this.body?.length ?? 0)
  }

  /** The lines released since the last call. */
  takeReleased(): Uint8Array[] {
    const { released } = this
    this.released = noLines
    this.watched?.add(released)
    return released
  }
}

function added(lines: Uint8Array[], line: Uint8Array): Uint8Array[] {
  if (lines === noLines) return [line]
  lines.push(line)
  return lines
}
