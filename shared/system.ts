/**
 * The world as a port: clock, timers and entropy. This is the only shared file that touches them; everything else
 * takes a `System`, so that a whole hub with its scouts can run under a virtual clock and a seed.
 */

import { bytePart } from './json/byte-part.ts'

export interface Timer {
  cancel(): void
}

export interface System {
  /** Monotonic milliseconds; only differences mean anything. */
  nowMs(): number
  /** Wall clock in whole milliseconds since 1970, for people and stored rows only; never for timeouts. */
  wallMs(): number
  /** Runs `callback` once after `delayMs`. */
  after(delayMs: number, callback: () => void): Timer
  /** Runs `callback` after the current event has been handled, before the loop waits again. */
  soon(callback: () => void): void
  /** Cryptographically strong bytes. */
  randomBytes(count: number): Uint8Array
  /** Uniform in [0, 1), for jitter only. */
  random(): number
}

/**
 * Uniform in [0, 1), from entropy that nobody can foresee: for draws whose outcome is worth something to others.
 */
export function secretUnit(system: Pick<System, 'randomBytes'>): number {
  const bytes = system.randomBytes(4)
  return (bytes[0]! * 0x1000000 + bytes[1]! * 0x10000 + bytes[2]! * 0x100 + bytes[3]!) / 0x100000000
}

/** Runs `action` again and again until it is cancelled, the first time after `everyMs`. */
export function every(system: Pick<System, 'after'>, everyMs: number, action: () => void): Timer {
  const again = () => {
    timer = system.after(everyMs, again)
    action()
  }
  let timer = system.after(everyMs, again)
  return { cancel: () => timer.cancel() }
}

const poolBytes = 4096

/** The real clock, timers and entropy of this process. */
export function realSystem(): System {
  let pool = new Uint8Array(0)
  let used = 0
  return {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    after(delayMs, callback) {
      const handle = setTimeout(callback, delayMs)
      return { cancel: () => clearTimeout(handle) }
    },
    soon: (callback) => setImmediate(callback),
    // A nonce is made for every lease: drawing entropy by the page costs a tenth of drawing it 16 bytes at a time.
    randomBytes(count) {
      if (count > poolBytes) return crypto.getRandomValues(new Uint8Array(count))
      if (used + count > pool.length) {
        pool = crypto.getRandomValues(new Uint8Array(poolBytes))
        used = 0
      }
      used += count
      // Few at a time: a view of them would keep all of the pool.
      return bytePart(pool, used - count, used)
    },
    random: () => Math.random(),
  }
}
