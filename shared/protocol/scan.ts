/**
 * Checks a message before it is read: is this one msgpack array of bounded shape, and nothing else? It walks
 * the bytes once, without recursion and without allocating, so that a hostile frame costs no more than an honest one.
 * The codec calls it for every message; what the values mean is checked there, field by field.
 *
 * Protocol v1 is made of arrays, whole numbers, floats, true, false, null, strings and byte strings. Maps are not part
 * of it, so duplicate and prototype keys cannot exist; neither are extension types (dates, records, sets, errors).
 */
import { frameDepthMax, frameNodesMax } from '../limits/wire.ts'

const refused = 0
/** A value of fixed length: `payloadBytes` follow the tag. */
const fixed = 1
/** A tag with the number of values, or of bytes, that follow; as `countBytes` bytes, or in its own low bits when 0. */
const array = 2
const string = 3
const binary = 4
const integer64 = 5

const kindOf = new Uint8Array(256)
const payloadBytes = new Uint8Array(256)
const countBytes = new Uint8Array(256)
const lowBits = new Uint8Array(256)

kindOf.fill(fixed, 0x00, 0x80)
kindOf.fill(array, 0x90, 0xa0)
lowBits.fill(0x0f, 0x90, 0xa0)
kindOf.fill(string, 0xa0, 0xc0)
lowBits.fill(0x1f, 0xa0, 0xc0)
for (const tag of [0xc0, 0xc2, 0xc3]) kindOf[tag] = fixed
for (const [i, tag] of [0xc4, 0xc5, 0xc6].entries()) declare(tag, binary, 1 << i)
for (const [tag, length] of [
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
] as const) {
  kindOf[tag] = fixed
  payloadBytes[tag] = length
}
kindOf[0xcf] = integer64
kindOf[0xd3] = integer64
for (const [i, tag] of [0xd9, 0xda, 0xdb].entries()) declare(tag, string, 1 << i)
for (const [i, tag] of [0xdc, 0xdd].entries()) declare(tag, array, 2 << i)
kindOf.fill(fixed, 0xe0, 0x100)

function declare(tag: number, kind: number, length: number): void {
  kindOf[tag] = kind
  countBytes[tag] = length
}

/** Values still expected at each open level. One for all calls: a scan is synchronous and leaves nothing behind. */
const expected = new Int32Array(frameDepthMax)

/** What is wrong with the shape of `message`, in a few words, or null when nothing is. */
export function scan(message: Uint8Array): string | null {
  const end = message.length
  if (end === 0) return 'the message is empty'
  if (kindOf[message[0]!] !== array) return 'a frame is an array that begins with its code'
  let at = 0
  let depth = 0
  let left = 1
  for (let nodes = 1; ; nodes++) {
    if (at === end) return endsEarly
    if (nodes > frameNodesMax) return tooManyValues
    const tag = message[at++]!
    const kind = kindOf[tag]!
    left--
    if (kind === fixed) {
      at += payloadBytes[tag]!
      if (at > end) return endsEarly
    } else if (kind === integer64) {
      if (at + 8 > end) return endsEarly
      if (!isSafe(message, at, tag === 0xd3)) return 'a whole number lies beyond 2^53'
      at += 8
    } else if (kind === refused) {
      return refusal(tag)
    } else {
      const width = countBytes[tag]!
      if (at + width > end) return endsEarly
      const count = width === 0 ? tag & lowBits[tag]! : unsigned(message, at, width)
      at += width
      if (count > end - at) return 'a length is larger than the bytes that follow'
      if (kind === array) {
        if (depth === frameDepthMax) return tooDeep
        expected[depth++] = left
        left = count
      } else {
        if (kind === string && !isUtf8(message, at, at + count)) return 'a string is not valid UTF-8'
        at += count
      }
    }
    while (left === 0) {
      if (depth === 0) return at === end ? null : 'bytes follow the frame'
      left = expected[--depth]!
    }
  }
}

const endsEarly = 'the message ends inside the frame'
const tooManyValues = `a frame holds at most ${frameNodesMax} values`
const tooDeep = `a frame nests at most ${frameDepthMax} deep`

function refusal(tag: number): string {
  if (tag === 0xc1) return 'the byte 0xc1 begins no value'
  if (tag < 0x90 || tag === 0xde || tag === 0xdf) return 'maps are not part of protocol v1'
  return 'extension types are not part of protocol v1'
}

function unsigned(message: Uint8Array, at: number, width: number): number {
  let value = 0
  for (let i = at; i < at + width; i++) value = value * 256 + message[i]!
  return value
}

/** Whether the 64-bit integer at `at` lies within 2^53 of zero; its upper 32 bits suffice. */
function isSafe(message: Uint8Array, at: number, signed: boolean): boolean {
  const high = unsigned(message, at, 4)
  return high < 0x200000 || (signed && high >= 0xffe00000)
}

/** Whether the bytes are UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, nothing past U+10FFFF. */
function isUtf8(message: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const lead = message[at++]!
    if (lead < 0x80) continue
    const tail = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
    if (tail === 0 || at + tail > to) return false
    // Only the second byte's range depends on the lead.
    const second = message[at]!
    const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < lowest || second > highest) return false
    for (let i = at + 1; i < at + tail; i++) if ((message[i]! & 0xc0) !== 0x80) return false
    at += tail
  }
  return true
}
