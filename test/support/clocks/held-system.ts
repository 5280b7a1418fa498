/**
 * A `System` whose time stands still until a test moves it on, for tests of what waits and gives up, and of what must
 * come about without a wait. Bytes and `soon` are the real ones; jitter is always none.
 */
import { realSystem, type System } from '../../../shared/system.ts'

export interface HeldSystem extends System {
  /** Delays of the timers that are set, in the order they were set. */
  delays(): number[]
  /** Moves time on and fires what falls due on the way. */
  advance(byMs: number): void
  /** Moves time to the next timer, again and again, until `work` has ended. */
  drive<T>(work: Promise<T>): Promise<T>
}

interface HeldTimer {
  delayMs: number
  dueMs: number
  callback: () => void
}

export function heldSystem(wallMs = Date.UTC(2024, 0, 1)): HeldSystem {
  const timers = new Set<HeldTimer>()
  let now = 0
  const next = () => [...timers].sort((one, other) => one.dueMs - other.dueMs)[0]
  const advance = (byMs: number) => {
    const untilMs = now + byMs
    for (let timer = next(); timer && timer.dueMs <= untilMs; timer = next()) {
      timers.delete(timer)
      now = Math.max(now, timer.dueMs)
      timer.callback()
    }
    now = untilMs
  }
  return {
    ...realSystem(),
    random: () => 0,
    nowMs: () => now,
    // Whole milliseconds, as the real clock has them.
    wallMs: () => Math.floor(wallMs + now),
    after(delayMs, callback) {
      const timer = { delayMs, dueMs: now + delayMs, callback }
      timers.add(timer)
      return { cancel: () => timers.delete(timer) }
    },
    delays: () => [...timers].map(({ delayMs }) => delayMs),
    advance,
    async drive(work) {
      let isOver = false
      const ended = work.finally(() => {
        isOver = true
      })
      ended.catch(() => undefined)
      while (!isOver) {
        await new Promise((resolve) => setImmediate(resolve))
        const timer = next()
        if (timer) advance(timer.dueMs - now)
      }
      return ended
    },
  }
}
