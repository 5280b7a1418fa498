/**
 * Performs the core's effects: messages to the edges, changes and decisions of intents. The commit barrier passes one
 * effect at a time, in order, and only once everything the effect rests on is committed. Frames leave through
 * `LiveLinks`, which the engine gives to all of its parts in place of the gateway's links.
 */
import type { CloseName } from '../../../shared/protocol/close-codes.ts'
import type { Verdict } from '../../../shared/task.ts'
import type { Effect } from '../../core/events.ts'
import type { Admission } from '../charges/admission.ts'
import type { DurableIntents } from '../intents/intents.ts'
import type { EdgePort } from '../ports/brain.ts'
import type { ScoutLinks, Standing, TaskGrant, Welcome } from '../ports/scouts.ts'
import type { IntentStore } from '../ports/store.ts'
import type { DefectGuard } from './defect-guard.ts'
import type { DrainWait } from './drain-wait.ts'

interface EffectRunnerParts {
  store: Pick<IntentStore, 'isCommitted'>
  intents: DurableIntents
  edges: EdgePort
  drainWait: DrainWait
  admission: Admission
  epoch: number
  leaseTtlMs: number
  /** What this session's scout signs the answer of this task with; undefined for one that does not. */
  saltFor: (session: number, task: number) => Uint8Array | undefined
}

/** The core's verdict on the lease that a scout named. */
interface LeaseVerdict<V> {
  task: number
  attempt: number
  nonce: Uint8Array
  verdict: V
}

export class EffectRunner {
  /** Tasks by how they ended: `done` or the code of their fault. */
  readonly finished: Record<string, number> = {}
  attempts = 0
  staleSettlements = 0

  constructor(private readonly parts: EffectRunnerParts) {}

  perform(effect: Effect): void {
    const { edges, intents } = this.parts
    switch (effect.type) {
      case 'persist':
        return intents.committed(effect.change)
      case 'grant': {
        this.attempts++
        // The effect is nobody else's: from here on it names what is charged in place of what the offer asks.
        const salt = this.parts.saltFor(effect.session, effect.task)
        const grant = Object.assign(effect, this.parts.admission.priceOf(effect))
        return edges.toClients(salt === undefined ? grant : { ...grant, salt })
      }
      case 'welcome':
        return this.welcome(effect)
      case 'verdict': {
        const verdict = this.knownVerdict(effect)
        if (verdict === 'stale') this.staleSettlements++
        return edges.toScouts(verdict === effect.verdict ? effect : { ...effect, verdict })
      }
      case 'decide':
        return intents.decide(effect.task)
      case 'servedBy':
      case 'attemptVoid':
        return edges.toClients(effect)
      case 'finished':
        return this.finish(effect)
      case 'cancelAttempt':
      case 'closeSession':
        return edges.toScouts(effect)
    }
  }

  private welcome({ session, scout, creditMax, held }: Extract<Effect, { type: 'welcome' }>): void {
    const { edges, epoch, leaseTtlMs, intents } = this.parts
    const replies: Welcome['held'] = []
    for (const reply of held) {
      const { task, attempt } = reply
      const known = this.knownVerdict(reply)
      // Decided but not yet in the store: the scout keeps its result, settles again and gets the verdict in its turn.
      const verdict = known === 'committed' && intents.isDurable(task) ? 'resumed' : known
      replies.push({ task, attempt, verdict, nextChunk: 0 })
    }
    edges.toScouts({ type: 'welcome', session, welcome: { epoch, scout, leaseTtlMs, creditMax, held: replies } })
    for (const [at, { task, attempt, verdict }] of replies.entries()) {
      const isDecided = held[at]!.verdict !== 'resumed'
      if (verdict === 'resumed') edges.toClients({ type: 'resume', task, attempt, session, scout, isDecided })
    }
  }

  /** The core remembers the last settlements of its own run; the store those of earlier runs as well. */
  private knownVerdict<V extends string>({ task, attempt, nonce, verdict }: LeaseVerdict<V>): V | 'committed' {
    return verdict === 'stale' && this.parts.store.isCommitted(task, attempt, nonce) ? 'committed' : verdict
  }

  private finish(effect: Extract<Effect, { type: 'finished' }>): void {
    const { edges, drainWait } = this.parts
    const outcome = effect.fault === null ? 'done' : effect.fault.code
    this.finished[outcome] = (this.finished[outcome] ?? 0) + 1
    edges.toClients(effect)
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
