/**
 * What a token of a model may cost at most, by what is offered now: reserved before a task runs, and charged for it at
 * most. No scout's number is believed by itself: a price counts up to a multiple of the cheapest offer of the same
 * model, or of what is usual, so that one dear offer cannot empty the budgets of everybody who asks for its model.
 */
import { priceSpreadMax } from '../../../shared/limits/keys.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { CapabilityIndex } from '../../core/fleet/capability-index.ts'
import type { Variant } from '../../core/model/model-entry.ts'
import type { Requirements } from '../../core/model/routing-options.ts'
import { usualAnswerPrice, usualPromptPrice } from '../../core/stats/prices.ts'
import { believedPrice, type Price } from '../../tenants/price.ts'
import type { ServedPrice } from '../ports/charged-key.ts'

/** Where a price is unknown. */
const usualPrice: Price = { prompt: usualPromptPrice, answer: usualAnswerPrice }

/** What was named, bounded; what is usual for what was not. */
export function believedPrices(named: ServedPrice | null): Price {
  return {
    prompt: believedPrice(named?.promptPrice ?? null, usualPrice.prompt),
    answer: believedPrice(named?.answerPrice ?? null, usualPrice.answer),
  }
}

export class ModelPrices {
  constructor(private readonly index: Pick<CapabilityIndex, 'entry'>) {}

  /** The dearest that whoever serves the request may ask. Looks at a bounded number of offers. */
  dearest(kind: TaskKind, model: string, requires: Requirements | null): Price {
    const variants = this.index.entry(kind, model)?.variants ?? none
    const price = { prompt: within(variants, 'promptPrice'), answer: within(variants, 'answerPrice') }
    if (requires === null) return price
    const { priceMax, promptPriceMax = priceMax, answerPriceMax = priceMax } = requires
    return {
      prompt: Math.min(price.prompt, promptPriceMax ?? price.prompt),
      answer: Math.min(price.answer, answerPriceMax ?? price.answer),
    }
  }
}

const none: readonly Variant[] = []

/** Without building anything: it is asked for every task of a limited key. */
function within(variants: readonly Variant[], of: 'promptPrice' | 'answerPrice'): number {
  const usual = usualPrice[of === 'promptPrice' ? 'prompt' : 'answer']
  // Of `auto` it is not known yet who serves it.
  if (variants.length === 0) return usual * priceSpreadMax
  let cheapest = Number.POSITIVE_INFINITY
  let dearest = 0
  for (const { offer } of variants) {
    const price = believedPrice(offer[of], usual)
    if (price < cheapest) cheapest = price
    if (price > dearest) dearest = price
  }
  return Math.min(dearest, Math.max(usual, cheapest) * priceSpreadMax)
}
