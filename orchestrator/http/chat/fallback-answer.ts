/**
 * The answer to a request that names several ways to be answered (`schema/preferences/tries.ts`): it is asked for in
 * one way after the other, until one answers. As long as nothing of an answer has been given out, a failure that is not
 * the client's, or a wait without a scout, leads to the next try; the client learns of the last one's failure alone.
 * To whoever reads it, it is one answer of the engine's.
 */
import { leadsToNextModel } from '../../../shared/faults.ts'
import { fallbackWaitMs, providersListedMax } from '../../../shared/limits/http.ts'
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import type { TrustWord } from '../../../shared/scouts/trust-words.ts'
import type { System, Timer } from '../../../shared/system.ts'
import { autoModel, type Served, type TaskKind } from '../../../shared/task.ts'
import type { Cost } from '../../core/fleet/cost.ts'
import type { Answer, AnswerPart, Engine, Submission } from '../../engine/ports/client.ts'
import type { Tries, Try } from '../schema/preferences/tries.ts'

interface Parts {
  engine: Pick<Engine, 'submit' | 'model'>
  system: System
  /** The request without its model and routing options. */
  submission: Omit<Submission, 'model' | 'routing'>
  tries: Tries
}

/** Asks the engine: once, or in one way after the other where a request has preferences. */
export function submitTries(
  edge: Pick<Parts, 'engine' | 'system'>,
  submission: Submission,
  tries: Tries | null,
): Answer {
  const { engine, system } = edge
  if (tries === null) return engine.submit(submission)
  if (tries.length > 1) return new FallbackAnswer({ engine, system, submission, tries })
  const { model, routing } = tries[0]!
  return engine.submit({ ...submission, model, routing })
}

class FallbackAnswer implements Answer {
  private current: Answer
  /** The next try, or how many there are. */
  private next = 0
  /** Of the tries before this one. */
  private attemptsBefore = 0
  private queuedMsBefore = 0
  /** Who waits for something to take; null when nobody does. */
  private wake: (() => void) | null = null
  /** The answer that will call; null when none has been asked to. */
  private heard: Answer | null = null
  private patience: Timer | null = null
  private hasBegun = false
  private isAbandoned = false
  private readonly deadlineAtMs: number

  constructor(private readonly parts: Parts) {
    const { system, submission } = parts
    this.deadlineAtMs = system.nowMs() + Math.min(submission.deadlineMs ?? requestDeadlineMs, requestDeadlineMs)
    // With nobody for any of them, the first one's failure tells so, once it is certain.
    this.current = this.submitNext() ?? this.submit(0)
  }

  get id(): string {
    return this.current.id
  }

  get created(): number {
    return this.current.created
  }

  get served(): Served | null {
    return this.current.served
  }

  get attempts(): number {
    return this.attemptsBefore + this.current.attempts
  }

  get queuedMs(): number {
    return this.queuedMsBefore + this.current.queuedMs
  }

  get cost(): Cost | null {
    return this.current.cost
  }

  get trust(): TrustWord | null {
    return this.current.trust
  }

  get microDollars(): number | null {
    return this.current.microDollars
  }

  position(): number | null {
    return this.current.position()
  }

  take(): AnswerPart | null {
    for (;;) {
      const part = this.current.take()
      if (part === null) return null
      this.hasBegun ||= part.lines.length > 0
      if (part.end?.type !== 'failed' || !this.canGoOn() || !leadsToNextModel(part.end.fault.code) || !this.goOn())
        return part
    }
  }

  onReadable(wake: () => void): void {
    this.wake = wake
    this.listen()
  }

  /** Listens to the current answer, with patience as long as another one could come instead. */
  private listen(): void {
    const { current } = this
    if (this.heard !== current) {
      this.heard = current
      current.onReadable(() => this.woken(current))
    }
    if (this.wake === null || !this.canGoOn() || this.seek() === null) return
    this.patience = this.parts.system.after(fallbackWaitMs, () => {
      // It waits for a scout all this time, and whoever comes next may have one.
      if (this.current.position() !== null) this.goOn()
      this.listen()
    })
  }

  /** This answer has something to take. */
  private woken(answer: Answer): void {
    if (this.heard !== answer) return
    this.heard = null
    this.patience?.cancel()
    const { wake } = this
    this.wake = null
    wake?.()
  }

  abandon(): void {
    this.isAbandoned = true
    this.current.abandon()
  }

  private canGoOn(): boolean {
    return !this.hasBegun && !this.isAbandoned && this.parts.system.nowMs() < this.deadlineAtMs
  }

  /** Gives up the current answer for that of the next try; false when there is none. */
  private goOn(): boolean {
    const before = this.current
    const following = this.submitNext()
    if (following === null) return false
    this.attemptsBefore += before.attempts
    this.queuedMsBefore += before.queuedMs
    this.current = following
    before.abandon()
    return true
  }

  private submitNext(): Answer | null {
    const at = this.seek()
    return at === null ? null : this.submit(at)
  }

  /** The next try that somebody could take, by what is offered now. */
  private seek(): number | null {
    const { tries, engine, submission } = this.parts
    for (let at = this.next; at < tries.length; at++) {
      if (hasTaker(tries[at]!, engine, submission.kind)) return at
    }
    return null
  }

  private submit(at: number): Answer {
    const { engine, system, submission, tries } = this.parts
    const { model, routing } = tries[at]!
    this.next = at + 1
    const deadlineMs = Math.max(1, this.deadlineAtMs - system.nowMs())
    return engine.submit({ ...submission, model, routing, deadlineMs })
  }
}

/** By what is offered now. A provider that is not listed with the model may still be there when the list is full. */
export function hasTaker({ model, provider }: Try, engine: Pick<Engine, 'model'>, kind: TaskKind): boolean {
  if (model === autoModel) return true
  const listing = engine.model(model)
  if (listing === undefined || !listing.kinds.includes(kind)) return false
  return provider === null || listing.providers.includes(provider) || listing.providers.length >= providersListedMax
}
