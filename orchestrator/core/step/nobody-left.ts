/**
 * What a client's task ends with when nobody will take it: no scout offers its model any more, or all that do are
 * paused for longer than it can wait. Matching asks for each task that finds no scout; the tasks that wait already are
 * looked at when the time of their model has come.
 */
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { busyRetryMs, queueFullRetryMs } from '../../../shared/limits/scheduling.ts'
import { autoModel } from '../../../shared/task.ts'
import { notOffered } from '../fleet/not-offered.ts'
import { capabilityFor, isConstrained } from '../fleet/placement.ts'
import { resumesAtMs, resumesAtMsOf } from '../fleet/resume-times.ts'
import type { ModelEntry, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { patientUntilMs } from '../task/queueing.ts'
import { finish } from '../task/terminal.ts'

/**
 * Why a client's task for a model that nobody offers fails: what happened to it before, if anything did. Else it may
 * come back to a model whose scouts are only away, and not to one that is not there.
 */
export function deserted(core: CoreState, task: Task): Fault {
  const { kind, model, lastFault, doubt, entry, routing } = task
  const text = notOffered(core, { kind, model, allowed: routing.requires?.models ?? null })
  if (doubt !== null) return doubt.fault
  if (lastFault !== null && lastFault.code !== 'not_offered') {
    const message = plainMessage(`${lastFault.message} ${text}`)
    return fault(lastFault.code, message, { retryAfterMs: core.settings.returnWindowMs })
  }
  const why = entry.absence?.why
  if (lastFault === null && why !== undefined && why !== 'refused' && why !== 'gone') {
    return fault('no_scout_available', text, { retryAfterMs: core.settings.returnWindowMs })
  }
  const said = lastFault === null ? text : `${text} The last one said: ${lastFault.message}`
  return fault('model_not_found', plainMessage(said), { param: 'model' })
}

/** Why a client's task cannot wait: every provider of its model is at its limit for longer; null when it can. */
export function limited(core: CoreState, task: Task): Fault | null {
  if (task.intent !== null || task.doubt !== null || task.entry.scouts > 0) return null
  const atMs = resumesFor(task)
  if (atMs === null || atMs <= patientUntilMs(core, task)) return null
  const retryAfterMs = atMs - core.nowMs
  const seconds = Math.ceil(retryAfterMs / 1_000)
  const advice = `try again in ${seconds} s, or name another model`
  const text = `Every provider of "${task.model}" is at its rate limit: ${advice}.`
  return fault('rate_limited', plainMessage(text), { retryAfterMs })
}

/** Nobody waits for the scouts that a client excludes. Of `auto` each scout's pause is that of its last free model. */
function resumesFor(task: Task): number | null {
  const { entry, model } = task
  if (!isConstrained(task) || model === autoModel) return resumesAtMs(entry)
  return resumesAtMsOf(entry, (scout) => capabilityFor(scout, task) !== undefined)
}

/** Ends the tasks that wait for models of which every scout has been paused since the last look. */
export function endLimited(core: CoreState): void {
  for (const entry of core.limited) for (const task of tasksOf(entry)) endIf(core, task, limited(core, task))
  core.limited.clear()
}

/** Ends the clients' tasks that wait for a model that nobody will offer. */
export function endDeserted(core: CoreState, entry: ModelEntry): void {
  for (const task of tasksOf(entry)) endIf(core, task, task.intent === null ? deserted(core, task) : null)
}

function tasksOf({ returned, waiting }: ModelEntry): Task[] {
  return [...returned, ...waiting]
}

function endIf(core: CoreState, task: Task, cause: Fault | null): void {
  if (cause !== null) finish(core, task, 'failed', cause)
}

/** No scout had time for it as long as it could wait. */
export function waitedTooLong(core: CoreState, task: Task): Fault {
  const seconds = Math.round(core.settings.queueTimeoutMs / 1_000)
  const before = task.lastFault === null ? '' : ` The attempt before failed: ${task.lastFault.message}`
  const message = plainMessage(`No scout was free for "${task.model}" within ${seconds} s.${before}`)
  return fault('no_scout_available', message, { retryAfterMs: retryMs(core, task, busyRetryMs) })
}

export function queueFull(core: CoreState, task: Task): Fault {
  const text = 'Too many requests are waiting for a scout. Try again in a few seconds.'
  return fault('queue_full', text, { retryAfterMs: retryMs(core, task, queueFullRetryMs) })
}

/** Until its model can be asked for again where that is known. */
function retryMs(core: CoreState, { entry }: Task, otherwiseMs: number): number {
  const atMs = resumesAtMs(entry)
  return atMs === null ? otherwiseMs : Math.max(1, atMs - core.nowMs)
}
