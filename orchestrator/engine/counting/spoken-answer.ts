/**
 * What an answer says, counted for its receipt while it passes: each text of each choice that a client sees, which are
 * content, refusals, and the names and arguments of tool calls. Almost every line of a stream is like the one before,
 * and of those only the text is looked at. Fed by the attempt streams with lines and bodies that were checked.
 */
import type { AnswerPart, AnswerText } from '../../../shared/answers/answer-hash.ts'
import {
  type KeptText,
  type Loose,
  numberIn,
  sayTexts,
  type TextTaker,
  textAmong,
} from '../../../shared/answers/answer-texts.ts'
import { sha256Part } from '../../../shared/answers/sha256.ts'
import { parseInSlices } from '../../../shared/json/sliced-parse.ts'
import { fillerBytesMin } from '../../../shared/limits/ledger/ledger.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { AnswerCount } from '../ports/ledger/work.ts'
import { SpokenText } from './spoken-text.ts'

/** Shared by all that have none yet; never added to. */
const noneSpoken: KeptText<SpokenText>[] = []

/**
 * Where the text of lines like the last one goes: to one of the texts, nowhere because no client is shown it as the
 * answer, or to be found anew in each line because there is more than one.
 */
type Usual = SpokenText | 'unseen' | 'mixed'

export class SpokenAnswer implements TextTaker {
  private spoken = noneSpoken
  private usual: Usual = 'mixed'
  private lessons = 0

  /** `unit`: random numbers from 0 to 1 that nobody can guess. */
  constructor(private readonly unit: () => number) {}

  /** A line of this length that is like the one that was learnt last, but for its text between these places. */
  like(line: Uint8Array, length: number, from: number, to: number): void {
    const { usual } = this
    if (usual instanceof SpokenText) usual.addJson(line, from, to)
    else if (usual === 'mixed') this.read(line.subarray(0, length))
  }

  /** A line that was inspected and has content; `lessons`: how many lines were learnt by now. */
  line(line: Uint8Array, lessons: number): void {
    const choices = this.read(line)
    if (lessons === this.lessons) return
    this.lessons = lessons
    this.usual = this.usualOf(choices)
  }

  /** A whole answer that is one text, as it stands between its quotes. */
  text(body: Uint8Array, from: number, to: number): void {
    if (to > from) this.textAt(0, 'content', 0)?.addJson(body, from, to)
  }

  /** A whole answer. */
  whole(body: Uint8Array): void {
    this.message(JSON.parse(textOf(body)) as Loose)
  }

  /** The same of a long one, in steps. */
  *wholeInSteps(body: Uint8Array): Steps<void> {
    this.message((yield* parseInSlices(body)) as Loose)
  }

  private message(answer: Loose): void {
    const choices = answer?.choices
    if (Array.isArray(choices))
      for (const choice of choices as Loose[]) sayTexts(choice, choice?.message as Loose, this)
  }

  /** What was said; once. */
  end(): AnswerCount {
    const texts: AnswerText[] = []
    let textBytes = 0
    for (const { choice, part, place, text } of this.spoken) {
      const { length, digest, counted } = text.end()
      texts.push({ choice, part, place, length, digest })
      textBytes += counted
    }
    return { texts, textBytes }
  }

  private read(line: Uint8Array): Loose[] {
    const { choices } = JSON.parse(textOf(line)) as { choices: Loose[] }
    for (const choice of choices) sayTexts(choice, choice?.delta as Loose, this)
    return choices
  }

  say(choice: number, part: AnswerPart, place: number, text: string): void {
    this.textAt(choice, part, place)?.add(text)
  }

  /** Null where there are as many texts as are counted. */
  private textAt(choice: number, part: AnswerPart, place: number): SpokenText | null {
    const known = textAmong(this.spoken, choice, part, place)
    if (known !== undefined) return known
    const text = new SpokenText(this.unit)
    if (this.spoken === noneSpoken) this.spoken = []
    this.spoken.push({ choice, part, place, text })
    return text
  }

  /** The template learns lines of one choice with a text that is not empty. */
  private usualOf([choice]: Loose[]): Usual {
    const delta = choice?.delta as Loose
    const seen = (['content', 'refusal'] as const).filter((name) => isText(delta?.[name]))
    const unseen = ['reasoning', 'reasoning_content'].filter((name) => isText(delta?.[name]))
    const hasCalls = Array.isArray(delta?.tool_calls) && delta.tool_calls.length > 0
    if (hasCalls || seen.length + unseen.length !== 1) return 'mixed'
    if (seen.length === 0) return 'unseen'
    return this.textAt(numberIn(choice?.index), seen[0]!, 0) ?? 'unseen'
  }
}

const backslash = 0x5c

/** Whether a text that stands there says what its bytes are, and is so short that all of it counts. */
export function isOneText(body: Uint8Array, from: number, to: number): boolean {
  return to > from && to - from < fillerBytesMin && !hasEscape(body, from, to)
}

/** The count of an answer that is such a text, where it stands. */
export function oneText(body: Uint8Array, from: number, to: number): AnswerCount {
  const length = to - from
  const digest = sha256Part(body, from, to)
  return { texts: [{ choice: 0, part: 'content', place: 0, length, digest }], textBytes: length }
}

function hasEscape(bytes: Uint8Array, from: number, to: number): boolean {
  const first = bytes.indexOf(backslash, from)
  return first >= 0 && first < to
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
