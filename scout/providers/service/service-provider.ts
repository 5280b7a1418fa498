/**
 * The provider of every model service. It forwards the client's whole request, passes the answer on without the
 * identity fields (the hub writes those), and turns failures into faults. The SDK is loaded at the first request, so
 * that a scout carries only those it uses. Retries are the hub's: here a request is sent a second time only without
 * what the scout itself added to it.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { providerDiscoverMs, providerFirstTokenMs, providerSilenceMs } from '../../../shared/limits/provider.ts'
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import type { System } from '../../../shared/system.ts'
import type { Offer, TaskKind } from '../../../shared/task.ts'
import { rowOf, type Service } from '../dialects.ts'
import { listedModels, offersNamed } from '../models/model-discovery.ts'
import { canonicalNames, type ModelNames } from '../models/model-names.ts'
import { offersOf } from '../models/model-offers.ts'
import {
  type AnswerWriter,
  type Provider,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from '../provider.ts'
import { EventStream, UselessBudget } from '../transport/event-stream.ts'
import { isObject, type Json } from '../transport/json-object.ts'
import { Patience } from '../transport/patience.ts'
import { exhaustedMs } from '../transport/retry-after.ts'
import type { ServiceClient } from '../transport/service-client.ts'
import { Doubts, isDoubtful } from './doubts.ts'
import { fitEmbeddings } from './embeddings.ts'
import { FirstTokens } from './first-token.ts'
import { connectGroq } from './groq.ts'
import { connectOpenAiCompatible } from './openai-compatible.ts'
import { type Addition, readBody, type ServiceRequest } from './request-body.ts'
import { type AnswerJudge, AnswerStream, readWhole, saysWhy, wholeInstead } from './service-answer.ts'
import { ServiceErrors, ServiceFault } from './service-errors.ts'

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
  readonly #firstTokenMs: number
  readonly #errors: ServiceErrors
  readonly #doubts: Doubts
  readonly #firstTokens: FirstTokens
  /** The service's own names for what was offered under another. */
  #ownNames: ReadonlyMap<string, string> = new Map()
  #client: Promise<ServiceClient> | null = null
  /** What this server refused of what is added to requests, and what it took. */
  #refused: ReadonlySet<Addition> = new Set()
  readonly #taken = new Set<Addition>()

  /** `wanted` narrows the offers to these models; empty means all. */
  constructor(
    service: Service,
    wanted: readonly string[],
    system: System,
    names: ModelNames = canonicalNames,
    firstTokenMs = providerFirstTokenMs,
  ) {
    this.name = service.name
    this.#service = service
    this.#wanted = wanted
    this.#system = system
    this.#names = names
    this.#firstTokenMs = firstTokenMs
    this.#errors = new ServiceErrors(service, system)
    this.#firstTokens = new FirstTokens(system, firstTokenMs)
    this.#doubts = new Doubts(system, {
      listed: (model) => this.#faultOf(() => this.#askList(model)),
      smallest: (kind, model) => this.#faultOf(() => this.#askSmallest(kind, model)),
    })
  }

  async discover(signal: AbortSignal): Promise<Offer[]> {
    const listed = await this.#patiently(signal, (client, patience) => {
      patience.allow(providerDiscoverMs)
      return listedModels(this.#service, client, this.#errors, patience.signal)
    })
    signal.throwIfAborted()
    const named = offersNamed(listed, this.#service, this.#wanted)
    if (named !== null) return named
    const { offers, ownNames } = offersOf(listed ?? [], this.#service, this.#wanted, this.#names)
    this.#ownNames = ownNames
    if (offers.length > 0) return offers
    throw new ProviderError(fault('not_offered', this.#nothingToOffer(listed === null)))
  }

  #nothingToOffer(isUnlisted: boolean): string {
    const { name } = this
    const { baseURL } = this.#service
    if (isUnlisted) return `${name} at ${baseURL} does not list its models: name them in MODEL`
    return this.#wanted.length > 0
      ? `${name} has none of the models in MODEL (${this.#wanted.join(', ')}): change MODEL, or unset it to offer all`
      : `${name} at ${baseURL} has no model to offer: load one there first`
  }

  async answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    try {
      return await this.#withOrWithout(request, writer, signal)
    } catch (error) {
      if (!(error instanceof ServiceFault) || !isDoubtful(error.fault)) throw error
      const settled = await this.#doubts.settle(error.fault, request.kind, request.model, error.reason)
      signal.throwIfAborted()
      throw settled === error.fault ? error : new ProviderError(settled)
    }
  }

  async #withOrWithout(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    const asked = this.#bodyOf(request, this.#refused)
    try {
      return await this.#askTwice(request, asked, writer, signal)
    } catch (error) {
      // The client's own request was taken when this answer began: what is refused are the marks of the continuation.
      if (!asked.marked || !isRefused(error)) throw error
      throw new ProviderError(fault('cannot_continue', `${this.name} refused: ${error.reason}`))
    }
  }

  /** With what the scout adds; where that may be what the server refuses, once more without it. */
  async #askTwice(
    request: ProviderRequest,
    asked: ServiceRequest,
    writer: AnswerWriter,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    const { added } = asked
    let begun = false
    const noting: AnswerWriter = {
      line(json) {
        begun = true
        return writer.line(json)
      },
    }
    try {
      const answer = await this.#ask(request, asked, noting, signal)
      for (const field of added) this.#taken.add(field)
      return answer
    } catch (error) {
      const unsure = added.filter((field) => !this.#taken.has(field))
      if (begun || unsure.length === 0 || !isRefused(error)) throw error
      const refused = new Set([...this.#refused, ...unsure])
      const answer = await this.#ask(request, this.#bodyOf(request, refused), noting, signal)
      this.#refused = refused
      return answer
    }
  }

  #bodyOf(request: ProviderRequest, refused: ReadonlySet<Addition>) {
    return readBody(request, this.#ownName(request.model), this.#service, refused)
  }

  #ownName(model: string): string {
    return this.#ownNames.get(model) ?? model
  }

  #ask(
    request: ProviderRequest,
    asked: ServiceRequest,
    writer: AnswerWriter,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    return this.#patiently(signal, (client, patience) =>
      !request.stream || request.kind === 'embed'
        ? this.#whole(client, request, asked, patience)
        : this.#streamed(client, request, asked, writer, patience),
    )
  }

  async #whole(
    client: ServiceClient,
    { kind, model }: Pick<ProviderRequest, 'kind' | 'model'>,
    { content, body }: ServiceRequest,
    patience: Patience,
    // Nothing is heard before all is done, so only the limit on the whole request can bound this wait.
    waitMs = Math.max(requestDeadlineMs, this.#firstTokenMs),
  ): Promise<ProviderAnswer> {
    patience.allow(waitMs)
    const response = await client.post(kind === 'embed' ? '/embeddings' : '/chat/completions', content, patience.signal)
    const judge = this.#judge(response.headers)
    const answer = readWhole(await response.json(), kind === 'embed' ? 'data' : 'choices', judge)
    const fitting = kind === 'embed' ? fitEmbeddings(answer, body, model) : answer
    return this.#answered(JSON.stringify(fitting), response.headers)
  }

  async #streamed(
    client: ServiceClient,
    request: ProviderRequest,
    { content, body }: ServiceRequest,
    writer: AnswerWriter,
    patience: Patience,
  ): Promise<ProviderAnswer> {
    const { model } = request
    const askedMs = this.#system.nowMs()
    const waitMs = this.#firstTokens.waitMs(model, request.body.length)
    let stream: AnswerStream | null = null
    const alive = () => patience.allow(stream?.hasContent ? providerSilenceMs : waitMs)
    alive()
    // A model that is given up here may be loading: the next request has all the time again.
    patience.onExpiry(() => this.#firstTokens.gaveUp(model))
    const response = await client.post('/chat/completions', content, patience.signal, { streamed: true, alive })
    const judge = this.#judge(response.headers)
    if (isJson(response)) throw notStreamed(await response.json(), judge)
    const events = new EventStream(response.body ?? new ReadableStream(), this.#budget(), alive)
    stream = new AnswerStream(judge, maxTokensOf(body))
    let hadContent = false
    for await (const event of events.events(patience.signal)) {
      patience.rest()
      if (event.isError) throw judge.faulty(event.data)
      const { line, useful } = stream.read(event.data)
      if (!useful) events.budget.charge(event.size)
      if (!hadContent && stream.hasContent) {
        hadContent = true
        this.#firstTokens.answered(model, this.#system.nowMs() - askedMs)
      }
      if (line !== null) await writer.line(line)
      if (stream.overlong) break
      alive()
    }
    // A body that is let go of ends as if it were complete.
    patience.signal.throwIfAborted()
    if (events.stray !== '' && stream.isEmpty)
      throw judge.bad(events.stray.startsWith('{') ? wholeInstead : pageInstead)
    const ends = stream.missingEnds(stream.overlong ? 'overlong' : events.ending)
    if (ends !== null) await writer.line(ends)
    return this.#answered(stream.end(), response.headers)
  }

  #budget(): UselessBudget {
    return new UselessBudget(this.#system)
  }

  #answered(json: string, headers: Headers): ProviderAnswer {
    const pauseMs = exhaustedMs(headers, this.#system.wallMs())
    return pauseMs === undefined ? { json } : { json, pauseMs }
  }

  #judge(headers: Headers): AnswerJudge {
    return {
      bad: (what) => this.#errors.bad(what),
      faulty: (error) => this.#errors.said(null, error, headers),
      newId: () => `call_${Buffer.from(this.#system.randomBytes(12)).toString('hex')}`,
      stopsAtTools: rowOf(this.#service.name).stopsAtTools,
    }
  }

  // ---------------------------------------------------------------- looking whether a model or an account is gone

  async #askList(model: string): Promise<void> {
    const listed = await this.#patiently(new AbortController().signal, (client, patience) => {
      patience.allow(providerDiscoverMs)
      return listedModels(this.#service, client, this.#errors, patience.signal)
    })
    const own = this.#ownName(model)
    // A server without a list, or with an empty one, says nothing about its models.
    if (listed === null || listed.length === 0 || listed.some(({ id }) => id === own)) return
    throw new ProviderError(fault('not_offered', `${this.name} does not list ${model} any more`))
  }

  async #askSmallest(kind: TaskKind, model: string): Promise<void> {
    const question = kind === 'embed' ? { input: 'Hi' } : { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }
    const request = { kind, model, stream: false, body: new TextEncoder().encode(JSON.stringify(question)) }
    const asked = this.#bodyOf(request, this.#refused)
    await this.#patiently(new AbortController().signal, (client, patience) =>
      this.#whole(client, request, asked, patience, providerDiscoverMs),
    )
  }

  async #faultOf(question: () => Promise<void>): Promise<Fault | null> {
    try {
      await question()
      return null
    } catch (error) {
      if (error instanceof ProviderError) return error.fault
      throw error
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
      throw this.#errors.of(client, error)
    } finally {
      patience.end()
    }
  }
}

/** Whether the service refused the request for what is in it. */
function isRefused(error: unknown): error is ServiceFault {
  return error instanceof ServiceFault && error.fault.code === 'invalid_request'
}

const pageInstead = 'answered with something else than a stream, perhaps a web page: look whether its URL is right'

function isJson({ headers }: Response): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(headers.get('content-type') ?? '')
}

function notStreamed(answer: unknown, judge: AnswerJudge): ProviderError {
  if (isObject(answer) && (answer.error || saysWhy(answer))) return judge.faulty(answer)
  return judge.bad(isObject(answer) && Array.isArray(answer.choices) ? wholeInstead : pageInstead)
}

/** What the client allows, under either name. */
function maxTokensOf({ max_completion_tokens: newer, max_tokens: older }: Json): number | null {
  const tokens = [newer, older].filter((said) => typeof said === 'number' && Number.isSafeInteger(said) && said > 0)
  return tokens.length === 0 ? null : Math.max(...(tokens as number[]))
}
