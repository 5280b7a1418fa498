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

/** What makes this JSON more than a request may be. Whether it is JSON at all is left to the parser. */
export function excessOf(bytes: Uint8Array): 'deep' | 'many' | null {
  // Each node takes a byte at least.
  if (bytes.length <= jsonNodesMax) return null
  let nodes = 0
  let values = 0
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) {
      at = endOfString(bytes, at + 1)
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

/** Where the quote stands that ends a string; behind the bytes without one. */
function endOfString(bytes: Uint8Array, from: number): number {
  let at = from
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) break
    if (byte === backslash) at++
  }
  return at
}
