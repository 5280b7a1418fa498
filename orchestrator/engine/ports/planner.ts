/**
 * Nodes of a scroll that no scout works on: the hub itself looks at what their parents came to and decides how the
 * scroll goes on. A fan-out becomes tasks, a vote becomes an answer, a planner's proposal becomes nodes. The planner
 * implements the decision as a pure function; the engine asks it when the node's needs are over, writes down what it
 * decided in one transaction, and carries that out. What the planner alone understands of a node (how results are put
 * into its request, what its answer has to be) it also hands over as pure functions.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Contract, PlannedTask } from './intents.ts'

/** What a node that was waited for came to. */
export interface NeedResult {
  node: string
  state: 'done' | 'failed' | 'skipped' | 'cancelled'
  /** JSON of one object, as a scout settles it; null unless done. */
  body: Uint8Array | null
  fault: Fault | null
}

export interface ControlNode {
  node: string
  /** What the planner wrote for itself when it planned the node: JSON of one object. */
  spec: unknown
  /** 0 at first; one more each time the node has grown and waits no longer. */
  stage: number
  /** In the order in which the node named them: at stage 0 its own needs, later the tasks that it last waited for. */
  results: readonly NeedResult[]
}

/**
 * - `done`: the node has a result, in the shape of a settled chat answer.
 * - `grow`: these tasks join the scroll (node names unique in it, parents before children; they may need nodes that
 *   are there already), and the node is asked again when all of `waitFor` are terminal. When `delegate` is given, that
 *   task's answer streams as this node's own while it is made; the event `task_grown` names it.
 * - `failed`: the node fails with this fault, and what needs it is skipped.
 * `note` is a sentence for people about why it was decided so; it stands in the event that tells of the decision.
 *
 * Names of grown nodes may hold letters, digits, `_`, `-` and dots, up to `grownIdCharsMax`; clients' own ids hold no
 * dots, so `<node>.<suffix>` never meets one. What breaks a bound (`intentTasksMax`, `conductStagesMax`,
 * `grownBytesMax`) or names a node that is not there fails the conducted node with a fault that says so.
 */
export type Decision =
  | { type: 'done'; result: Uint8Array; note?: string }
  | { type: 'expand'; tasks: PlannedTask[]; waitFor: string[]; delegate?: string; note?: string }
  | { type: 'failed'; fault: Fault }

/** Pure: the same node gives the same decision, after a crash of the hub as before it. */
export type Decide = (node: ControlNode) => Decision

/** A node with a templated request that is about to be granted. */
export interface RenderedNode {
  kind: TaskKind
  request: Uint8Array
  /** What each of its needs says, in the order in which it names them. */
  parents: readonly { node: string; text: string }[]
  /** The least context the node asked for, 0 when it named none. */
  contextTokens: number
}

/** Pure: the request that goes out, or why there can be none. */
export type Render = (node: RenderedNode) => Uint8Array | Fault

/** Pure: what is wrong with an answer's text under a contract, as one sentence for the model; null when nothing is. */
type CheckContract = (contract: Contract, text: string) => string | null

/** What a hub is given to carry out scrolls that hold more than plain requests. */
export interface PlannerFunctions {
  decide: Decide
  render: Render
  checkContract: CheckContract
}
