/**
 * SHA-256 in one native call into bytes of the right size: what is hashed here is short, so that most of the time would
 * go into what surrounds the hash. Pure.
 */

import { copyBytes, Scratch } from '../json/byte-part.ts'

export const sha256Bytes = 32

/** The hash of these bytes of an array. Few of them are copied first: a view of a small array would move it. */
export function sha256Part(bytes: Uint8Array, from: number, to: number): Uint8Array {
  if (to - from > partBytesMax) return sha256(bytes.subarray(from, to))
  copyBytes(bytes, from, to, part.bytes, 0)
  return sha256(part.first(to - from))
}

const partBytesMax = 1_024
const part = new Scratch(partBytesMax)

export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(sha256Bytes)
  sha256Into(bytes, digest)
  return digest
}

export function sha256Into(bytes: Uint8Array, digest: Uint8Array): void {
  Bun.SHA256.hash(bytes as Uint8Array<ArrayBuffer>, digest as Uint8Array<ArrayBuffer>)
}
