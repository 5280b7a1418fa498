/**
 * The clock of the leases this scout holds: which running task has passed its deadline, or has had no frame of the hub
 * for its time to live. Every frame of the hub restarts the second, and what a hello has presented lives until its
 * welcome cannot come any more: a hub that says that it goes on would wait for it in vain. One timer serves all tasks;
 * the executor adds them and ends those that are returned as due.
 */
import { silenceMs, standstillMs } from '../../shared/limits/wire.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { RunningTask } from './running-task.ts'

/** `late`: the task's deadline has passed, it is settled. `expired`: the lease has, it must not be settled. */
export type Due = 'late' | 'expired'

/** After a standstill the socket is read for so long before leases are judged. */
const readMs = 250

export class LeaseClock {
  private heardMs: number
  /** Until then the hello that is under way may be answered; 0 while none is. */
  private presentedUntilMs = 0
  private timer: Timer | null = null
  private timerDueMs = 0

  constructor(
    private readonly system: System,
    private readonly running: ReadonlyMap<string, RunningTask>,
    private readonly onDue: (task: RunningTask, due: Due) => void,
  ) {
    this.heardMs = system.nowMs()
  }

  /** A frame of the hub has arrived: all leases live for their whole time again. */
  heard(): void {
    this.heardMs = this.system.nowMs()
  }

  /** A hello presents all leases. */
  presented(): void {
    this.presentedUntilMs = this.system.nowMs() + silenceMs
  }

  /** It is answered. */
  welcomed(): void {
    this.presentedUntilMs = 0
    this.heard()
    for (const task of this.running.values()) this.watch(task)
  }

  watch(task: RunningTask): void {
    this.arm(this.dueMs(task))
  }

  private dueMs(task: RunningTask): number {
    return Math.min(task.deadlineAtMs, Math.max(this.presentedUntilMs, task.expiresMs(this.heardMs)))
  }

  end(): void {
    this.timer?.cancel()
  }

  /** A timer that is due too early costs one look without effect, which is less than moving it with every frame. */
  private arm(dueMs: number): void {
    if (this.timer !== null && this.timerDueMs <= dueMs) return
    this.timer?.cancel()
    this.timerDueMs = dueMs
    this.timer = this.system.after(Math.max(0, dueMs - this.system.nowMs()), () => this.woken())
  }

  /**
   * Much later than due: this process stood still, and what the hub has sent meanwhile is read before the next look.
   * Should the lease be over after all, the hub takes no answer under it.
   */
  private woken(): void {
    const isLate = this.system.nowMs() - this.timerDueMs >= standstillMs
    if (!isLate) return this.look()
    this.timerDueMs = this.system.nowMs() + readMs
    this.timer = this.system.after(readMs, () => this.look())
  }

  private look(): void {
    this.timer = null
    const nowMs = this.system.nowMs()
    for (const task of [...this.running.values()]) {
      if (task.stop !== null) continue
      if (nowMs >= task.deadlineAtMs) this.onDue(task, 'late')
      else if (nowMs >= this.dueMs(task)) this.onDue(task, 'expired')
    }
    let dueMs = Number.POSITIVE_INFINITY
    for (const task of this.running.values()) if (task.stop === null) dueMs = Math.min(dueMs, this.dueMs(task))
    if (dueMs !== Number.POSITIVE_INFINITY) this.arm(dueMs)
  }
}
