/**
 * How much a scout may send: a token bucket for frames and one for bytes. Whoever empties one is closed with 4429; a
 * well-behaved scout never comes near.
 */
export class Allowance {
  private frames: number
  private bytes: number
  private filledMs: number

  constructor(
    private readonly framesPerSecond: number,
    private readonly bytesPerSecond: number,
    /** Seconds' worth that may come at once. */
    private readonly burstSeconds: number,
    nowMs: number,
  ) {
    this.frames = framesPerSecond * burstSeconds
    this.bytes = bytesPerSecond * burstSeconds
    this.filledMs = nowMs
  }

  /** Pays for one frame; false when it cannot. */
  spend(bytes: number, nowMs: number): boolean {
    const seconds = (nowMs - this.filledMs) / 1000
    this.filledMs = nowMs
    this.frames = Math.min(this.framesPerSecond * this.burstSeconds, this.frames + seconds * this.framesPerSecond) - 1
    this.bytes = Math.min(this.bytesPerSecond * this.burstSeconds, this.bytes + seconds * this.bytesPerSecond) - bytes
    return this.frames >= 0 && this.bytes >= 0
  }
}
