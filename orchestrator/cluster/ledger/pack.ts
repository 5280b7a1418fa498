/**
 * Batches of a chain as they travel between hubs: several behind one another, deflated, because what a message costs
 * the servers is its bytes and that it is one. A pack comes from another authority: how large it becomes is known and
 * bounded before anything is inflated, and how many batches are in it while they are taken apart.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import {
  packBatchesMax,
  packBytesMax,
  packInflationMax,
  packWindowBitsMax,
} from '../../../shared/limits/cluster/ledger.ts'
import type { ToldBatch } from '../../ledger/network/hub-ledger.ts'
import { headBytes } from '../../ledger/receipts/chain.ts'
import { signatureBytes } from '../roster/identity.ts'

/** Of the bytes of a batch, and of all of a pack before it was deflated. */
const lengthBytes = 4
/** What half of it, hashes, cannot become smaller anyway. */
const level = 1
const deflating = { params: { [constants.ZSTD_c_compressionLevel]: level } }

/** How many of these batches, at least one of some, go into one pack. */
export function packableOf(batches: readonly ToldBatch[]): number {
  let bytes = 0
  let count = 0
  for (const batch of batches.slice(0, packBatchesMax)) {
    bytes += sizeOf(batch)
    if (count > 0 && bytes > packBytesMax) break
    count++
  }
  return count
}

export interface Pack {
  isDeflated: boolean
  bytes: Uint8Array
}

export function packOf(batches: readonly ToldBatch[]): Pack {
  const whole = Buffer.concat(
    batches.flatMap((batch) => [lengthOf(sizeOf(batch) - lengthBytes), batch.head, batch.signature, batch.leaves]),
  )
  if (whole.length > packBytesMax) return { isDeflated: false, bytes: whole }
  const deflated = Buffer.concat([lengthOf(whole.length), zstdCompressSync(whole, deflating)])
  const isDeflated = deflated.length < whole.length && isWithin(whole.length, deflated.length)
  return { isDeflated, bytes: isDeflated ? deflated : whole }
}

/** What is in a pack; null for what is none. */
export function batchesIn({ isDeflated, bytes }: Pack): ToldBatch[] | null {
  const whole = isDeflated ? inflated(bytes) : bytes
  if (whole === null) return null
  const batches: ToldBatch[] = []
  for (let at = 0; at < whole.length; ) {
    const from = at + lengthBytes
    at = from + (lengthAt(whole, at) ?? whole.length)
    const leavesAt = from + headBytes + signatureBytes
    if (at > whole.length || leavesAt > at || batches.length === packBatchesMax) return null
    const [head, signature] = [whole.subarray(from, from + headBytes), whole.subarray(from + headBytes, leavesAt)]
    batches.push({ head, signature, leaves: whole.subarray(leavesAt, at) })
  }
  return batches
}

function inflated(bytes: Uint8Array): Uint8Array | null {
  const length = lengthAt(bytes, 0)
  if (length === null || length > packBytesMax || !isWithin(length, bytes.length)) return null
  const params = { [constants.ZSTD_d_windowLogMax]: packWindowBitsMax }
  try {
    const whole = zstdDecompressSync(bytes.subarray(lengthBytes), { params, maxOutputLength: length })
    return whole.length === length ? whole : null
  } catch {
    return null
  }
}

function isWithin(wholeBytes: number, deflatedBytes: number): boolean {
  return wholeBytes <= packInflationMax * deflatedBytes
}

function sizeOf({ head, signature, leaves }: ToldBatch): number {
  return lengthBytes + head.length + signature.length + leaves.length
}

function lengthOf(bytes: number): Uint8Array {
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(bytes)
  return length
}

/** Null where the bytes end before it. */
function lengthAt(bytes: Uint8Array, at: number): number | null {
  if (bytes.length < at + lengthBytes) return null
  return new DataView(bytes.buffer, bytes.byteOffset + at, lengthBytes).getUint32(0)
}
