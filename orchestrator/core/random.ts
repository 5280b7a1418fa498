/**
 * The core's own source of chance: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator), seeded from outside,
 * so that the same events under the same seed choose the same scouts.
 */
export class Random {
  private a: number
  private b: number
  private c = 0x9e3779b9 | 0
  private counter = 1

  constructor(seed: number) {
    this.a = seed | 0
    this.b = (seed / 0x100000000) | 0
    for (let i = 0; i < 12; i++) this.next32()
  }

  /** Uniform 32-bit unsigned integer. */
  next32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
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
