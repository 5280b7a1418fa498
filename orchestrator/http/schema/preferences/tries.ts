/**
 * What `models`, `provider` and the suffixes of model names mean to this hub: a list of tries, each a model and the
 * routing options under which it is asked. The routes of interactive requests read a checked body with this; the tries
 * are gone through by `http/chat/fallback-answer.ts`. A request without any of these has no tries and costs nothing.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import { abilityBits, type TaskKind } from '../../../../shared/task.ts'
import type { Submission } from '../../../engine/ports/client.ts'
import { type ChasmFields, routingOf } from '../routing-options.ts'
import { isVirtual } from '../virtual-models.ts'
import type { ProviderFields, Sort } from './preference-fields.ts'

type Routing = NonNullable<Submission['routing']>
type Requirements = NonNullable<Routing['requires']>

/** The fields of a checked request that this file reads. */
export interface PreferenceFields {
  model?: string | null
  models?: string[] | null
  provider?: ProviderFields | null
  chasm?: ChasmFields | null
  tools?: unknown[] | null
  response_format?: { type?: unknown } | null
  messages?: { content?: unknown }[]
}

export interface Try {
  model: string
  /** The one provider that this try is for; null for any. */
  provider: string | null
  routing: Routing
}

/** Never empty. */
export type Tries = readonly Try[]

const suffixChars = 6
const sortOfSuffix: Readonly<Record<string, Sort>> = { ':floor': 'price', ':nitro': 'throughput' }

/** Null when the request has no preferences of these kinds: it is for its model alone. */
export function triesOf(sent: PreferenceFields, kind: TaskKind): Tries | Fault | null {
  const { model, models, provider } = sent
  if (!models && !provider && suffixSort(model ?? '') === null) return null
  const options = optionsOf(sent, kind)
  if ('code' in options) return options
  const tries: Try[] = []
  for (const name of namesOf(sent)) {
    const found = withoutSuffix(name, options.sort ?? null)
    if ('code' in found) return found
    if (isVirtual(found.model)) return noVirtual(found.model)
    const routing = found.sort === null ? options : { ...options, sort: found.sort }
    tries.push(...orderedTries(found.model, routing, provider))
  }
  return tries
}

/** In the order in which they are asked, each once. */
function namesOf({ model, models }: PreferenceFields): Set<string> {
  return new Set([...(model ? [model] : []), ...(models ?? [])])
}

function suffixSort(name: string): Sort | null {
  const at = name.length - suffixChars
  return at > 0 && name[at] === ':' ? (sortOfSuffix[name.slice(at)] ?? null) : null
}

function withoutSuffix(name: string, asked: Sort | null): { model: string; sort: Sort | null } | Fault {
  const sort = suffixSort(name)
  if (sort === null) return { model: name, sort: null }
  if (asked === null || asked === sort) return { model: name.slice(0, -suffixChars), sort }
  const text = `\`${name.slice(-suffixChars)}\` sorts by ${sort}, and the request asks for ${asked}: say one of both.`
  return fault('invalid_request', text, { param: 'model' })
}

function noVirtual(name: string): Fault {
  const text = `\`models\` cannot hold ${name}, which plans by itself whom to ask: name it alone, as \`model\`.`
  return fault('invalid_request', text, { param: 'models' })
}

/** One try for each preferred provider, and one for everybody, unless that is not wanted. */
function orderedTries(model: string, routing: Routing, provider: ProviderFields | null | undefined): Try[] {
  const order = provider?.order ?? []
  const { only } = routing
  const preferred = [...new Set(order)]
    // Both lists count: who stands in one alone may not be asked.
    .filter((name) => only === undefined || only.includes(name))
    .map((name) => ({ model, provider: name, routing: { ...routing, only: [name] } }))
  const isClosed = provider?.allow_fallbacks === false && preferred.length > 0
  return isClosed ? preferred : [...preferred, { model, provider: null, routing }]
}

/** What `chasm` and `provider` say together. */
function optionsOf(sent: PreferenceFields, kind: TaskKind): Routing | Fault {
  const { chasm, provider } = sent
  const { routing = {} } = routingOf(chasm)
  if (!provider) return routing
  const twice = (['sort', 'only', 'ignore'] as const).find((field) => chasm?.[field] && provider[field])
  if (twice !== undefined) {
    const text = `\`provider.${twice}\` cannot stand beside \`chasm.${twice}\`, which means the same: send one of them.`
    return fault('invalid_request', text, { param: `provider.${twice}` })
  }
  const { sort, only, ignore, order, allow_fallbacks: goesOn } = provider
  const allowed = only ?? routing.only
  if (order && allowed && !order.some((name) => allowed.includes(name))) {
    const text = '`provider.order` names nobody whom `only` allows: name somebody in both, or leave one of them out.'
    return fault('invalid_request', text, { param: 'provider.order' })
  }
  const requires = requirementsOf(sent, provider, kind)
  return {
    ...routing,
    ...(sort && { sort }),
    ...(only && { only }),
    ...(ignore && { ignore }),
    ...(requires !== null && { requires: { ...routing.requires, ...requires } }),
    // Whoever is asked first is the only one.
    ...(goesOn === false && !order && { attemptsMax: 1, hedgeAfterMs: 0 }),
  }
}

function requirementsOf(sent: PreferenceFields, provider: ProviderFields, kind: TaskKind): Requirements | null {
  const { prompt, completion } = provider.max_price ?? {}
  const abilities = provider.require_parameters === true ? abilitiesNeeded(sent) : 0
  const requires: Requirements = {
    ...(isGiven(prompt) && { promptPriceMax: priceOf(prompt) }),
    // Vectors have no tokens of an answer.
    ...(isGiven(completion) && kind === 'chat' && { answerPriceMax: priceOf(completion) }),
    ...(abilities > 0 && { abilities }),
  }
  return Object.keys(requires).length === 0 ? null : requires
}

function isGiven(price: number | string | null | undefined): price is number | string {
  return price !== undefined && price !== null
}

/** Dollars as prices of offers count them: in millionths. */
function priceOf(dollars: number | string): number {
  return Math.round(Number(dollars) * 1_000_000)
}

/** Of what a request may hold, what not every model takes and offers tell. */
function abilitiesNeeded({ tools, response_format: format, messages }: PreferenceFields): number {
  const isJson = format?.type === 'json_object' || format?.type === 'json_schema'
  let needed = (tools?.length ? abilityBits.tools : 0) | (isJson ? abilityBits.json : 0)
  for (const { content } of messages ?? []) {
    if (!Array.isArray(content)) continue
    for (const { type } of content as { type?: unknown }[]) {
      if (type === 'image_url') needed |= abilityBits.images
      else if (type === 'input_audio') needed |= abilityBits.audio
    }
  }
  return needed
}
