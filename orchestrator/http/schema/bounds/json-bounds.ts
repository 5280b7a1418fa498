/**
 * Counts what a body would become when it is parsed, without parsing it: four megabytes of small lists take a quarter
 * of a second to parse and a hundred megabytes to hold. A large body is measured piece by piece as it arrives, so that
 * no turn of the loop sees all of it and nothing of one that is too much is kept. A small one cannot be too much,
 * except in its depth, which is looked at when it is parsed.
 */
import { jsonDepthMax, jsonNodesMax, jsonValuesMax } from '../../../../shared/limits/http.ts'

const quote = 0x22
const comma = 0x2c
const bracket = 0x5b
const backslash = 0x5c
const bracketEnd = 0x5d
const brace = 0x7b
const braceEnd = 0x7d

export type Excess = 'deep' | 'many'

/** Measures one document. Whether it is JSON at all is left to the parser. */
export class JsonMeasure {
  private nodes = 0
  private values = 0
  private depth = 0
  private isInText = false
  /** The first byte of the next piece belongs to an escape. */
  private isEscaped = false

  /** What makes the document, as far as it has come with this piece, more than a request may be. */
  add(piece: Uint8Array): Excess | null {
    let at = this.isInText ? this.text(piece, 0) : 0
    for (; at < piece.length; at++) {
      const byte = piece[at]!
      if (byte === quote) {
        this.nodes++
        this.isInText = true
        at = this.text(piece, at + 1) - 1
      } else if (byte === comma) this.values++
      else if (byte === bracket || byte === brace) {
        this.nodes++
        if (++this.depth > jsonDepthMax) return 'deep'
      } else if (byte === bracketEnd || byte === braceEnd) this.depth--
      else continue
      if (this.nodes > jsonNodesMax || this.values > jsonValuesMax) return 'many'
    }
    return null
  }

  /** Where the text ends that goes on here, behind its quote; behind the piece when it goes on in the next one. */
  private text(piece: Uint8Array, from: number): number {
    let at = this.isEscaped ? from + 1 : from
    this.isEscaped = false
    for (; at < piece.length; at++) {
      const byte = piece[at]!
      if (byte === quote) {
        this.isInText = false
        return at + 1
      }
      if (byte === backslash) at++
    }
    this.isEscaped = at > piece.length
    return piece.length
  }
}
