/**
 * An answer as a point among answers: how often each word and each pair of neighbouring words occurs in its beginning,
 * hashed into a fixed number of buckets, square roots of the counts, scaled to length 1. Fed with texts of strangers by
 * audits, so nothing here depends on their size but one loop over a bounded beginning. What two points say of each
 * other is in `similarity.ts`.
 */
import { comparedCharsMax, gramBuckets } from '../../../shared/limits/trust/audits.ts'

export interface Profile {
  /** Scaled square roots of the counts; all zero for a text without words. */
  weights: Float32Array
  words: number
  /** Characters of the whole text. */
  chars: number
}

/** FNV-1a, 32 bits. */
const hashBasis = 0x811c9dc5
const hashPrime = 0x01000193

/** The profile of a text. Equal texts have equal profiles, in every process. */
export function profileOf(text: string): Profile {
  const weights = new Float32Array(gramBuckets)
  const words = countGrams(text.slice(0, comparedCharsMax).toLowerCase(), weights)
  scale(weights)
  return { weights, words, chars: text.length }
}

/** Counts each word and each pair of words; returns how many words there are. */
function countGrams(text: string, counts: Float32Array): number {
  let words = 0
  let before = 0
  let hash = hashBasis
  let inWord = false
  const end = () => {
    if (!inWord) return
    add(counts, hash)
    if (words > 0) add(counts, Math.imul(before, hashPrime) ^ hash)
    before = hash
    words++
    hash = hashBasis
    inWord = false
  }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isAlone = isOwnWord(code)
    if (isAlone || !isWordPart(code)) end()
    if (!isAlone && !isWordPart(code)) continue
    hash = Math.imul(hash ^ code, hashPrime)
    inWord = true
    if (isAlone) end()
  }
  end()
  return words
}

/** Letters, digits and what is beyond ASCII except for its spaces and punctuation. */
function isWordPart(code: number): boolean {
  if (code < 0x80) return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)
  if (code <= 0xbf) return code === 0xaa || code === 0xb5 || code === 0xba
  return (
    !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x3000 && code <= 0x303f) && !(code >= 0xff00 && code <= 0xff0f)
  )
}

/** Scripts without spaces between words: each character counts as one. */
function isOwnWord(code: number): boolean {
  return (code >= 0x3040 && code <= 0x30ff) || (code >= 0x3400 && code <= 0x9fff)
}

function add(counts: Float32Array, hash: number): void {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const bucket = ((mixed ^ (mixed >>> 13)) >>> 0) % gramBuckets
  counts[bucket] = counts[bucket]! + 1
}

/** Square roots, so that a word that occurs ten times does not count ten times; then length 1. */
function scale(counts: Float32Array): void {
  let sum = 0
  for (let at = 0; at < counts.length; at++) sum += counts[at]!
  if (sum === 0) return
  // The squares of the roots are the counts, so their sum is the squared length.
  const factor = 1 / Math.sqrt(sum)
  for (let at = 0; at < counts.length; at++) if (counts[at] !== 0) counts[at] = Math.sqrt(counts[at]!) * factor
}
