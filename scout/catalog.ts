/**
 * What this scout's providers offer, and which of them serves a model. It asks every provider at the start and every
 * few minutes after, sooner while one cannot be asked. The start waits for its first offers; the executor looks up
 * providers in it; `changed` tells whoever introduces the scout to the hub.
 */
import { fullJitterMs } from '../shared/backoff.ts'
import { offersMax, offersRefreshMs, reconnectBaseMs, reconnectCapMs } from '../shared/limits.ts'
import type { System, Timer } from '../shared/system.ts'
import type { Offer, TaskKind } from '../shared/task.ts'
import type { Log } from './log.ts'
import { type Provider, ProviderError } from './providers/provider.ts'

interface Shelf {
  provider: Provider
  offers: Offer[]
  /** Failed questions in a row. */
  failures: number
  timer: Timer | null
}

export class Catalog {
  private readonly shelves: Shelf[]
  private readonly closing = new AbortController()
  private watchers: (() => void)[] = []
  private known = '[]'

  /** `providers` in order of preference: what two of them offer is offered once, by the first. */
  constructor(
    private readonly system: System,
    private readonly log: Log,
    providers: readonly Provider[],
  ) {
    this.shelves = providers.map((provider) => ({ provider, offers: [], failures: 0, timer: null }))
  }

  /** Asks every provider once, and again from time to time until `close`. Never rejects. */
  async open(): Promise<void> {
    await Promise.all(this.shelves.map((shelf) => this.ask(shelf)))
  }

  close(): void {
    this.closing.abort()
    for (const { timer } of this.shelves) timer?.cancel()
  }

  /** Calls `watcher` whenever the offers have changed. */
  watch(watcher: () => void): void {
    this.watchers.push(watcher)
  }

  /** Each kind and model once, under the provider that would be asked first. */
  offers(): Offer[] {
    const byName = new Map<string, Offer>()
    for (const { offers } of this.shelves) {
      for (const offer of offers) {
        const name = `${offer.kind} ${offer.model}`
        if (!byName.has(name)) byName.set(name, offer)
      }
    }
    return [...byName.values()].slice(0, offersMax)
  }

  /** Who can serve this model, in order of preference. */
  providersOf(kind: TaskKind, model: string): Provider[] {
    const serves = (offer: Offer) => offer.kind === kind && offer.model === model
    return this.shelves.filter(({ offers }) => offers.some(serves)).map(({ provider }) => provider)
  }

  private async ask(shelf: Shelf): Promise<void> {
    const { provider } = shelf
    let delayMs = offersRefreshMs
    try {
      shelf.offers = await provider.discover(this.closing.signal)
      if (shelf.failures > 0) this.log.info({ provider: provider.name }, `Provider ${provider.name} answers again`)
      shelf.failures = 0
    } catch (error) {
      if (this.closing.signal.aborted) return
      this.failed(shelf, error)
      delayMs = reconnectBaseMs + fullJitterMs(shelf.failures, reconnectBaseMs, reconnectCapMs, this.system.random())
    }
    if (this.closing.signal.aborted) return
    shelf.timer = this.system.after(delayMs, () => void this.ask(shelf))
    this.compare()
  }

  private failed(shelf: Shelf, error: unknown): void {
    const { provider } = shelf
    const code = error instanceof ProviderError ? error.fault.code : 'scout_error'
    // A provider that is merely busy still has its models.
    if (code !== 'provider_rate_limited' && code !== 'provider_timeout') shelf.offers = []
    if (shelf.failures++ > 0) return
    const why = error instanceof ProviderError ? error.message : 'its adapter failed unexpectedly.'
    this.log.warn({ provider: provider.name, fault: code }, `Provider ${provider.name} cannot list its models: ${why}`)
  }

  private compare(): void {
    const offers = JSON.stringify(this.offers())
    if (offers === this.known) return
    this.known = offers
    for (const watcher of this.watchers) watcher()
  }
}
