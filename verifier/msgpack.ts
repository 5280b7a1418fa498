/**
 * Reads the one form of msgpack that a receipt has: an array of whole numbers, texts and byte strings, of which whoever
 * reads says what comes next. Anything else is a flaw. It shares no code with the program that writes receipts: what
 * both agree on is their documentation.
 */
import { must } from './flaw.ts'

const nil = 0xc0

export class Reader {
  private at = 0

  constructor(private readonly message: Buffer) {}

  /** The number of its values. */
  array(): number {
    const tag = this.byte()
    if (tag >= 0x90 && tag < 0xa0) return tag & 0x0f
    must(tag === 0xdc || tag === 0xdd, () => 'a receipt is no array')
    return this.unsigned(tag === 0xdc ? 2 : 4)
  }

  number(): number {
    const tag = this.byte()
    if (tag < 0x80) return tag
    if (tag === 0xcb) return this.double()
    must(tag >= 0xcc && tag <= 0xce, () => `a receipt has a value of the kind ${tag} where a number belongs`)
    return this.unsigned(1 << (tag - 0xcc))
  }

  text(): string {
    const length = this.textLength()
    this.skip(length)
    return this.message.toString('utf8', this.at - length, this.at)
  }

  passText(): void {
    this.skip(this.textLength())
  }

  /** A byte string of this length. */
  passBytes(length: number): void {
    const tag = this.byte()
    const isBytes = tag >= 0xc4 && tag <= 0xc6 && this.unsigned(1 << (tag - 0xc4)) === length
    must(isBytes, () => `a receipt has something else where ${length} bytes belong`)
    this.skip(length)
  }

  /** The same as a view. */
  bytes(length: number): Uint8Array {
    this.passBytes(length)
    return this.message.subarray(this.at - length, this.at)
  }

  bytesOrNull(length: number): Uint8Array | null {
    if (this.message[this.at] !== nil) return this.bytes(length)
    this.at++
    return null
  }

  /** Nothing may stand behind the last value. */
  end(): void {
    must(this.at === this.message.length, () => 'a receipt has bytes behind its last value')
  }

  private textLength(): number {
    const tag = this.byte()
    if (tag >= 0xa0 && tag < 0xc0) return tag & 0x1f
    must(tag >= 0xd9 && tag <= 0xdb, () => `a receipt has a value of the kind ${tag} where a text belongs`)
    return this.unsigned(1 << (tag - 0xd9))
  }

  private byte(): number {
    must(this.at < this.message.length, ended)
    return this.message[this.at++]!
  }

  private unsigned(width: number): number {
    this.skip(width)
    let value = 0
    for (let at = this.at - width; at < this.at; at++) value = value * 256 + this.message[at]!
    return value
  }

  /** Whole numbers beyond 32 bits are written as floats. */
  private double(): number {
    this.skip(8)
    const number = this.message.readDoubleBE(this.at - 8)
    must(Number.isSafeInteger(number) && number >= 0, () => `a receipt holds the number ${number}`)
    return number
  }

  private skip(length: number): void {
    must(length <= this.message.length - this.at, ended)
    this.at += length
  }
}

const ended = (): string => 'a receipt ends in the middle of a value'
