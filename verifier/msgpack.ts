/**
 * Reads the one form of msgpack that a receipt has: an array of whole numbers, texts and byte strings. Anything else is
 * a flaw. It shares no code with the program that writes receipts: what both agree on is their documentation.
 */
import { must } from './flaw.ts'

export type Value = number | string | Uint8Array

/** The values of a receipt, all of it and nothing behind it. */
export function readValues(bytes: Buffer): Value[] {
  const reader = new Reader(bytes)
  const count = reader.arrayLength()
  must(count <= valuesMax, () => `a receipt has ${count} values`)
  const values: Value[] = []
  for (let at = 0; at < count; at++) values.push(reader.value())
  must(reader.at === bytes.length, () => 'a receipt has bytes behind its last value')
  return values
}

const valuesMax = 64

class Reader {
  at = 0

  constructor(private readonly bytes: Buffer) {}

  arrayLength(): number {
    const tag = this.byte()
    if (tag >= 0x90 && tag < 0xa0) return tag & 0x0f
    must(tag === 0xdc || tag === 0xdd, () => 'a receipt is no array')
    return this.unsigned(tag === 0xdc ? 2 : 4)
  }

  value(): Value {
    const tag = this.byte()
    if (tag < 0x80) return tag
    if (tag >= 0xa0 && tag < 0xc0) return this.text(tag & 0x1f)
    switch (tag) {
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.part(this.unsigned(1 << (tag - 0xc4)))
      case 0xcb:
        return this.double()
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.unsigned(1 << (tag - 0xcc))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.unsigned(1 << (tag - 0xd9)))
      default:
        must(false, () => `a receipt holds a value of the kind ${tag}`)
    }
  }

  private byte(): number {
    must(this.at < this.bytes.length, ended)
    return this.bytes[this.at++]!
  }

  private unsigned(width: number): number {
    this.skip(width)
    return this.bytes.readUIntBE(this.at - width, width)
  }

  /** Whole numbers beyond 32 bits are written as floats. */
  private double(): number {
    this.skip(8)
    const number = this.bytes.readDoubleBE(this.at - 8)
    must(Number.isSafeInteger(number) && number >= 0, () => `a receipt holds the number ${number}`)
    return number
  }

  private text(length: number): string {
    this.skip(length)
    return this.bytes.toString('utf8', this.at - length, this.at)
  }

  private skip(length: number): void {
    must(length <= this.bytes.length - this.at, ended)
    this.at += length
  }

  private part(length: number): Buffer {
    this.skip(length)
    return this.bytes.subarray(this.at - length, this.at)
  }
}

const ended = (): string => 'a receipt ends in the middle of a value'
