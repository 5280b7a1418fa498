/**
 * Durable intents: takes plans in, keeps track of what is live of them, and turns what the core wants persisted into
 * rows and events. The journal commits, the core decides, transcripts carry the answers; this file knows how an intent
 * looks in the store and to its readers.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { durableTasksMax } from '../../shared/limits.ts'
import type { System } from '../../shared/system.ts'
import type { Change, Event } from '../core/events.ts'
import { type CoreState, hubDraining } from '../core/state.ts'
import type { CarrierHost } from './carrier.ts'
import { EventReader, LiveIntent, type LiveTask } from './intent-events.ts'
import { acceptEvent, intentRow, intentView, readJson, taskRow, taskView } from './intent-rows.ts'
import type { Accepted, IntentEvents, IntentSubmission, Intents, IntentView, TaskView, Viewer } from './intents-port.ts'
import { type Journal, notWritable } from './journal.ts'
import { renderRequest } from './render.ts'
import type { Replays } from './replays.ts'
import type { IntentState, OpenIntent, Store, StoreWrite } from './store-port.ts'
import { Transcript } from './transcript.ts'

export interface IntentsOptions {
  system: System
  store: Store
  journal: Journal
  core: CoreState
  host: CarrierHost
  replays: Replays
  dispatch: (event: Event) => void
  nextTask: () => number
}

export class DurableIntents implements Intents {
  private readonly live = new Map<string, LiveIntent>()
  private readonly open = new Map<number, LiveTask>()

  constructor(private readonly options: IntentsOptions) {}

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
    const begun = this.options.replays.begin(scope)
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
    const requests = plan.tasks.map(({ request }) => request)
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
    return row === undefined || !maySee(row.tenant, viewer) ? undefined : intentView(row, store.tasksOf(id))
  }

  list(viewer: Viewer, filter: { state?: IntentState; before?: string; limit: number }): IntentView[] {
    const { store } = this.options
    return store.intents({ tenant: viewer, ...filter }).map((row) => intentView(row, store.tasksOf(row.id)))
  }

  tasks(id: string): TaskView[] {
    return this.options.store.tasksOf(id).map(taskView)
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

  cancel(id: string, viewer: Viewer): Promise<boolean> {
    const { store, journal, dispatch } = this.options
    const row = store.intent(id)
    if (row === undefined || !maySee(row.tenant, viewer)) return Promise.resolve(false)
    const cause = fault('cancelled', 'The client cancelled the intent.')
    dispatch({ type: 'cancelIntent', intent: id, fault: cause })
    return new Promise((resolve) => journal.add([], () => resolve(true)))
  }

  // ------------------------------------------------------------ what the engine asks

  transcript(task: number): Transcript | undefined {
    return this.open.get(task)?.transcript
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

  private settlementOf(task: LiveTask, change: Extract<Change, { change: 'settle' }>): StoreWrite[] {
    const { attempt, nonce } = change
    const result = task.transcript.result(attempt)
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
    if (change.change === 'settle' || change.change === 'end') {
      const { transcript } = this.open.get(change.task)!
      if (live.readers === 0) transcript.void(transcript.attempt)
      this.open.delete(change.task)
    }
    if (change.change === 'intentEnd') this.live.delete(live.id)
    live.wake()
  }

  private remember({ intent, tasks, lastSeq }: OpenIntent): void {
    const { host, store } = this.options
    const live = new LiveIntent(intent.id, intent.tenant, lastSeq)
    this.live.set(intent.id, live)
    const byNode = new Map(tasks.map((row) => [row.node, row.task]))
    for (const { task, node, kind, model, needs, state } of tasks) {
      if (state !== 'blocked' && state !== 'ready' && state !== 'leased') continue
      const parents = readJson<string[]>(needs).map((need) => ({ node: need, task: byNode.get(need)! }))
      const request = () => renderRequest(store, task, kind, parents)
      const transcript = new Transcript({ task, kind, model, request, onLines: () => live.wake() }, host)
      const record: LiveTask = { task, node, live, transcript, settledSeq: 0 }
      this.open.set(task, record)
      live.tasks.push(record)
    }
  }
}

/** Sorts by the time of its making; the rest is chance. */
function intentId(system: System, nowMs: number): string {
  return `int_${nowMs.toString(16).padStart(12, '0')}${Buffer.from(system.randomBytes(10)).toString('hex')}`
}

/** A tenant sees its own, an admin everybody's. */
function maySee(tenant: string, viewer: Viewer): boolean {
  return viewer === null || viewer === tenant
}
