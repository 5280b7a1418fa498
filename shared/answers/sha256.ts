/**
 * SHA-256 in one native call into bytes of the right size: what is hashed here is short, so that most of the time would
 * go into what surrounds the hash. Pure.
 */

export const sha256Bytes = 32

export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(sha256Bytes)
  sha256Into(bytes, digest)
  return digest
}

export function sha256Into(bytes: Uint8Array, digest: Uint8Array): void {
  Bun.SHA256.hash(bytes as Uint8Array<ArrayBuffer>, digest as Uint8Array<ArrayBuffer>)
}
