/**
 * Chance that is none: numbers that look random and follow from a seed alone. The demo provider draws its answers,
 * failures and vectors from them; nothing that has to be hard to guess may.
 */

/** Uniform numbers in [0, 1), the same ones for the same seed (mulberry32). */
export type Dice = () => number

export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A seed made of another one and of what it is for. */
export function seedOf(data: Uint8Array | string, seed: number): number {
  return Bun.hash.xxHash32(data, seed >>> 0)
}

export function pick<T>(from: readonly T[], dice: Dice): T {
  return from[Math.floor(dice() * from.length)]!
}
