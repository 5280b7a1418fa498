/**
 * The rows of what the core wants persisted: for each change its write and the event that reports it to readers. The
 * commit barrier asks for them; the journal commits them. An intent's events are numbered here, and what a control node
 * adds to its scroll becomes live here.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { System } from '../../../shared/system.ts'
import type { Change } from '../../core/events.ts'
import type { Charges } from '../charges/charges.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import type { StoreWrite } from '../ports/store.ts'
import { hourMs } from '../ports/usage.ts'
import type { LiveIntent, LiveIntents, LiveTask } from './live-intents.ts'

type ChangeOf<Kind extends Change['change']> = Extract<Change, { change: Kind }>

export class IntentChanges {
  constructor(
    private readonly live: LiveIntents,
    private readonly system: System,
    private readonly charges: Charges,
    /** The row of a receipt, which goes with the settlement, and what is owed for it; null where there is none. */
    private readonly earned: (work: WorkDone) => { row: StoreWrite; owed: number } | null,
  ) {}

  writesOf(change: Change): StoreWrite[] {
    if (change.change === 'intentEnd') return this.intentEnd(change)
    const task = this.live.task(change.task)!
    switch (change.change) {
      case 'lease': {
        const { scout, attempt, nonce, instance } = change
        const event = this.event(task.live, 'task_started', { node: task.node, attempt, scout })
        return [{ write: 'lease', task: change.task, attempt, nonce, scout, instance }, event]
      }
      case 'release': {
        const { attempt, charged, returned } = change
        const event = this.event(task.live, 'attempt_reset', { node: task.node, attempt })
        return [{ write: 'release', task: change.task, attempt, charged, returned }, event]
      }
      case 'unblock':
        return [{ write: 'unblock', task: change.task }]
      case 'decide':
      case 'expand':
        return this.decision(task)
      case 'settle':
        return this.settlement(task, change)
      case 'end': {
        const { state, charged, fault } = change
        const event = this.settledEvent(task, { state, fault })
        this.live.close(task)
        const failed = state === 'failed' && task.stage === null ? [this.failure(task)] : []
        return [{ write: 'end', task: change.task, state, charged, fault: jsonOf(fault) }, event, ...failed]
      }
    }
  }

  private decision(control: LiveTask): StoreWrite[] {
    const { task, node, live, pending } = control
    const stage = control.stage!
    if (pending === null) throw new Error(`control node ${task} goes on without a decision`)
    control.pending = null
    if (pending.type === 'done') {
      const { result, note } = pending
      const usage = { promptTokens: 0, completionTokens: 0 }
      const event = this.settledEvent(control, { state: 'done', served: null, usage, fault: null, note })
      return [{ write: 'decide', task, stage, result }, event]
    }
    const { rows: tasks, requests, waits, delegate, note } = pending.expansion
    control.stage = stage + 1
    this.live.join(live, tasks, pending.tabs)
    const nodes = tasks.map(({ node: name, model, needs }) => ({ node: name, model, needs: JSON.parse(needs) }))
    const event = this.event(live, 'task_grown', { node, stage: stage + 1, nodes, delegate, note })
    return [{ write: 'expand', task, stage, waits: JSON.stringify(waits), tasks, requests }, event]
  }

  private settlement(live: LiveTask, { task, attempt, nonce }: ChangeOf<'settle'>): StoreWrite[] {
    const answer = live.sink.result(attempt)
    if (answer === undefined) throw new Error(`task ${task} settles without a result`)
    const { body: result, served, use, price, work } = answer
    const { promptTokens, completionTokens, isEstimated } = use
    const usage = { promptTokens, completionTokens }
    const earned = work === null ? null : this.earned(work)
    const tab = live.tab!
    if (tab.hold !== null) tab.hold.owed = earned && { task, points: earned.owed }
    const microDollars = this.charges.close(tab, use, price)
    live.tab = null
    const event = this.settledEvent(live, { state: 'done', served, usage, microDollars, fault: null })
    const { scout, provider, model } = served
    const { tenant, key } = live.live
    const charged = { key: key.id, microDollars, isEstimated }
    const booking = { tenant, task, scout, provider, model, ...usage, ...charged, atMs: this.system.wallMs() }
    return [
      { write: 'settle', task, attempt, nonce, result, served: JSON.stringify(served), ...usage },
      { write: 'usage', usage: booking },
      ...(earned === null ? [] : [earned.row]),
      event,
    ]
  }

  private failure({ live: { tenant, key } }: LiveTask): StoreWrite {
    const hour = Math.floor(this.system.wallMs() / hourMs)
    const nothing = { tasks: 0, promptTokens: 0, completionTokens: 0, microDollars: 0, estimated: 0 }
    return { write: 'tally', tally: { hour, tenant, key: key.id, model: '', failed: 1, ...nothing } }
  }

  private intentEnd({ intent, state, fault }: ChangeOf<'intentEnd'>): StoreWrite[] {
    const event = this.event(this.live.intent(intent)!, 'done', { state, fault })
    return [{ write: 'intentEnd', intent, state, fault: jsonOf(fault), finishedMs: this.system.wallMs() }, event]
  }

  private settledEvent(task: LiveTask, data: object): StoreWrite {
    const event = this.event(task.live, 'task_settled', { node: task.node, ...data })
    task.settledSeq = task.live.seq
    return event
  }

  private event(live: LiveIntent, type: string, data: object): StoreWrite {
    live.seq++
    const atMs = this.system.wallMs()
    return { write: 'event', event: { intent: live.id, seq: live.seq, type, data: JSON.stringify(data), atMs } }
  }
}

function jsonOf(fault: Fault | null): string | null {
  return fault === null ? null : JSON.stringify(fault)
}
