/**
 * Reads what a service says it has, in the shape of OpenAI's `GET /v1/models`, and decides what of it this scout can
 * offer. The list is a stranger's text: names that cannot travel are passed over, and there is a bound on their number.
 */
import { modelCharsMax, offersMax } from '../../shared/limits.ts'
import { type Offer, offerOf } from '../../shared/task.ts'
import type { Service } from './dialects.ts'

interface ListedModel {
  id: string
  /** 0 when the service does not say. */
  contextTokens: number
}

/** What hosted services sell beside chat and embeddings; they do not say which is which, so the name has to. */
const otherwise =
  /whisper|tts|transcribe|speech|audio|realtime|moderation|guard|image|dall-e|sora|rerank|davinci|babbage/i
/** Names embedding models go by. */
const embedding = /embed|\bbge-|\be5-|\bgte-/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: names with them are passed over
const control = /[\u0000-\u001f\u007f]/

/** Where services of this dialect write how much a model can read. */
const contextFields = ['context_window', 'context_length', 'max_model_len', 'max_context_length']

/** The models of a list, or null when `json` is no such list. */
export function readModelList(json: unknown): ListedModel[] | null {
  const data = (json as { data?: unknown } | null)?.data
  if (!Array.isArray(data)) return null
  const models: ListedModel[] = []
  for (const row of data) {
    const id: unknown = row?.id
    if (typeof id !== 'string' || id === '' || id.length > modelCharsMax || control.test(id)) continue
    const contextTokens = contextFields.map((field) => row[field]).find((n) => Number.isSafeInteger(n) && n > 0) ?? 0
    models.push({ id, contextTokens })
  }
  return models
}

/** The offers these models make. Those in `wanted` are taken whatever their name suggests; empty means all. */
export function offersOf(models: readonly ListedModel[], service: Service, wanted: readonly string[]): Offer[] {
  const isOurs = ({ id }: ListedModel) =>
    wanted.length > 0 ? wanted.includes(id) : !(service.hosted && otherwise.test(id))
  return models
    .filter(isOurs)
    .slice(0, offersMax)
    .map(({ id, contextTokens }) => offerOf({ kind: kindOf(id), model: id, provider: service.name, contextTokens }))
}

/** Embedding models are known by their names: no service of this dialect says it in its list. */
export function kindOf(model: string): Offer['kind'] {
  return embedding.test(model) ? 'embed' : 'chat'
}
