/**
 * Asks the planner how a scroll goes on from a control node, once what the node waited for is over and committed, and
 * turns the decision into an event of the core. What has to be written stays on the node's record until the core
 * persists it. A decision is pure, so asking again after a crash changes nothing.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { durableTasksMax, durableTasksPerTenantMax, nodeResultsBytesMax } from '../../../shared/limits/intents.ts'
import type { TerminalTaskState } from '../../../shared/task-state.ts'
import { isInSteps, type Steps } from '../../../shared/turn-lane.ts'
import type { Event } from '../../core/events.ts'
import type { Charges } from '../charges/charges.ts'
import { admitPlan, closeAll, tabsByTask } from '../charges/plan-tabs.ts'
import { underNoteInSteps } from '../durability/set-aside.ts'
import type { ControlNode, Decision, NeedResult, PlannerFunctions } from '../ports/planner.ts'
import type { IntentStore, TaskRow } from '../ports/store.ts'
import { expansionOf } from './expansion.ts'
import { faultOf, waitsOf } from './intent-rows.ts'
import type { LiveIntents, LiveTask } from './live-intents.ts'
import { paced } from './render.ts'

type NodeReads = Pick<IntentStore, 'tasksOf' | 'request' | 'result' | 'noteInHand'>

interface ControlNodesOptions {
  store: NodeReads
  /** null in a hub that was given no planner. */
  planner: PlannerFunctions | null
  nextTask: () => number
  live: Pick<LiveIntents, 'openTasks' | 'openTasksOf'>
  charges: Charges
  spend: (bytes: number) => void
}

export class ControlNodes {
  constructor(private readonly options: ControlNodesOptions) {}

  /** The decision as an event, null when the node ended meanwhile; what it has to write stays on the task's record. */
  *decide(task: LiveTask): Steps<Event | null> {
    const decision = yield* underNoteInSteps(this.options.store, task.live.id, this.ask(task))
    if (task.isOver) return null
    switch (decision.type) {
      case 'failed':
        return { type: 'decisionFailed', task: task.task, fault: decision.fault }
      case 'done': {
        const { result, note = null } = decision
        task.pending = { type: 'done', result, note }
        return { type: 'decided', task: task.task }
      }
      case 'expand':
        return this.expand(task, decision)
    }
  }

  private expand(task: LiveTask, decision: Extract<Decision, { type: 'expand' }>): Event {
    const { nextTask, live: all, charges } = this.options
    const { node, live, stage } = task
    const refused = (cause: Fault): Event => ({ type: 'decisionFailed', task: task.task, fault: cause })
    const place = { intent: live.id, node, stage: stage!, numbers: live.numbers, nextTask }
    const more = decision.tasks.length
    const isFull =
      all.openTasks + more > durableTasksMax || all.openTasksOf(live.tenant) + more > durableTasksPerTenantMax
    const admitted = isFull ? full : admitPlan(charges, live.key, decision.tasks)
    if ('code' in admitted) return refused(admitted)
    const expansion = expansionOf({ ...decision, tasks: admitted.tasks }, place)
    if ('code' in expansion) {
      closeAll(charges, admitted.tabs)
      return refused(expansion)
    }
    task.pending = { type: 'expand', expansion, tabs: tabsByTask(expansion.rows, admitted.tabs) }
    return { type: 'expanded', task: task.task, tasks: expansion.tasks, waitFor: expansion.waitFor }
  }

  private *ask({ task, node, live, stage }: LiveTask): Steps<Decision> {
    const { store, planner, spend } = this.options
    if (planner === null) return failed('This orchestrator was started without a planner: it cannot go on from here.')
    try {
      const rows = new Map(store.tasksOf(live.id).map((row) => [row.node, row]))
      const results: NeedResult[] = []
      let bytes = 0
      for (const need of waitsOf(rows.get(node)!)) {
        const result = this.resultOf(rows.get(need)!)
        const length = result.body?.length ?? 0
        bytes += length
        spend(length)
        if (bytes > nodeResultsBytesMax) return { type: 'failed', fault: tooLarge(node) }
        results.push(result)
        yield
      }
      const request = store.request(task)!
      spend(request.length)
      yield
      const spec: unknown = JSON.parse(Buffer.from(request).toString('utf8'))
      yield
      const control: ControlNode = { node, spec, stage: stage!, results }
      const decision = planner.decide(control)
      return isInSteps(decision) ? yield* paced(decision, spend) : decision
    } catch (error) {
      // If it ended the process, the next process would make the same decision and end too.
      const reason = error instanceof Error ? error.message : String(error)
      return failed(`The orchestrator could not decide how to go on from node "${node}" (${reason.slice(0, 200)}).`)
    }
  }

  private resultOf({ task, node, state, fault: cause }: TaskRow): NeedResult {
    const body = state === 'done' ? this.options.store.result(task)! : null
    return { node, state: state as TerminalTaskState, body, fault: faultOf(cause) }
  }
}

const full: Fault = fault('queue_full', 'Too many tasks of intents are open. Try again later.', {
  retryAfterMs: 10_000,
})

function tooLarge(node: string): Fault {
  const text = `The results that node "${node}" goes on from take more than ${nodeResultsBytesMax} bytes together`
  return fault('request_too_large', `${text}: ask for shorter answers, or about fewer items.`)
}

function failed(text: string): Decision {
  return { type: 'failed', fault: fault('internal_error', text) }
}
