/**
 * Looks at something again and again: the first one at once, each next one a while after the one before has ended.
 * Feeds what reads and writes the logs between hubs, which decides what is done in a look.
 */
import type { System, Timer } from '../../shared/system.ts'

export class Looks {
  isStopped = false
  private timer: Timer | null = null

  constructor(
    private readonly system: System,
    private readonly everyMs: number,
    /** What it throws is a defect: nobody looks again. */
    private readonly look: () => Promise<void>,
  ) {}

  start(): void {
    this.next(0)
  }

  /** A look that is under way asks `isStopped` by itself. */
  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
  }

  private next(delayMs: number): void {
    if (!this.isStopped) this.timer = this.system.after(delayMs, () => void this.run())
  }

  private async run(): Promise<void> {
    await this.look()
    this.next(this.everyMs)
  }
}
