/**
 * The smallest parts of JSON in bytes: where a string, a number or a literal ends. Pure functions over bytes, with one
 * look at a table for each byte; the scans of this folder are their callers.
 */

/** What a value begins with. */
export const Class = { other: 0, space: 1, text: 2, number: 3, literal: 4, list: 5, object: 6 } as const

export const byteClass = tableOf([
  [' \t\n\r', Class.space],
  ['"', Class.text],
  ['-0123456789', Class.number],
  ['tfn', Class.literal],
  ['[', Class.list],
  ['{', Class.object],
])

/** Bytes of a string that mean themselves: all but the quote, the backslash and control characters. */
const isPlain = new Uint8Array(256).fill(1, 0x20)
isPlain[0x22] = 0
isPlain[0x5c] = 0

const isHex = tableOf([['0123456789abcdefABCDEF', 1]])
/** How long an escape is with its backslash, by its second byte. */
const escapeBytes = tableOf([
  ['"\\/bfnrt', 2],
  ['u', 6],
])

const literals = ['true', 'false', 'null'].map((text) => Buffer.from(text))

function tableOf(rows: readonly (readonly [string, number])[]): Uint8Array {
  const table = new Uint8Array(256)
  for (const [bytes, value] of rows) for (const byte of Buffer.from(bytes)) table[byte] = value
  return table
}

/**
 * Behind the closing quote of the string that begins here; -1 when it is none. A search that gets to `until` before the
 * quote ends there, between two characters: -2 minus the place at which it goes on.
 */
export function endOfString(bytes: Uint8Array, start: number, until = bytes.length): number {
  let at = start + 1
  for (;;) {
    const longFrom = at + longRunBytes
    while (at < until && isPlain[bytes[at]!] === 1) {
      if (++at === longFrom) at = endOfLongRun(bytes, at, until)
    }
    const byte = bytes[at]
    if (byte === 0x22) return at + 1
    if (at >= until && at < bytes.length) return -2 - at
    if (byte !== 0x5c) return -1
    const length = escapeBytes[bytes[at + 1]!] ?? 0
    if (length === 0) return -1
    for (let hex = at + 2; hex < at + length; hex++) if (isHex[bytes[hex]!] !== 1) return -1
    at += length
  }
}

/**
 * A string that goes on plainly for so long is looked through four bytes at a time, which is twice as fast; of a
 * shorter one the view would cost more.
 */
const longRunBytes = 512
const ones = 0x01010101
const spaces = 0x20202020
const quotes = 0x22222222
const backslashes = 0x5c5c5c5c
const highBits = 0x80808080 | 0

/** A place before `until` that is no further than the next byte that does not mean itself, and at most three before. */
function endOfLongRun(bytes: Uint8Array, start: number, until: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = start
  for (const last = Math.min(until, bytes.length) - 4; at <= last; at += 4) {
    const four = view.getInt32(at, true)
    const quote = four ^ quotes
    const backslash = four ^ backslashes
    // The high bit of each byte that is below 0x20, a quote or a backslash; above the first one it may be set in vain.
    const found = ((four - spaces) & ~four) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)
    if ((found & highBits) !== 0) break
  }
  return at
}

/** Behind the number that begins here; -1 when it is none. */
export function endOfNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === 0x2d ? start + 1 : start
  const first = at
  if (bytes[at] === 0x30) at++
  else at = endOfDigits(bytes, at)
  if (at === first) return -1
  if (bytes[at] === 0x2e) {
    const fraction = at + 1
    at = endOfDigits(bytes, fraction)
    if (at === fraction) return -1
  }
  if (bytes[at] !== 0x65 && bytes[at] !== 0x45) return at
  const sign = bytes[at + 1]
  const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
  at = endOfDigits(bytes, exponent)
  return at === exponent ? -1 : at
}

function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
  return at
}

/** Behind `true`, `false` or `null`; -1 when none of them begins here. */
export function endOfLiteral(bytes: Uint8Array, start: number): number {
  for (const literal of literals) {
    let same = 0
    while (same < literal.length && bytes[start + same] === literal[same]) same++
    if (same === literal.length) return start + same
  }
  return -1
}
