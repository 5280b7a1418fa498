/**
 * What a client may ask of placement and retries, with its default. It comes from the HTTP edge or from a plan, through
 * the engine; placement, hedging and the bounds on attempts read it.
 */

/**
 * What an offer, and the scout behind it, must have. A context of unknown length passes, because many providers do not
 * report theirs; abilities and prices that are unknown do not.
 */
export interface Requirements {
  /** Names of models, or their beginnings with a `*`: what the key may use; absent for all. */
  models?: readonly string[]
  contextTokensMin?: number
  /** Sum of ability bits. */
  abilities?: number
  /** Of the prompt's and of the answer's tokens: millionths of a US dollar per million. */
  priceMax?: number
  /** The same of one of them alone. */
  promptPriceMax?: number
  answerPriceMax?: number
  /** Share of its newest attempts that ended well, 0 to 1; a scout without a record is not trusted. */
  trustMin?: number
  /** Audits of its answers for the model have passed, and nothing is held against it. */
  isTrusted?: true
}

export interface RoutingOptions {
  sort: 'latency' | 'throughput' | 'price'
  /** Scouts, operators or providers: nobody else, or not these. Empty lists exclude nobody. */
  only: readonly string[]
  ignore: readonly string[]
  attemptsMax: number
  /** Ask a second scout when no content came by then: milliseconds, 0 for never, null for the model's own p95. */
  hedgeAfterMs: number | null
  /** Continue at another scout, after what was forwarded, when the first one is lost. */
  continues: boolean
  /** Nobody whose offer lacks any of this; null excludes nobody. */
  requires: Requirements | null
}

export const defaultRouting: RoutingOptions = {
  sort: 'latency',
  only: [],
  ignore: [],
  attemptsMax: Number.MAX_SAFE_INTEGER,
  hedgeAfterMs: null,
  continues: false,
  requires: null,
}
