/**
 * Counts what a body would become when it is parsed, without parsing it: four megabytes of small lists take a quarter
 * of a second to parse and a hundred megabytes to hold. `body.ts` asks before it parses.
 */
import { jsonDepthMax, jsonNodesMax, jsonValuesMax } from '../../../shared/limits/http.ts'

const quote = 0x22
const comma = 0x2c
const bracket = 0x5b
const backslash = 0x5c
const bracketEnd = 0x5d
const brace = 0x7b
const braceEnd = 0x7d
/** After so many plain bytes of a string its end is searched by the runtime, which is many times as fast. */
const longRunBytes = 1_024

/** What makes this JSON more than a request may be. Whether it is JSON at all is left to the parser. */
export function excessOf(bytes: Uint8Array): 'deep' | 'many' | null {
  // Each node takes a byte at least.
  if (bytes.length <= jsonNodesMax) return null
  let nodes = 0
  let values = 0
  let depth = 0
  const strings = new Strings(bytes)
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) {
      at = strings.endOf(at + 1)
      nodes++
    } else if (byte === comma) values++
    else if (byte === bracket || byte === brace) {
      nodes++
      if (++depth > jsonDepthMax) return 'deep'
    } else if (byte === bracketEnd || byte === braceEnd) depth--
    else continue
    if (nodes > jsonNodesMax || values > jsonValuesMax) return 'many'
  }
  return null
}

class Strings {
  /** The next ones, as far as they were searched for: each byte is searched once, whatever the strings are like. */
  private nextQuote = -1
  private nextBackslash = -1

  constructor(private readonly bytes: Uint8Array) {}

  /** Where the quote stands that ends a string; behind the bytes without one. */
  endOf(from: number): number {
    const { bytes } = this
    let searchAt = from + longRunBytes
    for (let at = from; at < bytes.length; at++) {
      if (at >= searchAt) at = this.nextMark(at)
      const byte = bytes[at]
      if (byte === quote) return at
      if (byte !== backslash) continue
      at++
      searchAt = at + longRunBytes
    }
    return bytes.length
  }

  private nextMark(from: number): number {
    const { bytes } = this
    if (this.nextQuote < from) this.nextQuote = placeOf(bytes, quote, from)
    if (this.nextBackslash < from) this.nextBackslash = placeOf(bytes, backslash, from)
    return Math.min(this.nextQuote, this.nextBackslash)
  }
}

function placeOf(bytes: Uint8Array, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from)
  return at < 0 ? bytes.length : at
}
