/**
 * Offers as they travel in `hello` and `offers`: positional, like everything on the wire. The scout packs what its
 * providers told it, the hub unpacks it.
 */
import type { Offer } from '../task.ts'
import type { FrameOf } from './frames.ts'

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
