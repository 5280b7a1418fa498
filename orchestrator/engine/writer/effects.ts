/**
 * Does what the core wants done: frames to scouts, ends to readers, usage into the books. The engine hands it one
 * effect at a time, in order, and only once everything the effect rests on is committed.
 */
import { heartbeatMs, silenceMs } from '../../../shared/limits/wire.ts'
import { type FrameOf, protocolVersion } from '../../../shared/protocol/frames.ts'
import type { Effect, Event } from '../../core/events.ts'
import type { AnswerSink } from '../answers/answer-sink.ts'
import type { Relay } from '../answers/relay.ts'
import type { UsageBook } from '../durability/usage-book.ts'
import type { DurableIntents } from '../intents/intents.ts'
import type { ScoutLinks } from '../ports/scouts.ts'
import type { IntentStore } from '../ports/store.ts'

interface EffectRunnerParts {
  store: Pick<IntentStore, 'isCommitted'>
  book: UsageBook
  intents: DurableIntents
  relays: Map<number, Relay>
  sink: (task: number) => AnswerSink | undefined
  dispatch: (event: Event) => void
  /** A task is over: somebody may wait for the last one. */
  noteIdle: () => void
  epoch: number
  leaseTtlMs: number
}

/** What the core says of the lease that a scout named. */
interface Said<V> {
  task: number
  attempt: number
  nonce: Uint8Array
  verdict: V
}

export class EffectRunner {
  /** The way to the scouts; null before the start. */
  links: ScoutLinks | null = null
  /** Tasks by how they ended: `done` or the code of their fault. */
  readonly finished: Record<string, number> = {}
  attempts = 0
  staleSettlements = 0

  constructor(private readonly parts: EffectRunnerParts) {}

  perform(effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        return this.parts.intents.committed(effect.change)
      case 'grant':
        return this.grant(effect)
      case 'cancelAttempt': {
        const { session, task, attempt, reason } = effect
        return this.links?.send(session, { type: 'cancel', task, attempt, reason })
      }
      case 'welcome':
        return this.welcome(effect)
      case 'verdict': {
        const { session, task, attempt } = effect
        const verdict = this.knownVerdict(effect)
        if (verdict === 'stale') this.staleSettlements++
        return this.links?.send(session, { type: 'settled', acks: [[task, attempt, verdict]] })
      }
      case 'decide':
        return this.parts.intents.decide(effect.task)
      case 'servedBy':
        return this.parts.sink(effect.task)?.servedBy(effect.attempt, effect.served)
      case 'attemptVoid':
        return this.parts.sink(effect.task)?.void(effect.attempt)
      case 'finished':
        return this.finish(effect)
      case 'closeSession':
        return this.links?.close(effect.session, effect.why)
    }
  }

  private grant(effect: Extract<Effect, { type: 'grant' }>): void {
    const { session, task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs } = effect
    const sink = this.parts.sink(task)
    if (sink === undefined) return
    this.attempts++
    sink.begin(effect)
    const request = sink.request()
    if (!(request instanceof Uint8Array)) {
      return this.parts.dispatch({ type: 'unsent', task, attempt, fault: request })
    }
    const size = request.length
    const lease = { task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs, acks: [], size, body: null }
    this.links?.send(session, { type: 'task', ...lease }, request)
  }

  private welcome({ session, scout, creditMax, held }: Extract<Effect, { type: 'welcome' }>): void {
    const replies: FrameOf<'welcome'>['held'] = []
    const resumed = held.filter(({ verdict }) => verdict === 'resumed')
    for (const reply of held) {
      const { task, attempt } = reply
      const verdict = this.knownVerdict(reply)
      // Decided but not yet in the store: the scout keeps its result, settles again and hears the verdict in its turn.
      const told = verdict === 'committed' && this.parts.intents.isDurable(task) ? 'resumed' : verdict
      replies.push([task, attempt, told, told === 'resumed' ? (this.parts.sink(task)?.nextChunk(attempt) ?? 0) : 0])
    }
    const leaseTtlMs = this.parts.leaseTtlMs
    const terms = {
      version: protocolVersion,
      epoch: this.parts.epoch,
      scout,
      heartbeatMs,
      silenceMs,
      leaseTtlMs,
      creditMax,
    }
    this.links?.send(session, { type: 'welcome', ...terms, held: replies })
    // After the welcome: a scout hears nothing else before it.
    for (const { task, attempt } of resumed) this.parts.sink(task)?.resume(attempt, session, scout)
  }

  /** The core remembers the last settlements of its own life; the store those of the lives before as well. */
  private knownVerdict<V extends string>(said: Said<V>): V | 'committed' {
    const { task, attempt, nonce, verdict } = said
    return verdict === 'stale' && this.parts.store.isCommitted(task, attempt, nonce) ? 'committed' : verdict
  }

  private finish({ task, fault: cause, queuedMs }: Extract<Effect, { type: 'finished' }>): void {
    const outcome = cause?.code ?? 'done'
    this.finished[outcome] = (this.finished[outcome] ?? 0) + 1
    const relay = this.parts.relays.get(task)
    if (relay !== undefined) {
      this.parts.relays.delete(task)
      relay.finish(cause, queuedMs)
      if (cause === null && relay.served !== null) this.parts.book.add(relay.tenant, relay.served.model, relay.usage)
    }
    this.parts.noteIdle()
  }
}
