/**
 * Work that is too long for one turn of the loop, cut into steps by whoever brings it. In each turn one step of one
 * work is done, in rotation, so that sockets and timers are served in between, however much waits here. The client edge
 * has one for requests and plans, the engine one for answers and for the requests that it makes.
 */
import type { System } from './system.ts'

/** Does one step; true when the work is over. */
type Step = () => boolean

export class TurnLane {
  private readonly works: Step[] = []
  private isScheduled = false

  constructor(private readonly system: Pick<System, 'soon'>) {}

  /** Works that are not over. */
  get length(): number {
    return this.works.length
  }

  /** Does steps of this work in turns to come, until it is over. One that throws is not tried again. */
  add(step: Step): void {
    this.works.push(step)
    this.schedule()
  }

  /** One step that is a work by itself. */
  soon(callback: () => void): void {
    this.add(() => {
      callback()
      return true
    })
  }

  /** Resolves in a turn in which no other step is done. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.soon(resolve))
  }

  /** Forgets what has not been done. */
  stop(): void {
    this.works.length = 0
  }

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    this.system.soon(this.run)
  }

  private readonly run = (): void => {
    this.isScheduled = false
    const step = this.works.shift()
    if (step === undefined) return
    try {
      if (!step()) this.works.push(step)
    } finally {
      if (this.works.length > 0) this.schedule()
    }
  }
}
