/**
 * The hashes of a receipt. Request and answer are hashed under a salt of their task, which the client and the scout can
 * ask for and nobody else knows, so that a public receipt gives no text away to guessing. An answer's hash covers each
 * text of each choice with its length; the texts themselves are hashed one by one as they stream, and any user of an
 * SDK has them. Pure.
 */
import { sha256, sha256Bytes, sha256Into } from './sha256.ts'

const saltBytes = 16
const tagBytes = 8

/** What the parts of an answer are, in the order in which they are hashed. */
const answerParts = { content: 0, refusal: 1, toolName: 2, toolArguments: 3 } as const
export type AnswerPart = keyof typeof answerParts

/** One text of an answer: of which choice and, among its tool calls, of which. */
export interface AnswerText {
  choice: number
  part: AnswerPart
  /** The number of the tool call; 0 for the other parts. */
  place: number
  /** Bytes as UTF-8. */
  length: number
  /** SHA-256 of it. */
  digest: Uint8Array
}

const requestTag = Buffer.from('chasm-request-v1')
const answerTag = Buffer.from('chasm-answer-v1')

/** Choice, part, place and length. */
const rowHeadBytes = 17
const rowBytes = rowHeadBytes + sha256Bytes

/** Bytes that begin with this tag and a salt, of which the tag is there. */
function tagged(tag: Buffer, more: number): Buffer {
  const bytes = Buffer.alloc(tag.length + saltBytes + more)
  bytes.set(tag)
  return bytes
}

/** Filled again and again: almost every answer has one text. */
const requestBytes = tagged(requestTag, sha256Bytes)
const oneAnswer = tagged(answerTag, rowBytes)

/** `digest`: SHA-256 of the body. */
export function requestHashOf(salt: Uint8Array, digest: Uint8Array): Uint8Array {
  requestBytes.set(salt, requestTag.length)
  requestBytes.set(digest, requestTag.length + saltBytes)
  return sha256(requestBytes)
}

/** Empty texts do not count; the others in the order of choice, part and place. */
export function answerHashOf(salt: Uint8Array, texts: readonly AnswerText[]): Uint8Array {
  const isOne = texts.length === 1 && texts[0]!.length > 0
  const spoken = isOne ? texts : texts.filter(({ length }) => length > 0).sort(inOrder)
  const bytes = spoken.length === 1 ? oneAnswer : tagged(answerTag, spoken.length * rowBytes)
  bytes.set(salt, answerTag.length)
  let at = answerTag.length + saltBytes
  for (const { choice, part, place, length, digest } of spoken) {
    bytes.writeUInt32BE(choice, at)
    bytes[at + 4] = answerParts[part]
    bytes.writeUInt32BE(place, at + 5)
    putWhole(bytes, length, at + 9)
    bytes.set(digest, at + rowHeadBytes)
    at += rowBytes
  }
  return sha256(bytes)
}

/** A number in eight bytes. */
function putWhole(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  bytes.writeUInt32BE(value % 2 ** 32, at + 4)
}

function inOrder(one: AnswerText, other: AnswerText): number {
  return one.choice - other.choice || answerParts[one.part] - answerParts[other.part] || one.place - other.place
}

/** Salts and tags of one hub: the same for the same task and owner, and known to nobody without its secret. */
export class HubTags {
  private readonly tags = new Map<string, Uint8Array>()
  /** The secret, what for, and the task. */
  private readonly salted: Buffer
  /** The hash of it, filled again and again, and the part that is the salt. */
  private readonly digest = new Uint8Array(sha256Bytes)
  private readonly saltInHand = this.digest.subarray(0, saltBytes)

  constructor(
    /** At least 32 strong bytes that never change. */
    private readonly secret: Uint8Array,
  ) {
    this.salted = Buffer.concat([secret, purposes.salt, Buffer.alloc(8)])
  }

  /** Good until the next salt is asked for. */
  salt(task: number): Uint8Array {
    const { salted, digest } = this
    putWhole(salted, task, salted.length - 8)
    sha256Into(salted, digest)
    return this.saltInHand
  }

  tag(owner: string): Uint8Array {
    const known = this.tags.get(owner)
    if (known !== undefined) return known
    // The secret and the purpose have fixed lengths, and what comes out is cut: nobody can go on from it.
    const keyed = sha256(Buffer.concat([this.secret, purposes.owner, Buffer.from(owner)]))
    const tag = keyed.slice(0, tagBytes)
    if (this.tags.size >= tagsKept) this.tags.clear()
    this.tags.set(owner, tag)
    return tag
  }
}

/** Of one length each. */
const purposes = { salt: Buffer.from('salt    '), owner: Buffer.from('owner   ') }

/** Owners whose tags are kept at hand. */
const tagsKept = 10_000
