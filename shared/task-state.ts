/**
 * The states of a task and of an intent: one vocabulary for the core that moves them, the store that keeps them, the
 * planner that decides by them and the clients that see them. Which moves are legal is in the core's table.
 */

/**
 * No state leads out of these. `done`: it has an answer. `failed`: it has none, and its fault says why. `cancelled`:
 * stopped before it had one. `skipped`: it never began, because something that it needs has no answer.
 */
const terminalTaskStates = ['done', 'failed', 'cancelled', 'skipped'] as const
export type TerminalTaskState = (typeof terminalTaskStates)[number]
/** How a task ends without an answer. */
export type UnansweredTaskState = Exclude<TerminalTaskState, 'done'>

/** `blocked`: its needs are not met. `ready`: waits for a scout or for its next attempt. `leased`: a scout has it. */
const openTaskStates = ['blocked', 'ready', 'leased'] as const
type OpenTaskState = (typeof openTaskStates)[number]
/** What a task can begin in, or begin again in when it is retried. */
export type FirstTaskState = Exclude<OpenTaskState, 'leased'>

/** What the store keeps and clients see. */
export const durableTaskStates = [...openTaskStates, ...terminalTaskStates] as const
export type DurableTaskState = (typeof durableTaskStates)[number]

/**
 * What the core distinguishes besides. `delayed`: waits for the time of its next attempt; stored as `ready`.
 * `deciding`: a control node whose needs are terminal and whose decision is awaited; stored as `blocked`.
 */
export type TaskState = DurableTaskState | 'delayed' | 'deciding'

/** How an intent ends, once all of its tasks are terminal. */
const intentOutcomes = ['done', 'failed', 'cancelled'] as const
export type IntentOutcome = (typeof intentOutcomes)[number]
export const intentStates = ['running', ...intentOutcomes] as const
export type IntentState = (typeof intentStates)[number]

export function isTerminalState(state: TaskState): state is TerminalTaskState {
  return (terminalTaskStates as readonly TaskState[]).includes(state)
}
