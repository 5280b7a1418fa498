/**
 * How long a provider is waited for: one abort signal that fires when the caller aborts or when the time allowed for
 * the next sign of life has passed; `expired` tells the two apart afterwards.
 */
import type { System, Timer } from '../../../shared/system.ts'

export class Patience {
  readonly #system: System
  readonly #caller: AbortSignal
  readonly #controller = new AbortController()
  readonly #giveUp = () => this.#controller.abort(this.#caller.reason)
  #timer: Timer | null = null
  #expired = false
  #onExpiry: () => void = () => undefined

  constructor(system: System, caller: AbortSignal) {
    this.#system = system
    this.#caller = caller
    if (caller.aborted) this.#giveUp()
    else caller.addEventListener('abort', this.#giveUp, { once: true })
  }

  /** For the call that is waited for. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether it ended because the time ran out. */
  get expired(): boolean {
    return this.#expired
  }

  /** Starts waiting: the next sign of life has to come within `waitMs`. */
  allow(waitMs: number): void {
    this.rest()
    this.#timer = this.#system.after(waitMs, () => {
      this.#expired = true
      this.#onExpiry()
      this.#controller.abort()
    })
  }

  /** Calls back when the time has run out, once. */
  onExpiry(callback: () => void): void {
    this.#onExpiry = callback
  }

  /** Stops the clock: something arrived, or the wait is not for the provider. */
  rest(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Lets go of the clock and of the caller. */
  end(): void {
    this.rest()
    this.#caller.removeEventListener('abort', this.#giveUp)
  }
}
