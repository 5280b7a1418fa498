/** Whatever the scan lets pass is read as an independent reader reads it, honest or damaged. */
import fc from 'fast-check'
import { Packr } from 'msgpackr/pack'
import { Unpackr } from 'msgpackr/unpack'
import { describe, expect, test } from 'vitest'
import { encode } from '../../shared/protocol/codec.ts'
import { beginFrame, readValue } from '../../shared/protocol/read.ts'
import { scan } from '../../shared/protocol/scan.ts'
import { arbitraryFrame, frameTypes } from '../support/wire/frames.ts'
import { Mutator } from '../support/wire/mutate.ts'
import '../support/law/seeded-properties.ts'

const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })
const packr = new Packr({ useRecords: false })
const byteOrderMark = '\ufeff'

function read(message: Uint8Array): unknown[] {
  return Array.from({ length: beginFrame(message) }, () => readValue())
}

/** The values with bytes as plain text, and without the byte order marks that the other reader drops. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (typeof value === 'string') return value.replaceAll(byteOrderMark, '')
  return Array.isArray(value) ? value.map(plain) : value
}

function expectSame(message: Buffer): void {
  expect(plain(read(message))).toEqual(plain(unpackr.unpack(message)))
}

describe('reading msgpack', () => {
  test('numbers come back from every form in which they can be written', () => {
    const forms: [number[], number][] = [
      [[0x00], 0],
      [[0x7f], 127],
      [[0xff], -1],
      [[0xe0], -32],
      [[0xcc, 0xff], 255],
      [[0xcd, 0xff, 0xfe], 65_534],
      [[0xce, 0xff, 0xff, 0xff, 0xff], 2 ** 32 - 1],
      [[0xcf, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Number.MAX_SAFE_INTEGER],
      [[0xd0, 0x80], -128],
      [[0xd1, 0x80, 0x00], -32_768],
      [[0xd2, 0x80, 0x00, 0x00, 0x00], -(2 ** 31)],
      [[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], -2],
      [[0xd3, 0xff, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01], Number.MIN_SAFE_INTEGER],
      [[0xd3, 0x00, 0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x00], 2 ** 32 + 2 ** 31],
      [[0xca, 0x3f, 0x80, 0x00, 0x00], 1],
      [[0xcb, 0x41, 0xf0, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00], 2 ** 32 + 1],
    ]
    for (const [form, number] of forms) {
      const message = Buffer.from([0x91, ...form])
      expect(scan(message)).toBeNull()
      expect(read(message)).toEqual([number])
    }
  })

  test('strings that are alike in bytes or in characters are not taken for one another', () => {
    const alike = [
      '\u00e9',
      '\u00c3\u00a9',
      'done',
      'done\u0000',
      'enod',
      'don',
      '',
      '\u20ac',
      'e'.repeat(32),
      'e'.repeat(33),
    ]
    for (const text of [...alike, ...alike.toReversed(), ...alike]) {
      expect(read(Buffer.from(packr.pack([text, text])))).toEqual([text, text])
    }
  })

  test('every frame is read as another reader reads it', () => {
    for (const type of frameTypes) {
      fc.assert(
        fc.property(arbitraryFrame(type), (frame) => expectSame(Buffer.from(encode(frame)))),
        { numRuns: 30 },
      )
    }
  })

  test('so is every damaged message that the scan lets pass', () => {
    const corpus = frameTypes.map((type) => Buffer.from(encode(fc.sample(arbitraryFrame(type), 1)[0]!)))
    const small = corpus.filter(({ length }) => length < 4_096)
    const mutator = new Mutator(small, 20_261, 8_192)
    let passed = 0
    for (let i = 0; i < 100_000; i++) {
      const message = mutator.next()
      if (scan(message) !== null) continue
      passed++
      expectSame(message)
    }
    expect(passed).toBeGreaterThan(5_000)
  })
})
