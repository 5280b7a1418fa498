/**
 * How alike two scouts' embeddings of the same texts are. One model gives one text one direction, whatever its
 * quantization; another model gives another, mostly with another number of values. So nothing has to be learnt from
 * trusted pairs as with texts: below a cosine of 0.9 it is not the same model. Pure.
 */
import { comparedVectorsMax } from '../../../shared/limits/trust/audits.ts'
import type { Likeness } from './pairs.ts'

/** In the order of the texts. */
export type Vectors = readonly Float32Array[]

const alikeMin = 0.9

/** Of a checked answer the first ones, as numbers or as base64 of them; null when there are none. */
export function vectorsIn(body: Uint8Array): Vectors | null {
  const { data } = JSON.parse(Buffer.from(body).toString('utf8')) as { data?: unknown }
  if (!Array.isArray(data) || data.length === 0) return null
  const items = data as ({ index?: unknown; embedding?: unknown } | null)[]
  const sorted = [...items].sort((one, other) => Number(one?.index ?? 0) - Number(other?.index ?? 0))
  return sorted.slice(0, comparedVectorsMax).map((item) => vectorOf(item?.embedding))
}

function vectorOf(embedding: unknown): Float32Array {
  if (Array.isArray(embedding)) return Float32Array.from(embedding as number[])
  const bytes = Buffer.from(typeof embedding === 'string' ? embedding : '', 'base64')
  const values = new Float32Array(Math.floor(bytes.length / 4))
  for (let at = 0; at < values.length; at++) values[at] = bytes.readFloatLE(4 * at)
  return values
}

/** Like if all of them are. */
export function vectorLikeness(one: Vectors, other: Vectors): Likeness {
  const isAlike = one.length === other.length && one.every((vector, at) => cosineOf(vector, other[at]!) >= alikeMin)
  return isAlike ? 'like' : 'gross'
}

/** 1 for two that have no direction, 0 for vectors of two lengths. */
function cosineOf(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return 0
  let [product, ones, others] = [0, 0, 0]
  for (let at = 0; at < one.length; at++) {
    const [a, b] = [one[at]!, other[at]!]
    product += a * b
    ones += a * a
    others += b * b
  }
  if (ones === 0 && others === 0) return 1
  const cosine = product / Math.sqrt(ones * others)
  return Number.isFinite(cosine) ? cosine : 0
}
