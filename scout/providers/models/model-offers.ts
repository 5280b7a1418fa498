/**
 * Decides what of a service's models this scout offers, and under which names: those that are chat or embeddings, in
 * the order of the list, each under its canonical name unless the operator named it otherwise in `MODEL`.
 */
import { offersMax } from '../../../shared/limits/wire.ts'
import { abilityBits, type Offer, offerOf } from '../../../shared/task.ts'
import { rowOf, type Service } from '../dialects.ts'
import type { Ability, ListedModel } from './model-list.ts'
import type { ModelNames } from './model-names.ts'

/** What hosted services sell beside chat and embeddings; where they do not state which is which, the name decides. */
const otherwise =
  /whisper|tts|transcribe|speech|audio|realtime|moderation|guard|image|dall-e|sora|rerank|davinci|babbage|orpheus/i
/** Names embedding models go by. */
const embedding = /embed|\bbge-|\be5-|\bgte-/i

interface Offered {
  offers: Offer[]
  /** From the name in an offer to the service's own, where they differ. */
  ownNames: Map<string, string>
}

/** The offers these models make. Those in `wanted` are taken whatever their name suggests; empty means all. */
export function offersOf(
  models: readonly ListedModel[],
  service: Service,
  wanted: readonly string[],
  names: ModelNames,
): Offered {
  const offers = new Map<string, Offer>()
  const ownNames = new Map<string, string>()
  for (const model of models) {
    const canonical = names.canonical(service.name, model.id)
    // Written as the operator wrote it, so that what stands in MODEL is what clients can ask for.
    const name = wanted.length === 0 ? canonical : wanted.find((one) => one === canonical || one === model.id)
    if (name === undefined || (wanted.length === 0 && !isOurs(model, service))) continue
    if (offers.has(name) || offers.size === offersMax) continue
    offers.set(name, offerFor(name, model, service))
    if (name !== model.id) ownNames.set(name, model.id)
  }
  return { offers: [...offers.values()], ownNames }
}

function isOurs({ id, kind }: ListedModel, { hosted }: Service): boolean {
  if (kind !== null) return kind !== 'other'
  return !(hosted && otherwise.test(id))
}

function offerFor(name: string, model: ListedModel, service: Service): Offer {
  const { contextTokens, promptPrice, answerPrice } = model
  const kind = model.kind === 'chat' || model.kind === 'embed' ? model.kind : kindOf(model.id)
  const can = new Set<Ability>(kind === 'chat' ? [...model.abilities, ...rowOf(service.name).abilities] : [])
  const abilities = [...can].reduce((bits, ability) => bits | abilityBits[ability], 0)
  return offerOf({ kind, model: name, provider: service.name, contextTokens, abilities, promptPrice, answerPrice })
}

/** The offer of a model that the service does not list: all that is known of it is its name. */
export function offerNamed(name: string, service: Service): Offer {
  const unknown = { kind: null, contextTokens: 0, abilities: new Set<Ability>(), promptPrice: null, answerPrice: null }
  return offerFor(name, { id: name, ...unknown }, service)
}

/** Embedding models are known by their names where a service does not list it. */
export function kindOf(model: string): Offer['kind'] {
  return embedding.test(model) ? 'embed' : 'chat'
}
