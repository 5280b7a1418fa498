/**
 * Which texts of an answer count for its hash: content, refusals, and names and arguments of tool calls of each choice,
 * up to a bound. The hub counts them for receipts and a scout for what it signs, so both take them from here. What an
 * answer says was written by strangers: anything may be anything. Pure.
 */
import { createHash } from 'node:crypto'
import { answerTextsMax } from '../limits/ledger/ledger.ts'
import type { AnswerPart, AnswerText } from './answer-hash.ts'

export type Loose = { readonly [name: string]: unknown } | null | undefined

/** Who is given the texts of an answer, none of them empty. */
export interface TextTaker {
  say(choice: number, part: AnswerPart, place: number, text: string): void
}

/** `message`: what this choice says: all of it, or what a line adds. */
export function sayTexts(choice: Loose, message: Loose, to: TextTaker): void {
  const index = numberIn(choice?.index)
  if (message === null || typeof message !== 'object') return
  say(to, index, 'content', 0, message.content)
  say(to, index, 'refusal', 0, message.refusal)
  const calls = message.tool_calls
  if (!Array.isArray(calls)) return
  for (const [at, call] of (calls as Loose[]).entries()) {
    const made = call?.function as Loose
    // Pieces of a call name it; in a whole answer calls stand in their order.
    const place = call?.index === undefined ? at : numberIn(call.index)
    say(to, index, 'toolName', place, made?.name)
    say(to, index, 'toolArguments', place, made?.arguments)
  }
}

function say(to: TextTaker, choice: number, part: AnswerPart, place: number, text: unknown): void {
  if (typeof text === 'string' && text !== '') to.say(choice, part, place, text)
}

/** A number that a hash can take. */
export function numberIn(value: unknown): number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff ? (value as number) : 0
}

/** One text of an answer, by whose it is. */
export interface KeptText<Text> {
  choice: number
  part: AnswerPart
  place: number
  text: Text
}

/** The text that is there already; undefined for a new one, null where there are as many as are counted. */
export function textAmong<Text>(
  all: readonly KeptText<Text>[],
  choice: number,
  part: AnswerPart,
  place: number,
): Text | null | undefined {
  for (const known of all) {
    if (known.choice === choice && known.part === part && known.place === place) return known.text
  }
  return all.length < answerTextsMax ? undefined : null
}

/** Hashes the texts of an answer as they come: what a scout needs of it. */
export class HashedAnswer implements TextTaker {
  private readonly texts: KeptText<HashedText>[] = []

  /** A line of a stream. Throws on what is no JSON. */
  line(json: string): void {
    this.choices(json, (choice) => choice?.delta as Loose)
  }

  /** A whole answer. Throws on what is no JSON. */
  whole(json: string): void {
    this.choices(json, (choice) => choice?.message as Loose)
  }

  private choices(json: string, messageOf: (choice: Loose) => Loose): void {
    const choices = (JSON.parse(json) as Loose)?.choices
    if (Array.isArray(choices)) for (const choice of choices as Loose[]) sayTexts(choice, messageOf(choice), this)
  }

  say(choice: number, part: AnswerPart, place: number, text: string): void {
    this.textAt(choice, part, place)?.add(text)
  }

  private textAt(choice: number, part: AnswerPart, place: number): HashedText | null {
    const known = textAmong(this.texts, choice, part, place)
    if (known !== undefined) return known
    const text = new HashedText()
    this.texts.push({ choice, part, place, text })
    return text
  }

  /** All that was said; once. */
  end(): AnswerText[] {
    return this.texts.map(({ choice, part, place, text }) => ({ choice, part, place, ...text.end() }))
  }
}

class HashedText {
  private readonly hash = createHash('sha256')
  private length = 0
  /** Half of a pair of code units, of which the other half comes with the next piece. */
  private half = ''

  add(text: string): void {
    const whole = this.half + text
    const last = whole.charCodeAt(whole.length - 1)
    this.half = last >= 0xd800 && last <= 0xdbff ? whole.slice(-1) : ''
    this.append(this.half === '' ? whole : whole.slice(0, -1))
  }

  end(): { length: number; digest: Uint8Array } {
    this.append(this.half)
    return { length: this.length, digest: new Uint8Array(this.hash.digest()) }
  }

  private append(text: string): void {
    const bytes = Buffer.from(text)
    this.length += bytes.length
    this.hash.update(bytes)
  }
}
