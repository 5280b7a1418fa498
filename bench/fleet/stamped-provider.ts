/**
 * A provider that costs next to nothing, so that the fleet leaves the machine to the hub: it reads no request and
 * answers with stamps (`stamps.ts`) that let the reader check order and time. Pacing goes through one ticker for all
 * streams of a process instead of a timer for every token. The demo provider takes its place when the population asks.
 */
import { type AnswerWriter, type Provider, type ProviderAnswer, ProviderError } from '../../scout/providers/provider.ts'
import { fault } from '../../shared/faults.ts'
import { type Offer, offerOf } from '../../shared/task.ts'
import { contentLine, lastLine, stamp, stampHash, wholeAnswer } from '../load/stamps.ts'

export interface StampedSettings {
  models: string[]
  /** Before a whole answer or the first token. */
  thinkMs: number
  tokens: number
  /** 0: as fast as possible, but every token in a turn of the loop of its own. */
  tokensPerSecond: number
  tokenBytes: number
  answerBytes: number
  /** Share of requests that fail. */
  failureRate: number
}

const usage = '{"choices":[],"usage":{"prompt_tokens":80,"completion_tokens":40,"total_tokens":120}}'
const tickMs = 4

/** Moments to come, looked at by one interval. */
class Ticker {
  private slots = new Map<number, (() => void)[]>()
  private last = Math.floor(performance.now() / tickMs)
  private timer: Timer | null = null

  at(ms: number): Promise<void> {
    this.timer ??= setInterval(() => this.tick(), tickMs)
    const slot = Math.max(this.last + 1, Math.ceil(ms / tickMs))
    return new Promise((resolve) => {
      const waiting = this.slots.get(slot)
      if (waiting === undefined) this.slots.set(slot, [resolve])
      else waiting.push(resolve)
    })
  }

  private tick(): void {
    const now = Math.floor(performance.now() / tickMs)
    while (this.last < now) {
      this.last++
      const waiting = this.slots.get(this.last) ?? []
      this.slots.delete(this.last)
      for (const resolve of waiting) resolve()
    }
  }
}

const ticker = new Ticker()

export class StampedProvider implements Provider {
  readonly name = 'bench'

  constructor(private readonly settings: Readonly<StampedSettings>) {}

  async discover(): Promise<Offer[]> {
    return this.settings.models.map((model) => offerOf({ kind: 'chat', model, provider: this.name }))
  }

  async answer(request: { stream: boolean }, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    const askedMs = performance.now()
    const { thinkMs, failureRate, answerBytes } = this.settings
    if (failureRate > 0 && Math.random() < failureRate) {
      throw new ProviderError(fault('provider_unavailable', 'this provider of the bench fails now and then'))
    }
    if (thinkMs > 0) await ticker.at(askedMs + thinkMs)
    if (!request.stream) return { json: wholeAnswer(performance.now() - askedMs, answerBytes) }
    await this.stream(askedMs, writer, signal)
    return { json: usage }
  }

  private async stream(askedMs: number, writer: AnswerWriter, signal: AbortSignal): Promise<void> {
    const { tokens, tokensPerSecond, tokenBytes } = this.settings
    const padding = 'x'.repeat(tokenBytes)
    const beganMs = performance.now()
    let hash = 0
    for (let token = 0; token < tokens; token++) {
      if (tokensPerSecond > 0) await ticker.at(beganMs + (token * 1_000) / tokensPerSecond)
      else await new Promise((resolve) => setImmediate(resolve))
      signal.throwIfAborted()
      const nowMs = performance.now()
      const piece = stamp(token, nowMs, nowMs - askedMs) + padding
      hash = stampHash(hash, piece)
      await writer.line(contentLine(piece))
    }
    await writer.line(contentLine(`#${hash}`))
    await writer.line(lastLine)
  }
}
