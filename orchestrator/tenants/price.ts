/**
 * Tokens as money: what a task may cost at most before it runs, and what it did cost. Prices are millionths of a US
 * dollar per million tokens, amounts are whole millionths of a dollar, rounded up, and stop at the largest number that
 * survives every reader of JSON. Pure.
 */
import { usageSumMax } from '../../shared/limits/answers.ts'
import { priceMax, promptBytesPerTokenReserved, tokensPerMediumReserved } from '../../shared/limits/keys.ts'

/** Of a prompt's and of an answer's tokens. */
export interface Price {
  readonly prompt: number
  readonly answer: number
}

/** Tokens and what they cost. */
export interface Amount {
  readonly tokens: number
  readonly microDollars: number
}

/** What is known of a request before it runs. */
export interface RequestSize {
  /** Without its images, sounds and files. */
  textBytes: number
  media: number
  /** Of all choices of its answer. */
  answerTokens: number
}

export function saturated(amount: number): number {
  return Math.min(usageSumMax, amount)
}

/** What so many tokens cost at this price. */
export function costAt({ prompt, answer }: Price, promptTokens: number, answerTokens: number): number {
  return saturated(Math.ceil((promptTokens * prompt + answerTokens * answer) / perTokens))
}

const perTokens = 1_000_000

/** What is reserved for a request: more than most cost, and never more than it may cost by its own limits. */
export function reserveFor({ textBytes, media, answerTokens }: RequestSize, price: Price): Amount {
  const prompt = Math.ceil(textBytes / promptBytesPerTokenReserved) + media * tokensPerMediumReserved
  return { tokens: saturated(prompt + answerTokens), microDollars: costAt(price, prompt, answerTokens) }
}

/** A price as an offer names it, bounded; `usual` stands for what is unknown. */
export function believedPrice(named: number | null, usual: number): number {
  return Math.min(priceMax, Math.max(0, named ?? usual))
}

/** The lower of what was served at and what was reserved at: nobody pays more than was set aside for each token. */
export function chargedPrice(served: Price, reserved: Price | null): Price {
  if (reserved === null) return served
  return { prompt: Math.min(served.prompt, reserved.prompt), answer: Math.min(served.answer, reserved.answer) }
}
