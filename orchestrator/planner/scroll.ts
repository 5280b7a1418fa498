/**
 * A scroll that a client drew itself, checked and turned into a plan: `{nodes: [{id, needs?, kind?, model?, …}],
 * result?}`. The other fields of a node are those of the request it stands for; `prompt` is short for one message of
 * the user. Everything in it is untrusted: each step is linear in its size, each fault names the place and the node.
 */
import type { Fault } from '../../shared/faults.ts'
import { modelCharsMax, scrollDepthMax } from '../../shared/limits.ts'
import { type TaskKind, taskKinds } from '../../shared/task.ts'
import type { Plan, PlannedTask } from '../engine/intents-port.ts'
import { orderOf, sinksOf } from './graph.ts'
import { RequestBytes, type RequestCheck } from './request.ts'
import { type Fields, flaw, isFields, readNodes, type ScrollNode } from './scroll-nodes.ts'

/** How many nodes a sentence names before it says how many more there are. */
const namesShownMax = 4

/** The plan of a scroll whose nodes ask `model` unless they say otherwise, or the first thing wrong with it. */
export function planScroll(scroll: unknown, model: string, check: RequestCheck): Plan | Fault {
  if (!isFields(scroll)) {
    return flaw('scroll', '`scroll` must be an object, as in {"nodes": [{"id": "answer", "prompt": "Hello"}]}.')
  }
  const { nodes: list, result, ...unknown } = scroll
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) {
    return flaw(`scroll.${stranger}`, 'A scroll has only `nodes` and `result`: remove what else it holds.')
  }
  const nodes = readNodes(list)
  if ('code' in nodes) return nodes
  const order = orderNodes(nodes)
  if ('code' in order) return order
  const resultNode = resultOf(nodes, result ?? null)
  if (typeof resultNode !== 'string') return resultNode
  const tasks = tasksOf(nodes, model, check)
  if ('code' in tasks) return tasks
  return { tasks: order.map((position) => tasks[position]!), resultNode }
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

function tasksOf(nodes: readonly ScrollNode[], model: string, check: RequestCheck): PlannedTask[] | Fault {
  const bytes = new RequestBytes()
  const tasks: PlannedTask[] = []
  for (const node of nodes) {
    const { id, place, needs } = node
    const asked = askedBy(node, model)
    if ('code' in asked) return asked
    const refused = check(asked.kind, asked.request)
    if (refused !== null) return within(node, refused)
    const request = bytes.of(asked.request, `node "${id}"`, place)
    if ('code' in request) return request
    const names = needs.map((position) => nodes[position]!.id)
    tasks.push({ node: id, kind: asked.kind, model: asked.model, needs: names, request })
  }
  return tasks
}

/** The same fault, told of a node. */
function within({ id, place }: ScrollNode, refused: Fault): Fault {
  const param = refused.param === undefined ? place : `${place}.${refused.param}`
  return { ...refused, param, message: `In node "${id}" of the scroll: ${refused.message}` }
}

interface AskedRequest {
  kind: TaskKind
  model: string
  request: Fields
}

function askedBy({ id: name, place, fields }: ScrollNode, defaultModel: string): AskedRequest | Fault {
  const { id: _id, needs: _needs, kind: sentKind, model: sentModel, prompt, messages, input, ...rest } = fields
  const kind = taskKinds.find((known) => known === (sentKind ?? 'chat'))
  if (kind === undefined)
    return flaw(`${place}.kind`, `The kind of node "${name}" must be one of ${taskKinds.join(', ')}.`)
  const model = sentModel ?? defaultModel
  if (typeof model !== 'string' || model === '' || model.length > modelCharsMax) {
    return flaw(`${place}.model`, `The model of node "${name}" must be a string of 1 to ${modelCharsMax} characters.`)
  }
  for (const key of ['stream', 'stream_options']) {
    if (!(key in rest)) continue
    const text = `Node "${name}" cannot choose to stream, because an intent is followed by its events: remove it.`
    return flaw(`${place}.${key}`, text)
  }
  const wrong = contentFlaw(kind, { prompt, messages, input })
  if (wrong !== null) return flaw(`${place}.${wrong.key}`, `Node "${name}" is of kind ${kind}, ${wrong.wish}.`)
  if (kind === 'embed') return { kind, model, request: { model, input, ...rest } }
  const sentMessages = messages ?? [{ role: 'user', content: prompt }]
  return { kind, model, request: { model, messages: sentMessages, ...rest } }
}

/** What a node asks stands in one field, and which one depends on its kind. */
function contentFlaw(kind: TaskKind, content: Fields): { key: string; wish: string } | null {
  const isSent = (key: string) => content[key] !== undefined && content[key] !== null
  const fitting = kind === 'embed' ? ['input'] : ['messages', 'prompt']
  const wish = kind === 'embed' ? 'which takes `input` alone' : 'which takes either `prompt` or `messages`'
  const foreign = Object.keys(content).find((key) => isSent(key) && !fitting.includes(key))
  if (foreign !== undefined) return { key: foreign, wish: `${wish}: remove \`${foreign}\`` }
  const sent = fitting.filter(isSent)
  if (sent.length > 1) return { key: 'prompt', wish: `${wish}: remove one of them` }
  if (sent.length === 0) return { key: fitting[0]!, wish: `${wish}: say what it should ask` }
  const { prompt } = content
  if (sent[0] !== 'prompt' || (typeof prompt === 'string' && prompt !== '')) return null
  return { key: 'prompt', wish: 'and its `prompt` must be a string that is not empty' }
}
