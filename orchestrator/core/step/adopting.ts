/**
 * Tasks of clients that an earlier process began and that outlived it, because clients and scouts are connected to
 * others: they go on with the attempts that scouts are at, or look for a scout again. Fed by the brain when it has
 * started; sessions come before. Nothing here is durable: those tasks are in the store.
 */
import { fault } from '../../../shared/faults.ts'
import { autoModel } from '../../../shared/task.ts'
import type { Adopt } from '../events.ts'
import { notOffered } from '../fleet/not-offered.ts'
import type { Lease, ModelEntry, Scout, Task } from '../model/object-graph.ts'
import { type CoreState, hubDraining, refuse } from '../state.ts'
import { hold } from '../task/leases.ts'
import { newTask } from '../task/new-task.ts'
import { lookAgain } from '../task/patience.ts'
import { noteGrant } from '../trust/suspects.ts'

/** One that is held by a session here. */
interface Held {
  scout: Scout
  lease: Adopt['leases'][number]
}

/** `known`: the entry of its model; undefined where nobody offers that any more. */
export function adopt(core: CoreState, event: Adopt, known: ModelEntry | undefined): void {
  if (core.tasks.has(event.task)) return
  const held: Held[] = []
  for (const lease of event.leases) {
    const scout = core.roster.bySession.get(lease.session)
    if (scout !== undefined) held.push({ scout, lease })
    // It has dialed again and is here under another session: who carries the answer waits for this attempt in vain.
    else core.emit({ type: 'attemptVoid', task: event.task, attempt: lease.attempt })
  }
  if (core.draining && held.length === 0) return refuse(core, event.task, hubDraining())
  if (known === undefined && held.length === 0) {
    return refuse(core, event.task, fault('model_not_found', notOffered(core, event), { param: 'model' }))
  }
  // Its scouts work on, whatever they offer to others now.
  const entry = known ?? core.index.ensureEntry(event.kind, autoModel, core.nowMs)
  const task = newTask(core, event.task, event, entry, null, held.length > 0 ? 'leased' : 'ready')
  task.attempt = event.attempt
  // How the others ended is not known any more, and nobody is charged for it.
  task.outrun = event.attempt - held.length
  task.contentBegan = event.contentBegan
  task.submittedMs = core.nowMs - event.queuedMs
  core.tasks.set(task.id, task)
  if (held.length === 0) {
    core.unplaced.push(task)
    return
  }
  task.firstLeasedMs = core.nowMs
  const [first, second] = held.map((one) => takeOver(core, task, one))
  task.lease = first!
  task.hedge = second ?? null
  lookAgain(core, task)
}

function takeOver(core: CoreState, task: Task, { scout, lease: known }: Held): Lease {
  const { nowMs, settings } = core
  const { record, instance, capabilities } = scout
  const { attempt, nonce, model, provider } = known
  const capability = capabilities.find(({ entry }) => entry.kind === task.kind && entry.model === model) ?? null
  const lease: Lease = {
    task,
    attempt,
    // A copy: it came along in a frame.
    nonce: new Uint8Array(nonce),
    holder: null,
    session: 0,
    before: null,
    after: null,
    scout: record.scout,
    instance,
    operator: record.operator,
    capability,
    model,
    provider,
    grantedMs: nowMs,
    startedMs: nowMs,
    contentMs: 0,
    progressMs: 0,
    expiresMs: nowMs + settings.leaseTtlMs + settings.leaseGraceMs,
    hedgeMs: Number.POSITIVE_INFINITY,
  }
  core.leases++
  noteGrant(core, task, lease)
  hold(scout, lease)
  core.roster.refresh(scout)
  return lease
}
