/**
 * What the planner gives the hub, whole: it makes a plan (a scroll checked and bounded) of what a client asked for, and
 * it decides, as pure functions, how a running scroll goes on at its control nodes. The client edge asks for plans, the
 * engine carries them out; both know the planner by this file alone.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { Requirements } from '../../core/model/routing-options.ts'

// ---------------------------------------------------------------- a plan

/** What an answer must be like: some text, or JSON of one value that fits the schema. Checked before it counts. */
export type Contract = { type: 'text' } | { type: 'json'; schema: object | boolean }

/** What a node asks for beyond its request. Durable: goes to the store as JSON. */
export interface Terms {
  contract?: Contract
  /** The request holds templates: the planner's `Render` makes of it what is sent. */
  isTemplate?: boolean
  /** At most as many attempts as this, within the hub's own limit. */
  attemptsMax?: number
  /** Milliseconds from the moment when all that it needs is done. */
  deadlineMs?: number
  /** Added to the intent's priority; the sum stays within 0 to 9. */
  boost?: number
  requires?: Requirements
}

/** One task of a plan. `needs` name nodes of the same plan; the planner has checked that they form no cycle. */
export interface PlannedTask extends Terms {
  node: string
  kind: TaskKind
  /** A model's name, or `auto`; of a conducted node any word, for people. */
  model: string
  needs: string[]
  /**
   * The request as JSON of one object; the results of `needs` are put into it when they are there. Of a conducted node
   * an empty object.
   */
  request: Uint8Array
  /** Given for a node that no scout works on: what `Decide` is handed as its spec, JSON of one object. */
  control?: unknown
}

export interface Plan {
  /** Parents before children. */
  tasks: PlannedTask[]
  /** The node whose result is the intent's. */
  resultNode: string
}

/** What a client asked for: one of `input`, `messages`, `template` and `scroll`, its own fields checked. */
export interface PlanAsked {
  input?: string | null
  messages?: unknown[] | null
  scroll?: unknown
  template?: string | null
  params?: Record<string, unknown> | null
  /** For every task that names none. */
  model?: string | null
  /** Fields of every request, and those of the one that answers alone. */
  manner?: Record<string, unknown>
  lastManner?: Record<string, unknown>
}

/** One model or specialist as a plan is made with it. */
export interface CatalogModel {
  id: string
  kinds: readonly string[]
  scouts: number
  contextTokens: number
  abilities: readonly string[]
  /** What a specialist says it is good for; empty for a plain model. */
  about: string
  /** Dollars per million tokens; null when unknown. */
  promptDollars: number | null
  answerDollars: number | null
  /** As measured; null before the first answer. */
  firstContentMs: number | null
  tokensPerSecond: number | null
}

/** What the hub would say to one request of a plan if it came alone: null, or a fault whose param is a field of it. */
export type RequestCheck = (kind: TaskKind, request: Record<string, unknown>) => Fault | null

export interface PlanContext {
  check: RequestCheck
  catalog: readonly CatalogModel[]
  /** How long the whole may take. */
  deadlineMs: number
}

export interface BudgetedPlan extends Plan {
  budgetTokens?: number
}

export interface Estimate {
  /** Tasks that scouts would work on. */
  tasks: number
  promptTokens: number
  completionTokens: number
  /** Null when a model's price is unknown. */
  dollars: number | null
  /** Along the longest chain, when scouts enough are there. */
  durationMs: number
}

export interface Planner {
  /** The plan, or what is wrong with it. */
  plan(asked: PlanAsked, context: PlanContext): BudgetedPlan | Fault
  estimate(plan: Plan, catalog: readonly CatalogModel[]): Estimate
  /** The JSON schema of a scroll. */
  scrollSchema: object
}

// ---------------------------------------------------------------- while it is carried out

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
