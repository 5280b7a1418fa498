/**
 * What the planner gives the hub, whole: it makes a plan (a scroll checked and bounded) of what a client asked for, and
 * it decides, as pure functions, how a running scroll goes on at its control nodes. The client edge asks for plans, the
 * engine carries them out; both know the planner by this file alone.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { TerminalTaskState } from '../../../shared/task-state.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { TaskTerms } from '../../core/events.ts'

// ---------------------------------------------------------------- a plan

/** What an answer must be like: some text, or JSON of one value that fits the schema. Checked before it counts. */
export type Contract = { type: 'text' } | { type: 'json'; schema: object | boolean }

/** What a node asks for beyond its request. Durable: goes to the store as JSON. */
export interface Terms extends TaskTerms {
  contract?: Contract
  /** The request holds templates: the planner's `Render` makes of it what is sent. */
  isTemplate?: boolean
  /** What the engine has set aside of its key's budgets, and the price of a token at most. */
  reserved?: { tokens: number; microDollars: number; promptPrice: number; answerPrice: number }
  /** And of its points. */
  points?: number
}

/** One task of a plan. `needs` name nodes of the same plan; the planner has checked that they form no cycle. */
export interface PlannedTask extends Terms {
  node: string
  kind: TaskKind
  /** A model's name, or `auto`; of a control node any word, for people. */
  model: string
  needs: string[]
  /**
   * The request as JSON of one object; the results of `needs` are put into it when they are there. Of a control node
   * an empty object.
   */
  request: Uint8Array
  /** Given for a control node: the spec that `Decide` gets, JSON of one object. */
  control?: unknown
}

export interface Plan {
  /** Parents before children. */
  tasks: PlannedTask[]
  /** The node whose result is the intent's. */
  resultNode: string
}

/** A chat request, whole but for what concerns its stream. */
export type PlannedRequest = Record<string, unknown> & { model: string }

/** One way to have a request answered. */
export interface PlannedTry {
  model: string
  terms: Terms
}

/** What a client asked for: one of `request`, `input`, `messages`, `template` and `scroll`, its own fields checked. */
export interface PlanAsked {
  /** The request that answers. */
  request?: PlannedRequest
  /** Of `request`: the models that are asked in turn, until one answers; its own alone when absent. */
  tries?: readonly PlannedTry[]
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

/** The hub's own check of one request, as if it came alone: null, or a fault whose param is a field of it. */
export type RequestCheck = (kind: TaskKind, request: Record<string, unknown>) => Fault | null

export interface PlanContext {
  check: RequestCheck
  catalog: readonly CatalogModel[]
  /** How long the whole may take. */
  deadlineMs: number
  /** Nobody looks at answers here, so no scout is trusted. */
  lacksAudits?: boolean
  /** The next turn of the loop: planning a large scroll leaves it to others between nodes. */
  soon: () => Promise<void>
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
  plan(asked: PlanAsked, context: PlanContext): Promise<BudgetedPlan | Fault>
  estimate(plan: Plan, catalog: readonly CatalogModel[]): Estimate
  /** The JSON schema of a scroll. */
  scrollSchema: object
}

// ---------------------------------------------------------------- while it runs

/** How a node ended that a control node waited for. */
export interface NeedResult {
  node: string
  state: TerminalTaskState
  /** JSON of one object, as a scout settles it; null unless done. */
  body: Uint8Array | null
  fault: Fault | null
}

export interface ControlNode {
  node: string
  /** What the planner wrote for itself when it planned the node: JSON of one object. */
  spec: unknown
  /** 0 at first; one more after each expansion, once the node waits no longer. */
  stage: number
  /** In the order in which the node named them: at stage 0 its own needs, later the tasks that it last waited for. */
  results: readonly NeedResult[]
}

/**
 * - `done`: the node has a result, in the shape of a settled chat answer.
 * - `expand`: these tasks join the scroll (node names unique in it, parents before children; they may need nodes that
 *   are there already), and the node decides again when all of `waitFor` are terminal. When `delegate` is given, that
 *   task's answer streams as this node's own while it is made; the event `task_grown` names it.
 * - `failed`: the node fails with this fault, and what needs it is skipped.
 * `note` is a sentence for people about the reason of the decision; it is part of the decision's event.
 *
 * Names of nodes that join by expansion may hold letters, digits, `_`, `-` and dots, up to `expandedIdCharsMax`;
 * clients' own ids hold no dots, so `<node>.<suffix>` never collides with one. What breaks a bound (`intentTasksMax`,
 * `decisionStagesMax`, `expansionBytesMax`) or names a node that is not there fails the control node with a fault that
 * names the cause.
 */
export type Decision =
  | { type: 'done'; result: Uint8Array; note?: string }
  | { type: 'expand'; tasks: PlannedTask[]; waitFor: string[]; delegate?: string; note?: string }
  | { type: 'failed'; fault: Fault }

/**
 * Pure: the same node gives the same decision, before and after a crash of the hub. Where it takes long it is made in
 * steps, of which each looks at or makes about `decisionStepBytes`.
 */
type Decide = (node: ControlNode) => Decision | Steps<Decision>

/** A node with a templated request that is about to be granted. */
export interface RenderedNode {
  node: string
  kind: TaskKind
  request: Uint8Array
  /** The text of each of its needs' results, in the order in which it names them. */
  parents: readonly { node: string; text: string }[]
  /** The least context the node asked for, 0 when it named none. */
  contextTokens: number
}

/** Pure: the request that goes out, or why there can be none; in steps, like a decision, where it takes long. */
export type Render = (node: RenderedNode) => Uint8Array | Fault | Steps<Uint8Array | Fault>

/** Pure: what is wrong with an answer's text under a contract, as one sentence for the model; null when nothing is. */
type CheckContract = (contract: Contract, text: string) => string | null

/** What the engine calls to run scrolls that hold more than plain requests. */
export interface PlannerFunctions {
  decide: Decide
  render: Render
  checkContract: CheckContract
}
