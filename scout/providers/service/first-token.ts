/**
 * How long the first content of a model is waited for: as long as the operator allows, because a model may have to be
 * loaded and a reasoner thinks in silence, but not so long for one that has just shown that it is quick. Asked and told
 * by `service-provider.ts`.
 */
import { providerWarmFirstTokenMs, providerWarmMs } from '../../../shared/limits/provider.ts'
import { firstSignMsPerKiB } from '../../../shared/limits/scheduling.ts'
import { offersMax } from '../../../shared/limits/wire.ts'
import type { System } from '../../../shared/system.ts'

interface Known {
  /** The slowest of the recent answers. */
  slowestMs: number
  answeredMs: number
}

/** An answer may take so many times as long as the slowest recent one: another prompt, a busy machine. */
const slack = 10

export class FirstTokens {
  readonly #known = new Map<string, Known>()

  constructor(
    private readonly system: System,
    private readonly mostMs: number,
  ) {}

  /** Milliseconds that this model has, for a request of this size, until its next sign of life. */
  waitMs(model: string, requestBytes: number): number {
    const promptMs = (requestBytes / 1024) * firstSignMsPerKiB
    const known = this.#known.get(model)
    const isWarm = known !== undefined && this.system.nowMs() - known.answeredMs <= providerWarmMs
    if (!isWarm) return this.mostMs + promptMs
    return Math.min(this.mostMs, Math.max(providerWarmFirstTokenMs, slack * known.slowestMs)) + promptMs
  }

  answered(model: string, tookMs: number): void {
    const slowestMs = Math.max(tookMs, (this.#known.get(model)?.slowestMs ?? 0) / 2)
    this.#known.delete(model)
    this.#known.set(model, { slowestMs, answeredMs: this.system.nowMs() })
    if (this.#known.size > offersMax) this.#known.delete(this.#known.keys().next().value!)
  }

  /** It was given up: the next one is patient again. */
  gaveUp(model: string): void {
    this.#known.delete(model)
  }
}
