/**
 * A scout that says a task can never be done (a bad request, a refusal, an answer too large) is a stranger, and its
 * word would end a client's task for good. It needs a second one from another operator, where there is one: the task
 * goes there once more, uncharged, and what comes of that is final. A verdict that the other one contradicts with an
 * answer counts against the scout that gave it; a confirmed one costs nobody anything. Fed by the ends of attempts.
 */
import { type Fault, faultTable } from '../../../shared/faults.ts'
import { choose, isConstrained } from '../fleet/placement.ts'
import type { Lease, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { bookOutcome } from '../stats/records.ts'

/** Whether this is a verdict about the task for which another operator should be asked; notes it as one. */
export function doubts(core: CoreState, task: Task, lease: Lease, cause: Fault): boolean {
  if (faultTable[cause.code].retry !== 'never' || isSecondOpinion(task, lease) || core.draining) return false
  const { model, scout } = lease
  const operator = operatorOf(lease)
  // Another one is at work on it already, and what comes of that is the second opinion.
  const rival = task.lease === lease ? task.hedge : task.lease
  const isAsked = rival !== null && rival.operator !== operator
  const { operators } = task.entry
  if (!isAsked && (operators.size === 0 || (operators.size === 1 && operators.has(operator)))) return false
  task.doubt = { scout, operator, model, fault: cause }
  // Whether a busy one would suit a client that excludes some is not known without a look at the fleet.
  if (isAsked || !isConstrained(task) || choose(core, task) !== undefined) return true
  task.doubt = null
  return false
}

/** Of a doubted task: what comes of the attempt is final. Two scouts of one operator that race are one opinion. */
export function isSecondOpinion({ doubt }: Task, lease: Lease): boolean {
  return doubt !== null && operatorOf(lease) !== doubt.operator
}

function operatorOf({ holder, operator }: Lease): string {
  return holder?.record.operator ?? operator
}

/** The task has an answer after all. */
export function contradict(core: CoreState, task: Task, lease: Lease): void {
  const { doubt } = task
  if (doubt === null || doubt.model !== lease.model || doubt.operator === lease.holder?.record.operator) return
  const record = core.roster.records.get(doubt.scout)
  if (record === undefined) return
  bookOutcome(record, true)
  core.served.failed(record)
}
