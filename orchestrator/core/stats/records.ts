/**
 * What every attempt adds to the records: how often an identity fails, how fast it is, and how fast a
 * model usually begins. Rates and averages, never counts in a row: a scout that fails four times in ten
 * is detected, and one that was unlucky recovers.
 */
import type { ModelEntry } from '../model/object-graph.ts'
import type { ScoutRecord, Speed } from '../model/scout.ts'

const newestShare = 0.2

/** Books the end of a charged attempt into the failure rate. */
export function bookOutcome(record: ScoutRecord, failed: boolean): void {
  record.failureRate += newestShare * ((failed ? 1 : 0) - record.failureRate)
  if (failed) record.failed++
  else record.done++
}

/** A speed says little of a machine after so long: a model had to be loaded then, or its network was slow. */
const speedAgeMsMax = 600_000

/** Whether a scout's speed with a model is unknown, or too old to be relied on. */
export function isSpeedOld({ samples, sampledMs }: Speed, nowMs: number): boolean {
  return samples === 0 || nowMs - sampledMs > speedAgeMsMax
}

/** How fast an attempt was. */
interface Sample {
  /** To its first content. */
  firstContentMs: number
  tokens: number
  /** After its first content; 0 if unknown. */
  tokensMs: number
}

/** Books how fast an attempt was that has just ended. What was measured long ago does not count beside it. */
export function bookSpeed(speed: Speed, { firstContentMs, tokens, tokensMs }: Sample, nowMs: number): void {
  const perSecond = tokens > 0 && tokensMs > 0 ? (tokens * 1000) / tokensMs : 0
  const share = isSpeedOld(speed, nowMs) ? 1 : newestShare
  speed.firstContentMs += share * (firstContentMs - speed.firstContentMs)
  if (speed.tokensPerSecond === 0) speed.tokensPerSecond = perSecond
  else if (perSecond > 0) speed.tokensPerSecond += share * (perSecond - speed.tokensPerSecond)
  speed.samples++
  speed.sampledMs = nowMs
}

const quantile = 0.95
/** Share of its present value by which the estimate moves at most; small enough to be calm, large enough to follow. */
const stepShare = 0.05

/**
 * Moves the model's 95th percentile of time to first content by one sample: up by much when it was exceeded, down by
 * little when not, so that it comes to rest where one sample in twenty exceeds it (stochastic approximation after
 * Robbins and Monro, 1951).
 */
export function bookFirstContent(entry: ModelEntry, ms: number): void {
  entry.firstContentSamples++
  if (entry.firstContentSamples === 1) {
    entry.firstContentP95Ms = ms
    return
  }
  const step = Math.max(1, entry.firstContentP95Ms * stepShare)
  const move = ms > entry.firstContentP95Ms ? quantile : quantile - 1
  entry.firstContentP95Ms = Math.max(0, entry.firstContentP95Ms + step * move)
}
