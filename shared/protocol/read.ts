/**
 * Reads the values of a message that `scan.ts` has passed: one array of bounded shape, all of it there, every string
 * valid, every number safe. So nothing is checked twice, and what is left is short. `codec.ts` is the only caller;
 * `write.ts` is its counterpart.
 */
import { bytePart } from '../json/byte-part.ts'

/**
 * Strings that are mostly the same few. The last one of each hash is kept, and is used again when it is the same byte
 * by byte.
 */
export class KeptStrings {
  private readonly kept: string[]

  /** `places`: a power of two. */
  constructor(private readonly places: number) {
    this.kept = new Array(places).fill('')
  }

  /** The UTF-8 text that stands there; at least one byte. */
  at(bytes: Uint8Array, start: number, length: number): string {
    const end = start + length
    let hash = length
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
    const place = (hash ^ (hash >>> 8)) & (this.places - 1)
    const known = this.kept[place]!
    if (known.length === length && isAt(bytes, start, known)) return known
    const text = toText.call(bytes as Buffer, 'utf8', start, end)
    // As many characters as bytes: it is ASCII, and can be compared with bytes.
    if (text.length === length) this.kept[place] = text
    return text
  }
}

/** Works on any byte array, and makes no view. */
const { toString: toText } = Buffer.prototype

/** Whether these characters, all of them ASCII, are the bytes from here on. */
function isAt(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}

/** Outcomes, kinds, names of providers and models; longer ones are hardly ever the same. */
const keptStringBytes = 32
const shortStrings = new KeptStrings(256)

/** The message under way: it is read in one go. The last one stays here until the next one comes. */
let bytes = Buffer.alloc(0)
let at = 0
/** Eight bytes turned around, as the machine has them. */
const float64 = new Float64Array(1)
const float32 = new Float32Array(float64.buffer, 0, 1)
const turned = new Uint8Array(float64.buffer)

/**
 * Begins with the frame of a message of which the scan has said that nothing is wrong with it. How many values it has;
 * `readValue` gives one after the other.
 */
export function beginFrame(message: Uint8Array): number {
  bytes = message instanceof Buffer ? message : Buffer.from(message.buffer, message.byteOffset, message.length)
  at = 1
  const tag = bytes[0]!
  return tag < 0xa0 ? tag & 0x0f : unsigned(2 << (tag - 0xdc))
}

/** The next value of the frame, while there are any. */
export function readValue(): unknown {
  const tag = bytes[at++]!
  if (tag < 0x80) return tag
  if (tag >= 0xe0) return tag - 0x100
  if (tag < 0xa0) return readArray(tag & 0x0f)
  if (tag < 0xc0) return readString(tag & 0x1f)
  switch (tag) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return readBytes(unsigned(1 << (tag - 0xc4)))
    case 0xca:
      turn(4)
      return float32[0]
    case 0xcb:
      turn(8)
      return float64[0]
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return unsigned(1 << (tag - 0xcc))
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return signed(1 << (tag - 0xd0))
    case 0xd9:
    case 0xda:
    case 0xdb:
      return readString(unsigned(1 << (tag - 0xd9)))
    case 0xdc:
    case 0xdd:
      return readArray(unsigned(2 << (tag - 0xdc)))
    default:
      // A defect: the scan lets no other tag pass.
      throw new Error(`no value begins with ${tag}`)
  }
}

function readArray(length: number): unknown[] {
  const values: unknown[] = []
  for (let i = 0; i < length; i++) values.push(readValue())
  return values
}

function readBytes(length: number): Uint8Array {
  const start = at
  at += length
  return bytePart(bytes, start, at)
}

function readString(length: number): string {
  if (length === 0) return ''
  const start = at
  at += length
  if (length > keptStringBytes) return bytes.toString('utf8', start, at)
  return shortStrings.at(bytes, start, length)
}

/** Most significant byte first. Of eight bytes the result is exact, as the scan has made sure. */
function unsigned(width: number): number {
  let value = 0
  for (let i = 0; i < width; i++) value = value * 0x100 + bytes[at++]!
  return value
}

function signed(width: number): number {
  if (width === 8) {
    const high = unsigned(4) | 0
    return high * 2 ** 32 + unsigned(4)
  }
  const shift = 32 - 8 * width
  return (unsigned(width) << shift) >> shift
}

function turn(width: number): void {
  for (let i = width - 1; i >= 0; i--) turned[i] = bytes[at++]!
}
