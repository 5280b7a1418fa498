/**
 * A text as one number, for noticing that it was sent before: letters and digits of its beginning in lower case, so
 * that another space or full stop makes no new text. 53 bits, without allocation, a bounded number of steps. It is no
 * signature: who knows it can make two texts that share it, which would only count against the maker.
 */
import { repeatCharsMin } from '../../../shared/limits/trust/audits.ts'

/** Characters that are read; a constant text is constant from its start. */
const readCharsMax = 512

const primeOne = 0x9e3779b1
const primeTwo = 0x5f356495

/** null for a text that is too short to say anything. */
export function textHash(text: string): number | null {
  if (text.length < repeatCharsMin) return null
  begin()
  const end = Math.min(text.length, readCharsMax)
  for (let at = 0; at < end; at++) take(text.charCodeAt(at))
  return hash()
}

/** The same of a text as it stands in JSON; undefined where not every byte is a character, and it has to be read. */
export function plainTextHash(bytes: Uint8Array, from: number, to: number): number | null | undefined {
  // No text has more characters than bytes.
  if (to - from < repeatCharsMin) return null
  begin()
  const end = Math.min(to, from + readCharsMax)
  for (let at = from; at < end; at++) {
    const code = bytes[at]!
    if (code >= 0x80 || code === backslash) return undefined
    take(code)
  }
  return hash()
}

const backslash = 0x5c

/** Of the text under way. */
let one = 0
let two = 0

function begin(): void {
  one = 0xdeadbeef
  two = 0x41c6ce57
}

function take(code: number): void {
  let letter = code
  if (code < 0x80) {
    letter |= code >= 0x41 && code <= 0x5a ? 0x20 : 0
    if (!((letter >= 0x61 && letter <= 0x7a) || (letter >= 0x30 && letter <= 0x39))) return
  }
  one = Math.imul(one ^ letter, primeOne)
  two = Math.imul(two ^ letter, primeTwo)
}

function hash(): number {
  one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(two ^ (two >>> 13), 0xc2b2ae35)
  two = Math.imul(two ^ (two >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35)
  return 0x100000000 * (two & 0x1fffff) + (one >>> 0)
}
