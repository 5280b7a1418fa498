/**
 * The vocabulary of work that both sides share: what kinds of task exist, what a scout offers, how an attempt ends.
 */

/** What a task asks for: a chat completion or a list of embeddings. */
export type TaskKind = 'chat' | 'embed'
export const taskKinds: readonly TaskKind[] = ['chat', 'embed']

/**
 * One thing a scout can do. `contextTokens` is 0 when unknown. The provider is the one the scout would use first;
 * the `started` frame says which one it really used.
 */
export interface Offer {
  kind: TaskKind
  model: string
  provider: string
  contextTokens: number
}

/** The model name with which a client leaves the choice to the hub. */
export const autoModel = 'auto'

/**
 * How an attempt ends, as the scout reports it.
 * - `done`: the answer is complete. - `failed`: it is not, and the fault says whose doing that was.
 * - `released`: handed back untouched (drain, provider's rate limit); no attempt is charged.
 * - `cancelled`: stopped because the hub asked.
 */
export type Outcome = 'done' | 'failed' | 'released' | 'cancelled'
export const outcomes: readonly Outcome[] = ['done', 'failed', 'released', 'cancelled']

/** What the hub answers to a settlement. `stale` is terminal for the scout and carries no penalty. */
export type Verdict = 'committed' | 'stale'
export const verdicts: readonly Verdict[] = ['committed', 'stale']

/** What a resuming scout hears about each lease it still holds. */
export type HeldVerdict = 'resumed' | Verdict
export const heldVerdicts: readonly HeldVerdict[] = ['resumed', 'committed', 'stale']

/** Who served an answer: shown to the client in the `chasm` field. */
export interface Served {
  scout: string
  provider: string
  model: string
}
