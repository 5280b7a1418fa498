/**
 * What a scout charges, as one number that offers can be compared by: the price of a task of typical length.
 * The index computes it once per offer, because placement reads it for every candidate; what a price weighs against
 * time is in `fleet/cost.ts`.
 */
import type { Offer } from '../../../shared/task.ts'

/** The task by which prices are compared. Vectors have no answer that is paid for. */
const promptTokens = 1_000
const answerTokens = 200
/**
 * Assumed where a price is unknown: about what hosted open models of 70 billion weights cost. Then a scout without
 * a price is preferred to an expensive one and not to a cheap one.
 */
export const usualPromptPrice = 600_000
export const usualAnswerPrice = 800_000

/** Prices are per so many tokens. */
const perTokens = 1_000_000

/** Millionths of a US dollar that a typical task costs by this offer. */
export function typicalMicros({ kind, promptPrice, answerPrice }: Offer): number {
  const prompt = promptTokens * (promptPrice ?? usualPromptPrice)
  const answer = kind === 'embed' ? 0 : answerTokens * (answerPrice ?? usualAnswerPrice)
  return (prompt + answer) / perTokens
}
