/**
 * A scroll that a client or a model drew, checked and turned into a plan: `{nodes: [{id, needs?, kind?, model?, …}],
 * result?, params?, input?, budget?}`. The other fields of a node are those of the request it stands for; `prompt` is
 * short for one message of the user. Everything in it is untrusted: each step is linear in its size, each fault names
 * the place and the node. What a node becomes is in `scroll-work.ts`.
 */
import type { Fault } from '../../../shared/faults.ts'
import { intentTasksMax } from '../../../shared/limits/intents.ts'
import { scrollDepthMax, scrollEdgesMax, scrollNeedsMax } from '../../../shared/limits/planner.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { atOnce, type Steps } from '../../../shared/turn-lane.ts'
import type { BudgetedPlan, PlannedTask, RequestCheck } from '../../engine/ports/planner.ts'
import { TextReader } from '../request/references.ts'
import { RequestBytes } from '../request/request.ts'
import { fillChars, taskOf, templateChars } from '../request/request-template.ts'
import { type CompiledNode, compileNode } from './compile-node.ts'
import { controlTask } from './control-spec.ts'
import { orderOf, sinksOf } from './graph.ts'
import { flaw, isFields, readNodes, type ScrollNode } from './scroll-nodes.ts'
import { type ScrollTerms, scrollTerms, termsOf } from './scroll-schema.ts'

/** How many nodes a sentence names before it counts the rest. */
const namesShownMax = 4

export interface ScrollOptions {
  /** Of nodes that name none. */
  model: string
  check: RequestCheck
  /** No scout is trusted, and no node may ask for one that is. */
  lacksAudits?: boolean
  /** Stands before the name of every task. */
  prefix?: string
  /** Tasks that it may expand to. */
  tasksMax?: number
}

/** The plan of a scroll whose nodes ask `model` unless they name another model, or the first thing wrong with it. */
export function planScroll(scroll: unknown, options: ScrollOptions): BudgetedPlan | Fault {
  return atOnce(scrollPlanning(scroll, options))
}

/** The same as `planScroll`, in steps of which each works on one node. */
export function* scrollPlanning(scroll: unknown, options: ScrollOptions): Steps<BudgetedPlan | Fault> {
  if (!isFields(scroll)) {
    return flaw('scroll', '`scroll` must be an object, as in {"nodes": [{"id": "answer", "prompt": "Hello"}]}.')
  }
  const { nodes: list, result, params, input, budget, ...unknown } = scroll
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) {
    const text = 'A scroll has only `nodes`, `result`, `params`, `input` and `budget`: remove what else it holds.'
    return flaw(`scroll.${stranger}`, text)
  }
  const terms = termsOf<ScrollTerms>(scrollTerms, withoutNulls({ params, input, budget }), 'scroll', '')
  if ('code' in terms) return terms as Fault
  const nodes = readNodes(list)
  if ('code' in nodes) return nodes
  const compiled = yield* compileNodes(nodes, terms, options)
  if ('code' in compiled) return compiled
  const order = orderNodes(nodes)
  if ('code' in order) return order
  const resultNode = resultOf(nodes, result ?? null)
  if (typeof resultNode !== 'string') return resultNode
  const tasks = yield* tasksOf(nodes, compiled, options)
  if ('code' in tasks) return tasks
  const { prefix = '' } = options
  const plan: BudgetedPlan = { tasks: order.map((position) => tasks[position]!), resultNode: prefix + resultNode }
  return terms.budget === undefined ? plan : { ...plan, budgetTokens: terms.budget.tokens }
}

function withoutNulls(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))
}

/** What each node stands for; what its texts refer to joins its needs. */
function* compileNodes(
  nodes: readonly ScrollNode[],
  terms: ScrollTerms,
  options: ScrollOptions,
): Steps<CompiledNode[] | Fault> {
  const { prefix = '', model, check, lacksAudits = false } = options
  const positions = new Map(nodes.map(({ id }, position) => [prefix + id, position]))
  const nameOf = (id: string) => (positions.has(prefix + id) ? prefix + id : undefined)
  const reader = new TextReader({ input: terms.input ?? null, params: terms.params ?? {} }, nameOf)
  const compiled: CompiledNode[] = []
  let edges = 0
  let expansion = 0
  for (const node of nodes) {
    const names = node.needs.map((position) => prefix + nodes[position]!.id)
    const made = compileNode(node, names, { model, check, lacksAudits, reader })
    if ('code' in made) return made
    compiled.push(made)
    node.needs = made.needs.map((name) => positions.get(name)!)
    edges += node.needs.length
    expansion += made.tasks
    const wrong = needsFlaw(node, edges) ?? expansionFlaw(node, expansion, options)
    if (wrong !== null) return wrong
    if (nodes.length > 1) yield
  }
  return compiled
}

function needsFlaw({ id, place, needs }: ScrollNode, edges: number): Fault | null {
  if (needs.length > scrollNeedsMax) {
    const text = `Node "${id}" needs ${needs.length} others with those in its texts, and at most ${scrollNeedsMax}`
    return flaw(`${place}.needs`, `${text} are allowed: let a node between gather some of them.`)
  }
  if (edges <= scrollEdgesMax) return null
  const text = `With node "${id}" the scroll has more than ${scrollEdgesMax} needs in all: let nodes share some.`
  return flaw(`${place}.needs`, text)
}

function expansionFlaw(
  { id, place }: ScrollNode,
  expansion: number,
  { tasksMax = intentTasksMax }: ScrollOptions,
): Fault | null {
  if (expansion <= tasksMax) return null
  const text = `With node "${id}" the scroll may grow to more than ${tasksMax} tasks: lower the bound of its maps.`
  return flaw(place, text)
}

function orderNodes(nodes: readonly ScrollNode[]): number[] | Fault {
  const ordered = orderOf(nodes.map(({ needs }) => needs))
  if ('cycle' in ordered) return cycleFlaw(nodes, ordered.cycle)
  const tooDeep = ordered.depths.findIndex((depth) => depth > scrollDepthMax)
  if (tooDeep < 0) return ordered.order
  const { id, place } = nodes[tooDeep]!
  const chain = `number ${ordered.depths[tooDeep]} in a chain of nodes that wait for each other`
  return flaw(
    `${place}.needs`,
    `Node "${id}" is ${chain}, and at most ${scrollDepthMax} are allowed: shorten the chain.`,
  )
}

function cycleFlaw(nodes: readonly ScrollNode[], cycle: readonly number[]): Fault {
  const [first, next] = cycle as [number, number]
  const { id, place, needs } = nodes[first]!
  const shown = cycle.slice(0, namesShownMax).map((position) => `"${nodes[position]!.id}"`)
  const left = cycle.length - shown.length
  const way = [...shown, ...(left > 0 ? [`${left} more`] : []), `"${id}"`].join(' needs ')
  const text = `These nodes wait for each other in a circle, so none could start: ${way}; remove one of these needs.`
  return flaw(`${place}.needs[${needs.indexOf(next)}]`, text)
}

/** The node whose answer is the intent's: the one named, or the only one that no other needs. */
function resultOf(nodes: readonly ScrollNode[], named: unknown): string | Fault {
  if (named !== null) {
    if (nodes.some(({ id }) => id === named)) return named as string
    return flaw('scroll.result', '`scroll.result` must be the id of one of the nodes.')
  }
  const sinks = sinksOf(nodes.map(({ needs }) => needs)).map((position) => nodes[position]!.id)
  if (sinks.length === 1) return sinks[0]!
  const shown = sinks.slice(0, namesShownMax).map((id) => `"${id}"`)
  const left = sinks.length - shown.length
  const names = shown.join(', ') + (left > 0 ? ` and ${left} more` : '')
  const text = `\`scroll.result\` is required, because no other node needs ${names}: name the node whose answer counts.`
  return flaw('scroll.result', text)
}

function* tasksOf(
  nodes: readonly ScrollNode[],
  compiled: readonly CompiledNode[],
  options: ScrollOptions,
): Steps<PlannedTask[] | Fault> {
  const bytes = new RequestBytes()
  const { prefix = '' } = options
  const tasks: PlannedTask[] = []
  for (const [at, { id, place }] of nodes.entries()) {
    const { work, spec, needs } = compiled[at]!
    // Of a control node its spec is looked at as a whole, which holds this.
    const chars = spec === null ? templateChars(work, bodyBytesMax) + fillChars(work, {}, bodyBytesMax) : 0
    const full = bytes.room(chars, `node "${id}"`, place)
    if (full !== null) return full
    const task = spec === null ? taskOf(prefix + id, work) : controlTask(prefix + id, needs, spec)
    const tooMuch = bytes.add(task, `node "${id}"`, place)
    if (tooMuch !== null) return tooMuch
    tasks.push(task)
    if (nodes.length > 1) yield
  }
  return tasks
}
