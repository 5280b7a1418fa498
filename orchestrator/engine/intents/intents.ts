/**
 * Durable intents: takes plans in, keeps track of what is live of them, and turns what the core wants persisted into
 * rows and events. The journal commits, the core decides, transcripts carry the answers; this file knows how an intent
 * looks in the store and to its readers.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { durableTasksMax, intentDeadlineMs } from '../../../shared/limits/intents.ts'
import type { System } from '../../../shared/system.ts'
import type { IntentState } from '../../../shared/task-state.ts'
import type { Change, Event } from '../../core/events.ts'
import { type CoreState, hubDraining } from '../../core/state.ts'
import type { AnswerSinkHost } from '../answers/answer-sink.ts'
import type { IdempotencyKeys } from '../durability/idempotency.ts'
import { type Journal, notWritable } from '../durability/journal.ts'
import type {
  Accepted,
  IntentEvents,
  IntentSubmission,
  Intents,
  IntentView,
  TaskView,
  Viewer,
} from '../ports/intents.ts'
import type { PlannerFunctions, Terms } from '../ports/planner.ts'
import type { OpenIntent, Store, StoreWrite, TaskRow } from '../ports/store.ts'
import { ControlNodes } from './control-nodes.ts'
import { DurableSink, type Repair } from './durable-sink.ts'
import { EventReader, LiveIntent, type LiveTask } from './intent-events.ts'
import {
  acceptEvent,
  intentRow,
  intentView,
  keptRequest,
  summed,
  taskRow,
  taskView,
  termsOf,
  waitsOf,
} from './intent-rows.ts'
import { renderRequest } from './render.ts'
import { tasksToRetry } from './retry.ts'

export interface IntentsOptions {
  system: System
  store: Store
  journal: Journal
  core: CoreState
  host: AnswerSinkHost
  idempotencyKeys: IdempotencyKeys
  /** null in a hub that was given no planner. */
  planner: PlannerFunctions | null
  dispatch: (event: Event) => void
  nextTask: () => number
}

export class DurableIntents implements Intents {
  private readonly live = new Map<string, LiveIntent>()
  private readonly open = new Map<number, LiveTask>()
  private readonly controlNodes: ControlNodes
  /** Intents that are to go on and wait for the commit of that. */
  private readonly reviving = new Set<string>()

  constructor(private readonly options: IntentsOptions) {
    const { store, planner, nextTask } = options
    this.controlNodes = new ControlNodes({ store, planner, nextTask, openTasks: () => this.open.size })
  }

  /** Takes up everything the last process left open. */
  recover(): void {
    const { store, system, dispatch } = this.options
    const weights = new Map(store.listKeys().map((key) => [key.id, key.weight]))
    for (const open of store.openIntents()) {
      this.remember(open)
      const { tenant, deadlineMs } = open.intent
      const leftMs = Math.max(1, deadlineMs - system.wallMs())
      dispatch(acceptEvent(open, weights.get(tenant) ?? 1, leftMs))
    }
  }

  // ------------------------------------------------------------ what clients ask

  accept(submission: IntentSubmission): Promise<Accepted> {
    const { idempotency, tenant } = submission
    if (idempotency === undefined) return this.take(submission)
    const scope = { tenant, ...idempotency }
    const begun = this.options.idempotencyKeys.begin(scope)
    if (begun.type === 'refused') return Promise.resolve(begun)
    if (begun.type === 'replay') {
      return Promise.resolve({ type: 'accepted', id: Buffer.from(begun.answer).toString(), replayed: true })
    }
    return this.take(submission, begun.row).finally(begun.release)
  }

  private refusal({ plan }: IntentSubmission): Fault | null {
    const { core } = this.options
    if (core.draining) return hubDraining()
    if (this.open.size + plan.tasks.length <= durableTasksMax) return null
    return fault('queue_full', 'Too many tasks of intents are open. Try again later.', { retryAfterMs: 10_000 })
  }

  private take(submission: IntentSubmission, replay?: (answer: Uint8Array) => StoreWrite): Promise<Accepted> {
    const refusal = this.refusal(submission)
    if (refusal !== null) return Promise.resolve({ type: 'refused', fault: refusal })
    const { journal, system, dispatch, nextTask } = this.options
    const { plan, weight, deadlineMs } = submission
    const nowMs = system.wallMs()
    const intent = intentRow(submission, intentId(system, nowMs), nowMs)
    const tasks = plan.tasks.map((task) => taskRow(intent.id, nextTask(), task))
    const requests = plan.tasks.map(keptRequest)
    const planned = { nodes: plan.tasks.map(({ node, model, needs }) => ({ node, model, needs })) }
    const event = { intent: intent.id, seq: 1, type: 'planned', data: JSON.stringify(planned), atMs: nowMs }
    const writes: StoreWrite[] = [
      { write: 'intent', intent, tasks, requests },
      { write: 'event', event },
    ]
    if (replay !== undefined) writes.push(replay(Buffer.from(intent.id)))
    return new Promise((resolve) => {
      const then = () => {
        const open: OpenIntent = { intent, tasks, requestBytes: requests.map(({ length }) => length), lastSeq: 1 }
        this.remember(open)
        dispatch(acceptEvent(open, weight, deadlineMs))
        resolve({ type: 'accepted', id: intent.id, replayed: false })
      }
      journal.promise(writes, then, () => resolve({ type: 'refused', fault: notWritable }))
    })
  }

  intent(id: string, viewer: Viewer): IntentView | undefined {
    const { store } = this.options
    const row = store.intent(id)
    return row === undefined || !maySee(row.tenant, viewer) ? undefined : intentView(summed(row, store.tasksOf(id)))
  }

  list(viewer: Viewer, filter: { state?: IntentState; before?: string; limit: number }): IntentView[] {
    const { store } = this.options
    return store.intents({ tenant: viewer, ...filter }).map(intentView)
  }

  tasks(id: string): TaskView[] {
    return this.options.store.tasksOf(id).map(taskView)
  }

  whole(id: string, viewer: Viewer): ReturnType<Intents['whole']> {
    const { store } = this.options
    const row = store.intent(id)
    if (row === undefined || !maySee(row.tenant, viewer)) return undefined
    const tasks = store.tasksOf(id)
    const last = row.state === 'done' ? tasks.find(({ node }) => node === row.resultNode) : undefined
    return { view: intentView(summed(row, tasks)), tasks: tasks.map(taskView), result: last && store.result(last.task) }
  }

  result(id: string, node: string): Uint8Array | undefined {
    const { store } = this.options
    const row = store.tasksOf(id).find((task) => task.node === node)
    return row && store.result(row.task)
  }

  events(id: string, viewer: Viewer, lastEventId: string | null): IntentEvents | undefined {
    const { store } = this.options
    const row = store.intent(id)
    if (row === undefined || !maySee(row.tenant, viewer)) return undefined
    return new EventReader(id, this.live.get(id) ?? null, store, lastEventId)
  }

  cancel(id: string, viewer: Viewer): Promise<Fault | null> {
    const { store, journal, dispatch } = this.options
    const row = store.intent(id)
    if (row === undefined || !maySee(row.tenant, viewer)) return Promise.resolve(noSuchIntent)
    const cause = fault('cancelled', 'The client cancelled the intent.')
    dispatch({ type: 'cancelIntent', intent: id, fault: cause })
    // What is over stays as it is, whatever the disk does.
    if (row.state !== 'running' && !this.reviving.has(id)) return Promise.resolve(null)
    return new Promise((resolve) => {
      journal.promise(
        [],
        () => resolve(null),
        () => resolve(notWritable),
      )
    })
  }

  retry(id: string, node: string, viewer: Viewer): Promise<Fault | null> {
    const { store, system, journal, core, dispatch } = this.options
    const over = store.openIntent(id)
    if (over === undefined || !maySee(over.intent.tenant, viewer)) {
      return Promise.resolve(noSuchIntent)
    }
    const isOver = over.intent.state !== 'running' && !this.live.has(id) && !this.reviving.has(id)
    const tasks = isOver ? tasksToRetry(over.tasks, node) : stillRunning
    if ('code' in tasks) return Promise.resolve(tasks)
    if (core.draining) return Promise.resolve(hubDraining())
    const nowMs = system.wallMs()
    const nodes = tasks.map(({ task }) => over.tasks.find((row) => row.task === task)!.node)
    const data = JSON.stringify({ node, nodes })
    const writes: StoreWrite[] = [
      { write: 'retry', intent: id, deadlineMs: nowMs + intentDeadlineMs, tasks },
      { write: 'event', event: { intent: id, seq: over.lastSeq + 1, type: 'retried', data, atMs: nowMs } },
    ]
    this.reviving.add(id)
    return new Promise((resolve) => {
      const then = () => {
        this.reviving.delete(id)
        const open = store.openIntent(id)!
        this.remember(open)
        dispatch(acceptEvent(open, store.keyById(open.intent.tenant)?.weight ?? 1, intentDeadlineMs))
        resolve(null)
      }
      const refused = () => {
        this.reviving.delete(id)
        resolve(notWritable)
      }
      journal.promise(writes, then, refused)
    })
  }

  /** Whether finished intents must be kept just now. */
  get isReviving(): boolean {
    return this.reviving.size > 0
  }

  // ------------------------------------------------------------ what the engine asks

  /** What this task waited for is over and committed: how its scroll goes on is decided now. */
  decide(task: number): void {
    const live = this.open.get(task)
    if (live !== undefined) this.options.dispatch(this.controlNodes.decide(live))
  }

  sink(task: number): DurableSink | undefined {
    return this.open.get(task)?.sink
  }

  isDurable(task: number): boolean {
    return this.open.has(task)
  }

  /** The rows of what the core wants persisted, with the event that tells of it. */
  writesOf(change: Change): StoreWrite[] {
    if (change.change === 'intentEnd') return this.endOf(change)
    const task = this.open.get(change.task)!
    switch (change.change) {
      case 'lease': {
        const { scout, attempt } = change
        const told = this.tell(task.live, 'task_started', { node: task.node, attempt, scout })
        const { nonce, instance } = change
        return [{ write: 'lease', task: change.task, attempt, nonce, scout, instance }, told]
      }
      case 'release': {
        const { attempt, charged, returned } = change
        const told = this.tell(task.live, 'attempt_reset', { node: task.node, attempt })
        return [{ write: 'release', task: change.task, attempt, charged, returned }, told]
      }
      case 'unblock':
        return [{ write: 'unblock', task: change.task }]
      case 'decide':
      case 'expand':
        return this.decisionOf(task)
      case 'settle':
        return this.settlementOf(task, change)
      case 'end': {
        const { state, charged, fault: cause } = change
        const told = this.tell(task.live, 'task_settled', { node: task.node, state, fault: cause })
        task.settledSeq = task.live.seq
        const text = cause === null ? null : JSON.stringify(cause)
        return [{ write: 'end', task: change.task, state, charged, fault: text }, told]
      }
    }
  }

  /** The rows of what the conductor decided of this task. */
  private decisionOf(control: LiveTask): StoreWrite[] {
    const { task, node, live, pending } = control
    const stage = control.stage!
    if (pending === null) throw new Error(`task ${task} goes on without a decision`)
    control.pending = null
    if (pending.type === 'done') {
      const { result, note } = pending
      const usage = { promptTokens: 0, completionTokens: 0 }
      const told = this.tell(live, 'task_settled', { node, state: 'done', served: null, usage, fault: null, note })
      control.settledSeq = live.seq
      return [{ write: 'decide', task, stage, result }, told]
    }
    const { rows: tasks, requests, waits, delegate, note } = pending.expansion
    control.stage = stage + 1
    for (const row of tasks) live.numbers.set(row.node, row.task)
    for (const row of tasks) this.open.set(row.task, this.liveTask(live, row))
    const nodes = tasks.map(({ node: name, model, needs }) => ({ node: name, model, needs: JSON.parse(needs) }))
    const told = this.tell(live, 'task_grown', { node, stage: stage + 1, nodes, delegate, note })
    return [{ write: 'expand', task, stage, waits: JSON.stringify(waits), tasks, requests }, told]
  }

  private settlementOf(task: LiveTask, change: Extract<Change, { change: 'settle' }>): StoreWrite[] {
    const { attempt, nonce } = change
    const result = task.sink.result(attempt)
    if (result === undefined) throw new Error(`task ${change.task} settles without a result`)
    const { body, served, usage } = result
    const told = this.tell(task.live, 'task_settled', { node: task.node, state: 'done', served, usage, fault: null })
    task.settledSeq = task.live.seq
    const { tenant } = task.live
    const { scout, provider, model } = served
    const booking = { tenant, task: change.task, scout, provider, model, ...usage, atMs: this.options.system.wallMs() }
    return [
      { write: 'settle', task: change.task, attempt, nonce, result: body, served: JSON.stringify(served), ...usage },
      { write: 'usage', usage: booking },
      told,
    ]
  }

  private endOf({ intent, state, fault: cause }: Extract<Change, { change: 'intentEnd' }>): StoreWrite[] {
    const live = this.live.get(intent)!
    const told = this.tell(live, 'done', { state, fault: cause })
    const text = cause === null ? null : JSON.stringify(cause)
    const finishedMs = this.options.system.wallMs()
    return [{ write: 'intentEnd', intent, state, fault: text, finishedMs }, told]
  }

  private tell(live: LiveIntent, type: string, data: object): StoreWrite {
    live.seq++
    const atMs = this.options.system.wallMs()
    return { write: 'event', event: { intent: live.id, seq: live.seq, type, data: JSON.stringify(data), atMs } }
  }

  /** After the commit: readers may look, and what is over is let go. */
  committed(change: Change): void {
    const live = change.change === 'intentEnd' ? this.live.get(change.intent) : this.open.get(change.task)?.live
    if (live === undefined) return
    if (change.change === 'settle' || change.change === 'end' || change.change === 'decide') {
      const { sink } = this.open.get(change.task)!
      if (live.readers === 0) sink.void(sink.attempt)
      this.open.delete(change.task)
    }
    if (change.change === 'intentEnd') this.live.delete(live.id)
    live.wake()
  }

  private remember({ intent, tasks, lastSeq }: OpenIntent): void {
    const live = new LiveIntent(intent.id, intent.tenant, lastSeq)
    this.live.set(intent.id, live)
    for (const { node, task } of tasks) live.numbers.set(node, task)
    for (const row of tasks) {
      if (row.state !== 'blocked' && row.state !== 'ready' && row.state !== 'leased') continue
      this.open.set(row.task, this.liveTask(live, row))
    }
  }

  private liveTask(live: LiveIntent, row: TaskRow): LiveTask {
    const { host, store, planner } = this.options
    const { task, node, kind, model, stage } = row
    const terms = termsOf(row)
    const parents = waitsOf(row).map((need) => ({ node: need, task: live.numbers.get(need)! }))
    const request = (repair: Repair | null) => {
      return renderRequest({ store, task, kind, parents, terms, render: planner?.render ?? null, repair })
    }
    const breach = breachOf(terms.contract, planner)
    const sink = new DurableSink({ task, kind, model, request, breach, onLines: () => live.wake() }, host)
    const record: LiveTask = { task, node, live, sink, settledSeq: 0, stage, pending: null }
    live.tasks.push(record)
    return record
  }
}

const noSuchIntent = fault('not_found', 'There is no such intent, or it is no longer kept.', { param: 'id' })

const stillRunning = fault(
  'invalid_request',
  'This intent is still running: wait for its end, or cancel it, before a node of it is tried again.',
)

/** What is wrong with an answer's text; null for a task whose answers may be anything. */
function breachOf(
  contract: Terms['contract'],
  planner: PlannerFunctions | null,
): ((text: string) => string | null) | null {
  if (contract === undefined || planner === null) return null
  return (text) => planner.checkContract(contract, text)
}

/** Sorts by the time of its making; the rest is chance. */
function intentId(system: System, nowMs: number): string {
  return `int_${nowMs.toString(16).padStart(12, '0')}${Buffer.from(system.randomBytes(10)).toString('hex')}`
}

/** A tenant sees its own, an admin everybody's. */
function maySee(tenant: string, viewer: Viewer): boolean {
  return viewer === null || viewer === tenant
}
