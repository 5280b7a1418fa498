/**
 * The hash of an answer as receipts have it, and what a scout signs of it: hub and scout compute both by themselves. It
 * covers each text of each choice with its length, under a salt of the task that the client and the scout know and
 * nobody else; the texts themselves are hashed one by one as they stream. Pure.
 */
import { saltBytes } from '../protocol/frames.ts'
import { sha256Bytes, sha256Into } from './sha256.ts'

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

const answerTag = Buffer.from('chasm-answer-v1')

/** Choice, part, place and length. */
const rowHeadBytes = 17
const rowBytes = rowHeadBytes + sha256Bytes

/** Bytes that begin with this tag and a salt, of which the tag is there. */
export function tagged(tag: Buffer, more: number): Buffer {
  const bytes = Buffer.alloc(tag.length + saltBytes + more)
  bytes.set(tag)
  return bytes
}

/** Filled again and again: almost every answer has one text. */
const oneAnswer = tagged(answerTag, rowBytes)

/** Empty texts do not count; the others in the order of choice, part and place. `hash`: where it goes. */
export function answerHashOf(
  salt: Uint8Array,
  texts: readonly AnswerText[],
  hash: Uint8Array = new Uint8Array(sha256Bytes),
): Uint8Array {
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
  sha256Into(bytes, hash)
  return hash
}

/** A number in eight bytes. */
export function putWhole(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  bytes.writeUInt32BE(value % 2 ** 32, at + 4)
}

function inOrder(one: AnswerText, other: AnswerText): number {
  return one.choice - other.choice || answerParts[one.part] - answerParts[other.part] || one.place - other.place
}

/** Which answer a scout signs: only what it and the hub hold both. */
export interface SignedAnswer {
  task: number
  attempt: number
  /** Of the attempt. */
  nonce: Uint8Array
  answerHash: Uint8Array
}

const lengthBytes = 4
const numberBytes = 8

/** The bytes that are signed: the tag and each value, each behind its length in four bytes. */
export function signedBytes({ task, attempt, nonce, answerHash }: SignedAnswer): Uint8Array {
  const parts = [answerTag, wholeOf(task), wholeOf(attempt), nonce, answerHash]
  const bytes = Buffer.alloc(parts.reduce((sum, { length }) => sum + lengthBytes + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.writeUInt32BE(part.length, at)
    bytes.set(part, at + lengthBytes)
    at += lengthBytes + part.length
  }
  return bytes
}

function wholeOf(value: number): Buffer {
  const bytes = Buffer.alloc(numberBytes)
  putWhole(bytes, value, 0)
  return bytes
}
