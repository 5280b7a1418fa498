/**
 * A token bucket: so much per minute on average, and a whole minute's worth at once after a pause. Time comes in as
 * monotonic milliseconds. What asks for more than a minute's worth passes while the bucket is full, and whoever comes
 * next waits for the debt: else it would never pass at all.
 */

const minuteMs = 60_000

export class Rate {
  /** What is left; below zero after something larger than expected. */
  private left: number
  private atMs: number

  constructor(
    private perMinute: number,
    nowMs: number,
  ) {
    this.left = perMinute
    this.atMs = nowMs
  }

  get limit(): number {
    return this.perMinute
  }

  /** Another limit from now on; what was used of the old one stays used. */
  become(perMinute: number, nowMs: number): void {
    this.refill(nowMs)
    this.left += perMinute - this.perMinute
    this.perMinute = perMinute
  }

  /** Milliseconds until so much may be taken, 0 for now. */
  waitMs(amount: number, nowMs: number): number {
    this.refill(nowMs)
    const lacking = Math.min(amount, this.perMinute) - this.left
    return lacking <= 0 ? 0 : Math.ceil((lacking * minuteMs) / this.perMinute)
  }

  take(amount: number): void {
    this.left -= amount
  }

  /** What was taken and not used comes back; what was used beyond it, a negative amount, is owed. */
  correct(amount: number): void {
    this.left = Math.min(this.perMinute, this.left + amount)
  }

  /** What may be taken now, whole. */
  remaining(nowMs: number): number {
    this.refill(nowMs)
    return Math.max(0, Math.floor(this.left))
  }

  /** Until all of it is there again. */
  fullInMs(nowMs: number): number {
    this.refill(nowMs)
    return Math.ceil(((this.perMinute - this.left) * minuteMs) / this.perMinute)
  }

  private refill(nowMs: number): void {
    if (nowMs <= this.atMs) return
    this.left = Math.min(this.perMinute, this.left + ((nowMs - this.atMs) * this.perMinute) / minuteMs)
    this.atMs = nowMs
  }
}
