/** The clocks of processes that live in one world and can die by themselves. */
import type { Timer } from '../../../shared/system.ts'
import { ManualSystem } from './manual-system.ts'

/** The clock of one process: after its death nothing that it had set goes off. */
export class MortalSystem extends ManualSystem {
  isDead = false

  constructor(
    private readonly world: ManualSystem,
    /** How far the clock on its wall is ahead of the others. */
    private readonly aheadMs: number,
  ) {
    super()
  }

  override nowMs(): number {
    return this.world.nowMs()
  }

  override wallMs(): number {
    return this.world.wallMs() + this.aheadMs
  }

  override after(delayMs: number, callback: () => void): Timer {
    return this.world.after(delayMs, () => this.isDead || callback())
  }

  override soon(callback: () => void): void {
    this.world.soon(() => this.isDead || callback())
  }

  override randomBytes(count: number): Uint8Array {
    return this.world.randomBytes(count)
  }

  override random(): number {
    return this.world.random()
  }

  override pass(durationMs: number): void {
    this.world.pass(durationMs)
  }
}
