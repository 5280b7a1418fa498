/**
 * The end of a run: the faults have stopped, and after a fixed time without any everything must have ended.
 * This finds who still waits, credits that nobody owns, and timers without a purpose.
 */

import type { Cast } from '../simulation.ts'
import { checkCounted, checkReserved } from './budgets.ts'
import { checkNothingKept } from './greed.ts'

/** Within this everything ends once the faults stop: also what has grown much and has one slow scout left. */
export const restMs = 240_000
/** A scout's own: its session and its catalog. */
const scoutTimers = 2

export function checkRest({ checker, hub, scouts, users, planners, scenario }: Cast): void {
  const fail = (what: string) => checker.fail(23, what)
  for (const { waitsFor } of users) if (waitsFor !== null) fail(`a client still waits for task ${waitsFor}`)
  for (const { errands } of planners) {
    for (const { id, isOver } of errands) if (!isOver) fail(`the reader of intent ${id} still waits for its end`)
  }
  const { intents, tasks, bookings, requestsAhead } = hub.disk.disk
  if (requestsAhead.size > 0) checker.fail(27, `${requestsAhead.size} requests are kept of tasks that never joined`)
  checker.receipts.over()
  checker.trust.records.checkKept(hub.disk.disk)
  for (const id of checker.acknowledgedIntents) if (!intents.has(id)) checker.fail(2, `intent ${id} is lost`)
  for (const { row } of intents.values()) if (row.state === 'running') fail(`intent ${row.id} is still running`)
  for (const { row, result } of tasks.values()) {
    if (!/^(done|failed|cancelled|skipped)$/.test(row.state)) fail(`task ${row.task} is still ${row.state}`)
    if ((row.state === 'done') !== (result !== null))
      checker.fail(3, `task ${row.task} is ${row.state} and has a result`)
    const isBooked = bookings.has(row.task)
    // What the hub itself decides costs nothing.
    const isServed = row.state === 'done' && row.stage === null
    if (isServed !== isBooked) checker.fail(8, `task ${row.task} is ${row.state}, booked: ${isBooked}`)
  }
  const { state } = hub.engine.core
  const left = { tasks: state.tasks.size, leases: state.leases, queued: state.queued, intents: state.intents.size }
  for (const [what, count] of Object.entries(left)) if (count > 0) fail(`the core still has ${count} ${what}`)
  if (state.wheel.armed > 0) fail(`${state.wheel.armed} deadlines of the core have no owner`)
  if (hub.process.armed !== hub.restTimers) fail(`the hub has ${hub.process.armed} timers`)
  const leftOver = hub.leftOver()
  if (leftOver !== null) fail(leftOver)
  const broken = (invariant: number, what: string) => checker.fail(invariant, what)
  checkReserved(hub.engine, broken)
  if (hub.countsWhatIsBooked) checkCounted(hub.engine, hub.disk.disk, hub.process.wallMs(), broken)
  checkNothingKept(state, hub.bytesInFlight, broken)
  const books = [...checker.ledger.sessions.values()].filter((book) => !book.isGone)
  if (books.length !== scouts.length) fail(`${books.length} scouts of ${scouts.length} are connected`)
  for (const book of books) {
    const known = state.roster.bySession.get(book.session)
    const whole = Math.min(scenario.concurrency, book.capacity)
    if (known?.credits !== whole || book.credits !== whole) {
      fail(`${book.scout}: the hub has ${known?.credits} credits, its scout gave ${book.credits} of ${whole}`)
    }
  }
  for (const scout of scouts) {
    if (scout.timers !== scoutTimers) fail(`scout ${scout.name} has ${scout.timers} timers`)
  }
}
