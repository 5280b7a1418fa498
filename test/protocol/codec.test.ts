import fc from 'fast-check'
import { Packr } from 'msgpackr/pack'
import { describe, expect, test } from 'vitest'
import { frameBytesMax, nameCharsMax } from '../../shared/limits/wire.ts'
import { decodeFromHub, decodeFromScout, encode, type Malformed } from '../../shared/protocol/codec.ts'
import { type Frame, type FrameType, frameTable } from '../../shared/protocol/frames.ts'
import { arbitraryFrame, fieldsOf, frameTypes } from '../support/wire/frames.ts'
import '../support/law/seeded-properties.ts'

const raw = new Packr({ useRecords: false })
const closeReasonBytesMax = 123

function decodersOf(type: FrameType): ((message: Uint8Array) => Frame | Malformed)[] {
  const { from } = frameTable[type]
  if (from === 'both') return [decodeFromScout, decodeFromHub]
  return from === 'scout' ? [decodeFromScout] : [decodeFromHub]
}

/** The bytes of the values as they stand, right or wrong. */
function messageOf(type: FrameType, values: readonly unknown[]): Buffer {
  return Buffer.from(raw.pack([frameTable[type].code, ...values]))
}

function sampleValues(type: FrameType): unknown[] {
  const frame = fc.sample(arbitraryFrame(type), { numRuns: 1, seed: 7 })[0] as unknown as Record<string, unknown>
  return fieldsOf(type).map(([name]) => frame[name])
}

/** The values with Buffers as plain arrays of the same kind, so that only the bytes are compared. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
  }
  return value
}

describe('round trip', () => {
  test.each(frameTypes)('a %s frame comes back as it was sent', (type) => {
    fc.assert(
      fc.property(arbitraryFrame(type), (frame) => {
        const message = Buffer.from(encode(frame))
        fc.pre(message.length <= frameBytesMax)
        for (const decode of decodersOf(type)) expect(plain(decode(message))).toEqual(plain(frame))
      }),
      { numRuns: 60 },
    )
  })

  test('a frame is refused when the wrong side sends it', () => {
    for (const type of frameTypes) {
      const message = messageOf(type, sampleValues(type))
      if (frameTable[type].from === 'scout') {
        expect(decodeFromHub(message)).toEqual({ type: 'malformed', reason: 'unknown frame code' })
      }
      if (frameTable[type].from === 'hub') {
        expect(decodeFromScout(message)).toEqual({ type: 'malformed', reason: 'unknown frame code' })
      }
    }
  })

  test('codes are unique, and data frames are what streams are made of', () => {
    const codes = frameTypes.map((type) => frameTable[type].code)
    expect(new Set(codes).size).toBe(codes.length)
    expect(frameTypes.filter((type) => 'data' in frameTable[type])).toEqual(['chunk', 'fragment'])
  })

  test('values after the known ones are a newer version and ignored', () => {
    for (const type of frameTypes) {
      const message = messageOf(type, [...sampleValues(type), 'later', [1, [2]]])
      for (const decode of decodersOf(type)) expect(decode(message).type).toBe(type)
    }
  })

  /** A chunk's message, and the body that was decoded of it. */
  function decodedBody(body: Uint8Array): { message: Buffer; decoded: Uint8Array } {
    const chunk = { type: 'chunk', task: 1, attempt: 1, seq: 0, offset: 0, size: body.length, body } as const
    const message = Buffer.from(encode(chunk))
    const frame = decodeFromScout(message)
    if (frame.type !== 'chunk' || frame.body === null) throw new Error('not a chunk')
    return { message, decoded: frame.body }
  }

  test('a decoded body shares memory with the message', () => {
    const { message, decoded } = decodedBody(Buffer.from(`{"choices":[],"pad":"${'x'.repeat(2_000)}"}\n`))
    expect(decoded.buffer).toBe(message.buffer)
    message.fill(0x21, message.length - 1)
    expect(decoded.at(-1)).toBe(0x21)
  })

  test('a small one is a copy, which keeps no message alive', () => {
    const { message, decoded } = decodedBody(Buffer.from('{"choices":[]}\n'))
    message.fill(0x21)
    expect(Buffer.from(decoded).toString()).toBe('{"choices":[]}\n')
    expect(decoded.buffer.byteLength).toBe(decoded.length)
  })

  test('encoded frames are never written over by later ones', () => {
    const frames = Array.from({ length: 5_000 }, (_, ping) => encode({ type: 'ping', ping, acks: [] }))
    for (const [ping, message] of frames.entries())
      expect(decodeFromHub(message)).toEqual({ type: 'ping', ping, acks: [] })
  })

  test('half a surrogate pair is sent as the replacement character, so that the peer does not hang up', () => {
    const hello = fc.sample(arbitraryFrame('hello'), { numRuns: 1, seed: 7 })[0] as Frame & { type: 'hello' }
    const frame = decodeFromScout(
      encode({ ...hello, name: 'cut \ud83d', offers: [['chat', 'm\udc00', 'p', 0, 0, null, null, '']] }),
    )
    if (frame.type !== 'hello') throw new Error(JSON.stringify(frame))
    expect(frame.name).toBe('cut \ufffd')
    expect(frame.offers[0]?.[1]).toBe('m\ufffd')
  })
})

describe('wrong values', () => {
  const wrongs: readonly unknown[] = [
    ...[null, true, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 1e300],
    ...['', 'no such word', 'line\nbreak', 'x'.repeat(600), '\u007f', 0xffffffff],
    ...[new Uint8Array(15), new Uint8Array(17), new Uint8Array(40_000)],
    ...[
      [],
      [[]],
      [1],
      ['chat'],
      [['chat', '', '', 0, 0, null, null, '']],
      [[1, 1, new Uint8Array(15)]],
      [[1, 1, 'won', 0]],
    ],
    ...[
      Array(300).fill(['chat', 'm', 'p', 0, 0, null, null, '']),
      [['chat', 'm', 'p', -1, 0, null, null, '']],
      [[0.5, 1, new Uint8Array(16)]],
    ],
  ]

  test.each(frameTypes)('every field of %s refuses what it must not hold, in a sentence that names it', (type) => {
    const good = sampleValues(type)
    for (const [i, [name, field]] of fieldsOf(type).entries()) {
      const refused = wrongs.filter((wrong) => !field.accepts(wrong))
      expect(refused.length).toBeGreaterThan(10)
      for (const wrong of refused) {
        const message = messageOf(type, good.with(i, wrong))
        for (const decode of decodersOf(type)) {
          expect(decode(message)).toEqual({ type: 'malformed', reason: `${type}.${name} must be ${field.wants}` })
        }
      }
    }
  })

  test.each(frameTypes)('a %s frame that ends before its last field names the missing one', (type) => {
    const good = sampleValues(type)
    for (const [i, [name, field]] of fieldsOf(type).entries()) {
      for (const decode of decodersOf(type)) {
        const frame = decode(messageOf(type, good.slice(0, i)))
        if (field.accepts(undefined)) {
          expect(frame).toMatchObject({ type })
          expect(frame).not.toHaveProperty(name)
          continue
        }
        expect(frame).toMatchObject({ type: 'malformed', reason: expect.stringContaining(`${type}.${name} must be`) })
      }
    }
  })

  test('a frame code that is no known number is refused', () => {
    const codes = [
      'length',
      '1',
      'map',
      '__proto__',
      '',
      -1,
      0,
      1.5,
      2 ** 40,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      null,
    ]
    for (const code of [...codes, true, [], [[1]], new Uint8Array(4)]) {
      for (const decode of [decodeFromScout, decodeFromHub]) {
        expect(decode(raw.pack([code, 1, 1]))).toEqual({ type: 'malformed', reason: 'unknown frame code' })
      }
    }
    expect(decodeFromScout(Uint8Array.of(0x90)).type).toBe('malformed')
  })

  test('every reason fits into a close frame', () => {
    for (const type of frameTypes) {
      for (const [name, field] of fieldsOf(type)) {
        const reason = `${type}.${name} must be ${field.wants}`
        expect(Buffer.byteLength(reason), reason).toBeLessThanOrEqual(closeReasonBytesMax)
      }
    }
  })

  test('text is measured in UTF-16 units', () => {
    const [, name] = fieldsOf('hello').find(([field]) => field === 'name')!
    expect(name.accepts('é'.repeat(nameCharsMax))).toBe(true)
    expect(name.accepts('😀'.repeat(nameCharsMax / 2))).toBe(true)
    expect(name.accepts('😀'.repeat(nameCharsMax / 2 + 1))).toBe(false)
  })
})

test('what a sender leaves out at the end of a welcome is absent, from an earlier hub as from one by itself', () => {
  const welcome = { type: 'welcome', version: 1, epoch: 1, scout: 'a/b', heartbeatMs: 1, silenceMs: 1 } as const
  const frame = { ...welcome, leaseTtlMs: 1, creditMax: 1, held: [] }
  expect(decodeFromHub(encode(frame))).toEqual(frame)
  const listing = { ...frame, hubs: [['https://b.example'] as [string]] }
  expect(decodeFromHub(encode(listing))).toEqual(listing)
})

test('a standing ends before its points where none are shown, and before the sentence where all tasks earned', () => {
  const counts = { considered: 0, won: 0, lostLatency: 0, lostPrice: 0, lostCapacity: 0, lostTrust: 0, done: 0 }
  const frame = { type: 'standing', ...counts, failed: 0, failurePermille: 0, window: 1, paused: [] } as const
  const trust = { earned: null, waiting: null, unpaid: null, trust: 'y' }
  const untrusted = { earned: 0, waiting: 7, unpaid: null, trust: '', untrusted: 7 }
  for (const points of [{}, { earned: 0, waiting: 7 }, { earned: 0, waiting: 7, unpaid: 'x' }, trust, untrusted]) {
    const standing = { ...frame, paused: [], ...points }
    expect(decodeFromHub(encode(standing))).toEqual(standing)
  }
  expect(() => encode({ ...frame, paused: [], unpaid: 'x' })).toThrow()
  const withText = messageOf('standing', [...Object.values(counts), 0, 0, 1, [], 'many'])
  expect(decodeFromHub(withText)).toMatchObject({ reason: expect.stringContaining('standing.earned must be') })
})
