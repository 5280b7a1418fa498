/**
 * Asks local services for what OpenAI's list of models has no place for: how much a model reads, whether it calls
 * tools, sees pictures or embeds. Each of them answers it at an address of its own. It is a courtesy of theirs:
 * whatever goes wrong leaves the models as the list had them.
 */
import { detailedModelsMax } from '../../../shared/limits/provider.ts'
import { rowOf, type Service } from '../dialects.ts'
import { isObject, type Json } from '../transport/json-object.ts'
import { RequestContent } from '../transport/request-content.ts'
import type { ServiceClient } from '../transport/service-client.ts'
import { type Ability, type ListedModel, readTokens } from './model-list.ts'

type Asking = (url: string, body?: object) => Promise<Json>

/** `models` with the details that the service has at its other addresses. */
export async function readDetails(
  models: readonly ListedModel[],
  service: Service,
  client: ServiceClient,
  signal: AbortSignal,
): Promise<readonly ListedModel[]> {
  const root = service.baseURL.replace(/\/v1$/, '')
  const asking: Asking = async (path, body) => {
    const url = root + path
    const answer: unknown = await (body
      ? client.post(url, RequestContent.of(body), signal)
      : client.get(url, signal)
    ).then((response) => response.json())
    return isObject(answer) ? answer : {}
  }
  try {
    switch (rowOf(service.name).details) {
      case 'ollama':
        return await fromOllama(models, asking)
      case 'lmstudio':
        return await fromLmStudio(models, asking)
      case 'llamacpp':
        return await fromLlamaCpp(models, asking)
      case 'list':
        return models
    }
  } catch {
    return models
  }
}

/** `POST /api/show` returns a model's capabilities, `GET /api/ps` how much of its context is really loaded. */
async function fromOllama(models: readonly ListedModel[], asking: Asking): Promise<ListedModel[]> {
  const { models: loaded } = await asking('/api/ps').catch((): Json => ({}))
  const running = new Map(rowsOf(loaded).map((row) => [row.name, readTokens(row.context_length)]))
  const detailed: ListedModel[] = []
  for (const model of models.slice(0, detailedModelsMax)) {
    const shown = await asking('/api/show', { model: model.id })
    const can = Array.isArray(shown.capabilities) ? shown.capabilities : null
    // The context of the weights does not count: Ollama loads far less of it and cuts longer prompts silently.
    const contextTokens = running.get(model.id) || readTokens(numberAfter('num_ctx', shown.parameters))
    if (can === null) detailed.push({ ...model, contextTokens })
    else
      detailed.push({ ...model, contextTokens, ...saidBy(can, { tools: 'tools', vision: 'images', audio: 'audio' }) })
  }
  return [...detailed, ...models.slice(detailedModelsMax)]
}

function saidBy(can: readonly unknown[], words: Record<string, Ability>): Pick<ListedModel, 'kind' | 'abilities'> {
  const abilities = Object.entries(words).flatMap(([word, ability]) => (can.includes(word) ? [ability] : []))
  const embeds = can.includes('embedding') && !can.includes('completion')
  return { kind: embeds ? 'embed' : 'chat', abilities: new Set(abilities) }
}

/** A line of Ollama's parameters: `num_ctx                        8192`. */
function numberAfter(word: string, text: unknown): number {
  const line = typeof text === 'string' ? text.match(new RegExp(`^${word}\\s+(\\d+)\\s*$`, 'm')) : null
  return line ? Number(line[1]) : 0
}

/** `GET /api/v0/models` returns the type of each model and how much of its context is loaded. */
async function fromLmStudio(models: readonly ListedModel[], asking: Asking): Promise<ListedModel[]> {
  const { data } = await asking('/api/v0/models')
  const rows = new Map(rowsOf(data).map((row) => [row.id, row]))
  return models.map((model) => {
    const row = rows.get(model.id)
    if (row === undefined) return model
    const abilities = new Set<Ability>()
    if (row.type === 'vlm') abilities.add('images')
    if (Array.isArray(row.capabilities) && row.capabilities.includes('tool_use')) abilities.add('tools')
    const contextTokens = readTokens(row.loaded_context_length) || readTokens(row.max_context_length)
    return { ...model, kind: row.type === 'embeddings' ? 'embed' : 'chat', contextTokens, abilities }
  })
}

/** `GET /props` describes the one model that is loaded. */
async function fromLlamaCpp(models: readonly ListedModel[], asking: Asking): Promise<readonly ListedModel[]> {
  if (models.length !== 1) return models
  const { default_generation_settings: settings, modalities, chat_template_caps: template } = await asking('/props')
  const abilities = new Set<Ability>()
  if (isObject(modalities) && modalities.vision === true) abilities.add('images')
  if (isObject(modalities) && modalities.audio === true) abilities.add('audio')
  if (isObject(template) && template.supports_tools === true) abilities.add('tools')
  const contextTokens = isObject(settings) ? readTokens(settings.n_ctx) : 0
  return models.map((model) => ({ ...model, contextTokens: contextTokens || model.contextTokens, abilities }))
}

function rowsOf(list: unknown): Json[] {
  return Array.isArray(list) ? list.filter(isObject) : []
}
