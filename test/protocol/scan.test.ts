import fc from 'fast-check'
import { Packr } from 'msgpackr/pack'
import { describe, expect, test } from 'vitest'
import { frameBytesMax, frameDepthMax, frameNodesMax } from '../../shared/limits/wire.ts'
import { decodeFromHub, decodeFromScout } from '../../shared/protocol/codec.ts'
import { scan } from '../../shared/protocol/scan.ts'
import '../support/law/seeded-properties.ts'

type Bytes = readonly number[]

function repeat(count: number, ...bytes: number[]): number[] {
  return Array.from({ length: count }, () => bytes).flat()
}

/** A credit frame, `[2, …]`, with the given bytes where its count should be. */
function credit(...value: number[]): Bytes {
  return [0x92, 0x02, ...value]
}

/** Both decoders refuse it with a short reason; returns that of the scan. */
function refusal(message: Uint8Array): string | null {
  for (const decode of [decodeFromScout, decodeFromHub]) {
    const frame = decode(message)
    expect(frame.type).toBe('malformed')
    if (frame.type === 'malformed') expect(frame.reason.length).toBeLessThanOrEqual(100)
  }
  return scan(message)
}

describe('bombs', () => {
  const early = 'the message ends inside the frame'
  const notArray = 'a frame is an array that begins with its code'
  const tooLong = 'a length is larger than the bytes that follow'
  const noMaps = 'maps are not part of protocol v1'
  const noExtensions = 'extension types are not part of protocol v1'
  const deep = `a frame nests at most ${frameDepthMax} deep`
  const many = `a frame holds at most ${frameNodesMax} values`
  const badUtf8 = 'a string is not valid UTF-8'
  const beyond = 'a whole number lies beyond 2^53'
  const trailing = 'bytes follow the frame'

  const bombs: [name: string, bytes: Bytes, reason: string][] = [
    ['an empty message', [], 'the message is empty'],
    ['arrays nested as deep as a frame is long', [...repeat(frameBytesMax - 1, 0x91), 0xc0], deep],
    ['arrays nested by 16-bit counts', repeat(20_000, 0xdc, 0, 1), deep],
    ['one level too many', [...repeat(frameDepthMax + 1, 0x91), 0xc0], deep],
    ['an array of 4 billion', [0xdd, 0xff, 0xff, 0xff, 0xff], tooLong],
    ['an array of 2 billion inside a frame', credit(0xdd, 0x7f, 0xff, 0xff, 0xff, 0), tooLong],
    ['a 16-bit array longer than the message', [0xdc, 0xff, 0xff, 1, 2, 3], tooLong],
    ['a small array longer than the message', [0x9f, 1, 2, 3], tooLong],
    ['nested arrays that each claim all that is left', repeat(6_000, 0xdc, 0x27, 0x10), deep],
    ['a string of 4 billion', credit(0xdb, 0xff, 0xff, 0xff, 0xff), tooLong],
    ['bytes of 4 billion', credit(0xc6, 0xff, 0xff, 0xff, 0xff), tooLong],
    ['a map of 4 billion', credit(0xdf, 0xff, 0xff, 0xff, 0xff), noMaps],
    ['an extension of 4 billion', credit(0xc9, 0xff, 0xff, 0xff, 0xff, 1), noExtensions],
    ['more values than a frame may hold', [0xdc, 0x10, 0x01, ...repeat(4097, 0xc0)], many],
    ['a flood of empty arrays', [0xdc, 0xea, 0x60, ...repeat(60_000, 0x90)], many],
    ['the tag that begins nothing', credit(0xc1), 'the byte 0xc1 begins no value'],
    ['an empty map', credit(0x80), noMaps],
    ['a map on top', [0x81, 0xa4, 0x74, 0x79, 0x70, 0x65, 0x01], notArray],
    ['a __proto__ key', credit(0x81, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa1, 0x78, 0x01), noMaps],
    ['a constructor key', credit(0x81, 0xab, ...Buffer.from('constructor'), 0xc0), noMaps],
    ['duplicate keys', credit(0x82, 0xa1, 0x78, 1, 0xa1, 0x78, 2), noMaps],
    ['a JSON text', [...Buffer.from('{"type":"credit","count":1}')], notArray],
    ['a JSON array as text', [...Buffer.from('[2, 1]')], notArray],
    ['a number on top', [0x02], notArray],
    ['null on top', [0xc0], notArray],
    ['trailing bytes', [...credit(1), 0xc0], trailing],
    ['two frames in one message', [...credit(1), ...credit(1)], trailing],
    ['a count without its bytes', [0xdc], early],
    ['a count cut in half', [0xdd, 0, 0], early],
    ['a 64-bit number cut short', credit(0xcf, 0, 0, 0), early],
    ['a float cut short', credit(0xcb, 1, 2), early],
    ['an array that ends early', [0x92, 0x93, 1, 2, 3], early],
    ['2^53 as uint64', credit(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0), beyond],
    ['the largest uint64', credit(0xcf, ...repeat(8, 0xff)), beyond],
    ['the smallest int64', credit(0xd3, 0x80, ...repeat(7, 0)), beyond],
    ['less than -2^53', credit(0xd3, 0xff, 0xdf, ...repeat(6, 0xff)), beyond],
    ['a lone continuation byte', credit(0xa1, 0x80), badUtf8],
    ['an overlong slash', credit(0xa2, 0xc0, 0xaf), badUtf8],
    ['an overlong NUL in three bytes', credit(0xa3, 0xe0, 0x80, 0x80), badUtf8],
    ['an overlong form in four bytes', credit(0xa4, 0xf0, 0x8f, 0xbf, 0xbf), badUtf8],
    ['a high surrogate', credit(0xa3, 0xed, 0xa0, 0x80), badUtf8],
    ['a low surrogate', credit(0xa3, 0xed, 0xbf, 0xbf), badUtf8],
    ['a character past U+10FFFF', credit(0xa4, 0xf4, 0x90, 0x80, 0x80), badUtf8],
    ['a lead byte that exists nowhere', credit(0xa4, 0xf5, 0x80, 0x80, 0x80), badUtf8],
    ['a character cut by the end of its string', credit(0xa2, 0xe2, 0x82), badUtf8],
    ['a character cut short before another value', [0x93, 0x02, 0xa1, 0xc3, 0xa9], badUtf8],
  ]

  test.each(bombs)('%s is refused', (_name, bytes, reason) => {
    expect(refusal(Uint8Array.from(bytes))).toBe(reason)
  })

  test('arrays nested a hundred thousand deep are refused for their size before anything is read', () => {
    const message = Uint8Array.from(repeat(100_000, 0x91))
    expect(decodeFromScout(message)).toEqual({ type: 'malformed', reason: 'frame of 100000 bytes; at most 65536' })
    expect(scan(message)).toBe(deep)
  })

  test('a frame of one byte too many is refused, one of the limit is not refused for its size', () => {
    expect(refusal(new Uint8Array(frameBytesMax + 1))).not.toBeNull()
    const full = [0x92, 0x02, 0xc5, 0xff, 0xfb, ...repeat(frameBytesMax - 5, 0)]
    expect(scan(Uint8Array.from(full))).toBeNull()
  })

  test('every extension tag with every type is refused', () => {
    const headers: [header: Bytes, length: number][] = [
      ...[1, 2, 4, 8, 16].map((length, i): [Bytes, number] => [[0xd4 + i], length]),
      [[0xc7, 3], 3],
      [[0xc8, 0, 3], 3],
      [[0xc9, 0, 0, 0, 3], 3],
    ]
    for (const [header, length] of headers) {
      for (let type = 0; type < 256; type++) {
        const value = [...header, type, ...repeat(length, 0x01)]
        expect(refusal(Uint8Array.from(credit(...value)))).toBe(noExtensions)
      }
    }
  })

  test('every type that msgpackr adds to msgpack is refused', () => {
    const rich = new Packr({ moreTypes: true, structuredClone: true })
    const circular: unknown[] = []
    circular.push(circular)
    const values = [new Date(), new Set([1]), new Map([[1, 2]]), new Error('x'), /x/g, { a: 1 }, circular, undefined]
    for (const value of [...values, 2n ** 80n, new Float64Array(2), new ArrayBuffer(8)]) {
      expect(refusal(rich.pack([2, value])), String(value)).not.toBeNull()
    }
    const bundled = new Packr({ bundleStrings: true })
    expect(refusal(bundled.pack([2, 'a string of some length', 'and another']))).not.toBeNull()
    const sequential = new Packr({ sequential: true })
    for (let i = 0; i < 3; i++) expect(refusal(sequential.pack([2, { a: 1, b: 2 }]))).not.toBeNull()
  })

  test('nothing is left behind on the prototypes', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})

describe('what is well-formed', () => {
  test('the bounds themselves are allowed', () => {
    expect(scan(Uint8Array.from([...repeat(frameDepthMax, 0x91), 0xc0]))).toBeNull()
    expect(scan(Uint8Array.from([0xdc, 0x0f, 0xff, ...repeat(4095, 0xc0)]))).toBeNull()
    expect(scan(Uint8Array.from(credit(0xcf, 0, 0x1f, ...repeat(6, 0xff))))).toBeNull()
    expect(scan(Uint8Array.from(credit(0xd3, 0xff, 0xe0, ...repeat(6, 0))))).toBeNull()
    expect(scan(Uint8Array.of(0x90))).toBeNull()
  })

  test('every plain tag is walked by its right length', () => {
    const values: Bytes[] = [[0x7f], [0xff], [0xc0], [0xc2], [0xc3], [0xca, 1, 2, 3, 4], [0xcb, 1, 2, 3, 4, 5, 6, 7, 8]]
    const numbers: Bytes[] = [
      [0xcc, 1],
      [0xcd, 1, 2],
      [0xce, 1, 2, 3, 4],
      [0xd0, 1],
      [0xd1, 1, 2],
      [0xd2, 1, 2, 3, 4],
    ]
    const sized: Bytes[] = [
      [0xc4, 1, 9],
      [0xc5, 0, 1, 9],
      [0xc6, 0, 0, 0, 1, 9],
      [0xd9, 1, 97],
      [0xda, 0, 1, 97],
    ]
    const more: Bytes[] = [
      [0xdb, 0, 0, 0, 1, 97],
      [0xdc, 0, 1, 7],
      [0xdd, 0, 0, 0, 1, 7],
      [0x91, 7],
      [0xa1, 97],
    ]
    for (const value of [...values, ...numbers, ...sized, ...more]) {
      expect(scan(Uint8Array.from([0x92, ...value, 0x05]))).toBeNull()
      expect(scan(Uint8Array.from([0x91, ...value, 0x05]))).toBe('bytes follow the frame')
      expect(scan(Uint8Array.from([0x92, ...value]))).not.toBeNull()
    }
  })

  test('the UTF-8 check agrees with the platform on every two-byte and on random strings', () => {
    const strict = new TextDecoder('utf-8', { fatal: true })
    const agrees = (bytes: Uint8Array) => {
      const message = Uint8Array.from([0x91, 0xd9, bytes.length, ...bytes])
      let valid = true
      try {
        strict.decode(bytes)
      } catch {
        valid = false
      }
      expect(scan(message) === null, Buffer.from(bytes).toString('hex')).toBe(valid)
    }
    for (let lead = 0x80; lead < 256; lead++) for (let next = 0; next < 256; next++) agrees(Uint8Array.of(lead, next))
    const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed]
    const byte = fc.constantFrom(...edges, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff)
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), (bytes) => agrees(Uint8Array.from(bytes))),
      { numRuns: 20_000 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => agrees(Buffer.from(text))),
      { numRuns: 2_000 },
    )
  })

  test('whatever msgpackr packs of arrays, numbers, strings and bytes passes', () => {
    const packr = new Packr({ useRecords: false })
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.oneof(fc.boolean(), fc.constant(null), fc.integer(), fc.double(), fc.maxSafeInteger()),
        fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()),
        fc.array(tie('value'), { maxLength: 20 }),
      ),
    }))
    fc.assert(
      fc.property(fc.array(value), (values) => {
        fc.pre(JSON.stringify(values).length < 20_000)
        const reason = scan(packr.pack(values))
        expect([null, `a frame nests at most ${frameDepthMax} deep`]).toContain(reason)
      }),
      { numRuns: 2_000 },
    )
  })
})
