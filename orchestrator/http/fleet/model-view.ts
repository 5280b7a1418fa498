/**
 * One model as listings show it: OpenAI's few fields, those by which clients of other routers choose (context,
 * modalities, prices, supported parameters), and the hub's own under `chasm`. Fed by the engine's listings; `models.ts`
 * makes the pages. What nobody has said about a model is null here, or absent: nothing is assumed.
 */
import { abilitiesIn, abilityBits, dollars } from '../../../shared/task.ts'
import type { ModelListing } from '../../engine/ports/client.ts'

/** What every server of chats takes. */
const chatParameters = ['frequency_penalty', 'max_tokens', 'presence_penalty', 'seed', 'stop', 'temperature', 'top_p']
const toolParameters = ['tool_choice', 'tools']
const jsonParameters = ['response_format', 'structured_outputs']

/** Prices are kept in millionths of a dollar per million tokens. */
const pricesPerDollarPerToken = 1e12
const priceDecimals = 12
/** As routers write a price that is not known before the request. */
const unknownPrice = '-1'

/** What clients choose by. */
interface Traits {
  id: string
  about: string
  embeds: boolean
  abilities: number
  contextTokens: number
  promptPrice: number | null
  answerPrice: number | null
}

export function shownModel(model: ModelListing): object {
  const { id, kinds, scouts, idle, providers, contextTokens, abilities, about, promptPrice, answerPrice } = model
  const embeds = !kinds.includes('chat')
  return {
    id,
    object: 'model',
    created: model.created,
    owned_by: providers.join(', ') || 'chasm',
    ...shownTraits({ id, about, embeds, abilities, contextTokens, promptPrice, answerPrice }),
    chasm: {
      ...{ kinds, scouts, idle, providers, context_tokens: contextTokens, abilities: abilitiesIn(abilities) },
      dollars_per_million_tokens: { prompt: dollars(promptPrice), answer: dollars(answerPrice) },
      ...(about !== '' && { about }),
    },
  }
}

/** In the words of OpenRouter's list of models, which its SDK and others read. */
export function shownTraits({ id, about, embeds, abilities, ...rest }: Traits): object {
  const context = rest.contextTokens > 0 ? rest.contextTokens : null
  const inputs = ['text', ...(can(abilities, 'images') ? ['image'] : []), ...(can(abilities, 'audio') ? ['audio'] : [])]
  const output = embeds ? 'embeddings' : 'text'
  return {
    canonical_slug: id,
    name: id,
    ...(about !== '' && { description: about }),
    context_length: context,
    architecture: {
      modality: `${inputs.join('+')}->${output}`,
      input_modalities: inputs,
      output_modalities: [output],
      tokenizer: 'Other',
      instruct_type: null,
    },
    pricing: { prompt: perToken(rest.promptPrice), completion: embeds ? '0' : perToken(rest.answerPrice) },
    top_provider: { context_length: context, max_completion_tokens: null, is_moderated: false },
    per_request_limits: null,
    supported_parameters: embeds ? [] : parametersOf(abilities),
    supported_voices: null,
    default_parameters: null,
    links: { details: `/v1/models/${id}` },
  }
}

function parametersOf(abilities: number): string[] {
  const more = [...(can(abilities, 'json') ? jsonParameters : []), ...(can(abilities, 'tools') ? toolParameters : [])]
  return more.length === 0 ? chatParameters : [...chatParameters, ...more].sort()
}

function can(abilities: number, ability: keyof typeof abilityBits): boolean {
  return (abilities & abilityBits[ability]) !== 0
}

/** Dollars for one token, written out. */
function perToken(price: number | null): string {
  if (price === null) return unknownPrice
  return (price / pricesPerDollarPerToken).toFixed(priceDecimals).replace(/\.?0+$/, '')
}
