/**
 * The events of one turn of the loop, in order. Every edge of the engine adds to it; at the end of the turn the writer
 * steps through all of them, so that what they cause (frames, commits, answers) leaves together. What an event causes
 * is added behind the events that already wait. Nothing else in the engine steps the core.
 */
import { inboxEventsMax } from '../../../shared/limits/scheduling.ts'
import type { System } from '../../../shared/system.ts'
import type { Event } from '../../core/events.ts'
import type { DefectGuard } from './defect-guard.ts'

export class Inbox {
  private readonly events: Event[] = []
  private scheduled = false
  private stepping = false
  private step: ((event: Event) => void) | null = null

  constructor(
    private readonly system: System,
    private readonly guard: DefectGuard,
  ) {}

  /** Connects the one consumer. Its parts add events themselves, so it cannot exist before the inbox. */
  connect(step: (event: Event) => void): void {
    if (this.step !== null) throw new Error('the inbox has its consumer already')
    this.step = step
  }

  /** Events that wait for the end of the turn. */
  get pending(): number {
    return this.events.length
  }

  readonly add = (event: Event): void => {
    if (this.guard.isDead) return
    this.events.push(event)
    if (this.stepping) return
    // A turn that took longer would hold up every socket.
    if (this.events.length >= inboxEventsMax) return this.flush()
    if (this.scheduled) return
    this.scheduled = true
    this.system.soon(this.endTurn)
  }

  private readonly endTurn = (): void => {
    this.scheduled = false
    this.flush()
  }

  /** Steps through everything that waits, now. Inside a step it does nothing: the loop that runs gets there. */
  flush(): void {
    const { events, guard, step } = this
    if (this.stepping || guard.isDead || step === null) return
    this.stepping = true
    let at = 0
    try {
      for (; at < events.length; at++) step(events[at]!)
    } catch (error) {
      throw guard.failed(events[at]!, error)
    } finally {
      // Also after a defect: an event is stepped once or never.
      events.length = 0
      this.stepping = false
    }
  }
}
