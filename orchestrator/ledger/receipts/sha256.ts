/**
 * SHA-256 in one native call into bytes of the right size: what is hashed here is short, so that most of the time would
 * go into what surrounds the hash. Pure.
 */

export const sha256Bytes = 32

export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(sha256Bytes)
  Bun.SHA256.hash(bytes as Uint8Array<ArrayBuffer>, digest)
  return digest
}
