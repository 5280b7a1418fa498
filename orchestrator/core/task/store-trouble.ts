/**
 * While the store cannot write, nothing may be promised to a scout: durable tasks wait, those of clients continue. Fed
 * by the engine, which notices the trouble first and knows which grants it has not sent. `queueing.ts` keeps the tasks
 * that wait.
 */

import type { UnsentGrant } from '../events.ts'
import type { CoreState } from '../state.ts'
import { comeBack } from './attempts.ts'
import { endCancel } from './cancels.ts'
import { leaseOf, noteTried, release } from './leases.ts'
import { lookAgain } from './patience.ts'

/** The store cannot write; these grants wait for it, and their scouts have not received them. */
export function storeTroubled(core: CoreState, unsent: readonly UnsentGrant[]): void {
  core.storeTroubled = true
  for (const grant of unsent) takeBack(core, grant)
}

/** Nobody is charged and no attempt counts; the scout has its credit back, for a client's task. */
export function takeBack(core: CoreState, { session, task: id, attempt }: UnsentGrant): void {
  const scout = core.roster.bySession.get(session)
  if (scout !== undefined && scout.credits < scout.capacity) {
    scout.credits++
    core.freed.push(scout)
  }
  const task = core.tasks.get(id)
  const lease = task && leaseOf(task, attempt)
  // Its intent may have been cancelled, or its time been over, in the meantime: nobody can acknowledge that.
  if (task === undefined || lease === undefined) {
    if (scout !== undefined) endCancel(core, scout, id, attempt)
    return
  }
  release(core, task, lease)
  noteTried(task, lease)
  task.outrun++
  const { charged, handedBack: returned } = task
  if (task.intent !== null) core.persist({ change: 'release', task: id, attempt, charged, returned })
  // Another attempt of it is under way.
  if (task.lease !== null) return lookAgain(core, task)
  comeBack(core, task)
}

/** It can write again: the tasks that waited for that look for a scout. */
export function storeRecovered(core: CoreState): void {
  core.storeTroubled = false
  for (const task of core.awaitingStore) core.unplaced.push(task)
  core.awaitingStore.clear()
  for (const scout of core.roster.bySession.values()) core.freed.push(scout)
}
