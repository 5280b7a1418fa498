/**
 * Offers as they travel in `hello` and `offers`: positional, like everything on the wire. The scout packs what its
 * providers returned, as far as it fits; the hub unpacks it.
 */
import { offersBytesMax, offersMax } from '../limits/wire.ts'
import { isReservedModel, type Offer } from '../task.ts'
import { type FrameOf, frameTable } from './frames.ts'

type WireOffers = FrameOf<'hello'>['offers']

export function packOffers(offers: readonly Offer[]): WireOffers {
  return offers.map((o) => {
    return [o.kind, o.model, o.provider, o.contextTokens, o.abilities, o.promptPrice, o.answerPrice, o.about]
  })
}

export function unpackOffers(wire: WireOffers): Offer[] {
  return wire.map(([kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about]) => {
    return { kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about }
  })
}

/** Whether the hub takes this offer. One that it refuses would close the session, so it must not be packed. */
export function isValidOffer(offer: Offer): boolean {
  return !isReservedModel(offer.model) && frameTable.offers.fields.offers.accepts(packOffers([offer]))
}

/** Tags, lengths and numbers of one offer at their longest. */
const offerHeadBytes = 55

/** What these offers take in a frame at most. */
export function offerBytes(offers: readonly Offer[]): number {
  let bytes = 0
  for (const { model, provider, about } of offers) {
    bytes += offerHeadBytes + Buffer.byteLength(model) + Buffer.byteLength(provider) + Buffer.byteLength(about)
  }
  return bytes
}

/** The first of these offers, as many as one frame may carry. */
export function offersThatFit(offers: readonly Offer[]): Offer[] {
  const fitting: Offer[] = []
  let bytes = 0
  for (const offer of offers) {
    bytes += offerBytes([offer])
    if (fitting.length === offersMax || bytes > offersBytesMax) break
    fitting.push(offer)
  }
  return fitting
}
