/**
 * The world of one seed: a clock that jumps from event to event, processes that start and end in it, and chance. All
 * code under test sees it as a `System`. Promises are driven by hand: after every event the microtasks are drained, so
 * that whatever awaits goes on before the next event, in the same order in every run.
 */
import { drainMicrotasks } from 'bun:jsc'
import { Random } from '../../orchestrator/core/model/random.ts'
import type { System, Timer } from '../../shared/system.ts'
import { Broken } from './checks/broken.ts'
import type { Trace } from './trace.ts'

/** Events of one seed; a life that needs more is caught in a loop. */
const eventsMax = 2_000_000
/** Time has grains of a power of two, so that sums and differences of times are exact and nothing comes too early. */
const grainsPerMs = 1024
/** The least that lies between two times. */
export const grainMs = 1 / grainsPerMs
export const wallStartMs = 1_700_000_000_000

export class Dice extends Random {
  chance(share: number): boolean {
    return this.unit() < share
  }

  /** Uniform whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  /** Waiting time of a memoryless event that comes every `meanMs` on average. */
  waitMs(meanMs: number): number {
    return Math.ceil(-Math.log(1 - this.unit()) * meanMs)
  }
}

interface IdleTimer extends Timer {
  dueMs: number
  order: number
  owner: Process
  callback: (() => void) | null
  idle: Idling | null
}

/** A timer that only looks whether there is something to do comes again later instead, as long as there is nothing. */
export interface Idling {
  everyMs: number
  /** Whether it would find nothing at this time of the world. */
  isIdle(nowMs: number): boolean
}

function isBefore(a: IdleTimer, b: IdleTimer): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs
}

export class World {
  nowMs = 0
  /**
   * Everything happens at multiples of this: what one turn of a busy loop finds at once. 0 for the finest grain, in
   * which hardly ever two things happen at the same time.
   */
  turnMs = 0
  /** Called after every event, once all that awaited it has gone on. */
  afterEvent: () => void = () => {}
  private readonly heap: IdleTimer[] = []
  private events = 0
  private made = 0

  constructor(
    /** 64 bits. */
    readonly seed: bigint,
    readonly trace: Trace,
  ) {}

  /** A stream of chance of its own, so that one part's draws do not move another's. */
  dice(name: string): Dice {
    return new Dice(Number(BigInt(Bun.hash(`${this.seed}/${name}`)) & 0x1f_ffff_ffff_ffffn))
  }

  process(name: string): Process {
    return new Process(this, name, this.dice(`${name}/${this.made++}`))
  }

  /** Lives on until then. */
  run(untilMs: number): void {
    for (let next = this.heap[0]; next !== undefined && next.dueMs <= untilMs; next = this.heap[0]) {
      this.pop()
      const { callback, owner } = next
      if (callback === null || !owner.alive) continue
      if (owner.frozenUntilMs > next.dueMs) {
        next.dueMs = owner.frozenUntilMs
        this.push(next)
        continue
      }
      if (next.idle?.isIdle(next.dueMs)) {
        next.dueMs += next.idle.everyMs
        this.push(next)
        continue
      }
      if (++this.events > eventsMax) throw new Broken(33, `${eventsMax} events: ${owner.name} goes round in circles`)
      this.nowMs = Math.max(this.nowMs, next.dueMs)
      next.callback = null
      owner.armed--
      this.trace.mix(next.dueMs * 8 + (next.order % 8))
      try {
        callback()
      } catch (error) {
        if (!isDeath(error)) throw error
      }
      drainMicrotasks()
      this.afterEvent()
    }
    this.nowMs = Math.max(this.nowMs, untilMs)
  }

  /** The event under way takes so long; what was to happen meanwhile comes late. */
  spend(ms: number): void {
    this.nowMs = this.timeAfter(ms)
  }

  arm(owner: Process, delayMs: number, callback: () => void, idle: Idling | null = null): Timer {
    const alarm: IdleTimer = {
      dueMs: this.timeAfter(delayMs),
      order: this.made++,
      owner,
      callback,
      idle,
      cancel() {
        if (alarm.callback === null) return
        alarm.callback = null
        owner.armed--
      },
    }
    owner.armed++
    this.push(alarm)
    return alarm
  }

  private timeAfter(delayMs: number): number {
    const soonestMs = this.nowMs + Math.ceil(Math.max(0, delayMs) * grainsPerMs) / grainsPerMs
    return this.turnMs === 0 ? soonestMs : Math.ceil(soonestMs / this.turnMs) * this.turnMs
  }

  private push(alarm: IdleTimer): void {
    const { heap } = this
    let at = heap.length
    for (heap.push(alarm); at > 0; ) {
      const up = (at - 1) >> 1
      if (!isBefore(alarm, heap[up]!)) break
      heap[at] = heap[up]!
      at = up
    }
    heap[at] = alarm
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

/** Thrown where a process dies in the middle of something, so that nothing of it goes on. */
export class ProcessDied extends Error {}

/** Thrown where the weather puts a defect into a process, which has to end itself over it. */
export class InjectedDefect extends Error {}

/** Whether this is what is left of a death or of a defect put in, in whatever it was wrapped on its way up. */
export function isDeath(error: unknown): boolean {
  if (error instanceof ProcessDied || error instanceof InjectedDefect) return true
  return error instanceof Error && error.cause !== undefined && isDeath(error.cause)
}

/** One process: its clock begins with it, and with it end all of its timers. */
export class Process implements System {
  alive = true
  /** Timers that are set. */
  armed = 0
  /** It stands still until then, and its timers fire late. */
  frozenUntilMs = 0
  private readonly bornMs: number

  constructor(
    private readonly world: World,
    readonly name: string,
    readonly dice: Dice,
  ) {
    this.bornMs = world.nowMs
  }

  kill(): void {
    this.alive = false
  }

  nowMs(): number {
    return this.world.nowMs - this.bornMs
  }

  wallMs(): number {
    return wallStartMs + this.world.nowMs
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.world.arm(this, delayMs, callback)
  }

  soon(callback: () => void): void {
    this.world.arm(this, 0, callback)
  }

  randomBytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = this.dice.next32()
    return bytes
  }

  random(): number {
    return this.dice.unit()
  }

  /** Waits this long; rejects with the signal's reason when it is aborted first. */
  pause(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const abort = () => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}
