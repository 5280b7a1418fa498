/**
 * How long to wait before another try. Full-jitter exponential backoff ("Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015): uniform between zero and an exponentially growing, capped bound, so that many retriers
 * spread instead of marching in step. And the pause of a provider that names a time of its own.
 */
import { pauseDefaultMs, pauseMaxMs, pauseMinMs } from './limits/scheduling.ts'

/** Milliseconds to wait before try number `attempt` (0 is the first); `random` is uniform in [0, 1). */
export function fullJitterMs(attempt: number, baseMs: number, capMs: number, random: number): number {
  const boundMs = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30))
  return Math.floor(random * boundMs)
}

/**
 * How long a provider is not asked for a model that it limits, by what it named: the scout and the hub come to the same
 * time. Undefined when it named none.
 */
export function pauseLengthMs(statedMs: number | undefined): number {
  if (statedMs === undefined || Number.isNaN(statedMs)) return pauseDefaultMs
  return Math.min(Math.max(statedMs, pauseMinMs), pauseMaxMs)
}
