/**
 * The hashes of a receipt. Request and answer are hashed under a salt of their task, which the client and the scout can
 * ask for and nobody else knows, so that a public receipt gives no text away to guessing. An answer's hash covers each
 * text of each choice with its length; the texts themselves are hashed one by one as they stream, and any user of an
 * SDK has them. Pure.
 */
import { hash } from 'node:crypto'

const saltBytes = 16
const tagBytes = 8
const digestBytes = 32

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

/** `digest`: SHA-256 of the body. */
export function requestHashOf(salt: Uint8Array, digest: Uint8Array): Uint8Array {
  return hash('sha256', Buffer.concat([requestTag, salt, digest]), 'buffer')
}

/** Empty texts do not count; the others in the order of choice, part and place. */
export function answerHashOf(salt: Uint8Array, texts: readonly AnswerText[]): Uint8Array {
  const spoken = texts.filter(({ length }) => length > 0)
  if (spoken.length > 1) spoken.sort(inOrder)
  const headBytes = answerTag.length + saltBytes
  const bytes = Buffer.alloc(headBytes + spoken.length * (rowHeadBytes + digestBytes))
  bytes.set(answerTag, 0)
  bytes.set(salt, answerTag.length)
  let at = headBytes
  for (const { choice, part, place, length, digest } of spoken) {
    bytes.writeUInt32BE(choice, at)
    bytes[at + 4] = answerParts[part]
    bytes.writeUInt32BE(place, at + 5)
    bytes.writeBigUInt64BE(BigInt(length), at + 9)
    bytes.set(digest, at + rowHeadBytes)
    at += rowHeadBytes + digestBytes
  }
  return hash('sha256', bytes, 'buffer')
}

/** Choice, part, place and length. */
const rowHeadBytes = 17

function inOrder(one: AnswerText, other: AnswerText): number {
  return one.choice - other.choice || answerParts[one.part] - answerParts[other.part] || one.place - other.place
}

/** Salts and tags of one hub: the same for the same task and owner, and known to nobody without its secret. */
export class HubTags {
  private readonly tags = new Map<string, Uint8Array>()

  constructor(
    /** At least 32 strong bytes that never change. */
    private readonly secret: Uint8Array,
  ) {}

  salt(task: number): Uint8Array {
    const number = Buffer.alloc(8)
    number.writeBigUInt64BE(BigInt(task))
    return this.keyed('salt', number).subarray(0, saltBytes)
  }

  tag(owner: string): Uint8Array {
    const known = this.tags.get(owner)
    if (known !== undefined) return known
    const tag = new Uint8Array(this.keyed('owner', Buffer.from(owner)).subarray(0, tagBytes))
    if (this.tags.size >= tagsKept) this.tags.clear()
    this.tags.set(owner, tag)
    return tag
  }

  /** The secret and the purpose have fixed lengths, and what comes out is cut: nobody can go on from it. */
  private keyed(purpose: 'salt' | 'owner', what: Uint8Array): Uint8Array {
    return hash('sha256', Buffer.concat([this.secret, purposes[purpose], what]), 'buffer')
  }
}

/** Of one length each. */
const purposes = { salt: Buffer.from('salt    '), owner: Buffer.from('owner   ') }

/** Owners whose tags are kept at hand. */
const tagsKept = 10_000
