import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { vectorLikeness, vectorsIn } from '../../orchestrator/trust/comparison/vectors.ts'
import { comparedVectorsMax } from '../../shared/limits/trust/audits.ts'
import '../support/law/seeded-properties.ts'

const bodyOf = (...embeddings: unknown[]) =>
  Buffer.from(JSON.stringify({ data: embeddings.map((embedding, index) => ({ index, embedding })) }))
const base64 = (values: number[]) => Buffer.from(Float32Array.from(values).buffer).toString('base64')
const like = (one: Uint8Array, other: Uint8Array) => vectorLikeness(vectorsIn(one)!, vectorsIn(other)!)

const vector = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 })

describe('embeddings of the same texts', () => {
  test('are alike in both of their forms, whatever their length, and with the noise of a quantization', () => {
    fc.assert(
      fc.property(vector, fc.double({ min: 0.1, max: 9, noNaN: true }), (values, scale) => {
        fc.pre(Math.hypot(...values) > 0.5)
        const noisy = values.map((value, at) => value * scale + (at % 2 ? 0.01 : -0.01) * scale)
        expect(like(bodyOf(values), bodyOf(base64(noisy)))).toBe('like')
      }),
    )
  })
  test('are compared in the order of the texts, and each of them counts', () => {
    const [a, b] = [
      [1, 0, 0],
      [0, 1, 0],
    ]
    const swapped = Buffer.from(
      JSON.stringify({
        data: [
          { index: 1, embedding: b },
          { index: 0, embedding: a },
        ],
      }),
    )
    expect(like(bodyOf(a, b), swapped)).toBe('like')
    expect(like(bodyOf(a, b), bodyOf(a, a))).toBe('gross')
  })
  test.each([
    ['another direction', bodyOf([1, 0]), bodyOf([0.6, 0.8])],
    ['another size', bodyOf([1, 0]), bodyOf([1, 0, 0])],
    ['fewer of them', bodyOf([1, 0], [1, 0]), bodyOf([1, 0])],
    ['no numbers', bodyOf([1, 0]), bodyOf([null, 'x'])],
    ['damaged base64', bodyOf([1, 0]), bodyOf('AAA')],
    ['nothing', bodyOf([1, 0]), bodyOf(null)],
    ['one without a direction', bodyOf([1, 0]), bodyOf([0, 0])],
  ])('are grossly unlike with %s', (_, one, other) => {
    expect(like(one, other)).toBe('gross')
  })
  test('of nothing are alike', () => {
    expect(like(bodyOf([0, 0]), bodyOf([0, 0]))).toBe('like')
  })
  test('are bounded, and none at all says nothing', () => {
    expect(vectorsIn(bodyOf(...Array.from({ length: 40 }, () => [1])))).toHaveLength(comparedVectorsMax)
    expect(vectorsIn(bodyOf())).toBeNull()
    expect(vectorsIn(Buffer.from('{}'))).toBeNull()
  })
})
