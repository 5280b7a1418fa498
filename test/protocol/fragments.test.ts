import { describe, expect, test } from 'vitest'
import { bodyBytesMax, fragmentBytes, frameBytesMax } from '../../shared/limits/wire.ts'
import { decodeFromScout, encode } from '../../shared/protocol/codec.ts'
import { Assembly, fragmentsOf } from '../../shared/protocol/fragments.ts'

function bodyOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31) % 251)
}

describe('fragments', () => {
  const lengths = [1, fragmentBytes - 1, fragmentBytes, fragmentBytes + 1, 2 * fragmentBytes, 500_000, bodyBytesMax]

  test.each(lengths)('a body of %i bytes is put together again from frames on the wire', (length) => {
    const body = bodyOf(length)
    const assembly = new Assembly(length)
    const states: string[] = []
    for (const fragment of fragmentsOf(7, 2, body)) {
      const message = Buffer.from(encode(fragment))
      expect(message.length).toBeLessThanOrEqual(frameBytesMax)
      const frame = decodeFromScout(message)
      if (frame.type !== 'fragment') throw new Error(JSON.stringify(frame))
      expect([frame.task, frame.attempt, frame.index]).toEqual([7, 2, states.length])
      states.push(assembly.add(frame.index, frame.bytes))
    }
    expect(states).toEqual([...Array(Math.ceil(length / fragmentBytes) - 1).fill('more'), 'complete'])
    expect(Buffer.from(assembly.body()).equals(body)).toBe(true)
  })

  test('an empty body has no fragments', () => {
    expect([...fragmentsOf(1, 1, new Uint8Array(0))]).toEqual([])
  })

  test('pieces of any size are taken, as long as they add up', () => {
    const assembly = new Assembly(6)
    expect(assembly.add(0, Uint8Array.of(1))).toBe('more')
    expect(assembly.add(1, Uint8Array.of(2, 3, 4))).toBe('more')
    expect(assembly.add(2, Uint8Array.of(5, 6))).toBe('complete')
    expect([...assembly.body()]).toEqual([1, 2, 3, 4, 5, 6])
  })

  test.each([
    ['begins late', 1, 4],
    ['is empty', 0, 0],
    ['is larger than the whole', 0, 11],
  ])('a first piece that %s breaks the body', (_name, index, length) => {
    expect(new Assembly(10).add(index, new Uint8Array(length))).toBe('broken')
  })

  test('a repeated, a skipped and an overflowing piece break the body', () => {
    for (const [index, length] of [
      [0, 4],
      [2, 4],
      [1, 7],
      [-1, 1],
    ] as const) {
      const assembly = new Assembly(10)
      assembly.add(0, new Uint8Array(4))
      expect(assembly.add(index, new Uint8Array(length))).toBe('broken')
    }
  })

  test('a piece after the last breaks the body', () => {
    const assembly = new Assembly(2)
    expect(assembly.add(0, new Uint8Array(2))).toBe('complete')
    expect(assembly.add(1, new Uint8Array(1))).toBe('broken')
  })

  test('a body shares no memory with the messages of its fragments, and takes no more than its size', () => {
    const size = fragmentBytes + 1
    const assembly = new Assembly(size)
    const message = Buffer.alloc(frameBytesMax, 1)
    assembly.add(0, message.subarray(9, 9 + fragmentBytes))
    assembly.add(1, message.subarray(9, 10))
    message.fill(2)
    expect(assembly.body().every((byte) => byte === 1)).toBe(true)
    expect(assembly.body().buffer.byteLength).toBe(size)
  })
})
