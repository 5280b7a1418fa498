/**
 * Provider adapter for every service that speaks the OpenAI dialect, on the `openai` SDK. It forwards the client's
 * request whole, hands the answer on in the service's own words minus the identity fields (the hub writes those), and
 * puts failures into ours. The SDK is loaded at the first request, so that a scout without such a service does not pay
 * for it. Retries are the hub's: here every request is tried once.
 */
import type OpenAI from 'openai'
import type { Stream } from 'openai/core/streaming'
import { fault } from '../../shared/faults.ts'
import {
  firstSignMsPerKiB,
  providerDiscoverMs,
  providerFirstTokenMs,
  providerSilenceMs,
  requestDeadlineMs,
} from '../../shared/limits.ts'
import type { System } from '../../shared/system.ts'
import type { Offer } from '../../shared/task.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { type Service, serviceTable } from './dialects.ts'
import { parseExactly } from './exact-json.ts'
import { offersOf, readModelList } from './model-list.ts'
import { faultOfService } from './openai-faults.ts'
import { Patience } from './patience.ts'
import {
  type AnswerWriter,
  type Provider,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from './provider.ts'

type Sdk = typeof import('openai')
type Json = Record<string, unknown>

/** Fields of an answer that are the hub's to write; `chasm` is there when the service is itself a hub. */
const identityFields = ['id', 'object', 'created', 'model', 'chasm']

export class OpenAiCompatibleProvider implements Provider {
  readonly name: string
  readonly #service: Service
  readonly #wanted: readonly string[]
  readonly #system: System
  #connected: Promise<{ sdk: Sdk; client: OpenAI }> | null = null

  /** `wanted` narrows the offers to these models; empty means all. */
  constructor(service: Service, wanted: readonly string[], system: System) {
    this.name = service.name
    this.#service = service
    this.#wanted = wanted
    this.#system = system
  }

  async discover(signal: AbortSignal): Promise<Offer[]> {
    const offers = await this.#patiently(signal, async (client, patience) => {
      patience.allow(providerDiscoverMs)
      const response = await client.get('/models', { signal: patience.signal }).asResponse()
      const models = readModelList(await response.json())
      if (models === null) throw this.#badAnswer('answered with something that is not a list of models')
      return offersOf(models, this.#service, this.#wanted)
    })
    if (offers.length > 0) return offers
    const { name } = this
    const message =
      this.#wanted.length > 0
        ? `${name} has none of the models in MODEL (${this.#wanted.join(', ')}): change MODEL, or unset it to offer all`
        : `${name} at ${this.#service.baseURL} has no model to offer: load one there first`
    throw new ProviderError(fault('not_offered', message))
  }

  async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    const asked = readBody(request, this.#service)
    return this.#patiently(signal, (client, patience) => {
      if (request.kind === 'embed') return this.#whole(client, '/embeddings', 'data', asked, patience)
      if (!request.stream) return this.#whole(client, '/chat/completions', 'choices', asked, patience)
      patience.allow(providerFirstTokenMs + (request.body.length / 1024) * firstSignMsPerKiB)
      return this.#streamed(client, asked, writer, patience)
    })
  }

  /** The answer in one piece; `field` is the list without which it is no answer. */
  async #whole(client: OpenAI, path: string, field: string, body: Json, patience: Patience): Promise<ProviderAnswer> {
    // Nothing is heard before all is done, so only the limit on the whole request can bound this wait.
    patience.allow(requestDeadlineMs)
    const response = await client.post(path, { body, signal: patience.signal }).asResponse()
    const answer: unknown = await response.json()
    if (!isObject(answer)) throw this.#badAnswer('answered with something that is not an object')
    if (answer.error) throw this.#faulty(null, answer.error, response.headers)
    const list = answer[field]
    if (!Array.isArray(list) || list.length === 0) throw this.#badAnswer(`answered without "${field}"`)
    for (const name of identityFields) delete answer[name]
    return { json: JSON.stringify(answer) }
  }

  async #streamed(client: OpenAI, body: Json, writer: AnswerWriter, patience: Patience): Promise<ProviderAnswer> {
    const chunks: Stream<unknown> = await client.post<Stream<unknown>>('/chat/completions', {
      body,
      stream: true,
      signal: patience.signal,
    })
    const begun = new Set<unknown>()
    const finished = new Set<unknown>()
    let tail: Json = {}
    for await (const chunk of chunks) {
      patience.rest()
      const { choices, usage, ...extras } = this.#chunk(chunk)
      for (const choice of choices) {
        begun.add(choice.index)
        if (choice.finish_reason) finished.add(choice.index)
      }
      // Only the last word on usage counts: services that say it in every chunk count up.
      if (usage) tail.usage = usage
      if (choices.length > 0) await writer.line(JSON.stringify({ choices, ...extras }))
      else tail = { ...tail, ...extras }
      patience.allow(providerSilenceMs)
    }
    // The SDK ends a stream that was aborted as if it were complete.
    patience.signal.throwIfAborted()
    if (begun.size === 0 || finished.size < begun.size) {
      throw this.#badAnswer('ended its stream before the answer was finished')
    }
    return { json: JSON.stringify({ choices: [], ...tail }) }
  }

  /** One chunk without what is the hub's to write; services leave out what is obvious to them, clients want it said. */
  #chunk(chunk: unknown): Json & { choices: Json[] } {
    const choices = isObject(chunk) ? (chunk.choices ?? []) : null
    if (!isObject(chunk) || !Array.isArray(choices) || !choices.every(isObject)) {
      throw this.#badAnswer('streamed something that is no chunk of an answer')
    }
    for (const name of identityFields) delete chunk[name]
    for (const choice of choices) {
      choice.index ??= 0
      choice.delta ??= {}
      choice.finish_reason ||= null
    }
    return { ...chunk, choices }
  }

  /** Runs one exchange and puts whatever goes wrong into our words; the caller's own abort goes through as it is. */
  async #patiently<T>(signal: AbortSignal, exchange: (client: OpenAI, patience: Patience) => Promise<T>): Promise<T> {
    const patience = new Patience(this.#system, signal)
    const { sdk, client } = await this.#connect()
    try {
      return await exchange(client, patience)
    } catch (error) {
      signal.throwIfAborted()
      if (patience.expired) throw new ProviderError(fault('provider_timeout', `${this.name} was silent for too long`))
      throw this.#inOurWords(sdk, error)
    } finally {
      patience.end()
    }
  }

  #inOurWords(sdk: Sdk, error: unknown): ProviderError {
    if (error instanceof ProviderError) return error
    if (error instanceof sdk.APIConnectionTimeoutError) {
      return new ProviderError(fault('provider_timeout', `${this.name} did not answer in time`))
    }
    if (error instanceof sdk.APIConnectionError) {
      return new ProviderError(
        fault('provider_unavailable', `${this.name} cannot be reached at ${this.#service.baseURL}: is it running?`),
      )
    }
    if (error instanceof sdk.APIError) return this.#faulty(error.status ?? null, error.error, error.headers ?? null)
    if (error instanceof SyntaxError) return this.#badAnswer('answered with something that is not JSON')
    return new ProviderError(fault('provider_unavailable', `the connection to ${this.name} broke during its answer`))
  }

  #faulty(status: number | null, error: unknown, headers: Headers | null): ProviderError {
    return new ProviderError(faultOfService(this.#service, { status, error, headers }, this.#system.wallMs()))
  }

  #badAnswer(what: string): ProviderError {
    return new ProviderError(fault('provider_bad_answer', `${serviceTable[this.#service.name].title} ${what}`))
  }

  #connect(): Promise<{ sdk: Sdk; client: OpenAI }> {
    this.#connected ??= import('openai').then((sdk) => ({ sdk, client: clientOf(sdk, this.#service) }))
    return this.#connected
  }
}

function clientOf(sdk: Sdk, service: Service): OpenAI {
  return new sdk.OpenAI({
    baseURL: service.baseURL,
    // The SDK insists on a key; a server that asks for none is sent none.
    apiKey: service.apiKey ?? 'none',
    defaultHeaders: service.apiKey === null ? { ...service.headers, authorization: null } : service.headers,
    // What the environment says of OpenAI's account is nobody else's to see.
    adminAPIKey: null,
    ...(service.name === 'openai' ? {} : { organization: null, project: null }),
    maxRetries: 0,
    timeout: requestDeadlineMs,
    fetch: boundedFetch,
    logLevel: 'off',
  })
}

/** The client's request as the service is to see it: everything is forwarded but what is Chasm's own. */
function readBody(request: ProviderRequest, { name, continuation }: Service): Json {
  let body: unknown
  try {
    body = parseExactly(new TextDecoder().decode(request.body))
  } catch {
    body = null
  }
  if (!isObject(body)) throw new ProviderError(fault('invalid_request', 'the request body must be a JSON object'))
  delete body.chasm
  body.model = request.model
  if (isContinued(body) && continuation !== 'marked') {
    if (continuation === 'none')
      throw new ProviderError(fault('cannot_continue', `${name} can only begin an answer anew`))
    leaveOutMarks(body)
  }
  if (request.kind === 'embed') {
    // The SDK would ask for base64 on its own.
    body.encoding_format ??= 'float'
  } else if (request.stream) {
    body.stream = true
    body.stream_options = { ...(isObject(body.stream_options) ? body.stream_options : {}), include_usage: true }
  } else {
    body.stream = false
    delete body.stream_options
  }
  return body
}

/** Whether a hub wants a begun answer continued: it marks the request for the services that need a mark. */
function isContinued(body: Json): boolean {
  const last: unknown = Array.isArray(body.messages) ? body.messages.at(-1) : null
  return body.continue_final_message === true && isObject(last) && last.prefix === true
}

function leaveOutMarks(body: Json): void {
  delete body.continue_final_message
  delete body.add_generation_prompt
  delete (body.messages as Json[]).at(-1)!.prefix
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
