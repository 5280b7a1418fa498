/**
 * The ledger's chain: batches of leaves, each under a head that names the one before, signed by the hub. A leaf is a
 * receipt or an event. Whoever has two heads of one number with the hub's signature has the proof that it told two
 * stories; a head that is missing leaves a gap in the numbers. Pure; the engine seals, the store keeps, anybody checks.
 */

import { sha256 } from '../../../shared/answers/sha256.ts'
import { batchLeavesMax } from '../../../shared/limits/ledger/ledger.ts'
import { eachLeaf, type LeafBuffer } from './leaf-buffer.ts'
import { addLeaf, endTree } from './merkle.ts'

export interface Head {
  /** From 1, without gaps. */
  seq: number
  /** SHA-256 of the head before; zeros before the first. */
  previous: Uint8Array
  /** Of the tree over its leaves. */
  root: Uint8Array
  /** Leaves. */
  count: number
  /** Milliseconds since 1970. */
  atMs: number
  /** Of the rules by which its points were computed. */
  rulesHash: Uint8Array
}

export interface Batch {
  seq: number
  /** Milliseconds since 1970. */
  atMs: number
  /** The bytes that are signed. */
  head: Uint8Array
  signature: Uint8Array
  leaves: readonly Uint8Array[]
}

/** What a batch follows on. */
export interface ChainEnd {
  seq: number
  /** Of the last head; zeros before the first. */
  hash: Uint8Array
}

export const emptyChain: ChainEnd = { seq: 0, hash: new Uint8Array(32) }

const headTag = Buffer.from('chasm-ledger-v1\n')
export const headBytes = 132

export function packHead({ seq, previous, root, count, atMs, rulesHash }: Head): Uint8Array {
  const bytes = Buffer.alloc(headBytes)
  bytes.set(headTag, 0)
  bytes.writeBigUInt64BE(BigInt(seq), 16)
  bytes.set(previous, 24)
  bytes.set(root, 56)
  bytes.writeUInt32BE(count, 88)
  bytes.writeBigUInt64BE(BigInt(atMs), 92)
  bytes.set(rulesHash, 100)
  return bytes
}

/** What bytes of `packHead` say; null for others. */
export function readHead(bytes: Uint8Array): Head | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (head.length !== headBytes || !head.subarray(0, headTag.length).equals(headTag)) return null
  return {
    seq: Number(head.readBigUInt64BE(16)),
    previous: head.subarray(24, 56),
    root: head.subarray(56, 88),
    count: head.readUInt32BE(88),
    atMs: Number(head.readBigUInt64BE(92)),
    rulesHash: head.subarray(100, 132),
  }
}

interface Sealing {
  leaves: Pick<LeafBuffer, 'take' | 'count'>
  atMs: number
  rulesHash: Uint8Array
  sign: (bytes: Uint8Array) => Uint8Array
}

/** A batch as it is stored: its leaves behind one another, each after its length. */
export interface SealedBatch extends Omit<Batch, 'leaves'> {
  leaves: Uint8Array
}

/** The next batch of a chain; at least one leaf. It takes the leaves, to which nothing can be added any more. */
export function sealBatch(after: ChainEnd, { leaves, atMs, rulesHash, sign }: Sealing): SealedBatch {
  const { count } = leaves
  if (count > batchLeavesMax) throw new Error(`a batch of ${count} leaves is too large`)
  const seq = after.seq + 1
  const packed = leaves.take()
  const head = packHead({ seq, previous: after.hash, root: rootOf(packed), count, atMs, rulesHash })
  return { seq, atMs, head, signature: sign(head), leaves: packed }
}

/** The root of the tree over at least one leaf, of leaves as they are stored. */
export function rootOf(packed: Uint8Array): Uint8Array {
  eachLeaf(packed, (from, end) => addLeaf(packed, from, end))
  return endTree()
}

export function endOf({ seq, head }: Pick<Batch, 'seq' | 'head'>): ChainEnd {
  return { seq, hash: sha256(head) }
}
