/**
 * Names of fields that a scan of JSON looks for, with the hashes by which it finds them. Made once, by whoever walks
 * along a structure that it knows.
 */
export class FieldNames {
  readonly hashes: Int32Array

  constructor(readonly names: readonly string[]) {
    this.hashes = Int32Array.from(names, (name) => hashOf(Buffer.from(name)))
  }
}

export function hashOf(bytes: Uint8Array): number {
  let hash = bytes.length
  for (let at = 0; at < bytes.length; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  return hash
}
