/**
 * The hash of a request in a receipt, and what hashes are salted with. Request and answer are hashed under a salt of
 * their task, which the client and the scout can ask for and nobody else knows, so that a public receipt gives no text
 * away to guessing. The hash of an answer is in `shared/answers`: its scout computes it, too. Pure.
 */
import { putWhole, tagged } from '../../../shared/answers/answer-hash.ts'
import { sha256, sha256Bytes, sha256Into } from '../../../shared/answers/sha256.ts'
import { saltBytes } from '../../../shared/protocol/frames.ts'

const tagBytes = 8

const requestTag = Buffer.from('chasm-request-v1')

/** Filled again and again. */
const requestBytes = tagged(requestTag, sha256Bytes)

/** `digest`: SHA-256 of the body. `hash`: where it goes, of the right size. */
export function requestHashOf(
  salt: Uint8Array,
  digest: Uint8Array,
  hash: Uint8Array = new Uint8Array(sha256Bytes),
): Uint8Array {
  requestBytes.set(salt, requestTag.length)
  requestBytes.set(digest, requestTag.length + saltBytes)
  sha256Into(requestBytes, hash)
  return hash
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
