/**
 * What a request asks as one number, for telling whether an answer came to another question: its messages as they stand
 * in it, whatever stands around them. Other parameters make no other question; another spelling of the same JSON does,
 * as another word would. The client edge has checked the request, so of its JSON no more is looked at than where texts
 * and containers begin and end.
 */
import { byteClass, Class, endOfString } from '../../../shared/json/json-tokens.ts'

/** A longer request is not told from others: it would be read in the turn in which its answer ends. */
const hashedRequestBytesMax = 32_768
const field = Buffer.from('messages')
const colon = 0x3a
const comma = 0x2c
const closeList = 0x5d
const closeObject = 0x7d

/** 0 for a request that is too long, or has no messages. */
export function questionHash(request: Uint8Array): number {
  if (request.length > hashedRequestBytesMax) return 0
  let at = behindSpace(request, 0)
  if (byteClass[request[at]!] !== Class.object) return 0
  do {
    const name = behindSpace(request, at + 1)
    const nameEnd = endOfText(request, name)
    const behind = behindSpace(request, nameEnd)
    if (nameEnd < 0 || request[behind] !== colon) return 0
    const from = behindSpace(request, behind + 1)
    const end = endOfValue(request, from)
    if (end < 0) return 0
    if (isField(request, name + 1, nameEnd - 1)) return numberOf(request.subarray(from, end))
    at = behindSpace(request, end)
  } while (request[at] === comma)
  return 0
}

function numberOf(value: Uint8Array): number {
  return Number(Bun.hash.wyhash(value) & 0x1f_ffff_ffff_ffffn)
}

/** Behind the value that begins here; -1 for none. */
function endOfValue(bytes: Uint8Array, start: number): number {
  let depth = 0
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!
    const found = byteClass[byte]
    const closes = byte === closeList || byte === closeObject
    if (found === Class.object || found === Class.list) depth++
    else if (closes && depth > 0) depth--
    // Where a number or a literal ends.
    else if (depth === 0 && (closes || byte === comma)) return at
    else if (found === Class.text) {
      const end = endOfText(bytes, at)
      if (end < 0) return -1
      at = end - 1
    } else continue
    if (depth === 0) return at + 1
  }
  return -1
}

/** Behind the text that begins here; -1 for none. */
function endOfText(bytes: Uint8Array, start: number): number {
  return byteClass[bytes[start]!] === Class.text ? endOfString(bytes, start) : -1
}

function behindSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (byteClass[bytes[at]!] === Class.space) at++
  return at
}

function isField(bytes: Uint8Array, from: number, end: number): boolean {
  if (end - from !== field.length) return false
  let same = 0
  while (same < field.length && bytes[from + same] === field[same]) same++
  return same === field.length
}
