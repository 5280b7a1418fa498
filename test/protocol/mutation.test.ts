import { Packr } from 'msgpackr/pack'
import { unpack } from 'msgpackr/unpack'
import { describe, expect, test } from 'vitest'
import { fragmentBytes, frameBytesMax, nameCharsMax } from '../../shared/limits/wire.ts'
import { decodeFromHub, decodeFromScout, encode } from '../../shared/protocol/codec.ts'
import type { Frame } from '../../shared/protocol/frames.ts'
import { Mutator } from '../support/wire/mutate.ts'

const framesTotal = 1_000_000
const heapGrowthBytesMax = 16 * 1024 * 1024

const nonce = Uint8Array.from({ length: 16 }, (_, i) => i * 15)
const request = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'word '.repeat(400) }] }))
const line = Buffer.from('{"choices":[{"index":0,"delta":{"content":" and"},"logprobs":null,"finish_reason":null}]}\n')
const head = { task: 7_000_000_000, attempt: 2 }

function hello(offers: number, held: number): Frame {
  return {
    type: 'hello',
    version: 1,
    name: 'attic',
    instance: '0b7e1c',
    agent: 'chasm-scout/0.1.0',
    concurrency: 8,
    offers: Array.from({ length: offers }, (_, i) => [
      'chat',
      `família-${i}-70b`,
      'groq',
      131_072,
      3,
      50_000,
      80_000,
      '',
    ]),
    held: Array.from({ length: held }, (_, i) => [i, 1, nonce]),
  }
}

const frames: Frame[] = [
  hello(3, 2),
  hello(40, 8),
  { type: 'credit', count: 4 },
  { type: 'started', ...head, provider: 'groq' },
  { type: 'chunk', ...head, seq: 17, offset: 2_040, size: line.length, body: line },
  { type: 'chunk', ...head, seq: 18, offset: 2_040, size: 90_000, body: null },
  {
    ...{ type: 'settle', ...head, nonce, outcome: 'failed', chunks: 18, fault: 'provider_timeout' },
    ...{
      message: 'the provider did not answer within 60 s — try later',
      param: '',
      retryAfterMs: 0,
      provider: '',
      credits: 0,
      size: 2,
      body: request.subarray(0, 2),
    },
  } as Frame,
  { type: 'pong', ping: 12, running: 3 },
  { type: 'fragment', ...head, index: 1, bytes: request },
  {
    ...{ type: 'welcome', version: 1, epoch: 3, scout: 'x'.repeat(2 * nameCharsMax), heartbeatMs: 10_000 },
    ...{ silenceMs: 25_000, leaseTtlMs: 30_000, creditMax: 8, held: [[1, 1, 'resumed', 18]] },
  } as Frame,
  {
    ...{ type: 'task', ...head, nonce, kind: 'chat', model: 'llama-3.3-70b', stream: true, ttlMs: 30_000 },
    ...{ deadlineMs: 600_000, acks: [], size: request.length, body: request },
  } as Frame,
  { type: 'flow', ...head, paused: true },
  { type: 'settled', acks: [[head.task, head.attempt, 'committed']] },
]
const large: Frame = { type: 'fragment', ...head, index: 0, bytes: Buffer.alloc(fragmentBytes, 0x93) }

/** Milliseconds that `work` takes when nothing else comes in between: the least of many tries, once one is `enough`. */
function leastMs(work: () => void, enough = 0): number {
  let bestMs = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 100 && bestMs > enough; tries++) {
    const startMs = performance.now()
    work()
    bestMs = Math.min(bestMs, performance.now() - startMs)
  }
  return bestMs
}

const raw = new Packr({ useRecords: false })
const full = frameBytesMax - 3_000
/** What this very machine needs to read a full frame of honest values without any check: the measure of all others. */
const yardstick = raw.pack(Array(4_000).fill('\u20ac\u20ac\u20ac\u20ac\u20ac'))
const costMsMax = 10 * leastMs(() => unpack(yardstick))

/** Whether both decoders take too long over it, however often it is tried: a pause is not the frame's doing. */
function isDear(message: Uint8Array): boolean {
  const decode = () => {
    decodeFromScout(message)
    decodeFromHub(message)
  }
  return leastMs(decode, costMsMax) > costMsMax
}

function isAccepted(message: Uint8Array): boolean {
  return [decodeFromScout(message), decodeFromHub(message)].some((frame) => frame.type !== 'malformed')
}

function heapBytes(): number {
  Bun.gc(true)
  return process.memoryUsage().heapUsed
}

describe('a million damaged frames', () => {
  test('none throws, none costs more than ten full honest ones, and memory stays flat', () => {
    const small = frames.map((frame) => Buffer.from(encode(frame)))
    expect(small.filter((message) => !isAccepted(message))).toEqual([])
    // The large one is rare: copying it a million times would be all that this test measures.
    const corpus = [...Array(15).fill(small).flat(), Buffer.from(encode(large))]
    const mutator = new Mutator(corpus, 20_261, frameBytesMax + 64)
    let dear = 0
    let accepted = 0
    const run = (count: number) => {
      for (let i = 0; i < count; i++) {
        const message = mutator.next()
        if (isDear(message)) dear++
        if (i % 16 === 0 && isAccepted(message)) accepted++
      }
    }
    run(framesTotal / 20)
    const before = heapBytes()
    run(framesTotal - framesTotal / 20)
    expect(heapBytes() - before).toBeLessThan(heapGrowthBytesMax)
    expect(dear).toBe(0)
    // Damage that is always refused at the first byte would test nothing behind it.
    expect(accepted).toBeGreaterThan(framesTotal / 16 / 10)
  })

  test('full frames made to be as dear as they can be cost no more than that either', () => {
    const values: unknown[] = [
      '\u20ac'.repeat(full / 3),
      '\u{1f600}'.repeat(full / 4),
      'x'.repeat(full),
      Array(4_000).fill('\u20ac\u20ac\u20ac\u20ac\u20ac'),
      Array(4_000).fill([]),
      Array(2_000).fill(['abcdefghijklmnop\u00e9']),
      Array(4_000).fill(new Uint8Array(8)),
      Array(4_000).fill(1.5),
      Array(256).fill(['chat', 'm'.repeat(100), 'p'.repeat(60), 0]),
    ]
    for (const value of values) {
      for (const code of [1, 9, 65, 200]) {
        const message = Buffer.from(raw.pack([code, 1, value]))
        expect(isDear(message)).toBe(false)
      }
    }
  })

  test('a damaged frame is read the same way whatever was read before it', () => {
    const corpus = frames.map((frame) => Buffer.from(encode(frame)))
    const read = (seed: number) => {
      const mutator = new Mutator(corpus, seed, frameBytesMax)
      return Array.from({ length: 2_000 }, () => JSON.stringify(decodeFromScout(mutator.next())))
    }
    const first = read(5)
    read(6)
    expect(read(5)).toEqual(first)
  })
})
