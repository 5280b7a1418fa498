/**
 * What this scout's providers offer, and which of them serves a model. It asks every provider at the start and every
 * few minutes after, sooner while one cannot be asked, and keeps the limits that they report while they work. The start
 * waits for its first offers; `answer-task.ts` looks up providers in it and reports their failures; watchers are called
 * when the offers change. `OfferAnnouncement` sends them to the hub.
 */
import { fullJitterMs } from '../../shared/backoff.ts'
import type { Fault } from '../../shared/faults.ts'
import { offersRefreshMs } from '../../shared/limits/scout.ts'
import { reconnectBaseMs, reconnectCapMs } from '../../shared/limits/wire.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import { isValidOffer, offerBytes, offersThatFit, packOffers } from '../../shared/protocol/offers.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { Offer, TaskKind } from '../../shared/task.ts'
import type { Log } from '../log.ts'
import { type Provider, ProviderError } from '../providers/provider.ts'
import type { Candidate, ProviderLookup } from '../tasks/answer-task.ts'
import type { Exit } from '../tasks/outbox.ts'
import { Pauses } from './pauses.ts'

interface Shelf {
  provider: Provider
  offers: Offer[]
  /** Failed questions in a row. */
  failures: number
  timer: Timer | null
}

export class Catalog implements ProviderLookup {
  private readonly shelves: Shelf[]
  private readonly closing = new AbortController()
  private watchers: (() => void)[] = []
  private readonly pauses = new Pauses()
  /** The offers as they were when the revision last grew. */
  private known = '[]'
  private changes = 0

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

  /** Grows with every change of the offers. */
  get revision(): number {
    return this.changes
  }

  /** Calls `watcher` whenever the offers have changed. */
  watch(watcher: () => void): void {
    this.watchers.push(watcher)
  }

  /** Each kind and model once, under the provider that would be asked first; as many as the hub takes. */
  offers(): Offer[] {
    return offersThatFit(this.everything())
  }

  private everything(): Offer[] {
    const byName = new Map<string, Offer>()
    for (const { offers } of this.shelves) {
      for (const offer of offers) {
        const name = `${offer.kind} ${offer.model}`
        if (!byName.has(name)) byName.set(name, offer)
      }
    }
    return [...byName.values()]
  }

  /** Who can serve this model, in order of preference. */
  providersOf(kind: TaskKind, model: string): Candidate[] {
    const nowMs = this.system.nowMs()
    return this.shelves
      .filter(({ offers }) => offers.some(isOffer(kind, model)))
      .map(({ provider }) => ({ provider, pausedMs: this.pauses.leftMs(provider.name, kind, model, nowMs) }))
  }

  /** What a failure at work means for the offers: a pause, one model gone, or a key that is not accepted any more. */
  failed(provider: Provider, kind: TaskKind, model: string, { code, message, retryAfterMs }: Fault): void {
    const shelf = this.shelves.find((one) => one.provider === provider)
    if (shelf === undefined || shelf.offers.length === 0) return
    switch (code) {
      case 'provider_rate_limited':
        return this.pause(provider, kind, model, retryAfterMs)
      case 'provider_unauthorized':
        this.switchOff(shelf, message)
        this.schedule(shelf, offersRefreshMs)
        return this.compare()
      case 'not_offered': {
        const isGone = isOffer(kind, model)
        shelf.offers = shelf.offers.filter((offer) => !isGone(offer))
        this.log.warn({ provider: provider.name }, `${provider.name} does not serve ${model} any more: ${message}`)
        return this.compare()
      }
    }
  }

  exhausted(provider: Provider, kind: TaskKind, model: string, pauseMs: number): void {
    this.pause(provider, kind, model, pauseMs)
  }

  private pause(provider: Provider, kind: TaskKind, model: string, forMs: number | undefined): void {
    const { name } = provider
    const nowMs = this.system.nowMs()
    const isNew = this.pauses.leftMs(name, kind, model, nowMs) === 0
    const lastsMs = this.pauses.begin(name, kind, model, forMs, nowMs)
    const seconds = (lastsMs / 1_000).toFixed(1)
    if (isNew) this.log.info({ provider: name, model }, `${name} is at its limit for ${model}: paused for ${seconds} s`)
  }

  /** The provider refuses its key: none of its models is offered until it accepts it. */
  private switchOff(shelf: Shelf, why: string): void {
    const { name } = shelf.provider
    if (shelf.failures++ === 0 || shelf.offers.length > 0) {
      const again = `it is asked again every ${offersRefreshMs / 60_000} minutes`
      this.log.error({ provider: name }, `Provider ${name} is switched off: ${why}; ${again}`)
    }
    shelf.offers = []
  }

  private async ask(shelf: Shelf): Promise<void> {
    const { provider } = shelf
    let delayMs = offersRefreshMs
    try {
      shelf.offers = this.validOf(provider, await provider.discover(this.closing.signal))
      if (shelf.failures > 0) this.log.info({ provider: provider.name }, `Provider ${provider.name} answers again`)
      shelf.failures = 0
    } catch (error) {
      if (this.closing.signal.aborted) return
      delayMs = this.unlisted(shelf, error)
    }
    if (this.closing.signal.aborted) return
    this.schedule(shelf, delayMs)
    this.compare()
  }

  private validOf({ name }: Provider, offers: readonly Offer[]): Offer[] {
    const valid = offers.filter(isValidOffer)
    const refused = offers.length - valid.length
    if (refused > 0)
      this.log.warn({ provider: name, refused }, `Left out ${refused} of the offers of ${name}: ${unfit}`)
    return valid
  }

  private schedule(shelf: Shelf, delayMs: number): void {
    shelf.timer?.cancel()
    shelf.timer = this.system.after(delayMs, () => void this.ask(shelf))
  }

  /** A provider could not be asked what it has. Returns when to ask again. */
  private unlisted(shelf: Shelf, error: unknown): number {
    const { provider } = shelf
    const code = error instanceof ProviderError ? error.fault.code : 'scout_error'
    if (error instanceof ProviderError && code === 'provider_unauthorized') {
      this.switchOff(shelf, error.message)
      return offersRefreshMs
    }
    // A provider that is merely busy still has its models.
    if (code !== 'provider_rate_limited' && code !== 'provider_timeout') shelf.offers = []
    if (shelf.failures++ === 0) {
      const why = error instanceof ProviderError ? error.message : 'its adapter failed unexpectedly.'
      const facts = { provider: provider.name, fault: code }
      this.log.warn(facts, `Provider ${provider.name} cannot list its models: ${why}`)
    }
    return reconnectBaseMs + fullJitterMs(shelf.failures, reconnectBaseMs, reconnectCapMs, this.system.random())
  }

  private compare(): void {
    const all = this.everything()
    const offers = offersThatFit(all)
    const text = JSON.stringify(offers)
    if (text === this.known) return
    this.known = text
    this.changes++
    if (offers.length < all.length) {
      const facts = { offers: all.length, announced: offers.length }
      this.log.warn(facts, `Only the first ${offers.length} of ${all.length} models are offered: name yours in MODEL`)
    }
    for (const watcher of this.watchers) watcher()
  }
}

const unfit = 'a name, a description or a number is outside the bounds of the protocol'

function isOffer(kind: TaskKind, model: string): (offer: Offer) => boolean {
  return (offer) => offer.kind === kind && offer.model === model
}

/**
 * Keeps the hub's picture of the offers current: the hello carries them, and an `offers` frame follows for every change
 * after it. A change may come while no frame can be sent (between hello and welcome, or at the limit of the rate); it
 * is then sent as soon as one can. The scout calls it when the catalog changes and when a session begins.
 */
export class OfferAnnouncement {
  /** The catalog's revision that the hub of this session has been sent. */
  private sent = -1
  private retry: Timer | null = null

  constructor(
    private readonly system: System,
    private readonly exit: Exit,
    private readonly catalog: Catalog,
    private readonly bounds: { concurrency: number; requestBytesMax: number },
  ) {}

  /** The offers for a hello, which counts as sent: a session that ends before its welcome begins with a new hello. */
  forHello(): FrameOf<'hello'>['offers'] {
    this.sent = this.catalog.revision
    return this.packed(this.catalog.offers())
  }

  /** Sends what has changed since the hello or the last `offers` frame, now or as soon as the link has room. */
  update(): void {
    if (this.sent === this.catalog.revision || this.retry !== null) return
    const offers = this.catalog.offers()
    const waitMs = this.exit.waitMs(false, offerBytes(offers))
    // No session is at work: `update` is called again when one begins.
    if (waitMs === Number.POSITIVE_INFINITY) return
    if (waitMs > 0) {
      this.retry = this.system.after(waitMs, () => {
        this.retry = null
        this.update()
      })
      return
    }
    this.sent = this.catalog.revision
    this.exit.send({ type: 'offers', concurrency: this.bounds.concurrency, offers: this.packed(offers) })
  }

  /** With each offer goes how large a request this scout takes. */
  private packed(offers: readonly Offer[]): FrameOf<'hello'>['offers'] {
    const { requestBytesMax } = this.bounds
    return packOffers(offers.map((offer) => ({ ...offer, requestBytesMax })))
  }

  end(): void {
    this.retry?.cancel()
  }
}
