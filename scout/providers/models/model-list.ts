/**
 * Reads the list of a service's models, in the shape of OpenAI's `GET /v1/models` with what several services write
 * beside the names: how much a model reads, what it can do, what it costs. The list comes from outside: names that
 * cannot travel are skipped, and what does not look as expected counts as unknown.
 */
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { isObject, type Json } from '../transport/json-object.ts'

/** What a model can do besides plain text, as far as its service states it. */
export type Ability = 'tools' | 'json' | 'images' | 'audio'

export interface ListedModel {
  id: string
  /** Null when the service does not state it: then the name decides. */
  kind: TaskKind | 'other' | null
  /** 0 when the service does not state it. */
  contextTokens: number
  abilities: ReadonlySet<Ability>
  /** Millionths of a US dollar per million tokens; null when the service does not state it. */
  promptPrice: number | null
  answerPrice: number | null
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: names with them are passed over
const control = /[\u0000-\u001f\u007f]/

/** Where services of this dialect write how much a model can read; of those they state, the first counts. */
const contextFields = ['context_window', 'context_length', 'max_model_len', 'loaded_context_length']

/**
 * The models of a list, or null when `json` is no such list. Some servers send the bare list, or null where they have
 * no model.
 */
export function readModelList(json: unknown): ListedModel[] | null {
  const data = isObject(json) ? json.data : json
  if (data === null && json !== null) return []
  return Array.isArray(data) ? data.flatMap((row) => readModel(row) ?? []) : null
}

function readModel(row: unknown): ListedModel | null {
  if (!isObject(row)) return null
  const { pricing, meta } = row
  const id = row.id ?? row.model ?? row.name
  if (typeof id !== 'string' || id === '' || id.length > modelCharsMax || control.test(id)) return null
  // Groq keeps models it no longer serves in its list.
  if (row.active === false) return null
  const stated = [...contextFields.map((field) => row[field]), isObject(meta) ? meta.n_ctx : null]
  return {
    id,
    kind: kindIn(row),
    contextTokens: stated.map(readTokens).find((tokens) => tokens > 0) ?? 0,
    abilities: abilitiesIn(row),
    promptPrice: isObject(pricing) ? readPrice(pricing.prompt) : null,
    answerPrice: isObject(pricing) ? readPrice(pricing.completion) : null,
  }
}

export function readTokens(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

/** OpenRouter lists what a model returns; what answers without text is neither chat nor embeddings. */
function kindIn(row: Json): ListedModel['kind'] {
  const out = isObject(row.architecture) ? row.architecture.output_modalities : null
  if (!Array.isArray(out)) return null
  if (out.includes('text')) return 'chat'
  return out.includes('embeddings') ? 'embed' : 'other'
}

function abilitiesIn(row: Json): Set<Ability> {
  const abilities = new Set<Ability>()
  const inputs: unknown = isObject(row.architecture) ? row.architecture.input_modalities : null
  const parameters: unknown = row.supported_parameters
  if (Array.isArray(parameters)) {
    if (parameters.includes('tools')) abilities.add('tools')
    if (parameters.includes('response_format') || parameters.includes('structured_outputs')) abilities.add('json')
  }
  if (Array.isArray(inputs)) {
    if (inputs.includes('image')) abilities.add('images')
    if (inputs.includes('audio')) abilities.add('audio')
  }
  return abilities
}

/** Dollars per token as text, `"0.0000015"`; a negative one means that it depends. */
function readPrice(text: unknown): number | null {
  const dollars = typeof text === 'string' && text !== '' ? Number(text) : Number.NaN
  const price = Math.round(dollars * 1e12)
  return dollars >= 0 && Number.isSafeInteger(price) ? price : null
}
