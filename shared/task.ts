/**
 * The vocabulary of work that both sides share: what kinds of task exist, what a scout offers, how an attempt ends.
 */
import { bodyBytesMax } from './limits/wire.ts'

/** What a task asks for: a chat completion or a list of embeddings. */
export type TaskKind = 'chat' | 'embed'
export const taskKinds: readonly TaskKind[] = ['chat', 'embed']

/** What a model can do besides plain text, as bits that add up. */
export const abilityBits = { tools: 1, json: 2, images: 4, audio: 8 } as const

/**
 * One thing a scout can do. The provider is the one the scout would use first; the `started` frame and the settlement
 * name the one it really used. Prices are millionths of a US dollar per million tokens.
 */
export interface Offer {
  kind: TaskKind
  model: string
  provider: string
  /** 0 when unknown. */
  contextTokens: number
  /** Sum of `abilityBits`; 0 when nothing is known. */
  abilities: number
  /** Of the prompt's tokens and of the answer's; null when unknown. */
  promptPrice: number | null
  answerPrice: number | null
  /** What a specialist is good for, in one sentence for people and planners; empty for a plain model. */
  about: string
  /** The largest request that is taken for it, in bytes; never less than `bodyBytesMax`. */
  requestBytesMax: number
}

export const abilityNames = Object.keys(abilityBits) as (keyof typeof abilityBits)[]

/** The sum of these abilities' bits; names are not repeated. */
export function abilitiesOf(names: readonly (keyof typeof abilityBits)[]): number {
  return names.reduce((sum, name) => sum | abilityBits[name], 0)
}

/** The names of the abilities in `bits`. */
export function abilitiesIn(bits: number): string[] {
  return Object.entries(abilityBits).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]))
}

/** A price of an offer in whole dollars; null when unknown. */
export function dollars(price: number | null): number | null {
  return price === null ? null : price / 1_000_000
}

/** An offer of which only this much is known. */
export function offerOf(known: Pick<Offer, 'kind' | 'model' | 'provider'> & Partial<Offer>): Offer {
  const unknown = { contextTokens: 0, abilities: 0, promptPrice: null, answerPrice: null, about: '' }
  return { ...unknown, requestBytesMax: bodyBytesMax, ...known }
}

/** The model name with which a client leaves the choice to the hub. */
export const autoModel = 'auto'

/** Names that mean the hub itself. No scout can offer a model under one of them. */
export function isReservedModel(model: string): boolean {
  return /^(auto$|chasm\/)/i.test(model)
}

/**
 * How an attempt ends, as the scout reports it.
 * - `done`: the answer is complete. - `failed`: it is not, and the fault names the cause.
 * - `released`: handed back untouched (drain, provider's rate limit); no attempt is charged.
 * - `cancelled`: stopped because the hub asked.
 */
export type Outcome = 'done' | 'failed' | 'released' | 'cancelled'
export const outcomes: readonly Outcome[] = ['done', 'failed', 'released', 'cancelled']

/** How the hub acknowledges a settlement. `stale` is terminal for the scout and carries no penalty. */
export type Verdict = 'committed' | 'stale'
export const verdicts: readonly Verdict[] = ['committed', 'stale']

/** The hub's verdict on each lease that a resuming scout still holds. */
export type HeldVerdict = 'resumed' | Verdict
export const heldVerdicts: readonly HeldVerdict[] = ['resumed', 'committed', 'stale']

/** Who served an answer: shown to the client in the `chasm` field. */
export interface Served {
  scout: string
  provider: string
  model: string
}
