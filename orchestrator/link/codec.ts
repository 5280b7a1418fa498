/**
 * Batches of messages between two processes of one hub as bytes, and back. A frame is its length, the length of its
 * head, the head, and behind it the bodies as they are. The head is a msgpack list of each message and the length of
 * its body. Both ends run the same program, so nothing is checked field by field; a frame that cannot be read still
 * comes back as a sentence and never as an error.
 */
import { Packr, Unpackr } from 'msgpackr/pack'

/** A message, and the bytes that come with it; null when none do. */
export interface Posted<Message> {
  message: Message
  body: Uint8Array | null
}

/** Records would be declared anew in each frame, and what reads them be made anew: a third more for what is decoded. */
const options = { useRecords: false, int64AsType: 'number' } as const
const packer = new Packr(options)
const unpacker = new Unpackr(options)

/** Before the head: the length of all that follows, and that of the head. */
const prefixBytes = 8
/** In the head, where a message has no body. */
const noBody = -1

/** One frame, in a buffer of its own. */
export function encodeBatch<Message>(batch: readonly Posted<Message>[]): Uint8Array {
  const values: unknown[] = []
  let bodyBytes = 0
  for (const { message, body } of batch) {
    values.push(message, body === null ? noBody : body.length)
    if (body !== null) bodyBytes += body.length
  }
  const head = packer.pack(values)
  const frame = Buffer.allocUnsafeSlow(prefixBytes + head.length + bodyBytes)
  frame.writeUInt32BE(head.length + bodyBytes + 4, 0)
  frame.writeUInt32BE(head.length, 4)
  frame.set(head, prefixBytes)
  let at = prefixBytes + head.length
  for (const { body } of batch) {
    if (body === null) continue
    frame.set(body, at)
    at += body.length
  }
  return frame
}

/**
 * The messages of a frame without its first four bytes, or why they cannot be read. Byte fields and bodies share memory
 * with `frame`.
 */
export function decodeBatch<Message>(frame: Buffer): Posted<Message>[] | string {
  const headBytes = frame.length >= 4 ? frame.readUInt32BE(0) : frame.length
  let at = 4 + headBytes
  if (at > frame.length) return 'the head is longer than its frame'
  let values: unknown
  try {
    values = unpacker.unpack(frame.subarray(4, at))
  } catch {
    return 'the head is not msgpack'
  }
  if (!Array.isArray(values)) return 'the head is no list'
  const batch: Posted<Message>[] = []
  for (let index = 0; index + 1 < values.length; index += 2) {
    const length: unknown = values[index + 1]
    if (length === noBody) {
      batch.push({ message: values[index], body: null })
      continue
    }
    if (typeof length !== 'number' || !(length >= 0) || at + length > frame.length) return 'a body is cut short'
    batch.push({ message: values[index], body: frame.subarray(at, at + length) })
    at += length
  }
  return at === frame.length ? batch : 'something follows the last body'
}
