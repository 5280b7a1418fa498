/**
 * What an answer says, counted for its receipt while it passes: each text of each choice that a client sees, which are
 * content, refusals, and the names and arguments of tool calls. Almost every line of a stream is like the one before,
 * and of those only the text is looked at. Fed by the attempt streams with lines and bodies that were checked.
 */
import { parseInSlices } from '../../../shared/json/sliced-parse.ts'
import { fillerBytesMin } from '../../../shared/limits/ledger/ledger.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { AnswerPart, AnswerText } from '../../ledger/receipts/hashes.ts'
import { sha256 } from '../../ledger/receipts/sha256.ts'
import type { AnswerCount } from '../ports/ledger/work.ts'
import { SpokenText } from './spoken-text.ts'

interface Spoken {
  choice: number
  part: AnswerPart
  place: number
  text: SpokenText
}

/** Shared by all that have none yet; never added to. */
const noneSpoken: Spoken[] = []

/** What strangers wrote: anything may be anything. */
type Loose = { readonly [name: string]: unknown } | null | undefined

/**
 * Where the text of lines like the last one goes: to one of the texts, nowhere because no client is shown it as the
 * answer, or to be found anew in each line because there is more than one.
 */
type Usual = SpokenText | 'unseen' | 'mixed'

export class SpokenAnswer {
  private spoken = noneSpoken
  /** Of an answer that is one text, and came whole. */
  private one: AnswerCount | null = null
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
    if (to === from) return
    if (to - from < fillerBytesMin && !hasEscape(body, from, to)) this.one = oneText(body, from, to)
    else this.textAt(0, 'content', 0)?.addJson(body, from, to)
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
    if (Array.isArray(choices)) for (const choice of choices as Loose[]) this.add(choice, choice?.message as Loose)
  }

  /** What was said; once. */
  end(): AnswerCount {
    if (this.one !== null) return this.one
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
    for (const choice of choices) this.add(choice, choice?.delta as Loose)
    return choices
  }

  private add(choice: Loose, message: Loose): void {
    const index = numberIn(choice?.index)
    if (message === null || typeof message !== 'object') return
    this.say(index, 'content', 0, message.content)
    this.say(index, 'refusal', 0, message.refusal)
    const calls = message.tool_calls
    if (!Array.isArray(calls)) return
    for (const [at, call] of (calls as Loose[]).entries()) {
      const made = call?.function as Loose
      // Pieces of a call name it; in a whole answer calls stand in their order.
      const place = call?.index === undefined ? at : numberIn(call.index)
      this.say(index, 'toolName', place, made?.name)
      this.say(index, 'toolArguments', place, made?.arguments)
    }
  }

  private say(choice: number, part: AnswerPart, place: number, text: unknown): void {
    if (typeof text === 'string' && text !== '') this.textAt(choice, part, place)?.add(text)
  }

  /** Null where there are as many texts as are counted. */
  private textAt(choice: number, part: AnswerPart, place: number): SpokenText | null {
    for (const known of this.spoken) {
      if (known.choice === choice && known.part === part && known.place === place) return known.text
    }
    if (this.spoken.length >= textsMax) return null
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

/** Texts of one answer that are counted: choices, refusals and tool calls together. */
const textsMax = 512

/** Of texts this short all counts. */
function oneText(body: Uint8Array, from: number, to: number): AnswerCount {
  const length = to - from
  const digest = sha256(body.subarray(from, to))
  return { texts: [{ choice: 0, part: 'content', place: 0, length, digest }], textBytes: length }
}

function hasEscape(bytes: Uint8Array, from: number, to: number): boolean {
  const first = bytes.indexOf(backslash, from)
  return first >= 0 && first < to
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** A number that a hash can take. */
function numberIn(value: unknown): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff ? (value as number) : 0
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
