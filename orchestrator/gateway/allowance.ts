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

  /** Nothing was read for a while: what was sent in that time may come at once, on top of a burst. */
  lend(ms: number): void {
    this.frames += (ms / 1000) * this.framesPerSecond
    this.bytes += (ms / 1000) * this.bytesPerSecond
  }

  /** Pays for one frame; false when it cannot. */
  spend(bytes: number, nowMs: number): boolean {
    const seconds = (nowMs - this.filledMs) / 1000
    this.filledMs = nowMs
    const framesMax = Math.max(this.frames, this.framesPerSecond * this.burstSeconds)
    const bytesMax = Math.max(this.bytes, this.bytesPerSecond * this.burstSeconds)
    this.frames = Math.min(framesMax, this.frames + seconds * this.framesPerSecond) - 1
    this.bytes = Math.min(bytesMax, this.bytes + seconds * this.bytesPerSecond) - bytes
    return this.frames >= 0 && this.bytes >= 0
  }
}
