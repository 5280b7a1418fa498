/**
 * The answer to one task, step by step: look up who serves the model, ask one provider after the other, write what it
 * streams into the attempt's output, and return the settlement. The executor calls `answer` when a place is free and
 * sends what it returns. Which provider comes first is the catalog's; when a provider is aborted is the executor's.
 */
import { type Fault, fault, isReportable } from '../../shared/faults.ts'
import { abortGraceMs, aliveEveryMs, startedAfterMs } from '../../shared/limits/scout.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import { withoutSecrets } from '../../shared/secrets.ts'
import type { System } from '../../shared/system.ts'
import type { TaskKind } from '../../shared/task.ts'
import type { Log } from '../log.ts'
import {
  type AnswerWriter,
  type Provider,
  type ProviderAnswer,
  ProviderError,
  type ProviderRequest,
} from '../providers/provider.ts'
import type { AttemptOutput } from './attempt-output.ts'
import { ProviderAttempts } from './provider-attempts.ts'
import type { RunningTask } from './running-task.ts'
import { answerTooLarge, done, type Settlement } from './settlement.ts'

/** One that serves a model; `pausedMs` is for how long its service still takes no request for it. */
export interface Candidate {
  provider: Provider
  pausedMs: number
}

/** Of an error's text so many characters are looked at: several times as many as are passed on. */
const errorCharsRead = 4_000

const nothing = new Uint8Array(0)

export interface ProviderLookup {
  /** Who serves a model, in order of preference. */
  providersOf(kind: TaskKind, model: string): Candidate[]
  /** A provider failed so: its limits, its key, its models may not be what they were. */
  failed(provider: Provider, kind: TaskKind, model: string, cause: Fault): void
  /** A provider answered, and takes no more requests for this model for so long. */
  exhausted(provider: Provider, kind: TaskKind, model: string, pauseMs: number): void
}

export class TaskAnswerer {
  constructor(
    private readonly system: System,
    private readonly providers: ProviderLookup,
    private readonly log: Log,
    /** Called after each write: the output has something to send. */
    private readonly wrote: (output: AttemptOutput) => void,
    /** What error texts must not hold, beside what looks like a secret. */
    private readonly secrets: readonly string[] = [],
  ) {}

  /**
   * The hub is sent a sign of life if the provider has returned nothing for a while, and again for as long as it is
   * waited for: how long that is, the provider's adapter knows better than the hub.
   */
  async answer(task: RunningTask): Promise<Settlement> {
    const { output } = task
    let lines = -1
    const look = () => {
      if (lines === -1) output.startedIfSilent()
      else if (lines === output.lines) output.alive()
      lines = output.lines
      this.wrote(output)
      silence = this.system.after(aliveEveryMs, look)
    }
    let silence = this.system.after(startedAfterMs, look)
    try {
      return await this.askInOrder(task)
    } finally {
      silence.cancel()
    }
  }

  /** Asks one provider after the other, until one has answered or another one could not help. */
  private async askInOrder(task: RunningTask): Promise<Settlement> {
    const { kind, model, output } = task
    const attempts = new ProviderAttempts(model)
    for (const [place, { provider, pausedMs }] of this.providers.providersOf(kind, model).entries()) {
      if (pausedMs > 0) {
        const message = `${provider.name} is at its rate limit`
        attempts.failed(fault('provider_rate_limited', message, { retryAfterMs: pausedMs }))
        continue
      }
      try {
        output.asked(provider.name, place === 0)
        this.wrote(output)
        const { json, pauseMs } = await this.ask(provider, task)
        if (pauseMs !== undefined) this.providers.exhausted(provider, kind, model, pauseMs)
        return done(json)
      } catch (error) {
        if (task.stop !== null) break
        const cause = this.faultOf(error, provider, task)
        attempts.failed(cause)
        this.providers.failed(provider, kind, model, cause)
        if (attempts.isFinal(output.lines > 0)) break
      }
    }
    return attempts.settlement(output.lines > 0)
  }

  /** The provider's answer; after an abort it has a moment to end, then this rejects whether it has or not. */
  private ask(provider: Provider, task: RunningTask): Promise<ProviderAnswer> {
    const { kind, model, stream, body, signal } = task
    const request: ProviderRequest = { kind, model, stream, body }
    return new Promise((resolve, reject) => {
      const abandon = () => this.system.after(abortGraceMs, () => reject(signal.reason))
      if (signal.aborted) abandon()
      else signal.addEventListener('abort', abandon, { once: true })
      const call = async () => provider.answer(request, this.writerOf(task, request), signal)
      call().then(resolve, reject)
    })
  }

  private writerOf(task: RunningTask, request: ProviderRequest): AnswerWriter {
    const { output, signal } = task
    return {
      line: async (json) => {
        signal.throwIfAborted()
        // Also a provider that goes on after its answer ends up here.
        if (task.phase !== 'answering') throw new Error('this attempt is over')
        if (Buffer.byteLength(json) >= bodyBytesMax) {
          throw new ProviderError(fault('answer_too_large', answerTooLarge))
        }
        output.line(json)
        task.body = nothing
        request.body = nothing
        this.wrote(output)
        while (output.held && !signal.aborted) await output.change()
        signal.throwIfAborted()
      },
    }
  }

  private faultOf(error: unknown, provider: Provider, { task, attempt }: RunningTask): Fault {
    const facts = { task, attempt, provider: provider.name }
    // A handler in plain JavaScript may throw a code that does not exist.
    if (error instanceof ProviderError && isReportable(error.fault.code)) {
      this.log.debug({ ...facts, fault: error.fault.code }, `Provider ${provider.name} failed: ${error.message}`)
      return this.withoutSecrets(error.fault)
    }
    this.log.error(
      { ...facts, error: String(error) },
      `Provider ${provider.name} failed in a way its adapter does not know`,
    )
    return fault('scout_error', `The scout's adapter for ${provider.name} failed unexpectedly.`)
  }
  /** The words are a service's or a handler's, whatever its adapter made of them. */
  private withoutSecrets(cause: Fault): Fault {
    const clean = (text: unknown) => withoutSecrets(String(text).slice(0, errorCharsRead), this.secrets)
    return {
      ...cause,
      message: clean(cause.message),
      ...(cause.param !== undefined && { param: clean(cause.param) }),
    }
  }
}
