/**
 * How intents are shown: as accepted, as an item of a list, and whole with their tasks and their result. The result is
 * inserted as the bytes that were committed; times are seconds since 1970, as in all of this API.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { IntentView, TaskView } from '../../engine/ports/intents.ts'
import { envelop } from './envelope.ts'
import { shownFault } from './response.ts'

/** The answer to the request that made it: only what never changes, so that a repetition gets the same answer. */
export function shownAccepted({ id, priority, createdMs, deadlineMs, metadata }: IntentView) {
  const times = { created: seconds(createdMs), deadline: seconds(deadlineMs) }
  return { id, object: 'intent', state: 'running', priority, ...times, metadata }
}

export function shownIntent(view: IntentView) {
  const { id, state, priority, createdMs, deadlineMs, finishedMs, metadata, resultNode } = view
  return {
    id,
    object: 'intent',
    state,
    priority,
    created: seconds(createdMs),
    deadline: seconds(deadlineMs),
    finished: finishedMs === null ? null : seconds(finishedMs),
    metadata,
    result_node: resultNode,
    usage: shownUsage(view.usage),
    error: shownError(view.fault),
  }
}

/** The intent with its tasks and, last, its result: `null`, or an answer as a chat completion or embeddings give it. */
export function wholeIntent(view: IntentView, tasks: TaskView[], result: Uint8Array | undefined): Buffer<ArrayBuffer> {
  const shown = JSON.stringify({ ...shownIntent(view), tasks: tasks.map(shownTask) })
  const pieces: Uint8Array[] = [Buffer.from(`${shown.slice(0, -1)},"result":`)]
  if (result === undefined) pieces.push(Buffer.from('null'))
  else envelop(pieces, Buffer.from(resultHead(view, tasks)), result)
  pieces.push(Buffer.from('}'))
  return Buffer.concat(pieces)
}

/** One node with its result, inserted as it was committed; null until it is done. */
export function nodeResult(view: IntentView, task: TaskView, result: Uint8Array | undefined): Buffer<ArrayBuffer> {
  const shown = JSON.stringify({ intent: view.id, object: 'intent.node', ...shownTask(task) })
  const pieces: Uint8Array[] = [Buffer.from(`${shown.slice(0, -1)},"result":`), result ?? Buffer.from('null')]
  pieces.push(Buffer.from('}'))
  return Buffer.concat(pieces)
}

/** The hub's fields of the result, ending in a comma. */
function resultHead({ id, resultNode, createdMs, finishedMs }: IntentView, tasks: TaskView[]): string {
  const task = tasks.find(({ node }) => node === resultNode)
  // A defect: the planner names a node of the plan.
  if (task === undefined) throw new Error(`the result of intent ${id} belongs to no task of it`)
  const object = task.kind === 'embed' ? 'list' : 'chat.completion'
  const created = seconds(finishedMs ?? createdMs)
  return `${JSON.stringify({ id, object, created, model: task.served?.model ?? task.model }).slice(0, -1)},`
}

function shownTask({ node, kind, model, needs, state, attempts, served, usage, fault }: TaskView) {
  return { node, kind, model, needs, state, attempts, served, usage: shownUsage(usage), error: shownError(fault) }
}

export function shownUsage({ promptTokens, completionTokens }: IntentView['usage']) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  }
}

function shownError(fault: Fault | null) {
  return fault === null ? null : shownFault(fault)
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
