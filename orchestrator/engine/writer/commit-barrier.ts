/**
 * Write before act: of what a step of the core wants done, this decides what has to wait for the disk. What concerns
 * durable tasks waits for the commits of its own and of earlier steps, so that nothing overtakes its cause; what
 * concerns a client that waits never waits for the disk. The writer hands in the effects of each step, the journal
 * commits, the effect runner acts. It also knows which grants have not been sent, for scouts that leave, and spreads
 * over turns what takes long to act on.
 */
import type { Steps } from '../../../shared/turn-lane.ts'
import type { Effect, UnsentGrant } from '../../core/events.ts'
import type { Journal } from '../durability/journal.ts'
import type { DurableIntents } from '../intents/intents.ts'
import type { StoreWrite } from '../ports/store.ts'
import type { EffectRunner } from './effects.ts'
import type { TurnShare } from './turn-share.ts'

type Grant = Extract<Effect, { type: 'grant' }>

const nothing: ReadonlySet<Effect> = new Set()

export class CommitBarrier {
  /** Grants that wait for the commit of their lease or for their turn, or whose scout is gone. */
  private readonly unsent = new Set<Grant>()
  /** Sessions whose socket is closed while the core does not know it yet. */
  private readonly closed = new Set<number>()

  constructor(
    private readonly journal: Journal,
    private readonly intents: DurableIntents,
    private readonly effectRunner: EffectRunner,
    private readonly share: TurnShare,
    /** A grant that is not sent, because another hub has its intent. */
    private readonly onForsaken: (grant: UnsentGrant) => void,
  ) {}

  /** Takes the effects of one step. */
  pass(effects: readonly Effect[]): void {
    if (!this.journal.busy && !hasChange(effects)) {
      for (const effect of effects) this.perform(effect)
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
    if (gated.length > 0) this.journal.add(writes, (lost) => this.open(gated, lost))
    for (const effect of free) this.perform(effect)
  }

  /** `lost`: another hub has these intents now. */
  private open(gated: readonly Effect[], lost: ReadonlySet<string>): void {
    // Before the first is performed: what ends is not known to be of its intent any more.
    const forsaken = lost.size === 0 ? nothing : new Set(gated.filter((effect) => this.isOf(effect, lost)))
    for (const effect of gated) {
      if (forsaken.has(effect)) {
        this.forsake(effect)
        continue
      }
      // Taken back while the store was in trouble.
      if (effect.type === 'grant' && !this.unsent.delete(effect)) continue
      this.perform(effect)
    }
  }

  private isOf(effect: Effect, intents: ReadonlySet<string>): boolean {
    if (effect.type === 'persist' && effect.change.change === 'intentEnd') return intents.has(effect.change.intent)
    const task = taskOf(effect)
    const intent = task === null ? undefined : this.intents.intentOf(task)
    return intent !== undefined && intents.has(intent)
  }

  /** It was not written down, and never will be: memory goes on as if it were, and nobody is promised anything. */
  private forsake(effect: Effect): void {
    if (effect.type === 'decide') return
    if (effect.type === 'persist') return this.intents.forsaken(effect.change)
    if (effect.type === 'grant') {
      if (this.unsent.delete(effect)) this.onForsaken(effect)
    } else this.perform(effect.type === 'verdict' ? { ...effect, verdict: 'stale' } : effect)
  }

  /** What concerns a task that waits for its turn follows behind, so that nothing overtakes its cause. */
  private perform(effect: Effect): void {
    const task = taskOf(effect)
    const work = this.workFor(effect)
    if (task === null || (work === null && !this.share.isWaiting(task))) return this.act(effect)
    if (effect.type === 'grant') this.unsent.add(effect)
    this.share.add(task, work, () => {
      if (effect.type !== 'grant' || this.unsent.delete(effect)) return this.act(effect)
      // Taken back meanwhile.
      this.intents.sink(task)?.forgetPrepared()
    })
  }

  private act(effect: Effect): void {
    // A grant to a closed socket is taken back when the core learns of the close, and charges nobody.
    if (effect.type === 'grant' && this.closed.has(effect.session)) this.unsent.add(effect)
    else this.effectRunner.perform(effect)
  }

  /** What has to be made of results before it can be acted on; null for nothing. */
  private workFor(effect: Effect): Steps<void> | null {
    if (effect.type === 'decide') return this.intents.deciding(effect.task)
    return effect.type === 'grant' ? (this.intents.sink(effect.task)?.prepare() ?? null) : null
  }

  /** The socket of this session is closed; from now until `recallOf` its grants are not sent. */
  sessionClosed(session: number): void {
    this.closed.add(session)
  }

  /** The grants of a session that have not been sent, and now never will be. The core learns of its end. */
  recallOf(session: number): UnsentGrant[] {
    this.closed.delete(session)
    return this.unsent.size === 0 ? [] : this.recall((grant) => grant.session === session)
  }

  /** All grants that have not been sent, and now never will be. */
  recallAll(): UnsentGrant[] {
    return this.recall(() => true)
  }

  private recall(isMeant: (grant: Grant) => boolean): UnsentGrant[] {
    const grants = [...this.unsent].filter(isMeant)
    for (const grant of grants) this.unsent.delete(grant)
    return grants.map(({ session, task, attempt }) => ({ session, task, attempt }))
  }

  private isDurable(effect: Effect): boolean {
    return 'task' in effect && this.intents.isDurable(effect.task)
  }
}

function hasChange(effects: readonly Effect[]): boolean {
  for (const { type } of effects) if (type === 'persist') return true
  return false
}

/** The task that an effect is about; null for none. */
function taskOf(effect: Effect): number | null {
  if (effect.type === 'persist') return 'task' in effect.change ? effect.change.task : null
  return 'task' in effect ? effect.task : null
}
