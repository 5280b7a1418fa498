/**
 * A planning model's proposal becomes the nodes of a scroll. It is asked, its answer is checked, and a
 * flaw is sent back to it at most twice; after that, or when it proposes nothing, one task answers the request, and the
 * reason is recorded. Pure, like `decide`.
 */
import { textOf } from '../../../shared/json/answer-text.ts'
import { planProposalsMax } from '../../../shared/limits/planner.ts'
import type { ControlNode, Decision, NeedResult } from '../../engine/ports/planner.ts'
import { type RequestTemplate, taskOf } from '../request/request-template.ts'
import type { PlanSpec } from '../scroll/control-spec.ts'
import { readProposal } from '../scroll/proposal.ts'
import { repairPrompt } from '../text/prompts.ts'

/** What of a flaw's sentence goes back to the model. */
const flawCharsMax = 400

export function decidePlan(spec: PlanSpec, { node, stage, results }: ControlNode): Decision {
  const [result] = results
  if (stage === 0 || result === undefined) return ask(node, 1, spec.work)
  const proposal = proposalNumber(node, result)
  if (proposal === null) {
    if (result.body !== null) return { type: 'done', result: result.body }
    return { type: 'failed', fault: result.fault! }
  }
  if (result.body === null) {
    // Not every provider knows the form that was asked for; without it the model is only asked in words.
    if (proposal === 1) return ask(node, 2, plainly(spec.work))
    return single(spec, node, `The planning model did not answer: ${result.fault?.message ?? 'it was cancelled.'}`)
  }
  const read = readProposal(textOf(result.body), node, spec)
  if (read.type === 'single')
    return single(spec, node, `The planning model saw no need to divide it. ${read.why}`.slice(0, 500))
  if (read.type === 'flaw') {
    if (proposal < planProposalsMax) return ask(node, proposal + 1, repairing(spec.work, result.node, read.flaw))
    return single(spec, node, `The planning model proposed no plan that could be used: ${read.flaw}`)
  }
  const { tasks, resultNode } = read.plan
  const count = tasks.length === 1 ? 'one node' : `${tasks.length} nodes`
  const note = `Planned as ${count} at proposal ${proposal}.`
  return { type: 'expand', tasks, waitFor: [resultNode], delegate: resultNode, note }
}

function ask(node: string, proposal: number, template: RequestTemplate): Decision {
  const task = taskOf(`${node}.plan.${proposal}`, template)
  return { type: 'expand', tasks: [task], waitFor: [task.node] }
}

/** Which proposal this result is; null when it is the answer itself. */
function proposalNumber(node: string, result: NeedResult): number | null {
  const head = `${node}.plan.`
  return result.node.startsWith(head) ? Number(result.node.slice(head.length)) : null
}

function single(spec: PlanSpec, node: string, note: string): Decision {
  const task = taskOf(`${node}.single`, spec.single)
  return { type: 'expand', tasks: [task], waitFor: [task.node], delegate: task.node, note }
}

function plainly(template: RequestTemplate): RequestTemplate {
  const { response_format: _, ...request } = template.request
  return { ...template, request }
}

/** The same conversation, with the proposal and what is wrong with it. */
function repairing(template: RequestTemplate, proposed: string, flaw: string): RequestTemplate {
  const messages = template.request.messages as unknown[]
  const said = [
    ...messages,
    { role: 'assistant', content: '' },
    { role: 'user', content: repairPrompt(flaw.slice(0, flawCharsMax)) },
  ]
  const fill = {
    at: ['messages', messages.length, 'content'],
    parts: [{ from: 'node' as const, node: proposed, path: [] }],
  }
  return { ...template, request: { ...template.request, messages: said }, fills: [...template.fills, fill] }
}
