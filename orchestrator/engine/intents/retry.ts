/**
 * Which tasks of an intent that is over go on when one of its nodes is tried once more: that node, and all that was
 * skipped or cancelled and can be done again now. Answers that are there stay, and so do other failures: whatever needs
 * one of those has to wait until that node is tried again too. Pure.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { TaskRow } from '../ports/store.ts'
import { waitsOf } from './intent-rows.ts'

export interface Revived {
  task: number
  state: 'blocked' | 'ready'
}

/** The tasks with the state that they go on in, or why this node cannot be tried again. */
export function revivalOf(rows: readonly TaskRow[], node: string): Revived[] | Fault {
  const byNode = new Map(rows.map((row) => [row.node, row]))
  const first = byNode.get(node)
  if (first === undefined) return fault('not_found', 'This intent has no such node.', { param: 'node' })
  if (first.state === 'done') {
    return fault('invalid_request', `Node "${node}" is done: only what has no answer can be tried again.`)
  }
  const revived = new Set(rows.filter(({ state }) => state === 'skipped' || state === 'cancelled'))
  addFailedNeeds(first, byNode, revived)
  addDecisions(rows, byNode, revived)
  const obstacle = prune(rows, byNode, revived, first)
  if (obstacle !== null) {
    const text = `Node "${node}" needs "${obstacle}", which has no answer: try that one again first.`
    return fault('invalid_request', text, { param: 'node' })
  }
  return rows.filter((row) => revived.has(row)).map((row) => ({ task: row.task, state: stateOf(row, byNode) }))
}

type ByNode = ReadonlyMap<string, TaskRow>

/** The node itself; a conducted one would decide the same again if what it waited for did not change. */
function addFailedNeeds(row: TaskRow, byNode: ByNode, revived: Set<TaskRow>): void {
  if (row.state === 'done') return
  revived.add(row)
  if (row.stage === null) return
  for (const need of waitsOf(row)) {
    const needed = byNode.get(need)!
    if (!revived.has(needed)) addFailedNeeds(needed, byNode, revived)
  }
}

/** Conducted nodes that failed are asked again when something that they waited for is. */
function addDecisions(rows: readonly TaskRow[], byNode: ByNode, revived: Set<TaskRow>): void {
  for (let grew = true; grew; ) {
    grew = false
    for (const row of rows) {
      if (row.stage === null || row.state !== 'failed' || revived.has(row)) continue
      if (!waitsOf(row).some((need) => revived.has(byNode.get(need)!))) continue
      revived.add(row)
      grew = true
    }
  }
}

/** Takes out what could not begin; the name of a need that keeps even the first node from it, or null. */
function prune(rows: readonly TaskRow[], byNode: ByNode, revived: Set<TaskRow>, first: TaskRow): string | null {
  for (let shrank = true; shrank; ) {
    shrank = false
    for (const row of rows) {
      if (row.stage !== null || !revived.has(row)) continue
      const lacking = waitsOf(row).find((need) => !isToCome(byNode.get(need)!, revived))
      if (lacking === undefined) continue
      if (row === first) return lacking
      revived.delete(row)
      shrank = true
    }
  }
  return null
}

function isToCome(row: TaskRow, revived: ReadonlySet<TaskRow>): boolean {
  return row.state === 'done' || revived.has(row)
}

function stateOf(row: TaskRow, byNode: ByNode): Revived['state'] {
  if (row.stage !== null) return 'blocked'
  return waitsOf(row).every((need) => byNode.get(need)!.state === 'done') ? 'ready' : 'blocked'
}
