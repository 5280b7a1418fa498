/**
 * The provider of every model service. It forwards the client's whole request, passes the answer on without the
 * identity fields (the hub writes those), and turns failures into faults. The SDK is loaded at the first request, so
 * that a scout carries only those it uses. Retries are the hub's: here every request is tried once.
 */
import { fault } from '../../../shared/faults.ts'
import { providerDiscoverMs, providerFirstTokenMs, providerSilenceMs } from '../../../shared/limits/provider.ts'
import { firstSignMsPerKiB, requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import type { System } from '../../../shared/system.ts'
import type { Offer } from '../../../shared/task.ts'
import { rowOf, type Service } from '../dialects.ts'
import { readDetails } from '../models/model-details.ts'
import { readModelList } from '../models/model-list.ts'
import { canonicalNames, type ModelNames } from '../models/model-names.ts'
import { offersOf } from '../models/model-offers.ts'
import {
  type AnswerWriter,
  type Provider,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from '../provider.ts'
import { Patience } from '../transport/patience.ts'
import { exhaustedMs } from '../transport/retry-after.ts'
import type { ServiceClient } from '../transport/service-client.ts'
import { faultOfService } from '../transport/service-faults.ts'
import { connectGroq } from './groq.ts'
import { connectOpenAiCompatible } from './openai-compatible.ts'
import { readBody } from './request-body.ts'
import { type AnswerJudge, AnswerStream, readWhole } from './service-answer.ts'

type Call<T> = (client: ServiceClient, patience: Patience) => Promise<T>

function connect(service: Service): Promise<ServiceClient> {
  return service.name === 'groq' ? connectGroq(service) : connectOpenAiCompatible(service)
}

export class ServiceProvider implements Provider {
  readonly name: string
  readonly #service: Service
  readonly #wanted: readonly string[]
  readonly #system: System
  readonly #names: ModelNames
  /** The service's own names for what was offered under another. */
  #ownNames: ReadonlyMap<string, string> = new Map()
  #client: Promise<ServiceClient> | null = null

  /** `wanted` narrows the offers to these models; empty means all. */
  constructor(service: Service, wanted: readonly string[], system: System, names: ModelNames = canonicalNames) {
    this.name = service.name
    this.#service = service
    this.#wanted = wanted
    this.#system = system
    this.#names = names
  }

  async discover(signal: AbortSignal): Promise<Offer[]> {
    const service = this.#service
    const listed = await this.#patiently(signal, async (client, patience) => {
      patience.allow(providerDiscoverMs)
      const { keyPath } = rowOf(service.name)
      if (keyPath !== null) await (await client.get(keyPath, patience.signal)).body?.cancel()
      const response = await client.get('/models', patience.signal)
      const models = readModelList(await response.json())
      if (models === null) throw this.#bad('answered with something that is not a list of models')
      return readDetails(models, service, client, patience.signal)
    })
    signal.throwIfAborted()
    const { offers, ownNames } = offersOf(listed, service, this.#wanted, this.#names)
    this.#ownNames = ownNames
    if (offers.length > 0) return offers
    const { name } = this
    const message =
      this.#wanted.length > 0
        ? `${name} has none of the models in MODEL (${this.#wanted.join(', ')}): change MODEL, or unset it to offer all`
        : `${name} at ${service.baseURL} has no model to offer: load one there first`
    throw new ProviderError(fault('not_offered', message))
  }

  async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    const body = readBody(request, this.#ownNames.get(request.model) ?? request.model, this.#service)
    return this.#patiently(signal, (client, patience) => {
      if (!request.stream || request.kind === 'embed') return this.#whole(client, request.kind, body, patience)
      patience.allow(providerFirstTokenMs + (request.body.length / 1024) * firstSignMsPerKiB)
      return this.#streamed(client, body, writer, patience)
    })
  }

  async #whole(
    client: ServiceClient,
    kind: ProviderRequest['kind'],
    body: object,
    patience: Patience,
  ): Promise<ProviderAnswer> {
    // Nothing is heard before all is done, so only the limit on the whole request can bound this wait.
    patience.allow(requestDeadlineMs)
    const response = await client.post(kind === 'embed' ? '/embeddings' : '/chat/completions', body, patience.signal)
    const judge = this.#judge(response.headers)
    const answer = readWhole(await response.json(), kind === 'embed' ? 'data' : 'choices', judge)
    return this.#answered(JSON.stringify(answer), response.headers)
  }

  async #streamed(
    client: ServiceClient,
    body: object,
    writer: AnswerWriter,
    patience: Patience,
  ): Promise<ProviderAnswer> {
    const { chunks, headers } = await client.stream('/chat/completions', body, patience.signal)
    const stream = new AnswerStream(this.#judge(headers))
    for await (const chunk of chunks) {
      patience.rest()
      const line = stream.read(chunk)
      if (line !== null) await writer.line(line)
      patience.allow(providerSilenceMs)
    }
    // The SDKs end a stream that was aborted as if it were complete.
    patience.signal.throwIfAborted()
    return this.#answered(stream.end(), headers)
  }

  #answered(json: string, headers: Headers): ProviderAnswer {
    const pauseMs = exhaustedMs(headers, this.#system.wallMs())
    return pauseMs === undefined ? { json } : { json, pauseMs }
  }

  #judge(headers: Headers): AnswerJudge {
    return {
      bad: (what) => this.#bad(what),
      faulty: (error) => this.#faulty(null, error, headers),
      stopsAtTools: rowOf(this.#service.name).stopsAtTools,
    }
  }

  /** Runs one call and turns each of its failures into a fault; the caller's own abort is rethrown as it is. */
  async #patiently<T>(signal: AbortSignal, call: Call<T>): Promise<T> {
    const patience = new Patience(this.#system, signal)
    this.#client ??= connect(this.#service)
    const client = await this.#client
    try {
      return await call(client, patience)
    } catch (error) {
      signal.throwIfAborted()
      if (patience.expired) throw new ProviderError(fault('provider_timeout', `${this.name} was silent for too long`))
      throw this.#errorOf(client, error)
    } finally {
      patience.end()
    }
  }

  #errorOf(client: ServiceClient, error: unknown): ProviderError {
    if (error instanceof ProviderError) return error
    const said = client.read(error)
    if (said === 'timeout') return new ProviderError(fault('provider_timeout', `${this.name} did not answer in time`))
    if (said === 'unreachable') {
      // What our own fetch found wrong with the answer comes wrapped as trouble with the connection.
      if (error instanceof Error && error.cause instanceof ProviderError) return error.cause
      const { hosted, baseURL } = this.#service
      const hint = hosted ? 'is this machine connected to the internet?' : 'is it running?'
      const message = `${this.name} cannot be reached at ${baseURL}: ${hint}`
      return new ProviderError(fault('provider_unavailable', message))
    }
    if (said !== null) return this.#faulty(said.status, said.error, said.headers)
    if (error instanceof SyntaxError) return this.#bad('answered with something that is not JSON')
    return new ProviderError(fault('provider_unavailable', `the connection to ${this.name} broke during its answer`))
  }

  #faulty(status: number | null, error: unknown, headers: Headers | null): ProviderError {
    return new ProviderError(faultOfService(this.#service, { status, error, headers }, this.#system.wallMs()))
  }

  #bad(what: string): ProviderError {
    return new ProviderError(fault('provider_bad_answer', `${rowOf(this.#service.name).title} ${what}`))
  }
}
