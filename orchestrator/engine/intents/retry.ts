/**
 * Which tasks of an intent that is over run again when one of its nodes is retried: that node, and all that was skipped
 * or cancelled and can be done now. Existing answers stay, and so do other failures: what needs a task that failed has
 * to wait until that one is retried too. Pure; `intent-commands.ts` writes the result and gives it to the core.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { RetriedTask, TaskRow } from '../ports/store.ts'
import { waitsOf } from './intent-rows.ts'

/** The tasks with the state that they begin in, or why this node cannot be retried. */
export function tasksToRetry(rows: readonly TaskRow[], node: string): RetriedTask[] | Fault {
  const byNode = new Map(rows.map((row) => [row.node, row]))
  const first = byNode.get(node)
  if (first === undefined) return fault('not_found', 'This intent has no such node.', { param: 'node' })
  if (first.state === 'done') {
    return fault('invalid_request', `Node "${node}" is done: only what has no answer can be tried again.`)
  }
  const retried = new Set(rows.filter(({ state }) => state === 'skipped' || state === 'cancelled'))
  addFailedNeeds(first, byNode, retried)
  addDecisions(rows, byNode, retried)
  const obstacle = prune(rows, byNode, retried, first)
  if (obstacle !== null) {
    const text = `Node "${node}" needs "${obstacle}", which has no answer: try that one again first.`
    return fault('invalid_request', text, { param: 'node' })
  }
  return rows.filter((row) => retried.has(row)).map((row) => ({ task: row.task, state: stateOf(row, byNode) }))
}

type ByNode = ReadonlyMap<string, TaskRow>

/** The node itself. A control node would decide the same again if what it waited for did not change. */
function addFailedNeeds(row: TaskRow, byNode: ByNode, retried: Set<TaskRow>): void {
  if (row.state === 'done') return
  retried.add(row)
  if (row.stage === null) return
  for (const need of waitsOf(row)) {
    const needed = byNode.get(need)!
    if (!retried.has(needed)) addFailedNeeds(needed, byNode, retried)
  }
}

/** Control nodes that failed decide again when something that they waited for is retried. */
function addDecisions(rows: readonly TaskRow[], byNode: ByNode, retried: Set<TaskRow>): void {
  for (let grew = true; grew; ) {
    grew = false
    for (const row of rows) {
      if (row.stage === null || row.state !== 'failed' || retried.has(row)) continue
      if (!waitsOf(row).some((need) => retried.has(byNode.get(need)!))) continue
      retried.add(row)
      grew = true
    }
  }
}

/** Removes what could not begin; returns the name of a need that blocks even the first node, or null. */
function prune(rows: readonly TaskRow[], byNode: ByNode, retried: Set<TaskRow>, first: TaskRow): string | null {
  for (let shrank = true; shrank; ) {
    shrank = false
    for (const row of rows) {
      if (row.stage !== null || !retried.has(row)) continue
      const lacking = waitsOf(row).find((need) => !isToCome(byNode.get(need)!, retried))
      if (lacking === undefined) continue
      if (row === first) return lacking
      retried.delete(row)
      shrank = true
    }
  }
  return null
}

function isToCome(row: TaskRow, retried: ReadonlySet<TaskRow>): boolean {
  return row.state === 'done' || retried.has(row)
}

function stateOf(row: TaskRow, byNode: ByNode): RetriedTask['state'] {
  if (row.stage !== null) return 'blocked'
  return waitsOf(row).every((need) => byNode.get(need)!.state === 'done') ? 'ready' : 'blocked'
}
