/**
 * Durable intents enter the core here, anew or out of the store after a restart, and are expanded here while they run:
 * tasks are linked by what they need, those that can begin look for a scout, and those that were leased wait one
 * lease's time for their scout to come back. An intent is committed before; an expansion is persisted with its step.
 * How everything ends is in `terminal.ts`.
 */
import { fault } from '../../../shared/faults.ts'
import { intentPriorityMax } from '../../../shared/limits/intents.ts'
import { autoModel } from '../../../shared/task.ts'
import { isTerminalState } from '../../../shared/task-state.ts'
import type { Accept, AcceptedTask, Event } from '../events.ts'
import type { Intent, Lease, Task } from '../model/object-graph.ts'
import { defaultRouting, type RoutingOptions } from '../model/routing-options.ts'
import { isTerminal, move } from '../model/task.ts'
import type { CoreState } from '../state.ts'
import { addChild, newTask } from './new-task.ts'
import { noteOrphan } from './orphans.ts'
import { lookAgain } from './patience.ts'
import { finish, freed, giveOut } from './terminal.ts'

export function accept(core: CoreState, event: Accept): void {
  const { tenant, weight, priority, budgetTokens } = event
  const intent: Intent = {
    id: event.intent,
    state: 'running',
    tenant,
    weight,
    priority,
    deadlineMs: core.nowMs + event.deadlineMs,
    open: new Set(),
    ended: new Map(),
    result: event.result,
    fault: null,
    budgetTokens: budgetTokens ?? Number.POSITIVE_INFINITY,
    spentTokens: 0,
    leasedBy: new Map(),
  }
  core.intents.set(intent.id, intent)
  for (const { task, state, usedTokens } of event.tasks) {
    intent.spentTokens += usedTokens
    if (isTerminalState(state)) intent.ended.set(task, state)
  }
  const open = event.tasks.filter(({ state }) => !isTerminalState(state))
  begin(core, intent, link(core, intent, open))
}

/** Tasks join the intent of a control node, which waits for those that the decision names. */
export function expand(core: CoreState, { task: id, tasks, waitFor }: Extract<Event, { type: 'expanded' }>): void {
  const controlNode = core.tasks.get(id)
  // Its intent may have been cancelled, or its time been over, since the decision was asked for.
  if (controlNode?.state !== 'deciding') return
  const intent = controlNode.intent!
  core.persist({ change: 'expand', task: id })
  move(controlNode, 'blocked')
  const linked = link(core, intent, tasks)
  for (const need of waitFor) block(core, intent, controlNode, need)
  begin(core, intent, linked)
  goOn(core, controlNode)
}

/** Frees a blocked task without blockers. */
function goOn(core: CoreState, task: Task): void {
  if (task.state === 'blocked' && task.blockers === 0) freed(core, task)
}

interface Linked {
  task: Task
  accepted: AcceptedTask
}

/** Makes these tasks and ties them to what they need; nothing begins yet. */
function link(core: CoreState, intent: Intent, accepted: readonly AcceptedTask[]): Linked[] {
  const linked = accepted.map((one) => ({ task: makeTask(core, intent, one), accepted: one }))
  for (const { task, accepted: one } of linked) for (const need of one.needs) block(core, intent, task, need)
  return linked
}

function makeTask(core: CoreState, intent: Intent, accepted: AcceptedTask): Task {
  const { task: id, kind, model, promptBytes, control, attempt, charged, returned: handedBack, lease, terms } = accepted
  const { tenant, weight } = intent
  const entry = core.index.ensureEntry(kind, control ? autoModel : model, core.nowMs)
  // Nobody offers it yet, and maybe never will: looked at from time to time.
  if (entry.offerers === 0 && entry.timerSlot === -1 && entry.model !== autoModel) {
    core.wheel.arm(entry, core.nowMs + core.settings.modelGraceMs)
  }
  const priority = Math.max(0, Math.min(intentPriorityMax, intent.priority + (terms.boost ?? 0)))
  const deadlineMs = intent.deadlineMs - core.nowMs
  const routing = routingOf(terms)
  const request = { tenant, weight, priority, kind, model, promptBytes, stream: kind === 'chat', deadlineMs, routing }
  // A leased one gets its lease in `begin`.
  const isLeased = accepted.state === 'leased' && lease !== null
  const task = newTask(core, id, request, entry, intent, isLeased ? 'leased' : 'blocked')
  // Of a task that is retried after its intent was over, earlier attempts are not charged.
  const outrun = attempt - charged - handedBack - (lease === null ? 0 : 1)
  const ownDeadlineMs = terms.deadlineMs ?? Number.POSITIVE_INFINITY
  Object.assign(task, { attempt, charged, handedBack, outrun, control, ownDeadlineMs })
  intent.open.add(task)
  core.tasks.set(id, task)
  core.wheel.arm(task, task.deadlineMs)
  return task
}

function routingOf({ attemptsMax, requires, routing }: AcceptedTask['terms']): RoutingOptions {
  if (attemptsMax === undefined && requires === undefined && routing === undefined) return defaultRouting
  return { ...defaultRouting, ...routing, ...(attemptsMax && { attemptsMax }), ...(requires && { requires }) }
}

/** A need that ended without a result blocks for good, except for a control node, which decides over failures too. */
function block(core: CoreState, intent: Intent, task: Task, need: number): void {
  const end = intent.ended.get(need)
  if (end !== undefined && (end === 'done' || task.control)) return
  task.blockers++
  const needed = core.tasks.get(need)
  if (needed !== undefined) addChild(needed, task)
}

function begin(core: CoreState, intent: Intent, linked: readonly Linked[]): void {
  for (const { task } of linked) task.chain = unmeasured
  for (const { task } of linked) measure(task)
  // Where scouts are few, they should have what most waits for.
  for (const { task, accepted } of linked.toSorted((a, b) => b.task.chain - a.task.chain)) {
    // It may have been cancelled by the end of another one of this loop.
    if (isTerminal(task)) continue
    if (accepted.state === 'leased' && accepted.lease !== null) orphan(core, task, accepted.lease)
    else if (accepted.state !== 'blocked') {
      move(task, 'ready')
      giveOut(core, task)
    } else if (task.state === 'blocked' && !task.control && accepted.needs.some((need) => isLost(intent, need))) {
      const text = 'This node needs one that had ended without a result before this one was planned.'
      finish(core, task, 'skipped', intent.fault ?? fault('internal_error', text))
    } else goOn(core, task)
  }
}

function isLost({ ended }: Intent, need: number): boolean {
  const end = ended.get(need)
  return end !== undefined && end !== 'done'
}

const unmeasured = -1

/** How many tasks the longest chain of those that wait for this one has; bounded by the depth of a scroll. */
function measure(task: Task): number {
  if (task.chain !== unmeasured) return task.chain
  let chain = 0
  for (const child of task.children) chain = Math.max(chain, 1 + measure(child))
  task.chain = chain
  return chain
}

/** Its scout may still be working on it, and has one lease's time to present the lease. */
function orphan(core: CoreState, task: Task, { nonce, scout, instance }: NonNullable<AcceptedTask['lease']>): void {
  const { leaseTtlMs, leaseGraceMs } = core.settings
  const hedgeMs = Number.POSITIVE_INFINITY
  const times = { grantedMs: core.nowMs, startedMs: core.nowMs, contentMs: 0, progressMs: 0, hedgeMs }
  const expiresMs = core.nowMs + leaseTtlMs + leaseGraceMs
  const { attempt, model } = task
  task.deadlineMs = Math.min(task.deadlineMs, core.nowMs + task.ownDeadlineMs)
  const lease: Lease = {
    task,
    attempt,
    // A copy: the row's may be a view.
    nonce: nonce.slice(),
    holder: null,
    scout,
    instance,
    operator: '',
    model,
    provider: '',
    capability: null,
    session: 0,
    before: null,
    after: null,
    ...times,
    expiresMs,
  }
  task.lease = lease
  noteOrphan(core, task, lease)
  core.leases++
  lookAgain(core, task)
}
