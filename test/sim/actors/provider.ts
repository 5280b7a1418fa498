/**
 * A model service behind an honest scout: it gives the right answer after a delay, and sometimes fails the
 * way providers do: rate limits, refusals, a stream that breaks off or hangs, an adapter with a bug.
 */

import type { AnswerWriter } from '../../../scout/providers/provider.ts'
import {
  type Provider,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from '../../../scout/providers/provider.ts'
import { fault } from '../../../shared/faults.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { embeddingFor } from '../answers.ts'
import type { PlayedScout } from '../trust/trust-life.ts'
import { voiced } from '../trust/voices.ts'
import type { Process } from '../world.ts'

/** Of a whole answer: one that is begun before the calm has to end in it. */
const wholeMsMax = 60_000

type Trouble = 'limited' | 'down' | 'refuses' | 'breaks' | 'hangs' | 'bug'
const troubles: readonly Trouble[] = ['limited', 'limited', 'down', 'refuses', 'breaks', 'hangs', 'bug']

export class SimProvider implements Provider {
  readonly name = 'sim'
  /** Share of calls that go wrong; those that hang end when it becomes 0. */
  private trouble: number
  private readonly calmed = new AbortController()
  private firstMs: number
  private gapMs: number

  constructor(
    private readonly process: Process,
    private readonly models: readonly string[],
    trouble: number,
    private readonly speaker: Pick<PlayedScout, 'name' | 'voice'>,
  ) {
    this.trouble = trouble
    this.firstMs = process.dice.pick([20, 300, 2_000])
    this.gapMs = process.dice.pick([1, 50, 700])
    if (speaker.voice === 'slow') Object.assign(this, { firstMs: 2_000, gapMs: 700 })
  }

  /** From now on nothing goes wrong any more, and what has piled up is worked off quickly. */
  calm(): void {
    this.trouble = 0
    this.firstMs = 5
    this.gapMs = 1
    this.calmed.abort(new ProviderError(fault('provider_unavailable', 'The provider was restarted.')))
  }

  async discover(): Promise<Offer[]> {
    const { name } = this
    const offers = this.models.map((model): Offer => offerOf({ kind: 'chat', model, provider: name }))
    return [...offers, offerOf({ kind: 'embed', model: 'vectors', provider: name })]
  }

  async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    const { dice } = this.process
    const trouble = dice.chance(this.trouble) ? dice.pick(troubles) : null
    await this.process.pause(dice.waitMs(this.firstMs), signal)
    if (trouble !== null && trouble !== 'breaks' && trouble !== 'hangs') throw failure(trouble, dice.below(20_000))
    if (request.kind === 'embed') return { json: embeddingFor(request.body) }
    const { voice, name } = this.speaker
    const { lines, tail, whole } = voiced(voice, name, request.body)
    if (!request.stream) {
      await this.process.pause(Math.min(wholeMsMax, dice.waitMs(this.gapMs * lines.length)), signal)
      if (trouble !== null) await this.failMidway(trouble, signal)
      return { json: whole }
    }
    const failsAt = trouble === null ? -1 : dice.below(lines.length)
    for (const [at, line] of lines.entries()) {
      if (at === failsAt) await this.failMidway(trouble!, signal)
      await writer.line(line)
      if (dice.chance(0.6)) await this.process.pause(dice.waitMs(this.gapMs), signal)
    }
    return { json: tail }
  }

  private async failMidway(trouble: Trouble, signal: AbortSignal): Promise<never> {
    if (trouble === 'hangs') await this.process.pause(3_600_000, AbortSignal.any([signal, this.calmed.signal]))
    throw failure(trouble, 0)
  }
}

function failure(trouble: Trouble, retryAfterMs: number): Error {
  switch (trouble) {
    case 'limited':
      return new ProviderError(fault('provider_rate_limited', 'Too many requests.', { retryAfterMs }))
    case 'refuses':
      return new ProviderError(fault('content_refused', 'The provider refuses this.'))
    case 'bug':
      return new Error('the adapter has a bug')
    default:
      return new ProviderError(fault('provider_unavailable', 'The provider is down.'))
  }
}
