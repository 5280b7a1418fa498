/**
 * Which scouts have signed what they answered, and whether that is so: a scout's key is the one that the file has
 * pinned for it last. Ed25519 over the tag, the numbers of task and attempt, the nonce and the hash of the answer, each
 * behind its length.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { must } from './flaw.ts'

/** A receipt with a countersignature, as far as that is concerned. */
export interface Countersigned {
  task: number
  attempt: number
  scout: string
  answerHash: Uint8Array
  /** A nonce of 16 bytes, and the signature. */
  countersignature: Uint8Array
}

const tag = Buffer.from('chasm-answer-v1')
const nonceBytes = 16
const keyPrefix = 'ed25519:'

export class Signers {
  private readonly keys = new Map<string, KeyObject | null>()
  /** Signatures that were right, and those of scouts whose key is not in the file. */
  checked = 0
  unknown = 0
  /** Keys that took the place of another one. */
  replaced = 0

  /** An event that is of a key. */
  pin({ scout, key }: Readonly<Record<string, unknown>>): void {
    must(typeof scout === 'string' && (key === null || typeof key === 'string'), () => 'a pin names no scout or key')
    const before = this.keys.get(scout)
    must(key === null || !before, () => `the key of ${scout} changes without having been taken back`)
    if (key !== null && before === null) this.replaced++
    this.keys.set(scout, key === null ? null : keyOf(key))
  }

  /** `isWhole`: every key is in what was read so far. */
  check(receipt: Countersigned, isWhole: boolean): void {
    const { task, scout, countersignature } = receipt
    const key = this.keys.get(scout)
    if (!key) {
      must(!isWhole, () => `the receipt of task ${task} is countersigned, and ${scout} has no key`)
      this.unknown++
      return
    }
    const signature = countersignature.subarray(nonceBytes)
    const isSigned = verify(null, signedBytes(receipt), key, signature)
    must(isSigned, () => `the countersignature of task ${task} is not that of ${scout}`)
    this.checked++
  }
}

function signedBytes({ task, attempt, answerHash, countersignature }: Countersigned): Buffer {
  const parts = [tag, eightBytes(task), eightBytes(attempt), countersignature.subarray(0, nonceBytes), answerHash]
  return Buffer.concat(parts.flatMap((part) => [fourBytes(part.length), part]))
}

function eightBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

function fourBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function keyOf(text: string): KeyObject {
  const x = text.slice(keyPrefix.length)
  const bytes = Buffer.from(x, 'base64url')
  const isKey = text.startsWith(keyPrefix) && bytes.length === 32 && bytes.toString('base64url') === x
  must(isKey, () => `${text} is no key of a scout`)
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}
