/**
 * Reads JSON of strangers as bytes, without building anything of it: one pass, no recursion, no allocation for a value,
 * bounded in depth, in fields of one object and in values. Whoever wants facts (the engine's check of answers) walks
 * along the structure it knows and skips the rest; what was skipped has been checked all the same. A document passes
 * exactly when `JSON.parse` takes it, it keeps the bounds, and no object of it names a field twice. One that
 * `sliced-scan.ts` has passed before is walked in leaps.
 */
import { isUtf8 } from 'node:buffer'
import {
  answerComparesPerByte,
  answerDepthMax,
  answerFieldNameBytesMax,
  answerFieldsMax,
  answerPartsMax,
  answerSpareCompares,
} from '../limits/answers.ts'
import { type FieldNames, hashOf } from './field-names.ts'
import type { JsonSpans } from './json-spans.ts'
import { byteClass, Class, endOfLiteral, endOfNumber, endOfString } from './json-tokens.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c
const zero = 0x30
const closeList = 0x5d
const closeObject = 0x7d
const letterN = 0x6e
/** A number of so many digits and nothing else is exact when it is added up digit by digit. */
const exactDigits = 15
/** A number that is read has at most so many characters; of longer ones nothing here makes use. */
const numberCharsMax = 40

const nothing = new Uint8Array(0)
/** Names of the fields of all objects that are open. */
const namesMax = answerDepthMax * answerFieldsMax

export class JsonScan {
  protected bytes: Uint8Array = nothing
  /** The next byte to read. */
  at = 0
  /** Something was wrong: from then on every method returns false. */
  failed = false
  /** Of the last string or field name: its bytes between the quotes. */
  textStart = 0
  textEnd = 0
  protected depth = 0
  /** The container that was entered last has had nothing yet. */
  private isFresh = false
  protected readonly isObject = new Uint8Array(answerDepthMax)
  private readonly firstName = new Int32Array(answerDepthMax)
  private names = 0
  private readonly nameHash = new Int32Array(namesMax)
  private readonly nameStart = new Int32Array(namesMax)
  private readonly nameEnd = new Int32Array(namesMax)
  /** Values; what is more than a number (containers, fields, texts); and comparisons of names: what may still come. */
  protected valuesLeft = 0
  protected partsLeft = 0
  private comparesLeft = 0
  /** Large values that were passed before; null in a document that is read for the first time. */
  private known: JsonSpans | null = null

  /**
   * Begins with these bytes; false when they are no UTF-8. `known`: what was found when they were passed before.
   * `isText`: they are known to be UTF-8.
   */
  begin(bytes: Uint8Array, valuesMax: number, known: JsonSpans | null = null, isText = known !== null): boolean {
    this.bytes = bytes
    this.at = 0
    this.depth = 0
    this.names = 0
    this.valuesLeft = valuesMax
    this.partsLeft = answerPartsMax
    this.comparesLeft = answerComparesPerByte * bytes.length + answerSpareCompares
    this.known = known
    known?.rewind()
    this.failed = !isText && !isUtf8(bytes)
    this.space()
    return !this.failed
  }

  /** After the last value: whether all was well and nothing but space is left. Gives the bytes up. */
  end(): boolean {
    this.space()
    const isWell = !this.failed && this.depth === 0 && this.at === this.bytes.length
    this.bytes = nothing
    return isWell
  }

  fail(): false {
    this.failed = true
    return false
  }

  /** What the next value is; `Class.other` when there is none. */
  get next(): number {
    return this.failed ? Class.other : (byteClass[this.bytes[this.at]!] ?? Class.other)
  }

  /** Whether the next value can only be null. */
  get isNull(): boolean {
    return !this.failed && this.bytes[this.at] === letterN
  }

  /** Whether the list that begins at `start`, and was passed, holds anything. */
  isFilledList(start: number): boolean {
    let at = start + 1
    while (byteClass[this.bytes[at]!] === Class.space) at++
    return this.bytes[at] !== closeList
  }

  // ------------------------------------------------------------ containers

  /** Steps into the object here; false when there is none. */
  enterObject(): boolean {
    return this.next === Class.object && this.counted() && this.enter(1)
  }

  /** Steps into the list here; false when there is none. */
  enterList(): boolean {
    return this.next === Class.list && this.counted() && this.enter(0)
  }

  protected enter(isObject: 0 | 1): boolean {
    if (this.depth === answerDepthMax || --this.partsLeft < 0) return this.fail()
    this.at++
    this.isObject[this.depth] = isObject
    this.firstName[this.depth] = this.names
    this.depth++
    this.isFresh = true
    return true
  }

  /** To the value of the next field of the object that was entered; false at its end, which it leaves. */
  nextField(): boolean {
    return this.advance(closeObject) && this.takeName()
  }

  /** To the next item of the list that was entered; false at its end, which it leaves. */
  nextItem(): boolean {
    return this.advance(closeList)
  }

  private advance(closer: number): boolean {
    if (this.failed) return false
    const { bytes, isFresh } = this
    this.isFresh = false
    this.space()
    const byte = bytes[this.at]
    if (isFresh && byte !== closer) return true
    if (byte === comma) {
      this.at++
      this.space()
      return true
    }
    if (byte !== closer) return this.fail()
    this.at++
    this.depth--
    this.names = this.firstName[this.depth]!
    return false
  }

  private takeName(): boolean {
    const { bytes, nameHash, names } = this
    // One that is too long is not read to its end.
    const until = Math.min(bytes.length, this.at + answerFieldNameBytesMax + 2)
    if (bytes[this.at] !== quote || !this.string(until)) return this.fail()
    const { textStart, textEnd } = this
    const base = this.firstName[this.depth - 1]!
    if (--this.partsLeft < 0 || names - base >= answerFieldsMax || textEnd - textStart > answerFieldNameBytesMax)
      return this.fail()
    const hash = this.hashOfText(textStart, textEnd)
    this.comparesLeft -= names - base
    for (let other = base; other < names; other++) {
      if (nameHash[other] === hash && this.isNamed(other, textStart, textEnd)) return this.fail()
    }
    if (this.comparesLeft < 0) return this.fail()
    nameHash[names] = hash
    this.nameStart[names] = textStart
    this.nameEnd[names] = textEnd
    this.names++
    this.space()
    if (bytes[this.at] !== colon) return this.fail()
    this.at++
    this.space()
    return true
  }

  private hashOfText(start: number, end: number): number {
    const { bytes } = this
    let hash = end - start
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte === backslash) return hashOf(Buffer.from(this.plainText(start, end)))
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    return hash
  }

  private isNamed(other: number, start: number, end: number): boolean {
    this.comparesLeft -= end - start
    return this.plainText(this.nameStart[other]!, this.nameEnd[other]!) === this.plainText(start, end)
  }

  /** The place of the field whose value comes next among these names; -1 for another. */
  fieldIn({ hashes, names }: FieldNames): number {
    const last = this.names - 1
    const hash = this.nameHash[last]
    for (let place = 0; place < hashes.length; place++) {
      if (hashes[place] === hash && this.isLastName(names[place]!, last)) return place
    }
    return -1
  }

  /** The name of the field whose value comes next. */
  fieldName(): string {
    const last = this.names - 1
    return this.plainText(this.nameStart[last]!, this.nameEnd[last]!)
  }

  /** ASCII names are compared where they stand; only one with an escape in it is read first. */
  private isLastName(name: string, last: number): boolean {
    const start = this.nameStart[last]!
    const end = this.nameEnd[last]!
    let same = 0
    while (same < name.length && this.bytes[start + same] === name.charCodeAt(same)) same++
    return (same === name.length && same === end - start) || this.plainText(start, end) === name
  }

  // ------------------------------------------------------------ values

  /** Passes over one value of any kind; false when it is none or breaks a bound. */
  skip(): boolean {
    if (this.known !== null && this.leap(this.known) >= 0) return true
    const floor = this.depth
    for (;;) {
      const found = this.next
      if (!this.counted()) return false
      if (found === Class.object || found === Class.list) {
        if (!this.enter(found === Class.object ? 1 : 0)) return false
      } else if (found === Class.number) {
        if (!this.numberRun()) return false
      } else if (!this.scalar(found)) return false
      do {
        if (this.failed) return false
        if (this.depth === floor) return true
      } while (!(this.isObject[this.depth - 1] === 1 ? this.nextField() : this.nextItem()))
    }
  }

  /** Passes over a text, whose span is then `textStart` to `textEnd`; false when there is none. */
  text(): boolean {
    if (this.next !== Class.text) return false
    return (this.known !== null && this.leap(this.known) >= 0) || (this.counted() && this.string())
  }

  /** Over the value here when it was taken down: its place, else -1. */
  private leap(spans: JsonSpans): number {
    const place = this.failed ? -1 : spans.find(this.at)
    if (place < 0) return -1
    this.textStart = this.at + 1
    this.at = spans.endOf(place)
    this.textEnd = this.at - 1
    return place
  }

  /** The number here; NaN when there is none. */
  number(): number {
    const { at, bytes } = this
    if (this.next !== Class.number || !this.counted() || !this.oneNumber()) return Number.NaN
    const whole = wholeNumber(bytes, at, this.at)
    if (whole >= 0) return whole
    return this.at - at > numberCharsMax ? Number.NaN : Number(this.slice(at, this.at))
  }

  private oneNumber(): boolean {
    const end = endOfNumber(this.bytes, this.at)
    if (end < 0) return this.fail()
    this.at = end
    return true
  }

  /** How many numbers the list here holds; -1 when it is none or holds anything else. */
  numbers(): number {
    const { known } = this
    const place = known === null || this.next !== Class.list ? -1 : this.leap(known)
    if (place >= 0) return known!.numbersOf(place)
    if (!this.enterList()) return -1
    const before = this.valuesLeft
    while (this.nextItem()) {
      if (this.next !== Class.number) this.fail()
      else if (this.counted()) this.numberRun()
    }
    return this.failed ? -1 : before - this.valuesLeft
  }

  /**
   * Passes over the number here and, in a list, over those behind it that begin before `until`: millions of them may
   * stand in a row.
   */
  protected numberRun(until = Number.POSITIVE_INFINITY): boolean {
    const { bytes } = this
    const isList = this.depth > 0 && this.isObject[this.depth - 1] === 0
    let at = endOfNumber(bytes, this.at)
    let more = 0
    while (isList && at >= 0 && at < until && bytes[at] === comma) {
      let next = at + 1
      while (byteClass[bytes[next]!] === Class.space) next++
      if (byteClass[bytes[next]!] !== Class.number) break
      at = endOfNumber(bytes, next)
      more++
    }
    this.valuesLeft -= more
    if (at < 0 || this.valuesLeft < 0) return this.fail()
    this.at = at
    return true
  }

  /** These bytes as text. */
  slice(start: number, end: number): string {
    const { bytes } = this
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
  }

  /** What the text between two quotes means. */
  plainText(start: number, end: number): string {
    const text = this.slice(start, end)
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
  }

  protected counted(): boolean {
    return !this.failed && --this.valuesLeft >= 0 ? true : this.fail()
  }

  protected scalar(found: number): boolean {
    if (--this.partsLeft < 0) return this.fail()
    if (found === Class.text) return this.string()
    const end = endOfLiteral(this.bytes, this.at)
    if (end < 0) return this.fail()
    this.at = end
    return true
  }

  private string(until?: number): boolean {
    const end = endOfString(this.bytes, this.at, until)
    if (end < 0) return this.fail()
    this.textStart = this.at + 1
    this.textEnd = end - 1
    this.at = end
    return true
  }

  private space(): void {
    const { bytes } = this
    while (byteClass[bytes[this.at]!] === Class.space) this.at++
  }
}

/** A number without sign, fraction and exponent, as indices and counts are; -1 for another one. */
function wholeNumber(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > exactDigits) return -1
  let number = 0
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - zero
    if (digit < 0 || digit > 9) return -1
    number = 10 * number + digit
  }
  return number
}
