/**
 * The fields by which clients of other routers say whom they want to be answered by: `models` and `provider`. Their
 * schemas; what they mean to this hub is in `tries.ts`. The requests in `openai-requests.ts` hold them.
 */
import { z } from 'zod'
import {
  fallbackModelsMax,
  preferredProvidersMax,
  routingNameCharsMax,
  routingNamesMax,
} from '../../../../shared/limits/http.ts'
import { modelCharsMax } from '../../../../shared/limits/wire.ts'
import { expects, flag, listOf, textUpTo } from '../validation.ts'

const sorts = ['price', 'throughput', 'latency'] as const
export type Sort = (typeof sorts)[number]

const namesUpTo = (countMax: number, chars: number) => {
  const rule = `must be a list of 1 to ${countMax} strings`
  return listOf(textUpTo(chars), rule, countMax).min(1, expects(rule))
}

export const models = namesUpTo(fallbackModelsMax, modelCharsMax)
  .nullish()
  .describe('Asked in turn, behind `model`, when the one before has nobody to answer or fails.')

const dollarsRule = expects('must be a number of dollars per million tokens, 0 or more')
const dollars = z
  .union([z.number(dollarsRule).min(0, dollarsRule), z.string(dollarsRule).regex(/^\d+(\.\d+)?$/, dollarsRule)])
  .nullish()
const anObject = expects('must be an object')
const maxPrice = z.strictObject({ prompt: dollars, completion: dollars }, anObject)

export const provider = z
  .strictObject(
    {
      order: namesUpTo(preferredProvidersMax, routingNameCharsMax)
        .nullish()
        .describe('Providers to be asked first, in this order.'),
      only: namesUpTo(routingNamesMax, routingNameCharsMax).nullish().describe('As `chasm.only`.'),
      ignore: namesUpTo(routingNamesMax, routingNameCharsMax).nullish().describe('As `chasm.ignore`.'),
      sort: z
        .enum(sorts, expects(`must be one of ${sorts.join(', ')}`))
        .nullish()
        .describe('As `chasm.sort`.'),
      max_price: maxPrice
        .nullish()
        .describe('Dollars per million tokens. Whoever names no price, or a higher one, is not asked.'),
      require_parameters: flag.describe('Ask only where tools, JSON or media of this request are known to be taken.'),
      allow_fallbacks: flag.describe('False: nobody beside those in `order`; without one, the first who is asked.'),
    },
    anObject,
  )
  .nullish()
  .describe('Whom to ask, as routers of other services have it; the rest of it is refused by name.')

export interface ProviderFields {
  order?: string[] | null
  only?: string[] | null
  ignore?: string[] | null
  sort?: Sort | null
  max_price?: { prompt?: number | string | null; completion?: number | string | null } | null
  require_parameters?: boolean | null
  allow_fallbacks?: boolean | null
}
