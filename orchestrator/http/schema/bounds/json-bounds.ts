/**
 * Counts what a body would become when it is parsed, without parsing it: four megabytes of small lists take a quarter
 * of a second to parse and a hundred megabytes to hold. A large body is measured piece by piece as it arrives, so that
 * no turn of the loop sees all of it and nothing of one that is too much is kept. A small one cannot be too much,
 * except in its depth, which is looked at when it is parsed.
 */
import { jsonDepthMax, jsonFieldsMax, jsonNodesMax, jsonValuesMax } from '../../../../shared/limits/http.ts'

const quote = 0x22
const comma = 0x2c
const bracket = 0x5b
const backslash = 0x5c
const bracketEnd = 0x5d
const brace = 0x7b
const braceEnd = 0x7d
/** After so many plain bytes of a text its end is searched by the runtime, which is many times as fast. */
const longRunBytes = 1_024

/** Too many levels, an object of too many fields, or too many values of all kinds. */
export type Excess = 'deep' | 'wide' | 'many'

/** Measures one document. Whether it is JSON at all is left to the parser. */
export class JsonMeasure {
  private nodes = 0
  private values = 0
  private depth = 0
  /**
   * Of the container that is open on each level: fields or elements before the one that is under way. Below level 0,
   * where there are more ends than beginnings, nothing is counted: the parser refuses that.
   */
  private readonly before = new Int32Array(jsonDepthMax + 1)
  private readonly isObject = new Uint8Array(jsonDepthMax + 1)
  private isInText = false
  /** The first byte of the next piece belongs to an escape. */
  private isEscaped = false

  /** What makes the document, as far as it has come with this piece, more than a request may be. */
  add(piece: Uint8Array): Excess | null {
    const marks = new Marks(piece)
    let at = this.isInText ? this.text(piece, 0, marks) : 0
    for (; at < piece.length; at++) {
      const byte = piece[at]!
      if (byte === quote) {
        this.nodes++
        this.isInText = true
        at = this.text(piece, at + 1, marks) - 1
      } else if (byte === comma) {
        this.values++
        const before = ++this.before[this.depth]!
        if (before >= jsonFieldsMax && this.isObject[this.depth] === 1) return 'wide'
      } else if (byte === bracket || byte === brace) {
        this.nodes++
        if (++this.depth > jsonDepthMax) return 'deep'
        this.before[this.depth] = 0
        this.isObject[this.depth] = byte === brace ? 1 : 0
      } else if (byte === bracketEnd || byte === braceEnd) this.depth--
      else continue
      if (this.nodes > jsonNodesMax || this.values > jsonValuesMax) return 'many'
    }
    return null
  }

  /** Where the text ends that goes on here, behind its quote; behind the piece when it goes on in the next one. */
  private text(piece: Uint8Array, from: number, marks: Marks): number {
    let at = this.isEscaped ? from + 1 : from
    let searchAt = at + longRunBytes
    this.isEscaped = false
    for (; at < piece.length; at++) {
      if (at >= searchAt) at = marks.next(at)
      if (at === piece.length) break
      const byte = piece[at]
      if (byte === quote) {
        this.isInText = false
        return at + 1
      }
      if (byte !== backslash) continue
      at++
      searchAt = at + longRunBytes
    }
    this.isEscaped = at > piece.length
    return piece.length
  }
}

/** Where quotes and backslashes are in a piece: each byte is searched once for each, whatever the texts are like. */
class Marks {
  private nextQuote = -1
  private nextBackslash = -1

  constructor(private readonly piece: Uint8Array) {}

  /** The next one from here on; the end of the piece without one. */
  next(from: number): number {
    if (this.nextQuote < from) this.nextQuote = this.placeOf(quote, from)
    if (this.nextBackslash < from) this.nextBackslash = this.placeOf(backslash, from)
    return Math.min(this.nextQuote, this.nextBackslash)
  }

  private placeOf(byte: number, from: number): number {
    const at = this.piece.indexOf(byte, from)
    return at < 0 ? this.piece.length : at
  }
}
