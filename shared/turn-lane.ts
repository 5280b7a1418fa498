/**
 * Work that is too long for one turn of the loop, cut into steps by whoever brings it. In each turn one step of one
 * work is done, in rotation, so that sockets and timers are served in between, however much waits here. Behind a step
 * that took a while the loop belongs to others for twice as long: what they want takes several turns, and a lane that
 * is never empty would hold up each of them. The client edge has one for requests and plans, the engine one for answers
 * and for the requests that it makes.
 */
import { laneRestFactor, laneRestMsMax, laneRestMsMin } from './limits/process.ts'
import type { System } from './system.ts'

/** How long the loop is left to others behind something that took so long: `factor` times as long; 0 for not at all. */
export function restMs(tookMs: number, factor = 1): number {
  return tookMs < laneRestMsMin ? 0 : Math.min(factor * tookMs, laneRestMsMax)
}

/** Work that is cut into steps by whoever knows it: one step up to each `yield`, and what comes of all of them. */
export type Steps<T> = Generator<void, T, void>

/** All steps one after the other, for a caller to whom turns do not matter. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** Whether this is to be done in steps, and is not there already. */
export function isInSteps<T>(work: T | Steps<T>): work is Steps<T> {
  return typeof work === 'object' && work !== null && 'next' in work
}

/** Does one step; true when the work is over. */
type Step = () => boolean

export class TurnLane {
  private readonly works: Step[] = []
  private isScheduled = false
  /** When the last step began. */
  private startedMs = 0

  constructor(private readonly system: Pick<System, 'soon' | 'nowMs' | 'after'>) {}

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

  /** What this work returns in the end; it goes on in turns to come, from one `yield` to the next in each. */
  whole<T>(work: Steps<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.add(() => {
        try {
          const { done, value } = work.next()
          if (done === true) resolve(value)
          return done === true
        } catch (error) {
          reject(error)
          return true
        }
      })
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

  /** The turn after a step: what awaited the step has run as well by now. */
  private readonly goOn = (): void => {
    const rest = restMs(this.system.nowMs() - this.startedMs, laneRestFactor)
    if (rest === 0) return this.run()
    this.system.after(rest, this.run)
  }

  private readonly run = (): void => {
    const step = this.works.shift()
    this.startedMs = this.system.nowMs()
    try {
      if (step !== undefined && !step()) this.works.push(step)
    } finally {
      if (step !== undefined) this.system.soon(this.goOn)
      else this.isScheduled = false
    }
  }
}
