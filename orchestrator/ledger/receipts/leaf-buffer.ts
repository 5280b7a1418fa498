/**
 * The leaves of one batch as they are stored and hashed: behind one another in one piece of memory, each after its
 * length. Receipts are packed where they will stay, so that a task makes no bytes of its own. Pure.
 */
import { leafBytesMax } from '../../../shared/limits/ledger/ledger.ts'
import { packReceiptAt, type Receipt, receiptRoom } from './receipt.ts'

/** Of a leaf's length, most significant byte first. */
const lengthBytes = 2

const firstBytes = 1_024
/** Most batches are small, the largest have a hundred times as much. */
const growth = 4
/** Of what a batch has grown to no more is kept for the next one: as much as receipts of usual length take. */
const spareBytesMax = 256 * 1_024

/** The room of a batch that was given up, for the next one: a hub fills many of these in a second. */
let spare: Buffer<ArrayBuffer> | null = null

export class LeafBuffer {
  private bytes: Buffer<ArrayBuffer>
  private used = 0
  /** Leaves. */
  count = 0

  constructor() {
    this.bytes = spare ?? Buffer.allocUnsafeSlow(firstBytes)
    spare = null
  }

  /** Packs a receipt behind the last leaf. */
  receipt(receipt: Receipt): void {
    this.makeRoom(receiptRoom(receipt))
    const from = this.used + lengthBytes
    this.close(from, packReceiptAt(this.bytes, from, receipt))
  }

  /** Takes a leaf that was packed elsewhere. */
  add(leaf: Uint8Array): void {
    this.makeRoom(leaf.length)
    const from = this.used + lengthBytes
    this.bytes.set(leaf, from)
    this.close(from, from + leaf.length)
  }

  leaves(): Uint8Array[] {
    return unpackLeaves(this.packed)
  }

  /** All of them, as they are stored, in bytes of their own. Nothing may be added any more. */
  take(): Uint8Array {
    const packed = new Uint8Array(this.bytes.subarray(0, this.used))
    if (this.bytes.length <= spareBytesMax) spare = this.bytes
    this.bytes = noRoom
    return packed
  }

  /** All of them, as they are stored; good until the next one is added. */
  get packed(): Uint8Array {
    return this.bytes.subarray(0, this.used)
  }

  private close(from: number, end: number): void {
    const length = end - from
    if (length > leafBytesMax) throw new Error(`a leaf of ${length} bytes is too large`)
    this.bytes.writeUInt16BE(length, from - lengthBytes)
    this.used = end
    this.count++
  }

  private makeRoom(leafBytes: number): void {
    const needed = this.used + lengthBytes + leafBytes
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, growth * this.bytes.length))
    larger.set(this.bytes.subarray(0, this.used))
    this.bytes = larger
  }
}

const noRoom = Buffer.alloc(0)

/** The leaves of `packed`, as views; so many of them at most, where it is of somebody else. */
export function unpackLeaves(packed: Uint8Array, most = Number.POSITIVE_INFINITY): Uint8Array[] {
  const leaves: Uint8Array[] = []
  eachLeaf(packed, (from, end) => leaves.push(packed.subarray(from, end)), most)
  return leaves
}

/** Where each leaf of `packed` stands, in their order. */
export function eachLeaf(
  packed: Uint8Array,
  take: (from: number, end: number) => void,
  most = Number.POSITIVE_INFINITY,
): void {
  for (let at = 0, taken = 0; at < packed.length && taken < most; taken++) {
    const from = at + lengthBytes
    at = from + packed[at]! * 256 + packed[at + 1]!
    take(from, at)
  }
}

export function packLeaves(leaves: readonly Uint8Array[]): LeafBuffer {
  const buffer = new LeafBuffer()
  for (const leaf of leaves) buffer.add(leaf)
  return buffer
}
