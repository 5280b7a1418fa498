/**
 * The planner's part in the simulation: what a control node decides, as a function of its spec and of what its needs
 * came to. It grows for as many rounds as its spec names, sometimes by nodes of its own kind, and then gives a result
 * that depends on all the results that it was given.
 */
import type {
  ControlNode,
  Decision,
  PlannedTask,
  PlannerFunctions,
} from '../../../orchestrator/engine/ports/planner.ts'
import { fault } from '../../../shared/faults.ts'

export interface Spec {
  /** Of the tasks that it grows by. */
  models: string[]
  /** Tasks of each round; 0 is a round that waits for nothing. */
  parts: number
  rounds: number
  /** Levels of control nodes below this one. */
  depth: number
  /** Characters of each of them beside its question; more than a transaction holds are written in several. */
  bulkChars: number
  /** The process ends over it: a name that no other node has; null for the others. */
  endsHub: string | null
  /** Ends as failed. */
  fails: boolean
}

function decide({ node, spec: given, stage, results }: ControlNode): Decision {
  const spec = given as Spec
  const seen = results.map((need) => `${need.node} ${need.state} ${need.body === null ? '' : Bun.hash(need.body)}`)
  const word = Bun.hash(`${node} ${stage} ${seen.join(', ')}`).toString(36)
  if (stage >= spec.rounds) return spec.fails ? failed : said(word)
  const tasks = Array.from({ length: spec.parts }, (_, at) => part(`${node}.${stage}-${at}`, spec, word, at))
  // The last one also needs the one before, so that not all begin at once.
  const [before, last] = tasks.slice(-2)
  if (before !== undefined && last !== undefined) last.needs.push(before.node)
  return { type: 'expand', tasks, waitFor: tasks.map((one) => one.node) }
}

const failed: Decision = { type: 'failed', fault: fault('content_refused', 'The spec says so.') }

function said(word: string): Decision {
  const message = { role: 'assistant', content: word }
  return { type: 'done', result: Buffer.from(JSON.stringify({ choices: [{ index: 0, message }] })) }
}

function part(node: string, spec: Spec, word: string, at: number): PlannedTask {
  const model = spec.models[at % spec.models.length]!
  const plain: PlannedTask = { node, kind: 'chat', model, needs: [], request: Buffer.from('{}') }
  if (at === 0 && spec.depth > 0) return { ...plain, control: { ...spec, depth: spec.depth - 1, rounds: 1, parts: 2 } }
  const messages = [{ role: 'user', content: `${node} ${word}${'p'.repeat(spec.bulkChars)}` }]
  return { ...plain, request: Buffer.from(JSON.stringify({ messages, want: [2, 8] })) }
}

export const simPlanner = {
  decide,
  render: ({ request }) => request,
  checkContract: () => null,
} satisfies PlannerFunctions
