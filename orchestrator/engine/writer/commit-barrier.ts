/**
 * Write before act: of what a step of the core wants done, this says what has to wait for the disk. What concerns
 * durable tasks waits for the commits of its own and of earlier steps, so that nothing overtakes its cause; what
 * concerns a client that waits never waits for the disk. The engine hands in the effects of each step, the journal
 * commits, the performer acts.
 */
import type { Effect, Event, UnsentGrant } from '../../core/events.ts'
import type { Journal } from '../durability/journal.ts'
import type { DurableIntents } from '../intents/intents.ts'
import type { StoreWrite } from '../ports/store.ts'
import type { EffectRunner } from './effects.ts'

type Grant = Extract<Effect, { type: 'grant' }>

export class CommitBarrier {
  /** Grants that wait for the commit of their lease. */
  private readonly unsent = new Set<Grant>()

  constructor(
    private readonly journal: Journal,
    private readonly intents: DurableIntents,
    private readonly effectRunner: EffectRunner,
  ) {}

  /** Takes the effects of one step, and leaves the list empty. */
  pass(effects: Effect[]): void {
    const { effectRunner } = this
    if (!this.journal.busy && !effects.some(({ type }) => type === 'persist')) {
      for (const effect of effects) effectRunner.perform(effect)
      effects.length = 0
      return
    }
    const writes: StoreWrite[] = []
    const gated: Effect[] = []
    const free: Effect[] = []
    for (const effect of effects) {
      if (effect.type === 'persist') writes.push(...this.intents.writesOf(effect.change))
      const waits = effect.type === 'persist' || this.isDurable(effect)
      if (waits) gated.push(effect)
      else free.push(effect)
      if (waits && effect.type === 'grant') this.unsent.add(effect)
    }
    effects.length = 0
    if (gated.length > 0) this.journal.add(writes, () => this.open(gated))
    for (const effect of free) effectRunner.perform(effect)
  }

  private open(gated: readonly Effect[]): void {
    for (const effect of gated) {
      // Taken back while the store was in trouble.
      if (effect.type === 'grant' && !this.unsent.delete(effect)) continue
      this.effectRunner.perform(effect)
    }
  }

  /** What the core has to hear when trouble with the store begins, and when it is over. */
  turned(isTroubled: boolean): Event {
    if (!isTroubled) return { type: 'storeRecovered' }
    return { type: 'storeTroubled', unsent: this.recall() }
  }

  /** Grants that have not been sent, of one session or all, and now never will be. */
  recall(session?: number): UnsentGrant[] {
    const grants = [...this.unsent].filter((grant) => session === undefined || grant.session === session)
    for (const grant of grants) this.unsent.delete(grant)
    return grants.map(({ session: to, task, attempt }) => ({ session: to, task, attempt }))
  }

  private isDurable(effect: Effect): boolean {
    return 'task' in effect && this.intents.isDurable(effect.task)
  }
}
