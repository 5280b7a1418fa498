/**
 * What a request asks as one number, for telling whether an answer came to another question: its messages as they stand
 * in it, whatever stands around them. Other parameters make no other question; another spelling of the same JSON does,
 * as another word would. The client edge has checked the request, so of its JSON no more is looked at than where texts
 * and containers begin and end.
 */

/** A longer request is not told from others: it would be read in the turn in which its answer ends. */
const hashedRequestBytesMax = 32_768
const field = Buffer.from('messages')
const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const comma = 0x2c

/** 0 for a request that is too long, or has no messages. */
export function questionHash(request: Uint8Array): number {
  if (request.length > hashedRequestBytesMax) return 0
  let depth = 0
  for (let at = 0; at < request.length; at++) {
    const byte = request[at]!
    if (opens(byte)) depth++
    else if (closes(byte)) depth--
    else if (byte === quote) {
      const end = endOfText(request, at)
      if (end < 0) return 0
      const after = behindSpace(request, end)
      const isAsked = depth === 1 && request[after] === colon && isField(request, at + 1, end - 1)
      if (isAsked) return hashOf(request, after + 1)
      at = end - 1
    }
  }
  return 0
}

/** Of the value that begins here, in the outermost object. */
function hashOf(request: Uint8Array, start: number): number {
  const from = behindSpace(request, start)
  let depth = 0
  for (let at = from; at < request.length; at++) {
    const byte = request[at]!
    if (opens(byte)) depth++
    else if (closes(byte) || byte === comma) {
      if (byte !== comma) depth--
      if (depth <= 0) return numberOf(request.subarray(from, byte === comma || depth < 0 ? at : at + 1))
    } else if (byte === quote) {
      const end = endOfText(request, at)
      if (end < 0) return 0
      at = end - 1
    }
  }
  return 0
}

function numberOf(value: Uint8Array): number {
  return Number(Bun.hash.wyhash(value) & 0x1f_ffff_ffff_ffffn)
}

/** Behind the quote that ends the text whose first quote is here; -1 for none. */
function endOfText(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let escapes = 0
    while (bytes[at - 1 - escapes] === backslash) escapes++
    if (escapes % 2 === 0) return at + 1
  }
  return -1
}

function behindSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at]! <= 0x20) at++
  return at
}

function isField(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from !== field.length) return false
  let same = 0
  while (same < field.length && bytes[from + same] === field[same]) same++
  return same === field.length
}

/** A bracket or a brace. */
function opens(byte: number): boolean {
  return byte === 0x7b || byte === 0x5b
}

function closes(byte: number): boolean {
  return byte === 0x7d || byte === 0x5d
}
