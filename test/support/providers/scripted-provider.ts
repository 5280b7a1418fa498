/**
 * A provider whose every answer is under the test's hand: a call waits until the test says its lines and its end. It
 * honours the abort unless told to ignore it.
 */
import type { AnswerWriter, Provider, ProviderAnswer, ProviderRequest } from '../../../scout/providers/provider.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { Conditions } from '../clocks/conditions.ts'

export class ScriptedCall {
  aborted = false
  private readonly end = Promise.withResolvers<ProviderAnswer>()

  constructor(
    readonly request: ProviderRequest,
    private readonly writer: AnswerWriter,
    signal: AbortSignal,
    conditions: Conditions,
    ignoresAbort: boolean,
  ) {
    this.end.promise.catch(() => {})
    signal.addEventListener('abort', () => {
      this.aborted = true
      conditions.changed()
      if (!ignoresAbort) this.end.reject(signal.reason)
    })
  }

  get ended(): Promise<ProviderAnswer> {
    return this.end.promise
  }

  line(json: string): Promise<void> {
    return this.writer.line(json)
  }

  done(json = '{"choices":[]}', pauseMs?: number): void {
    this.end.resolve(pauseMs === undefined ? { json } : { json, pauseMs })
  }

  fail(error: unknown): void {
    this.end.reject(error)
  }
}

export class ScriptedProvider implements Provider {
  readonly calls: ScriptedCall[] = []
  ignoresAbort = false
  /** How it answers when asked what it has; null: with its models. */
  refusal: Error | null = null
  discoveries = 0
  private readonly conditions = new Conditions()
  private taken = 0

  constructor(
    readonly name = 'scripted',
    public models: string[] = ['m'],
  ) {}

  async discover(): Promise<Offer[]> {
    this.discoveries++
    if (this.refusal !== null) throw this.refusal
    return this.models.map((model) => offerOf({ kind: 'chat', model, provider: this.name }))
  }

  answer(request: ProviderRequest, writer: AnswerWriter, signal: AbortSignal): Promise<ProviderAnswer> {
    const call = new ScriptedCall(request, writer, signal, this.conditions, this.ignoresAbort)
    this.calls.push(call)
    this.conditions.changed()
    return call.ended
  }

  /** The next call. */
  call(): Promise<ScriptedCall> {
    const index = this.taken++
    return this.conditions.until('a call of the provider', () => this.calls[index])
  }

  /** Resolves once `call` was aborted. */
  async aborted(call: ScriptedCall): Promise<void> {
    await this.conditions.until('an abort', () => call.aborted)
  }
}
