/** What the core keeps of an event: never a view into the frame that the event was read from. */

import { describe, expect, test } from 'vitest'
import { CoreHarness } from '../../support/hub/core-harness.ts'

/** The nonce as a decoder returns it: a view into a large frame. */
function inFrame(nonce: Uint8Array): Uint8Array {
  const frame = new Uint8Array(64 * 1024)
  frame.set(nonce, 100)
  return frame.subarray(100, 100 + nonce.length)
}

/** Every view that can be reached from here and shares this buffer, by its path. */
function viewsOf(buffer: ArrayBufferLike, from: object): string[] {
  const found: string[] = []
  const seen = new Set<object>()
  const pending: [string, object][] = [['', from]]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [path, value] = next
    if (seen.has(value)) continue
    seen.add(value)
    if (ArrayBuffer.isView(value)) {
      if (value.buffer === buffer) found.push(path)
      continue
    }
    const isEntries = value instanceof Map || value instanceof Set
    for (const [key, member] of isEntries ? [...value.entries()] : Object.entries(value)) {
      for (const one of [key, member])
        if (typeof one === 'object' && one !== null) pending.push([`${path}.${key}`, one])
    }
  }
  return found
}

describe('the core keeps no view into a frame', () => {
  for (const outcome of ['done', 'failed', 'released'] as const) {
    test(`of a settlement that is ${outcome}`, () => {
      const bench = new CoreHarness()
      bench.join(['m'], 4)
      bench.submit()
      const grant = bench.grant()
      const nonce = inFrame(grant.nonce)
      bench.settle({ ...grant, nonce }, outcome)
      expect(bench.take('verdict')).toMatchObject([{ verdict: 'committed' }])
      bench.pass(50)
      expect(viewsOf(nonce.buffer, bench.state)).toEqual([])
      // It is remembered all the same.
      bench.settle(grant, outcome)
      expect(bench.take('verdict')).toMatchObject([{ verdict: 'committed' }])
    })
  }

  test('of the leases that a scout presents', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 4, { scout: 'operator/s', instance: 'i' })
    bench.accept({ a: [] })
    const { task, attempt, nonce } = bench.grant()
    bench.gone(session)
    const presented = inFrame(nonce)
    bench.join(['m'], 0, { scout: 'operator/s', instance: 'i', held: [{ task, attempt, nonce: presented }] })
    expect(bench.take('welcome').at(-1)).toMatchObject({ held: [{ verdict: 'resumed' }] })
    bench.pass(50)
    expect(viewsOf(presented.buffer, bench.state)).toEqual([])
  })

  test('of a lease that the store remembers', () => {
    const bench = new CoreHarness()
    const nonce = inFrame(new Uint8Array(16).fill(7))
    const lease = { nonce, scout: 'operator/s', instance: 'i' }
    const { a } = bench.accept({ a: [] }, {}, { a: { state: 'leased', attempt: 1, lease } })
    bench.pass(50)
    expect(bench.state.tasks.get(a)?.lease?.nonce).toEqual(nonce)
    expect(viewsOf(nonce.buffer, bench.state)).toEqual([])
  })
})
