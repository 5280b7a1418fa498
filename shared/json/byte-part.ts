/**
 * Parts of byte arrays, made in the way that costs least. The runtime keeps small arrays in its own heap; the first
 * view of one moves it out, which takes several times as long as copying the part. The codec and the answers on their
 * way take frames apart with this.
 */

/** The largest array that the runtime keeps there. */
const copiedBytesMax = 1_000
/** Works on any byte array, and makes no view. */
const { copy } = Buffer.prototype

/** Puts these bytes of an array into another one, which has room for them behind `at`. */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  copy.call(source as Buffer, target, at, from, to)
}

/** These bytes of an array: few of them as a copy, which keeps nothing else alive, many as a view. */
export function bytePart(source: Uint8Array, from: number, to: number): Uint8Array {
  if (to - from > copiedBytesMax) return source.subarray(from, to)
  const part = new Uint8Array(to - from)
  copyBytes(source, from, to, part, 0)
  return part
}

/**
 * Memory for bytes that are in hand for a moment, with a view of its first ones for each length that was asked for: to
 * make a view costs more than what is done with one.
 */
export class Scratch {
  readonly bytes: Buffer<ArrayBuffer>
  private readonly views: Uint8Array<ArrayBuffer>[] = []

  constructor(size: number) {
    this.bytes = Buffer.alloc(size)
  }

  /** Its first bytes, so many; good until it is filled again. */
  first(length: number): Uint8Array<ArrayBuffer> {
    if (length > viewsKeptTo) return this.bytes.subarray(0, length)
    this.views[length] ??= this.bytes.subarray(0, length)
    return this.views[length]
  }
}

/** Longer ones are few. */
const viewsKeptTo = 1_024

/** A large view of something much larger is worth a copy, when it is kept. */
const viewSlackBytes = 1_024

/** The same part, made for being kept: it keeps no much larger array alive. */
export function ownPart(part: Uint8Array): Uint8Array {
  // A small one is a copy, and asking for its buffer would move it.
  if (part.length <= copiedBytesMax) return part
  return part.buffer.byteLength > 2 * part.length + viewSlackBytes ? new Uint8Array(part) : part
}

/** Bytes of all of them together. */
export function bytesOf(parts: readonly Uint8Array[]): number {
  let bytes = 0
  for (const { length } of parts) bytes += length
  return bytes
}
