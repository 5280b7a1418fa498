/**
 * Performs the core's effects: frames to scouts, ends to readers, usage into the books. The commit barrier passes one
 * effect at a time, in order, and only once everything the effect rests on is committed. Frames leave through
 * `LiveLinks`, which the engine gives to all of its parts in place of the gateway's links.
 */
import { fault } from '../../../shared/faults.ts'
import type { CloseName } from '../../../shared/protocol/close-codes.ts'
import type { Verdict } from '../../../shared/task.ts'
import type { Effect, Event } from '../../core/events.ts'
import type { Relays } from '../answers/relays.ts'
import type { UsageBook } from '../durability/usage-book.ts'
import type { DurableIntents } from '../intents/intents.ts'
import type { ScoutLinks, Standing, TaskGrant, Welcome } from '../ports/scouts.ts'
import type { IntentStore } from '../ports/store.ts'
import type { DefectGuard } from './defect-guard.ts'
import type { DrainWait } from './drain-wait.ts'
import type { Sinks } from './sinks.ts'

interface EffectRunnerParts {
  store: Pick<IntentStore, 'isCommitted'>
  book: UsageBook
  intents: DurableIntents
  relays: Relays
  sinks: Sinks
  /** For what an effect brings about: the event is stepped behind those that wait. */
  dispatch: (event: Event) => void
  links: ScoutLinks
  drainWait: DrainWait
  epoch: number
  leaseTtlMs: number
}

/** The core's verdict on the lease that a scout named. */
interface LeaseVerdict<V> {
  task: number
  attempt: number
  nonce: Uint8Array
  verdict: V
}

/** Why a grant could not be sent. */
const noFrame = fault('internal_error', 'No frame of the protocol can hold this task. Report this, please.')

export class EffectRunner {
  /** Tasks by how they ended: `done` or the code of their fault. */
  readonly finished: Record<string, number> = {}
  attempts = 0
  staleSettlements = 0

  constructor(private readonly parts: EffectRunnerParts) {}

  perform(effect: Effect): void {
    const { links, sinks, intents } = this.parts
    switch (effect.type) {
      case 'persist':
        return intents.committed(effect.change)
      case 'grant':
        return this.grant(effect)
      case 'cancelAttempt':
        return links.cancel(effect.session, effect.task, effect.attempt, effect.reason)
      case 'welcome':
        return this.welcome(effect)
      case 'verdict': {
        const verdict = this.knownVerdict(effect)
        if (verdict === 'stale') this.staleSettlements++
        return links.settled(effect.session, effect.task, effect.attempt, verdict)
      }
      case 'decide':
        return intents.decide(effect.task)
      case 'servedBy':
        return sinks.get(effect.task)?.servedBy(effect.attempt, effect.served)
      case 'attemptVoid':
        return sinks.get(effect.task)?.void(effect.attempt)
      case 'finished':
        return this.finish(effect)
      case 'closeSession':
        return links.close(effect.session, effect.why, effect.detail)
    }
  }

  private grant(effect: Extract<Effect, { type: 'grant' }>): void {
    const { dispatch, links, sinks } = this.parts
    const { task, attempt } = effect
    const sink = sinks.get(task)
    if (sink === undefined) return
    this.attempts++
    sink.begin(effect)
    const request = sink.request()
    if (!(request instanceof Uint8Array)) return dispatch({ type: 'unsent', task, attempt, fault: request })
    if (!links.task(effect.session, effect, request)) dispatch({ type: 'unsent', task, attempt, fault: noFrame })
  }

  private welcome({ session, scout, creditMax, held }: Extract<Effect, { type: 'welcome' }>): void {
    const { epoch, leaseTtlMs, intents, links, sinks } = this.parts
    const replies: Welcome['held'] = []
    for (const reply of held) {
      const { task, attempt } = reply
      const known = this.knownVerdict(reply)
      // Decided but not yet in the store: the scout keeps its result, settles again and gets the verdict in its turn.
      const verdict = known === 'committed' && intents.isDurable(task) ? 'resumed' : known
      const nextChunk = verdict === 'resumed' ? (sinks.get(task)?.nextChunk(attempt) ?? 0) : 0
      replies.push({ task, attempt, verdict, nextChunk })
    }
    links.welcome(session, { epoch, scout, leaseTtlMs, creditMax, held: replies })
    // After the welcome: a scout receives nothing else before it.
    for (const { task, attempt, verdict } of held) {
      if (verdict === 'resumed') sinks.get(task)?.resume(attempt, session, scout)
    }
  }

  /** The core remembers the last settlements of its own run; the store those of earlier runs as well. */
  private knownVerdict<V extends string>({ task, attempt, nonce, verdict }: LeaseVerdict<V>): V | 'committed' {
    return verdict === 'stale' && this.parts.store.isCommitted(task, attempt, nonce) ? 'committed' : verdict
  }

  private finish({ task, fault: cause, queuedMs }: Extract<Effect, { type: 'finished' }>): void {
    const { book, drainWait, relays } = this.parts
    const outcome = cause === null ? 'done' : cause.code
    this.finished[outcome] = (this.finished[outcome] ?? 0) + 1
    const relay = relays.remove(task)
    if (relay !== undefined) {
      relay.finish(cause, queuedMs)
      if (cause === null && relay.served !== null) book.add(relay.tenant, relay.served.model, relay.usage)
    }
    drainWait.check()
  }
}

/**
 * The way to the scouts for as long as the engine is alive. After a defect nothing may leave it any more, whichever
 * part still runs in that turn: the desks, a reader that takes lines, a report that is due.
 */
export class LiveLinks implements ScoutLinks {
  constructor(
    private readonly links: ScoutLinks,
    private readonly guard: DefectGuard,
  ) {}

  /** True also when nothing is sent for a defect: nobody is there to take the task back. */
  task(session: number, grant: TaskGrant, request: Uint8Array): boolean {
    return this.guard.isDead || this.links.task(session, grant, request)
  }

  cancel(session: number, task: number, attempt: number, reason: string): void {
    if (!this.guard.isDead) this.links.cancel(session, task, attempt, reason)
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    if (!this.guard.isDead) this.links.flow(session, task, attempt, paused)
  }

  settled(session: number, task: number, attempt: number, verdict: Verdict): void {
    if (!this.guard.isDead) this.links.settled(session, task, attempt, verdict)
  }

  welcome(session: number, welcome: Welcome): void {
    if (!this.guard.isDead) this.links.welcome(session, welcome)
  }

  standing(session: number, standing: Standing): void {
    if (!this.guard.isDead) this.links.standing(session, standing)
  }

  close(session: number, why: CloseName, detail?: string): void {
    if (!this.guard.isDead) this.links.close(session, why, detail)
  }
}
