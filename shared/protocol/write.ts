/**
 * Writes the values that protocol v1 is made of as msgpack: whole numbers, floats, true, false, null, strings, bytes
 * and arrays of these. `codec.ts` hands it one frame's values at a time. It stands in for msgpackr's packer, which
 * takes byte strings by a detour through its extension types: a chunk costs it twice what JSON costs and almost four
 * times what it costs here. `read.ts` is its counterpart. Receipts are written with it, too, where they will stay.
 */

const poolBytes = 64 * 1024

/** Frames are written one behind the other and never over one another; a full pool is left to those that hold it. */
let pool = Buffer.allocUnsafeSlow(poolBytes)
let at = 0

/** The bytes of `values`, a slice of the pool. Throws on a value of a kind that the protocol does not have. */
export function write(values: readonly unknown[]): Uint8Array {
  const bytesMax = arrayBytesMax(values)
  if (bytesMax > pool.length - at) {
    pool = Buffer.allocUnsafeSlow(Math.max(poolBytes, bytesMax))
    at = 0
  }
  const start = at
  writeArray(values)
  return pool.subarray(start, at)
}

/**
 * Lets `put` write what it is given, value by value with the functions below, into bytes of somebody else that have
 * room for it from there on. Where it ends.
 */
export function writeInto<T>(bytes: Buffer<ArrayBuffer>, from: number, put: (of: T) => void, of: T): number {
  const [ownPool, ownAt] = [pool, at]
  pool = bytes
  at = from
  try {
    put(of)
    return at
  } finally {
    pool = ownPool
    at = ownAt
  }
}

/** What the values may take at most; rough, because room is all that it is for. */
function arrayBytesMax(values: readonly unknown[]): number {
  let bytes = 5
  for (const value of values) {
    if (typeof value === 'string') bytes += 5 + 3 * value.length
    else if (value instanceof Uint8Array) bytes += 5 + value.length
    else bytes += Array.isArray(value) ? arrayBytesMax(value) : 9
  }
  return bytes
}

function writeValue(value: unknown): void {
  if (typeof value === 'number') writeNumber(value)
  else if (typeof value === 'string') writeString(value)
  else if (value instanceof Uint8Array) writeBytes(value)
  else if (value === null) pool[at++] = 0xc0
  else if (typeof value === 'boolean') pool[at++] = value ? 0xc3 : 0xc2
  else if (Array.isArray(value)) writeArray(value)
  else throw new TypeError(`a frame cannot hold a value of type ${typeof value}`)
}

/** Past 2^32 as a float64, which holds every whole number that JavaScript is sure of. */
export function writeNumber(value: number): void {
  if (value >>> 0 !== value) {
    pool[at] = 0xcb
    at = pool.writeDoubleBE(value, at + 1)
  } else if (value < 0x80) pool[at++] = value
  else if (value < 0x100) writeHead(0xcc, 1, value)
  else if (value < 0x10000) writeHead(0xcd, 2, value)
  else writeHead(0xce, 4, value)
}

function writeArray(values: readonly unknown[]): void {
  writeListHead(values.length)
  for (const value of values) writeValue(value)
}

/** Of a list of so many values, which follow. */
export function writeListHead(count: number): void {
  if (count < 16) pool[at++] = 0x90 | count
  else writeHead(0xdd, 4, count)
}

export function writeBytes(bytes: Uint8Array): void {
  const { length } = bytes
  if (length < 0x100) writeHead(0xc4, 1, length)
  else writeHead(0xc6, 4, length)
  pool.set(bytes, at)
  at += length
}

export function writeBytesOrNull(bytes: Uint8Array | null): void {
  if (bytes === null) pool[at++] = 0xc0
  else writeBytes(bytes)
}

/** Half a surrogate pair (a cut emoji) is written as U+FFFD, since the peer would refuse it. */
export function writeString(value: string): void {
  if (value.length < 32) {
    if (wroteShort(value)) return
    const length = pool.write(value, at + 1)
    if (length < 32) {
      pool[at] = 0xa0 | length
      at += 1 + length
      return
    }
  }
  const length = pool.write(value, at + 5)
  writeHead(0xdb, 4, length)
  at += length
}

/** Most names are short and ASCII: those are written here, at less than a native call costs. */
function wroteShort(value: string): boolean {
  const { length } = value
  const from = at + 1
  for (let place = 0; place < length; place++) {
    const code = value.charCodeAt(place)
    if (code >= 0x80) return false
    pool[from + place] = code
  }
  pool[at] = 0xa0 | length
  at = from + length
  return true
}

/** A tag and its number, most significant byte first. */
function writeHead(tag: number, width: 1 | 2 | 4, value: number): void {
  pool[at++] = tag
  for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) pool[at++] = value >>> shift
}
