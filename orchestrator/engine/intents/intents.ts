/**
 * Durable intents as one part of the engine: puts together the registry of live intents, commands, queries, changes and
 * decisions, and passes each call to the one that it is for. Clients use it through the `Intents` port; the engine asks
 * it for the rows of the core's changes and for the sinks of durable tasks.
 */
import { journalBytesMax } from '../../../shared/limits/store.ts'
import type { System } from '../../../shared/system.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { Change, Event } from '../../core/events.ts'
import type { CoreState } from '../../core/state.ts'
import type { AnswerSinkHost } from '../answers/answer-sink.ts'
import type { Charges } from '../charges/charges.ts'
import type { IdempotencyKeys } from '../durability/idempotency.ts'
import type { Journal } from '../durability/journal.ts'
import type { KeyStore } from '../ports/account-store.ts'
import type { IntentSubmission, Intents, Viewer } from '../ports/intents.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import type { PlannerFunctions } from '../ports/planner.ts'
import type { IntentFilter, IntentStore, StoreWrite } from '../ports/store.ts'
import { ControlNodes } from './control-nodes.ts'
import type { DurableSink } from './durable-sink.ts'
import { takeAhead } from './expansion.ts'
import { IntentChanges } from './intent-changes.ts'
import { IntentCommands } from './intent-commands.ts'
import { IntentQueries } from './intent-queries.ts'
import { LiveIntents } from './live-intents.ts'

export interface IntentsOptions {
  system: System
  store: IntentStore & Pick<KeyStore, 'listKeys' | 'keys' | 'keyById' | 'account'>
  journal: Journal
  core: Pick<CoreState, 'draining'>
  host: AnswerSinkHost
  idempotencyKeys: IdempotencyKeys
  /** null in a hub that was given no planner. */
  planner: PlannerFunctions | null
  dispatch: (event: Event) => void
  flush: () => void
  nextTask: () => number
  /** Told of bytes that were read and written to make a request or a decision. */
  spend: (bytes: number) => void
  charges: Charges
  /** The row of a receipt, which goes with the settlement; null where there is none. */
  earned: (work: WorkDone) => StoreWrite | null
}

export class DurableIntents implements Intents {
  private readonly live: LiveIntents
  private readonly commands: IntentCommands
  private readonly queries: IntentQueries
  private readonly changes: IntentChanges
  private readonly controlNodes: ControlNodes
  private readonly dispatch: (event: Event) => void
  private readonly journal: Journal

  constructor({ host, planner, spend, earned, ...parts }: IntentsOptions) {
    const { store, system, dispatch, nextTask, charges } = parts
    this.live = new LiveIntents({ store, planner, host, spend, charges })
    this.commands = new IntentCommands(parts, this.live)
    this.queries = new IntentQueries(store, this.live)
    this.changes = new IntentChanges(this.live, system, charges, earned)
    this.controlNodes = new ControlNodes({ store, planner, nextTask, live: this.live, charges, spend })
    this.dispatch = dispatch
    this.journal = parts.journal
  }

  // ------------------------------------------------------------ for clients

  accept(submission: IntentSubmission) {
    return this.commands.accept(submission)
  }

  cancel(id: string, viewer: Viewer) {
    return this.commands.cancel(id, viewer)
  }

  forget(id: string, viewer: Viewer) {
    return this.commands.forget(id, viewer)
  }

  retry(id: string, node: string, viewer: Viewer) {
    return this.commands.retry(id, node, viewer)
  }

  intent(id: string, viewer: Viewer) {
    return this.queries.intent(id, viewer)
  }

  list(viewer: Viewer, filter: Omit<IntentFilter, 'tenant'>) {
    return this.queries.list(viewer, filter)
  }

  tasks(id: string) {
    return this.queries.tasks(id)
  }

  whole(id: string, viewer: Viewer) {
    return this.queries.whole(id, viewer)
  }

  result(id: string, node: string) {
    return this.queries.result(id, node)
  }

  request(id: string, node: string) {
    return this.queries.request(id, node)
  }

  events(id: string, viewer: Viewer, lastEventId: string | null) {
    return this.queries.events(id, viewer, lastEventId)
  }

  // ------------------------------------------------------------ for the engine

  /** Goes on with everything that the last process left open. */
  recover(): void {
    this.commands.recover()
  }

  /** Intents that the start did not take up again, and why: for the operator. */
  get setAside(): readonly { intent: string; reason: string }[] {
    return this.commands.setAside
  }

  /** Whether finished intents must be kept now. */
  get isRetrying(): boolean {
    return this.commands.isRetrying
  }

  /** What this task waited for is over and committed: decides how its scroll goes on, for `decide` to tell. */
  *deciding(task: number): Steps<void> {
    const live = this.live.task(task)
    if (live !== undefined && !live.isOver) live.decided = yield* this.controlNodes.decide(live)
  }

  /** Tells the core what was decided, once all is written that has to be written before. */
  decide(task: number): void {
    const live = this.live.task(task)
    if (live === undefined || live.decided === null) return
    const { decided, pending } = live
    live.decided = null
    if (live.isOver) return
    const ahead = pending?.type === 'expand' ? takeAhead(pending.expansion, journalBytesMax) : []
    if (ahead.length === 0) return this.dispatch(decided)
    for (const portion of ahead) this.journal.add([{ write: 'requestsAhead', ...portion }], () => {})
    this.journal.add([], () => {
      if (!live.isOver) return this.dispatch(decided)
      const tasks = ahead.flatMap((portion) => portion.tasks)
      this.journal.add([{ write: 'forgetRequestsAhead', tasks }], () => {})
    })
  }

  sink(task: number): DurableSink | undefined {
    return this.live.task(task)?.sink
  }

  isDurable(task: number): boolean {
    return this.live.task(task) !== undefined
  }

  /** The rows of what the core wants persisted, with the event that reports it. */
  writesOf(change: Change): StoreWrite[] {
    return this.changes.writesOf(change)
  }

  /** After the commit: readers may look, and what is over is removed. */
  committed(change: Change): void {
    this.live.committed(change)
  }
}
