/**
 * Embeddings of one model are nearly the same wherever they are computed, so two references are enough: who is far from
 * both, while they are near each other, computed something else. Pure.
 */
import { cosineOf } from '../comparison/similarity.ts'

const nearCosine = 0.9

/** Whether the first of three vectors is grossly unlike the two references; null when these say nothing. */
export function isGrossEmbedding(
  asked: readonly number[],
  one: readonly number[],
  other: readonly number[],
): boolean | null {
  if (cosineOf(one, other) < nearCosine) return null
  return cosineOf(asked, one) < nearCosine && cosineOf(asked, other) < nearCosine
}
