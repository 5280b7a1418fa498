/**
 * A planning model's proposal becomes the nodes of a scroll. It is asked, its answer is judged, what is wrong is told
 * to it at most twice; then, or when it has nothing to propose, the request is answered by one task, and the reason is
 * written down. Pure, like all that conducts.
 */
import { planProposalsMax } from '../../../shared/limits/planner.ts'
import type { ControlNode, Decision, NeedResult } from '../../engine/ports/planner.ts'
import { taskOf, type Work } from '../request/request-template.ts'
import type { PlanSpec } from '../scroll/control-spec.ts'
import { readProposal } from '../scroll/proposal.ts'
import { textOfBody } from '../text/answer-text.ts'
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
  const read = readProposal(textOfBody(result.body), node, spec)
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

function ask(node: string, proposal: number, work: Work): Decision {
  const task = taskOf(`${node}.plan.${proposal}`, work)
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

function plainly(work: Work): Work {
  const { response_format: _, ...request } = work.request
  return { ...work, request }
}

/** The same conversation, with the proposal and what is wrong with it. */
function repairing(work: Work, proposed: string, flaw: string): Work {
  const messages = work.request.messages as unknown[]
  const said = [
    ...messages,
    { role: 'assistant', content: '' },
    { role: 'user', content: repairPrompt(flaw.slice(0, flawCharsMax)) },
  ]
  const fill = {
    at: ['messages', messages.length, 'content'],
    parts: [{ from: 'node' as const, node: proposed, path: [] }],
  }
  return { ...work, request: { ...work.request, messages: said }, fills: [...work.fills, fill] }
}
