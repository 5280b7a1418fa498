/**
 * How often a task is tried, and how soon after losses, counted from what passed the wire; the checker asks here.
 *
 * 36. A task is charged no more attempts, and handed back no more often, than the hub's settings say.
 * 37. What a client waits for is given to nobody for a while after it was lost twice in a row: it may be what ends
 *     scouts.
 */
import type { CoreSettings } from '../../../../orchestrator/core/settings.ts'
import type { MemoryDisk } from '../../../../orchestrator/store/memory/disk.ts'
import { faultTable, isReportable } from '../../../../shared/faults.ts'
import type { FrameOf } from '../../../../shared/protocol/frames.ts'

interface Tries {
  charged: number
  returned: number
  /** Attempts whose scouts were lost, and when the last one was; null once something else ended an attempt. */
  lost: number
  lostMs: number | null
}

export class AttemptLimits {
  private readonly tries = new Map<number, Tries>()

  constructor(
    private readonly settings: Pick<CoreSettings, 'attemptsMax' | 'returnsMax' | 'returnWindowMs'>,
    private readonly fail: (invariant: number, what: string) => void,
  ) {}

  private of(task: number): Tries {
    let tries = this.tries.get(task)
    if (tries === undefined) {
      tries = { charged: 0, returned: 0, lost: 0, lostMs: null }
      this.tries.set(task, tries)
    }
    return tries
  }

  /** The first settlement of an attempt, by the right of a lease that was in force. */
  settled({ task, outcome, fault }: FrameOf<'settle'>): void {
    const tries = this.of(task)
    tries.lostMs = null
    if (outcome === 'done') return
    const { retry } = faultTable[isReportable(fault) ? fault : 'scout_error']
    const { attemptsMax, returnsMax } = this.settings
    if (outcome === 'released' || retry === 'free') tries.returned++
    // What is final at once, or asks for a second opinion, is not charged.
    else if (retry === 'elsewhere') tries.charged++
    if (tries.charged > attemptsMax) this.fail(36, `task ${task} failed ${tries.charged} times of ${attemptsMax}`)
    // With one more than it may be handed back it ends.
    if (tries.returned > returnsMax + 1) this.fail(36, `task ${task} was handed back ${tries.returned} times`)
  }

  /** The hub ended an attempt. */
  revoked(task: number): void {
    this.of(task).lostMs = null
  }

  /** The scout of an attempt is gone. */
  lost(task: number, nowMs: number): void {
    const tries = this.of(task)
    tries.lost++
    tries.lostMs = nowMs
  }

  /** It is back, and goes on. */
  resumed(task: number): void {
    const tries = this.of(task)
    tries.lost = Math.max(0, tries.lost - 1)
    tries.lostMs = null
  }

  /** A client's task is given out. */
  granted(task: number, nowMs: number): void {
    const { lost, lostMs } = this.of(task)
    if (lost < 2 || lostMs === null || nowMs - lostMs >= this.settings.returnWindowMs) return
    this.fail(37, `task ${task} was given out ${nowMs - lostMs} ms after it was lost ${lost} times`)
  }

  /** A client wants it tried once more. */
  revived(task: number): void {
    this.tries.delete(task)
  }

  /** The hub is gone: what it had not written down did not happen. */
  forget({ tasks }: MemoryDisk): void {
    for (const [task, tries] of this.tries) {
      const row = tasks.get(task)?.row
      if (row === undefined) this.tries.delete(task)
      else {
        tries.charged = Math.min(tries.charged, row.charged)
        tries.returned = Math.min(tries.returned, row.returned)
      }
    }
  }
}
