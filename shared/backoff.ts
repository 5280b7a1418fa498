/**
 * Full-jitter exponential backoff ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015): uniform between
 * zero and an exponentially growing, capped bound, so that many retriers spread instead of marching in step.
 */

/** Milliseconds to wait before try number `attempt` (0 is the first); `random` is uniform in [0, 1). */
export function fullJitterMs(attempt: number, baseMs: number, capMs: number, random: number): number {
  const boundMs = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30))
  return Math.floor(random * boundMs)
}
