import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attemptNumberMax, durationMsMax } from '../../shared/limits/wire.ts'
import { encode, flawIn } from '../../shared/protocol/codec.ts'
import { durationOnWire, type FrameOf } from '../../shared/protocol/frames.ts'
import { arbitraryFrame, fieldsOf, frameTypes } from '../support/wire/frames.ts'
import '../support/law/seeded-properties.ts'

const cancel: FrameOf<'cancel'> = { type: 'cancel', task: 1, attempt: 1, reason: 'gone' }

describe('what a peer would refuse, seen before it is sent', () => {
  test.each(frameTypes)('a %s within its bounds has no flaw', (type) => {
    fc.assert(fc.property(arbitraryFrame(type), (frame) => void expect(flawIn(frame)).toBeNull()))
  })

  test.each(frameTypes)('each field of a %s that holds what it must not is named', (type) => {
    const [frame] = fc.sample(arbitraryFrame(type), { numRuns: 1, seed: 1 })
    for (const [name, field] of fieldsOf(type)) {
      if (field.accepts(undefined)) continue
      expect(flawIn({ ...frame!, [name]: undefined })).toBe(`${type}.${name} must be ${field.wants}`)
    }
  })

  test('encode itself checks nothing: the bounds are kept where values are made', () => {
    const beyond = { ...cancel, attempt: attemptNumberMax + 1 }
    expect(flawIn({ ...cancel, attempt: attemptNumberMax })).toBeNull()
    expect(flawIn(beyond)).toContain('cancel.attempt must be')
    expect(() => encode(beyond)).not.toThrow()
  })

  test('any duration fits once it is cut', () => {
    const drain = (windowMs: number) => flawIn({ type: 'hubDrain', windowMs, reason: '' })
    fc.assert(fc.property(fc.double(), (ms) => void expect(drain(durationOnWire(ms))).toBeNull()))
    for (const [ms, cut] of [
      [-1, 0],
      [Number.NaN, 0],
      [0.2, 1],
      [Number.POSITIVE_INFINITY, durationMsMax],
    ] as const) {
      expect(durationOnWire(ms)).toBe(cut)
    }
  })
})
