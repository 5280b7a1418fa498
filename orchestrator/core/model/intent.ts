/**
 * A durable intent as data, with the table of its states, which change only through `moveIntent`. Its open tasks are
 * linked in `object-graph.ts`; `task/intents.ts` makes intents, `task/terminal.ts` ends them.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TerminalTaskState } from '../../../shared/task-state.ts'

/**
 * - `running`: entered on acceptance. Ends when the result is lost, when it is cancelled, or with its last task.
 *   Its tasks may begin.
 * - `stopping`: the result is lost or it was cancelled; every open task is being cancelled, none begins. Lasts for the
 *   rest of a step.
 * - `over`: no task is open, and the end is persisted. It is in no table any more.
 */
type IntentState = 'running' | 'stopping' | 'over'

const intentMoves: Record<IntentState, readonly IntentState[]> = {
  running: ['stopping', 'over'],
  stopping: ['over'],
  over: [],
}

/** The only way an intent changes its state. */
export function moveIntent(intent: IntentData, to: IntentState): void {
  const { id, state } = intent
  if (!intentMoves[state].includes(to)) throw new Error(`intent ${id}: ${state} -> ${to} is no legal move`)
  intent.state = to
}

/** What was accepted as one durable whole: the tasks of a scroll. */
export interface IntentData {
  id: string
  state: IntentState
  tenant: string
  weight: number
  priority: number
  /** When its time is over, whatever its tasks ask for. */
  deadlineMs: number
  /** Terminal tasks by number, with their final states. */
  ended: Map<number, TerminalTaskState>
  /** The task whose result is the intent's. */
  result: number
  /** Why it will not be done: the first failure, or the cancellation. */
  fault: Fault | null
  /** Tokens after which none of its tasks is given out, Infinity for no limit, and those used so far. */
  budgetTokens: number
  spentTokens: number
  /** Leases of its tasks, by operator. */
  leasedBy: Map<string, number>
}
