/**
 * How alike two answers are, from 0 to 1. A number of its own says nothing: two honest answers of one model differ by
 * as much as the model makes them, so `pairs.ts` ranks it among those of trusted scouts. One call is bounded and short
 * (4,096 products), so an audit of several comparisons does one in a turn of the loop.
 */
import type { Profile } from './grams.ts'

/** The cosine of the profiles, less where one text is less than half as long as the other. */
export function similarityOf(one: Profile, other: Profile): number {
  if (one.words === 0 || other.words === 0) return one.words === other.words && one.chars === other.chars ? 1 : 0
  let sum = 0
  for (let at = 0; at < one.weights.length; at++) sum += one.weights[at]! * other.weights[at]!
  const ratio = Math.min(one.chars, other.chars) / Math.max(one.chars, other.chars)
  return Math.min(1, sum) * Math.min(1, 2 * ratio)
}
