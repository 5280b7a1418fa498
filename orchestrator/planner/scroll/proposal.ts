/**
 * Reads what a planning model proposes. It is untrusted text: bounded before it is parsed, checked field by field,
 * held to its own smaller limits and to the models that are there, and then judged like any scroll. Either a plan comes
 * out, or the answer that no plan is needed, or one sentence that the model can use to repair it.
 */
import type { Fault } from '../../../shared/faults.ts'
import { planCharsMax, planIdCharsMax, planNodesMax, planTasksMax } from '../../../shared/limits/planner.ts'
import type { Plan } from '../../engine/ports/planner.ts'
import { jsonIn } from '../text/answer-text.ts'
import type { PlanSpec } from './control-spec.ts'
import { planScroll } from './scroll.ts'
import { isFields } from './scroll-nodes.ts'

type Proposal = { type: 'plan'; plan: Plan } | { type: 'single'; why: string } | { type: 'flaw'; flaw: string }

/** What a proposed node may hold: nothing that would reach a provider unread. */
const nodeFields = ['id', 'needs', 'kind', 'capability', 'model', 'prompt', 'output', 'map', 'vote', 'when']

const flawed = (flaw: string): Proposal => ({ type: 'flaw', flaw })

/** What the text proposes for `node`; names of the proposed nodes begin with its own. */
export function readProposal(text: string, node: string, spec: Pick<PlanSpec, 'input' | 'model' | 'models'>): Proposal {
  if (text.length > planCharsMax) return flawed(`It is longer than ${planCharsMax} characters.`)
  const found = objectIn(text)
  if (found === undefined) return flawed('It is not a JSON object.')
  if (found.single === true) return { type: 'single', why: typeof found.why === 'string' ? found.why : '' }
  const { nodes, result } = found
  const flaw = nodesFlaw(nodes, spec.models)
  if (flaw !== null) return flawed(flaw)
  const scroll = { nodes, ...(result !== undefined && { result }), input: spec.input }
  const options = { model: spec.model, check: plainRequest, prefix: `${node}.do.`, tasksMax: planTasksMax }
  const plan = planScroll(scroll, options)
  return 'code' in plan ? flawed(plan.message) : { type: 'plan', plan }
}

/** The JSON object that a text is, or that stands in it between the first brace and the last. */
function objectIn(text: string): Record<string, unknown> | undefined {
  const whole = jsonIn(text) ?? jsonIn(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1))
  return isFields(whole?.value) ? whole.value : undefined
}

function nodesFlaw(nodes: unknown, models: readonly string[]): string | null {
  if (!Array.isArray(nodes) || nodes.length === 0) return 'It has no list of `nodes`.'
  if (nodes.length > planNodesMax) return `It has ${nodes.length} nodes, and at most ${planNodesMax} are allowed.`
  for (const [at, node] of nodes.entries()) {
    const place = `nodes[${at}]`
    if (!isFields(node)) return `${place} is not an object.`
    const strange = Object.keys(node).find((key) => !nodeFields.includes(key))
    if (strange !== undefined) return `${place} has a field that is not allowed; use only ${nodeFields.join(', ')}.`
    if (typeof node.id === 'string' && node.id.length > planIdCharsMax) {
      return `The id of ${place} is longer than ${planIdCharsMax} characters.`
    }
    if (node.kind !== undefined && node.kind !== 'chat' && node.kind !== 'specialist') {
      return `The kind of ${place} must be chat or specialist.`
    }
    const stranger = modelsOf(node).find((name) => !models.includes(name as string))
    if (stranger !== undefined) return `${place} names a model that is not in the list of what is available.`
  }
  return null
}

/** Every model that a node names, wherever it may name one. */
function modelsOf({ model, capability, map, vote }: Record<string, unknown>): unknown[] {
  const named: unknown[] = [model, capability]
  if (isFields(map) && isFields(map.reduce)) named.push(map.reduce.model)
  if (isFields(vote)) {
    if (Array.isArray(vote.models)) named.push(...vote.models)
    if (isFields(vote.judge)) named.push(vote.judge.model)
  }
  return named.filter((name) => name !== undefined && name !== null)
}

/** A proposed node is made of a model's name and a prompt, and both have been looked at. */
function plainRequest(): Fault | null {
  return null
}
