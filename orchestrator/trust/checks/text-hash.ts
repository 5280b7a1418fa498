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
  let one = 0xdeadbeef
  let two = 0x41c6ce57
  const end = Math.min(text.length, readCharsMax)
  for (let at = 0; at < end; at++) {
    let code = text.charCodeAt(at)
    if (code < 0x80) {
      code |= code >= 0x41 && code <= 0x5a ? 0x20 : 0
      if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39))) continue
    }
    one = Math.imul(one ^ code, primeOne)
    two = Math.imul(two ^ code, primeTwo)
  }
  one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(two ^ (two >>> 13), 0xc2b2ae35)
  two = Math.imul(two ^ (two >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35)
  return 0x100000000 * (two & 0x1fffff) + (one >>> 0)
}
