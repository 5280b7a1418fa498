/**
 * Frames between two hubs as one message: which link they belong to, which side sends them, their place in the order of
 * that link, and the frames, each behind its length. A batch may also end a link. Pure; `frame-link.ts` makes and takes
 * batches. Reading makes views, and nothing is believed before it is measured.
 */
import { frameBytesMax } from '../../../shared/limits/wire.ts'

/** Who sends: the hub that serves, which plays the scout, or the one that asks. */
export type Side = 'serves' | 'asks'

export interface Batch {
  from: Side
  /** Chosen by the side that serves, anew for each attempt to connect. */
  link: number
  /** From 0 without gaps, for this link and side. */
  seq: number
  /** The link ends with this batch. */
  isLast: boolean
  frames: Uint8Array[]
}

const headBytes = 10
const lengthBytes = 4
const codes: readonly Side[] = ['serves', 'asks']

export function batchBytes({ from, link, seq, isLast, frames }: Batch): Uint8Array {
  const size = frames.reduce((sum, frame) => sum + lengthBytes + frame.length, headBytes)
  const bytes = Buffer.allocUnsafe(size)
  bytes[0] = codes.indexOf(from)
  bytes[1] = isLast ? 1 : 0
  bytes.writeUInt32BE(link, 2)
  bytes.writeUInt32BE(seq, 6)
  let at = headBytes
  for (const frame of frames) {
    bytes.writeUInt32BE(frame.length, at)
    bytes.set(frame, at + lengthBytes)
    at += lengthBytes + frame.length
  }
  return bytes
}

/** Null for what is no batch. */
export function readBatch(message: Uint8Array): Batch | null {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
  const from = codes[bytes[0] ?? codes.length]
  if (bytes.length < headBytes || from === undefined || bytes[1]! > 1) return null
  const frames: Uint8Array[] = []
  for (let at = headBytes; at < bytes.length; ) {
    if (at + lengthBytes > bytes.length) return null
    const length = bytes.readUInt32BE(at)
    at += lengthBytes
    if (length === 0 || length > frameBytesMax || at + length > bytes.length) return null
    frames.push(bytes.subarray(at, at + length))
    at += length
  }
  return { from, link: bytes.readUInt32BE(2), seq: bytes.readUInt32BE(6), isLast: bytes[1] === 1, frames }
}
