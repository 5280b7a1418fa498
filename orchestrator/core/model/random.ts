/**
 * The core's own source of random numbers, seeded from outside, so that the same events under the same seed choose the
 * same scouts. One word of state (Tommy Ettinger's mulberry32): every placement draws two candidates, which needs speed
 * more than a better generator.
 */
export class Random {
  private state: number

  constructor(seed: number) {
    this.state = (seed | 0) ^ Math.imul((seed / 0x100000000) | 0, 0x9e3779b9)
  }

  /** Uniform 32-bit unsigned integer. */
  next32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.next32() / 0x100000000
  }

  /** Uniform whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.unit() * bound)
  }
}
