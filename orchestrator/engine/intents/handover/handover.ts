/**
 * Intents that pass from hub to hub: what the shared journal asks of this engine. It takes in the life of an intent and
 * goes on with it, and it lets go of what another hub has: scouts are told to stop, readers to ask anew, and the store
 * forgets it. What the journal holds is verified before it comes here; what does not fit the store is refused, and the
 * rest goes on.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import type { Event } from '../../../core/events.ts'
import type { IntentLane } from '../../durability/intent-lane.ts'
import type { Journal } from '../../durability/journal.ts'
import type { IntentHost, IntentWish } from '../../ports/intents.ts'
import type { LinesAsked, LinesFound } from '../../ports/network/live-lines.ts'
import { type BatchStore, type IntentStore, StoreError, type StoreWrite } from '../../ports/store.ts'
import type { IntentCommands } from '../intent-commands.ts'
import type { LiveIntents } from '../live-intents.ts'
import type { LinesForOthers } from './lines-for-others.ts'
import type { IntentRecovery } from './recovery.ts'

interface HandoverParts {
  store: BatchStore & Pick<IntentStore, 'intent' | 'openIntent' | 'openIntents'>
  journal: Journal
  lane: IntentLane
  live: Pick<LiveIntents, 'intent'>
  recovery: IntentRecovery
  commands: Pick<IntentCommands, 'cancel' | 'retry'>
  lines: LinesForOthers
  dispatch: (event: Event) => void
  flush: () => void
}

interface Life {
  intent: string
  writes: readonly StoreWrite[]
}

type Refused = { intent: string; reason: string }

export class IntentHandover implements IntentHost {
  constructor(private readonly parts: HandoverParts) {}

  waiting(): string[] {
    const { store, live } = this.parts
    const waiting: string[] = []
    for (const { intent } of store.openIntents()) if (live.intent(intent.id) === undefined) waiting.push(intent.id)
    return waiting
  }

  take(lives: readonly Life[]): Refused[] {
    const { live, lane, recovery, store } = this.parts
    const fresh = lives.filter(({ intent }) => live.intent(intent) === undefined)
    const refused = this.write(fresh)
    const unfit = new Set(refused.map(({ intent }) => intent))
    const open = fresh.flatMap(({ intent }) => {
      if (unfit.has(intent)) return []
      lane.regain(intent)
      const found = store.openIntent(intent)
      return found?.intent.state === 'running' ? [found] : []
    })
    recovery.takeUp(open)
    return refused
  }

  keep(intents: readonly string[]): void {
    const { live, store, recovery } = this.parts
    const open = intents.flatMap((intent) => {
      const found = live.intent(intent) === undefined ? store.openIntent(intent) : undefined
      return found?.intent.state === 'running' ? [found] : []
    })
    recovery.takeUp(open)
  }

  perform(wish: IntentWish): Promise<Fault | null> {
    const { commands, live, store } = this.parts
    const { intent, viewer } = wish
    const row = store.intent(intent)
    // Whoever asked will see who has it now.
    const isHere = row !== undefined && (row.state !== 'running' || live.intent(intent) !== undefined)
    if (!isHere) return Promise.resolve(goneOn)
    return wish.act === 'cancel' ? commands.cancel(intent, viewer) : commands.retry(intent, wish.node, viewer)
  }

  lines(hub: string, asked: LinesAsked): Promise<LinesFound> {
    return this.parts.lines.find(hub, asked)
  }

  letGo(intents: readonly string[]): void {
    const { live, dispatch, flush, journal } = this.parts
    for (const intent of intents) {
      live.intent(intent)?.letGo()
      dispatch({ type: 'cancelIntent', intent, fault: movedOn })
    }
    flush()
    journal.addHere(
      intents.map((intent) => ({ write: 'dropIntent', intent })),
      () => {},
    )
  }

  /** All at once, or where that does not fit one by one. */
  private write(lives: readonly Life[]): Refused[] {
    if (lives.length === 0) return []
    try {
      this.parts.store.commit(lives.flatMap(projection))
      return []
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const [only] = lives
      if (lives.length === 1) return [{ intent: only!.intent, reason: error.message }]
    }
    return lives.flatMap((life) => this.write([life]))
  }
}

/** In place of what the store had of it. */
export function projection({ intent, writes }: Life): StoreWrite[] {
  const tasks = writes.flatMap((write) => (write.write === 'requestsAhead' ? write.tasks : []))
  return [{ write: 'dropIntent', intent }, { write: 'forgetRequestsAhead', intent, tasks }, ...writes]
}

const goneOn = fault('store_unavailable', 'The intent has just gone on to another hub: try again.', {
  retryAfterMs: 1_000,
})
const movedOn = fault('cancelled', 'Another hub of the network goes on with this intent.')
