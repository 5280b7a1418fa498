/**
 * What a store would hold of the durable tasks if it wrote everything that the core persists, and nothing else.
 * Every change is applied under the condition that the store port states for its write, and a condition that does not
 * hold throws: it would be a `fenced` commit. Out of it a core can be built anew, as after a restart.
 */
import type { Core } from '../../../orchestrator/core/core.ts'
import type { Accept, AcceptedTask, Change, Effect, Event } from '../../../orchestrator/core/events.ts'
import { sameNonce } from '../../../orchestrator/core/model/nonce.ts'

interface MirroredIntent {
  accept: Accept
  deadlineMs: number
  state: 'running' | 'done' | 'failed' | 'cancelled'
}

const storedAs: Record<string, AcceptedTask['state']> = { delayed: 'ready', deciding: 'blocked' }
const terminal: readonly AcceptedTask['state'][] = ['done', 'failed', 'cancelled', 'skipped']

export class StoreMirror {
  readonly intents = new Map<string, MirroredIntent>()
  readonly tasks = new Map<number, AcceptedTask>()
  private readonly running = new Set<MirroredIntent>()
  private expansion: Extract<Event, { type: 'expanded' }> | null = null

  /** What the engine has before the core receives the event: a committed intent, an expansion ready to be written. */
  receive(event: Event, nowMs: number): void {
    this.expansion = event.type === 'expanded' ? event : null
    if (event.type === 'accept') this.accept(event, nowMs)
  }

  private accept(event: Accept, nowMs: number): void {
    const accept = { ...event, tasks: event.tasks.map((task) => ({ ...task })) }
    const intent: MirroredIntent = { accept, deadlineMs: nowMs + event.deadlineMs, state: 'running' }
    this.intents.set(event.intent, intent)
    this.running.add(intent)
    for (const task of accept.tasks) this.tasks.set(task.task, task)
  }

  /** One step's changes. Throws at the first whose condition does not hold. */
  commit(effects: readonly Effect[]): void {
    for (const effect of effects) if (effect.type === 'persist') this.apply(effect.change)
  }

  /** The intents that are not over, as the store would return them at boot. */
  recover(nowMs: number): Accept[] {
    return [...this.running].map(({ accept, deadlineMs }) => {
      return { ...accept, deadlineMs: deadlineMs - nowMs, tasks: accept.tasks.map((task) => ({ ...task })) }
    })
  }

  private apply(change: Change): void {
    if (change.change === 'intentEnd') return this.endIntent(change)
    const task = this.tasks.get(change.task)
    const demand = (holds: boolean, what: string) => {
      if (!holds) throw new Error(`fenced: ${change.change} of ${change.task} (${task?.state}): ${what}`)
    }
    if (task === undefined) throw new Error(`fenced: ${change.change} of ${change.task}, which is not durable`)
    switch (change.change) {
      case 'lease': {
        demand(task.state === 'ready', 'is not ready')
        demand(change.attempt === task.attempt + 1, `attempt ${change.attempt} follows ${task.attempt}`)
        const { nonce, scout, instance } = change
        Object.assign(task, { state: 'leased', attempt: change.attempt, lease: { nonce, scout, instance } })
        return
      }
      case 'release':
        demand(task.state === 'leased' && task.attempt === change.attempt, 'is not leased with this attempt')
        Object.assign(task, { state: 'ready', lease: null, charged: change.charged, returned: change.returned })
        return
      case 'settle':
        demand(task.state === 'leased' && task.attempt === change.attempt, 'is not leased with this attempt')
        demand(sameNonce(task.lease!.nonce, change.nonce), 'is leased with another nonce')
        Object.assign(task, { state: 'done', lease: null })
        return
      case 'decide':
        demand(task.state === 'blocked' && task.control, 'is no control node')
        demand(this.isOver(task), 'waits for something')
        task.state = 'done'
        return
      case 'expand':
        demand(task.state === 'blocked' && task.control, 'is no control node')
        demand(this.isOver(task), 'waits for something')
        return this.expand(task)
      case 'unblock':
        demand(task.state === 'blocked' && !task.control, 'is not blocked')
        demand(
          this.needsOf(task).every((state) => state === 'done'),
          'needs are not done',
        )
        task.state = 'ready'
        return
      case 'end':
        demand(!terminal.includes(task.state), 'is terminal')
        Object.assign(task, { state: change.state, lease: null, charged: change.charged })
        return
    }
  }

  private expand(controlNode: AcceptedTask): void {
    const { task, tasks, waitFor } = this.expansion!
    if (task !== controlNode.task) throw new Error(`fenced: task ${controlNode.task} is expanded without a decision`)
    const intent = [...this.running].find(({ accept }) => accept.tasks.includes(controlNode))!
    controlNode.needs = waitFor
    for (const one of tasks) {
      const row = { ...one }
      intent.accept.tasks.push(row)
      this.tasks.set(row.task, row)
    }
  }

  private isOver(task: AcceptedTask): boolean {
    return this.needsOf(task).every((state) => terminal.includes(state))
  }

  private needsOf(task: AcceptedTask): AcceptedTask['state'][] {
    return task.needs.map((need) => this.tasks.get(need)!.state)
  }

  private endIntent({ intent: id, state, fault }: Extract<Change, { change: 'intentEnd' }>): void {
    const intent = this.intents.get(id)
    const demand = (holds: boolean, what: string) => {
      if (!holds) throw new Error(`fenced: end of ${id} as ${state}: ${what}`)
    }
    demand(intent?.state === 'running', 'is not running')
    if (intent === undefined) return
    const { tasks, result } = intent.accept
    demand(
      tasks.every((task) => terminal.includes(task.state)),
      'has tasks that are not terminal',
    )
    const isDone = this.tasks.get(result)!.state === 'done'
    demand(isDone === (state === 'done'), 'does not fit its result')
    demand((fault === null) === isDone, 'has the wrong cause')
    intent.state = state
    this.running.delete(intent)
    for (const { task } of tasks) this.tasks.delete(task)
  }

  /** What a core and its store disagree about; they may not after any step. */
  differences(core: Core): string[] {
    const found: string[] = []
    const { tasks, intents } = core.state
    for (const { accept } of this.running) {
      if (!intents.has(accept.intent)) found.push(`${accept.intent} is running only in the store`)
      for (const stored of accept.tasks) {
        const task = tasks.get(stored.task)
        const state = storedAs[task?.state ?? ''] ?? task?.state
        if (task === undefined ? !terminal.includes(stored.state) : state !== stored.state) {
          found.push(`task ${stored.task} is ${state ?? 'over'} and stored as ${stored.state}`)
        }
        if (task === undefined) continue
        const isSame = task.attempt === stored.attempt && task.charged === stored.charged
        if (!isSame || task.handedBack !== stored.returned) found.push(`task ${stored.task} counts other attempts`)
        const { lease } = task
        if (lease !== null && !sameNonce(lease.nonce, stored.lease!.nonce)) found.push(`task ${stored.task}: nonce`)
        const isFed = stored.control ? this.isOver(stored) : this.needsOf(stored).every((need) => need === 'done')
        if (task.state !== 'blocked' && !isFed) found.push(`task ${stored.task} is ${task.state} before its needs`)
      }
    }
    if (intents.size !== this.running.size) found.push(`${intents.size} intents, ${this.running.size} stored`)
    return found
  }
}
