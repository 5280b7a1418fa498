/**
 * Batches of messages between two processes of one hub as bytes, and back. A frame is its length, the length of its
 * head, the head, and behind it the bodies as they are. The head is a msgpack list of each message and the length of
 * its body. Messages are records: the names of their fields are sent once over a link, and not with each of them, which
 * makes reading them several times cheaper; so each link has a codec of its own at either end, and its frames are read
 * in their order. Both ends run the same program, so nothing is checked field by field; a frame that cannot be read
 * still comes back as a sentence and never as an error.
 */
import { Packr, Unpackr } from 'msgpackr/pack'

/** A message, and the bytes that come with it; null when none do. */
export interface Posted<Message> {
  message: Message
  body: Uint8Array | null
}

/** Sets of fields that a link remembers; with more the oldest are declared anew. All messages have about a hundred. */
const recordsMax = 1_000
/**
 * Each codec notes its records in the object that it is given. Nothing is agreed on beforehand, so that a form is
 * declared before it is used; and maps are read, too: a process of another version says with its first message which
 * one it is of.
 */
const records = () => ({
  ...{ sequential: true, structures: [], maxSharedStructures: 0, maxOwnStructures: recordsMax },
  ...{ mapsAsObjects: true, int64AsType: 'number' as const },
  // All texts of a frame are one, which is read at once: most of what is read are short ones.
  bundleStrings: true,
})

/** Messages whose fields are names out of the world, of which there is no end: packed by themselves, as maps. */
const looseTypes: ReadonlySet<string> = new Set(['figures'])
const loose = new Packr({ useRecords: false, int64AsType: 'number' })

/** Before the head: the length of all that follows, and that of the head. */
const prefixBytes = 8
/** In the head, where a message has no body. */
const noBody = -1

/** Of one end of a link. */
export class BatchCodec<In, Out> {
  private readonly packer = new Packr(records())
  private readonly unpacker = new Unpackr(records())

  /** One frame, in a buffer of its own. */
  encode(batch: readonly Posted<Out>[]): Uint8Array {
    const values: unknown[] = []
    let bodyBytes = 0
    for (const { message, body } of batch) {
      values.push(isLoose(message) ? loose.pack(message) : message, body === null ? noBody : body.length)
      if (body !== null) bodyBytes += body.length
    }
    const head = this.packer.pack(values)
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
   * The messages of a frame without its first four bytes, or why they cannot be read. Byte fields and bodies share
   * memory with `frame`.
   */
  decode(frame: Buffer): Posted<In>[] | string {
    const headBytes = frame.length >= 4 ? frame.readUInt32BE(0) : frame.length
    let at = 4 + headBytes
    if (at > frame.length) return 'the head is longer than its frame'
    let values: unknown
    try {
      values = this.unpacker.unpack(frame.subarray(4, at))
    } catch {
      return 'the head is not msgpack'
    }
    if (!Array.isArray(values)) return 'the head is no list'
    const batch: Posted<In>[] = []
    for (let index = 0; index + 1 < values.length; index += 2) {
      const packed: unknown = values[index]
      const message = packed instanceof Uint8Array ? loose.unpack(packed) : packed
      const length: unknown = values[index + 1]
      if (length === noBody) {
        batch.push({ message, body: null })
        continue
      }
      if (typeof length !== 'number' || !(length >= 0) || at + length > frame.length) return 'a body is cut short'
      batch.push({ message, body: frame.subarray(at, at + length) })
      at += length
    }
    return at === frame.length ? batch : 'something follows the last body'
  }
}

function isLoose(message: unknown): boolean {
  const { type } = message as { type?: unknown }
  return typeof type === 'string' && looseTypes.has(type)
}
