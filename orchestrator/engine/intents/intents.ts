/**
 * Durable intents as one part of the engine: puts together the registry of live intents, commands, queries, changes and
 * decisions, and passes each call to the one that it is for. Clients use it through the `Intents` port; the engine asks
 * it for the rows of the core's changes and for the sinks of durable tasks.
 */

import type { ByteAccount } from '../../../shared/byte-account.ts'
import type { Fault } from '../../../shared/faults.ts'
import { journalBytesMax } from '../../../shared/limits/store.ts'
import type { System } from '../../../shared/system.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { Change, Event } from '../../core/events.ts'
import type { CoreState } from '../../core/state.ts'
import type { AnswerSinkHost } from '../answers/answer-sink.ts'
import type { Charges } from '../charges/charges.ts'
import type { IdempotencyKeys } from '../durability/idempotency.ts'
import { IntentLane, type IntentLaneParts } from '../durability/intent-lane.ts'
import type { Journal } from '../durability/journal.ts'
import type { KeyStore } from '../ports/account-store.ts'
import type { IntentHost, IntentLog, IntentSubmission, Intents, IntentWish, Viewer } from '../ports/intents.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import type { SharedKeyStore } from '../ports/network/shared-keys.ts'
import type { PlannerFunctions } from '../ports/planner.ts'
import type { BatchStore, IntentFilter, IntentStore, Store, StoreWrite } from '../ports/store.ts'
import type { AnswerObserver } from '../ports/trust/witness.ts'
import { ControlNodes } from './control-nodes.ts'
import type { DurableSink } from './durable-sink.ts'
import { takeAhead } from './expansion.ts'
import { IntentCopies } from './handover/copies.ts'
import { IntentHandover } from './handover/handover.ts'
import { LinesForOthers } from './handover/lines-for-others.ts'
import { IntentRecovery } from './handover/recovery.ts'
import { IntentChanges } from './intent-changes.ts'
import { IntentCommands, noSuchIntent } from './intent-commands.ts'
import { IntentQueries } from './intent-queries.ts'
import { LiveIntents } from './live-intents.ts'

export interface IntentsOptions {
  system: System
  store: IntentStore & BatchStore & Pick<KeyStore, 'keys' | 'keyById' | 'account'> & Pick<SharedKeyStore, 'shared'>
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
  /** The row of a receipt, which goes with the settlement, and what is owed for it; null where there is none. */
  earned: (work: WorkDone) => { row: StoreWrite; owed: number } | null
  /** The settlement with that row is committed, or never will be because another hub has the task. */
  settled: (task: number, isCommitted: boolean) => void
}

export class DurableIntents implements Intents {
  private readonly parts: Omit<IntentsOptions, 'host' | 'planner' | 'spend' | 'earned'>
  private readonly live: LiveIntents
  private readonly commands: IntentCommands
  private readonly recovery: IntentRecovery
  private readonly queries: IntentQueries
  private readonly changes: IntentChanges
  private readonly controlNodes: ControlNodes
  private readonly dispatch: (event: Event) => void
  private readonly journal: Journal
  /** Those of other hubs; null in a hub by itself. */
  private copies: IntentCopies | null = null
  private linesForOthers: LinesForOthers | null = null
  private log: IntentLog | null = null

  constructor({ host, planner, spend, earned, ...parts }: IntentsOptions) {
    this.parts = parts
    const { store, system, dispatch, nextTask, charges } = parts
    this.live = new LiveIntents({ store, planner, host, spend, charges })
    this.commands = new IntentCommands(parts, this.live)
    this.recovery = new IntentRecovery(parts, this.live)
    this.queries = new IntentQueries(store, this.live)
    this.changes = new IntentChanges(this.live, system, charges, earned)
    this.controlNodes = new ControlNodes({ store, planner, nextTask, live: this.live, charges, spend })
    this.dispatch = dispatch
    this.journal = parts.journal
  }

  /** From here on this one looks at the answers of scouts. */
  watchedBy(witness: AnswerObserver, account: ByteAccount): void {
    this.live.watchers.now = { witness, account }
  }

  // ------------------------------------------------------------ for clients

  accept(submission: IntentSubmission) {
    return this.commands.accept(submission)
  }

  cancel(id: string, viewer: Viewer) {
    const hub = this.whereabouts(id)
    if (hub !== null) return this.ask(hub, { act: 'cancel', intent: id, viewer })
    return this.commands.cancel(id, viewer)
  }

  forget(id: string, viewer: Viewer) {
    return this.commands.forget(id, viewer)
  }

  retry(id: string, node: string, viewer: Viewer) {
    const hub = this.whereabouts(id)
    if (hub !== null) return this.ask(hub, { act: 'retry', intent: id, node, viewer })
    return this.commands.retry(id, node, viewer)
  }

  intent(id: string, viewer: Viewer) {
    return this.queriesFor(id).intent(id, viewer)
  }

  list(viewer: Viewer, filter: Omit<IntentFilter, 'tenant'>) {
    return this.queries.list(viewer, filter)
  }

  tasks(id: string) {
    return this.queriesFor(id).tasks(id)
  }

  whole(id: string, viewer: Viewer) {
    return this.queriesFor(id).whole(id, viewer)
  }

  result(id: string, node: string) {
    return this.queriesFor(id).result(id, node)
  }

  request(id: string, node: string) {
    return this.queriesFor(id).request(id, node)
  }

  events(id: string, viewer: Viewer, lastEventId: string | null) {
    return this.queriesFor(id).events(id, viewer, lastEventId)
  }

  bring(id: string): Promise<Fault | null> | null {
    return this.copies === null || this.isHere(id) ? null : this.copies.bring(id)
  }

  /** The hub that has an intent of which there is only a copy here; null for all others. */
  private whereabouts(id: string): string | null {
    return this.isHere(id) ? null : (this.copies?.ownerOf(id) ?? null)
  }

  /** Who may not see it learns nothing of it, wherever it is. */
  private async ask(hub: string, wish: IntentWish): Promise<Fault | null> {
    const { copies, log } = this
    if (copies!.queries.intent(wish.intent, wish.viewer) === undefined) return noSuchIntent
    const refused = await log!.ask(hub, wish)
    return refused ?? copies!.renew(wish.intent)
  }

  /** Whether it is this hub's: at work here, or over. */
  private isHere(id: string): boolean {
    if (this.live.intent(id) !== undefined) return true
    const state = this.parts.store.intent(id)?.state
    return state !== undefined && state !== 'running'
  }

  private queriesFor(id: string): IntentQueries {
    const { copies } = this
    return copies?.ownerOf(id) === undefined || this.isHere(id) ? this.queries : copies.queries
  }

  // ------------------------------------------------------------ for the engine

  /** Goes on with everything that the last process left open; in a network its journal says with what. */
  recover(): void {
    if (this.copies === null) this.recovery.recover()
    else this.recovery.noteDeath()
  }

  /**
   * From now on intents are written into this journal first. `copies`: where those of other hubs are held. `onTrouble`:
   * nothing can be written there, or it can again. Before the start of the engine.
   */
  share(
    log: IntentLog,
    copies: Store,
    { onTrouble, contain }: Pick<IntentLaneParts, 'onTrouble' | 'contain'>,
  ): IntentHost {
    const { journal, system, store, dispatch, flush } = this.parts
    const lane = new IntentLane({
      ...{ log, system, onTrouble, contain },
      intentOf: (task) => this.intentOf(task),
      store: (writes, then) => journal.addHere(writes, then),
      onLost: (intents) => handover.letGo(intents),
    })
    journal.lane = lane
    const { live, recovery, commands } = this
    const lines = new LinesForOthers({ system, live, store })
    const handover = new IntentHandover({ store, journal, lane, live, recovery, commands, lines, dispatch, flush })
    this.log = log
    this.linesForOthers = lines
    this.copies = new IntentCopies({ system, log, store: copies })
    return handover
  }

  /** See `IntentLog.decided`; for all leases of one scout. */
  decided(tasks: readonly number[]): Promise<unknown> | null {
    const log = this.log
    const waits = tasks.flatMap((task) => (this.isDurable(task) ? [] : (log?.decided(task) ?? [])))
    return waits.length === 0 ? null : Promise.all(waits)
  }

  stop(): void {
    this.copies?.stop()
    this.linesForOthers?.stop()
  }

  /** Intents that the start did not take up again, and why: for the operator. */
  get setAside(): readonly { intent: string; reason: string }[] {
    return this.recovery.setAside
  }

  /** Whether they are a network's. */
  get isShared(): boolean {
    return this.copies !== null
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
    const intent = live.live.id
    for (const portion of ahead) this.journal.add([{ write: 'requestsAhead', intent, ...portion }], () => {})
    this.journal.add([], () => {
      if (!live.isOver) return this.dispatch(decided)
      const tasks = ahead.flatMap((portion) => portion.tasks)
      this.journal.add([{ write: 'forgetRequestsAhead', intent, tasks }], () => {})
    })
  }

  sink(task: number): DurableSink | undefined {
    return this.live.task(task)?.sink
  }

  isDurable(task: number): boolean {
    return this.live.task(task) !== undefined
  }

  /** The intent of a task that is not over. */
  intentOf(task: number): string | undefined {
    return this.live.task(task)?.live.id
  }

  /** The rows of what the core wants persisted, with the event that reports it. */
  writesOf(change: Change): StoreWrite[] {
    return this.changes.writesOf(change)
  }

  /** After the commit: readers may look, and what is over is removed. */
  committed(change: Change): void {
    if (change.change === 'settle') this.parts.settled(change.task, true)
    this.live.committed(change)
  }

  /** It was never committed, because another hub has the intent: memory goes on as if it were. */
  forsaken(change: Change): void {
    if (change.change === 'settle') this.parts.settled(change.task, false)
    // Who follows it would wait for an end that is told elsewhere.
    const intent = change.change === 'intentEnd' ? change.intent : this.intentOf(change.task)
    this.live.intent(intent ?? '')?.letGo()
    this.live.committed(change)
  }
}
