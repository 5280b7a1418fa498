/**
 * Keeps the hub's picture of the offers current: the hello carries them, and an `offers` frame follows for every change
 * after it. A change may come while no frame can be sent (between hello and welcome, or at the limit of the rate); it
 * is then sent as soon as one can. The scout calls it when the catalog changes and when a session begins.
 */
import type { FrameOf } from '../../shared/protocol/frames.ts'
import { offerBytes, packOffers } from '../../shared/protocol/offers.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { Exit } from '../work/outbox.ts'
import type { Catalog } from './catalog.ts'

export class OfferAnnouncement {
  /** The catalog's revision that the hub of this session has been sent. */
  private sent = -1
  private retry: Timer | null = null

  constructor(
    private readonly system: System,
    private readonly exit: Exit,
    private readonly catalog: Catalog,
    private readonly concurrency: number,
  ) {}

  /** The offers for a hello, which counts as sent: a session that ends before its welcome begins with a new hello. */
  forHello(): FrameOf<'hello'>['offers'] {
    this.sent = this.catalog.revision
    return packOffers(this.catalog.offers())
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
    this.exit.send({ type: 'offers', concurrency: this.concurrency, offers: packOffers(offers) })
  }

  end(): void {
    this.retry?.cancel()
  }
}
