/**
 * Durable intents enter the core here, anew or out of the store after a restart: their tasks are linked by what they
 * need, those that can begin look for a scout, and those that were leased wait one lease's time for their scout to come
 * back. By then all of it is committed; how it ends is in `endings.ts`.
 */
import { autoModel } from '../../shared/task.ts'
import type { Intent, Lease, Task } from './entities.ts'
import type { Accept, AcceptedTask } from './events.ts'
import { lookAgain } from './leases.ts'
import { noteOrphan } from './orphans.ts'
import type { CoreState } from './state.ts'
import { plainWishes, taskOf } from './task.ts'

export function accept(core: CoreState, event: Accept): void {
  const intent: Intent = { id: event.intent, open: new Set(), result: event.result, resultDone: false, fault: null }
  core.intents.set(intent.id, intent)
  const byId = new Map<number, Task>()
  const states = new Map(event.tasks.map(({ task, state }) => [task, state]))
  for (const accepted of event.tasks) {
    if (accepted.state === 'done' && accepted.task === intent.result) intent.resultDone = true
    if (isOver(accepted)) continue
    const task = link(core, event, intent, accepted)
    byId.set(task.id, task)
    for (const need of accepted.needs) {
      byId.get(need)?.children.push(task)
      if (states.get(need) !== 'done') task.blockers++
    }
  }
}

function isOver({ state }: AcceptedTask): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled' || state === 'skipped'
}

function link(core: CoreState, event: Accept, intent: Intent, accepted: AcceptedTask): Task {
  const { tenant, weight, priority, deadlineMs } = event
  const { task: id, kind, model, promptBytes, state, attempt, charged, returned } = accepted
  const entry = core.index.ensureEntry(kind, model, core.nowMs)
  // Nobody offers it yet, and maybe never will: looked at from time to time.
  if (entry.offerers === 0 && entry.alarm === -1 && model !== autoModel)
    core.wheel.arm(entry, core.nowMs + core.settings.modelGraceMs)
  const task = taskOf(core, {
    id,
    tenant,
    weight,
    priority,
    kind,
    model,
    promptBytes,
    stream: kind === 'chat',
    deadlineMs,
    wishes: plainWishes,
    entry,
    intent,
  })
  Object.assign(task, { attempt, charged, returned })
  intent.open.add(task)
  core.tasks.set(id, task)
  core.wheel.arm(task, task.deadlineMs)
  if (state === 'leased' && accepted.lease !== null) orphan(core, task, accepted.lease)
  else if (state === 'blocked') task.state = 'blocked'
  else core.homeless.push(task)
  return task
}

/** Its scout may still be working on it, and has one lease's time to say so. */
function orphan(core: CoreState, task: Task, { nonce, scout, instance }: NonNullable<AcceptedTask['lease']>): void {
  const { leaseTtlMs, leaseGraceMs } = core.settings
  const hedgeMs = Number.POSITIVE_INFINITY
  const times = { grantedMs: core.nowMs, startedMs: core.nowMs, contentMs: 0, progressMs: 0, hedgeMs }
  const expiresMs = core.nowMs + leaseTtlMs + leaseGraceMs
  const { attempt, model } = task
  task.state = 'leased'
  const lease: Lease = {
    task,
    attempt,
    nonce,
    holder: null,
    scout,
    instance,
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
  task.triedScouts = [scout]
  core.leases++
  lookAgain(core, task)
}
