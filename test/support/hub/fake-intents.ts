/**
 * Durable intents in memory for tests of the client edge: plans are accepted and kept, and the test plays the engine
 * by settling tasks and telling events. A test can hold acceptance back, have it refused, and see who still reads.
 */
import type {
  Accepted,
  IntentEvent,
  IntentEvents,
  IntentSubmission,
  Intents,
  IntentView,
  TaskView,
  Viewer,
} from '../../../orchestrator/engine/ports/intents.ts'
import { type Fault, fault } from '../../../shared/faults.ts'

const noUsage = { promptTokens: 0, completionTokens: 0 }
/** When every fake intent was created. */
const createdMs = 1_700_000_000_500

export class FakeIntent {
  readonly view: IntentView
  readonly tasks: TaskView[]
  readonly results = new Map<string, Uint8Array>()
  readonly log: IntentEvent[] = []
  readonly readers = new Set<FakeEvents>()
  private readersChanged: (() => void)[] = []

  constructor(
    id: string,
    readonly submission: IntentSubmission,
  ) {
    const { tenant, plan, priority, deadlineMs, metadata } = submission
    this.view = {
      ...{ id, tenant, state: 'running', priority, createdMs, deadlineMs: createdMs + deadlineMs, finishedMs: null },
      metadata,
      ...{ fault: null, resultNode: plan.resultNode, usage: noUsage },
    }
    this.tasks = plan.tasks.map(({ node, kind, model, needs }) => {
      const state = needs.length > 0 ? 'blocked' : 'ready'
      return { node, kind, model, needs, state, stage: null, attempts: 0, served: null, usage: noUsage, fault: null }
    })
  }

  /** A task is done, and with the result's task the intent. */
  settle(node: string, json: string): this {
    const task = this.tasks.find((candidate) => candidate.node === node)!
    const usage = { promptTokens: 3, completionTokens: 4 }
    const served = { scout: 'ant', provider: 'demo', model: 'llama' }
    Object.assign(task, { state: 'done', attempts: 1, served, usage })
    this.results.set(node, new TextEncoder().encode(json))
    if (node === this.view.resultNode) this.end('done')
    return this
  }

  end(state: IntentView['state'], cause: Fault | null = null): this {
    Object.assign(this.view, { state, fault: cause, finishedMs: createdMs + 2000 })
    return this
  }

  tell(type: IntentEvent['type'], fields: object = {}): this {
    this.log.push({ id: `${this.log.length + 1}`, type, data: JSON.stringify(fields) })
    for (const reader of this.readers) reader.stir()
    return this
  }

  /** Resolves once `count` readers follow. */
  async followedBy(count: number): Promise<void> {
    while (this.readers.size !== count) await new Promise<void>((resolve) => this.readersChanged.push(resolve))
  }

  follow(after: string | null): FakeEvents {
    const reader = new FakeEvents(this, this.log.findIndex(({ id }) => id === after) + 1)
    this.readers.add(reader)
    this.changed()
    return reader
  }

  leave(reader: FakeEvents): void {
    this.readers.delete(reader)
    this.changed()
  }

  private changed(): void {
    for (const wake of this.readersChanged.splice(0)) wake()
  }
}

class FakeEvents implements IntentEvents {
  private wake: (() => void) | null = null
  private isOver = false

  constructor(
    private readonly intent: FakeIntent,
    private next: number,
  ) {}

  take(): { events: IntentEvent[]; ended: boolean } | null {
    if (this.isOver || !this.hasNews()) return null
    const { log } = this.intent
    const events = log.slice(this.next)
    this.next = log.length
    this.isOver = log.at(-1)?.type === 'done'
    for (const { data } of events) if (data === '"defect"') throw new Error('an event that cannot be read')
    return { events, ended: this.isOver }
  }

  readable(): Promise<void> {
    if (this.wake !== null) throw new Error('two waiters at one stream of events')
    if (this.hasNews()) return Promise.resolve()
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }

  close(): void {
    this.intent.leave(this)
  }

  stir(): void {
    const { wake } = this
    this.wake = null
    wake?.()
  }

  private hasNews(): boolean {
    const { log } = this.intent
    return log.length > this.next || log.at(-1)?.type === 'done'
  }
}

export class FakeIntents implements Intents {
  readonly all: FakeIntent[] = []
  /** Why nothing is accepted, when nothing is. */
  refusal: Fault | null = null
  /** What acceptance waits for. */
  commit: Promise<void> = Promise.resolve()
  readonly forgotten: string[] = []
  private readonly keys = new Map<string, { bodyHash: string; id: string }>()

  bring(): null {
    return null
  }

  async accept(submission: IntentSubmission): Promise<Accepted> {
    if (this.refusal !== null) return { type: 'refused', fault: this.refusal }
    const { tenant, idempotency } = submission
    const scope = JSON.stringify([tenant, idempotency?.route, idempotency?.key])
    const before = this.keys.get(scope)
    if (idempotency !== undefined && before !== undefined) {
      if (before.bodyHash === idempotency.bodyHash) return { type: 'accepted', id: before.id, replayed: true }
      const text = 'This Idempotency-Key was used for another request: use a new key.'
      return { type: 'refused', fault: fault('idempotency_mismatch', text) }
    }
    await this.commit
    const intent = new FakeIntent(`int_${this.all.length}`, submission)
    this.all.push(intent)
    if (idempotency !== undefined) this.keys.set(scope, { bodyHash: idempotency.bodyHash, id: intent.view.id })
    return { type: 'accepted', id: intent.view.id, replayed: false }
  }

  intent(id: string, viewer: Viewer): IntentView | undefined {
    return this.find(id, viewer)?.view
  }

  list(viewer: Viewer, filter: { state?: IntentView['state']; before?: string; limit: number }): IntentView[] {
    const before = this.all.findIndex(({ view }) => view.id === filter.before)
    return this.all
      .slice(0, before < 0 ? undefined : before)
      .filter(({ submission }) => viewer === null || viewer === submission.tenant)
      .map(({ view }) => view)
      .filter(({ state }) => filter.state === undefined || filter.state === state)
      .toReversed()
      .slice(0, filter.limit)
  }

  whole(id: string, viewer: Viewer): ReturnType<Intents['whole']> {
    const intent = this.find(id, viewer)
    if (intent === undefined) return undefined
    const { view, tasks, results } = intent
    return { view, tasks, result: view.state === 'done' ? results.get(view.resultNode) : undefined }
  }

  tasks(id: string): TaskView[] {
    return this.find(id, null)?.tasks ?? []
  }

  result(id: string, node: string): Uint8Array | undefined {
    return this.find(id, null)?.results.get(node)
  }

  request(id: string, node: string): Uint8Array | undefined {
    const task = this.find(id, null)?.submission.plan.tasks.find((planned) => planned.node === node)
    return task?.request
  }

  events(id: string, viewer: Viewer, lastEventId: string | null): IntentEvents | undefined {
    return this.find(id, viewer)?.follow(lastEventId)
  }

  /** Takes any node that is not done; `all` shows what became of it. */
  async retry(id: string, node: string, viewer: Viewer): Promise<Fault | null> {
    const task = this.find(id, viewer)?.tasks.find((candidate) => candidate.node === node)
    if (task === undefined) return fault('not_found', 'There is no such node.')
    if (task.state === 'done') return fault('invalid_request', 'It is done.')
    Object.assign(task, { state: 'ready', fault: null })
    Object.assign(this.find(id, viewer)!.view, { state: 'running', fault: null, finishedMs: null })
    return null
  }

  /** Refuses like `accept`, and cancels nothing then. */
  async cancel(id: string, viewer: Viewer): Promise<Fault | null> {
    const intent = this.find(id, viewer)
    if (intent === undefined) return fault('not_found', 'There is no such intent.')
    if (this.refusal !== null) return this.refusal
    if (intent.view.state === 'running') {
      intent.end('cancelled')
      for (const task of intent.tasks) task.state = 'cancelled'
    }
    return null
  }

  async forget(id: string, viewer: Viewer): Promise<Fault | null> {
    const refused = await this.cancel(id, viewer)
    if (refused !== null) return refused
    this.forgotten.push(id)
    return null
  }

  private find(id: string, viewer: Viewer): FakeIntent | undefined {
    if (this.forgotten.includes(id)) return undefined
    return this.all.find(({ view, submission }) => view.id === id && (viewer === null || viewer === submission.tenant))
  }
}
