/**
 * Offers as they travel in `hello` and `offers`: positional, like everything on the wire. The scout packs what its
 * providers returned, as far as it fits; the hub unpacks it.
 */
import { bodyBytesMax, offersBytesMax, offersMax, requestBodyBytesMax } from '../limits/wire.ts'
import { isReservedModel, type Offer } from '../task.ts'
import { type FrameOf, frameTable } from './frames.ts'

/** Sizes of requests count in steps, so that a fleet has few of them, whatever strangers name. */
const stepBytes = 1024 * 1024

type WireOffers = FrameOf<'hello'>['offers']

export function packOffers(offers: readonly Offer[]): WireOffers {
  return offers.map((o) => {
    const { kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about, requestBytesMax } = o
    const offer = [kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about] as const
    return requestBytesMax === bodyBytesMax ? [...offer] : [...offer, requestBytesMax]
  })
}

export function unpackOffers(wire: WireOffers): Offer[] {
  return wire.map(([kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about, bytes = 0]) => {
    const requestBytesMax = Math.min(requestBodyBytesMax, Math.max(bodyBytesMax, bytes - (bytes % stepBytes)))
    return { kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about, requestBytesMax }
  })
}

/** Whether the hub takes this offer. One that it refuses would close the session, so it must not be packed. */
export function isValidOffer(offer: Offer): boolean {
  return !isReservedModel(offer.model) && frameTable.offers.fields.offers.accepts(packOffers([offer]))
}

/** Tags, lengths and numbers of one offer at their longest. */
const offerHeadBytes = 60

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
