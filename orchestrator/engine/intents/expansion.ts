/**
 * Tasks that join a running scroll because a control node of it decided so. What the planner names is checked here
 * against the scroll and the bounds, because an expansion may come from what a model wrote; then it is converted to
 * rows for the store and tasks for the core. Pure, except for the numbers that it draws for the new tasks.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { jsonChars } from '../../../shared/json/json-size.ts'
import {
  decisionStagesMax,
  expandedIdCharsMax,
  expansionBytesMax,
  intentTasksMax,
} from '../../../shared/limits/intents.ts'
import type { AcceptedTask } from '../../core/events.ts'
import type { Tab } from '../ports/charged-key.ts'
import type { Decision } from '../ports/planner.ts'
import type { StoreWriteOf, TaskRow } from '../ports/store.ts'
import { acceptedTask, keptRequest, taskRow } from './intent-rows.ts'

export interface Expansion {
  rows: TaskRow[]
  /** Null for those that were written ahead. */
  requests: (Uint8Array | null)[]
  /** Names of the nodes that the control node waits for from now on. */
  waits: string[]
  delegate: string | null
  note: string | null
  tasks: AcceptedTask[]
  waitFor: number[]
}

/** What was decided of a control node and is not written yet. */
export type Pending =
  | { type: 'done'; result: Uint8Array; note: string | null }
  | { type: 'expand'; expansion: Expansion; tabs: ReadonlyMap<number, Tab> }

/** Requests that are written before their tasks join. */
type Ahead = Pick<StoreWriteOf<'requestsAhead'>, 'tasks' | 'requests'>

/**
 * Takes the requests out of an expansion that is too large for one transaction, in portions for as many; none of one
 * that is not.
 */
export function takeAhead({ rows, requests }: Expansion, bytesMax: number): Ahead[] {
  const total = requests.reduce((sum, request) => sum + (request?.length ?? 0), 0)
  if (total <= bytesMax) return []
  const portions: Ahead[] = []
  let bytes = bytesMax
  for (const [at, { task }] of rows.entries()) {
    const request = requests[at]!
    if (bytes >= bytesMax) {
      portions.push({ tasks: [], requests: [] })
      bytes = 0
    }
    const portion = portions.at(-1)!
    portion.tasks.push(task)
    portion.requests.push(request)
    bytes += request.length
    requests[at] = null
  }
  return portions
}

interface Place {
  intent: string
  node: string
  stage: number
  /** Every task of the intent, by its node's name. */
  numbers: ReadonlyMap<string, number>
  nextTask: () => number
}

const nameForm = new RegExp(`^[A-Za-z0-9_.-]{1,${expandedIdCharsMax}}$`)

/** The expansion, checked and bounded, or why the scroll cannot expand like this. */
export function expansionOf(decision: Extract<Decision, { type: 'expand' }>, place: Place): Expansion | Fault {
  const { intent, node, stage, numbers, nextTask } = place
  const { tasks: planned, waitFor, delegate = null, note = null } = decision
  const tooMuch = excess(planned.length + numbers.size, stage, node)
  if (tooMuch !== null) return tooMuch
  const known = new Map(numbers)
  const expansion: Expansion = { rows: [], requests: [], waits: waitFor, delegate, note, tasks: [], waitFor: [] }
  let bytes = 0
  for (const one of planned) {
    const stranger = one.needs.find((need) => !known.has(need) || need === node)
    if (stranger !== undefined) return misnamed(node, stranger)
    if (known.has(one.node) || !nameForm.test(one.node)) return misnamed(node, one.node)
    const row = taskRow(intent, nextTask(), one)
    // The core decides whether its needs are done already, so that store and core cannot disagree.
    if (one.needs.length > 0) row.state = 'blocked'
    // Before it is written out: a spec may be far larger than what it was made of.
    const { control } = one
    if (control !== undefined && bytes + jsonChars(control, expansionBytesMax) > expansionBytesMax)
      return tooLarge(node)
    const request = keptRequest(one)
    bytes += request.length
    if (bytes > expansionBytesMax) return tooLarge(node)
    known.set(one.node, row.task)
    expansion.rows.push(row)
    expansion.requests.push(request)
    expansion.tasks.push(acceptedTask(row, request.length, known))
  }
  for (const name of delegate === null ? waitFor : [...waitFor, delegate]) {
    if (!known.has(name) || name === node) return misnamed(node, name)
  }
  expansion.waitFor = waitFor.map((name) => known.get(name)!)
  return expansion
}

function tooLarge(node: string): Fault {
  const text = `Node "${node}" would add requests of more than ${expansionBytesMax} bytes to its scroll at once.`
  return fault('request_too_large', `${text} Split the work into several intents.`)
}

function excess(tasks: number, stage: number, node: string): Fault | null {
  const stop = 'Split the work into several intents.'
  if (tasks > intentTasksMax) {
    const text = `Node "${node}" would make its scroll larger than the ${intentTasksMax} nodes that are allowed.`
    return fault('invalid_request', `${text} ${stop}`)
  }
  if (stage < decisionStagesMax) return null
  return fault('invalid_request', `Node "${node}" has grown its scroll ${decisionStagesMax} times already. ${stop}`)
}

/** A defect of the planner: clients cannot name such nodes. */
function misnamed(node: string, name: string): Fault {
  const text = `Node "${node}" was to go on with a node "${name.slice(0, expandedIdCharsMax)}" that does not fit in.`
  return fault('internal_error', `${text} Send the intent again, and tell the operator if it happens once more.`)
}
