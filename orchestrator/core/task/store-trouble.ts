/**
 * While the store cannot write, nothing may be promised to a scout: durable tasks wait, those of clients go on. Fed by
 * the engine, which hears of the trouble first and knows which grants it has not sent; `matching.ts` asks here before
 * it gives a durable task out.
 */

import type { UnsentGrant } from '../events.ts'
import type { Task } from '../model/entities.ts'
import type { CoreState } from '../state.ts'
import { comeBack } from './attempts.ts'
import { leaseOf, lookAgain, release } from './leases.ts'
import { unqueue } from './terminal.ts'

/** The store cannot write; these grants wait for it, and their scouts have not heard of them. */
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
  // Its intent may have been cancelled, or its time been over, in the meantime.
  if (task === undefined || lease === undefined) return
  release(core, task, lease)
  task.outrun++
  const { charged, returned } = task
  if (task.intent !== null) core.persist({ change: 'release', task: id, attempt, charged, returned })
  // Another attempt of it is under way.
  if (task.lease !== null) return lookAgain(core, task)
  comeBack(core, task)
}

/** It can write again: what waited for that looks for a scout. */
export function storeRecovered(core: CoreState): void {
  core.storeTroubled = false
  for (const task of core.passedOver) core.unplaced.push(task)
  core.passedOver.clear()
  for (const scout of core.roster.bySession.values()) core.freed.push(scout)
}

/** Whether this task has to wait for the store. */
export function waitsForStore(core: CoreState, { intent }: Task): boolean {
  return core.storeTroubled && intent !== null
}

/** Out of the way of the clients' tasks behind it, until the store can write again. */
export function passOver(core: CoreState, task: Task): void {
  unqueue(core, task)
  core.passedOver.add(task)
}
