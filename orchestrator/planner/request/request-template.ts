/**
 * Request templates: a node's request with the places in it that references fill. Scrolls make them, `decide` binds
 * what it has (an item, the answers of a vote), and what only a result can fill stays with the task until its needs are
 * done; `render` then fills it in. Values are inserted and never parsed as templates again.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { answerShare, charsPerToken, resultCharsMax } from '../../../shared/limits/planner.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { PlannedTask, RenderedNode, Terms } from '../../engine/ports/planner.ts'
import { jsonIn } from '../text/answer-text.ts'
import { cutText } from '../text/split.ts'
import { follow, nodesIn, type Part, type Reference, textOfValue } from './references.ts'

type Fields = Record<string, unknown>

/** A place in a request, and the pieces of the text that belongs there. */
interface Fill {
  at: (string | number)[]
  parts: Part[]
}

/**
 * JSON throughout: it is stored as part of a control node's spec. The names of its fields, and `work` and `works` of
 * specs, are therefore those of stored data and stay as they are.
 */
export interface RequestTemplate {
  kind: TaskKind
  model: string
  request: Fields
  fills: Fill[]
  terms: Terms
  /** Needs that no text mentions: their results are put before the messages. */
  needs: string[]
}

/** The bytes of a templated task's request. */
interface Templated {
  request: Fields
  fills: Fill[]
}

/** What `decide` has when it makes tasks of a template. */
export interface Binding {
  item?: unknown
  /** From 1. */
  index?: number
  items?: Part[]
  answers?: Part[]
}

/** Every text of a request in which references may stand. */
export function textsOf(kind: TaskKind, request: Fields): { at: (string | number)[]; text: string }[] {
  const found: { at: (string | number)[]; text: string }[] = []
  const look = (at: (string | number)[], value: unknown) => {
    if (typeof value === 'string') found.push({ at, text: value })
  }
  const list = (value: unknown) => (Array.isArray(value) ? [...value.entries()] : [])
  if (kind === 'embed') {
    look(['input'], request.input)
    for (const [index, one] of list(request.input)) look(['input', index], one)
    return found
  }
  for (const [index, message] of list(request.messages)) {
    if (typeof message !== 'object' || message === null) continue
    look(['messages', index, 'content'], message.content)
    for (const [place, part] of list(message.content)) look(['messages', index, 'content', place, 'text'], part?.text)
  }
  return found
}

/** The task of this template under a name of its own. */
export function taskOf(node: string, template: RequestTemplate, binding: Binding = {}): PlannedTask {
  const { kind, model, terms } = template
  const request = structuredClone(template.request)
  const open: Fill[] = []
  for (const { at, parts } of template.fills) {
    const bound = parts.flatMap((part) => bind(part, binding))
    if (bound.some((part) => typeof part !== 'string')) open.push({ at, parts: bound })
    else put(request, at, bound.join(''))
  }
  const mentioned = open.flatMap(({ parts }) => nodesIn(parts))
  const needs = [...new Set([...template.needs, ...mentioned])]
  const isTemplate = open.length > 0
  const templated: Templated | Fields = isTemplate ? { request, fills: open } : request
  const bytes = Buffer.from(JSON.stringify(templated))
  return { node, kind, model, needs, request: bytes, ...(isTemplate && { isTemplate }), ...terms }
}

function bind(part: Part, { item, index, items, answers }: Binding): Part[] {
  if (typeof part === 'string') return [part]
  switch (part.from) {
    case 'item': {
      if (item === undefined) return [part]
      // An item without the field leaves the place empty: lists made by models are seldom uniform.
      const found = follow(item, part.path)
      return [found === undefined ? '' : textOfValue(found.value)]
    }
    case 'index':
      return index === undefined ? [part] : [String(index)]
    case 'items':
      return items ?? [part]
    case 'answers':
      return answers ?? [part]
    case 'node':
      return [part]
  }
}

function put(request: Fields, at: readonly (string | number)[], text: string): void {
  let holder = request as Record<string | number, unknown>
  for (const step of at.slice(0, -1)) holder = holder[step] as Record<string | number, unknown>
  holder[at.at(-1)!] = text
}

/** The request of a task whose needs are done: texts filled in, and what no text mentions put before the messages. */
export function render({ kind, request: bytes, parents, contextTokens }: RenderedNode): Uint8Array | Fault {
  const { request, fills } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Templated
  const texts = new Map(parents.map(({ node, text }) => [node, text]))
  const mentioned = new Set(fills.flatMap(({ parts }) => nodesIn(parts)))
  const before = parents.filter(({ node, text }) => !mentioned.has(node) && text !== '')
  const results: string[] = before.map(({ text }) => text)
  for (const part of fills.flatMap(({ parts }) => parts)) {
    if (typeof part === 'string') continue
    const text = resolvedText(part, texts)
    if (typeof text !== 'string') return text
    results.push(text)
  }
  const shares = sharesOf(results, roomFor(contextTokens))
  const cut = results.map((text, at) => cutText(text, shares[at]!))
  let next = before.length
  for (const { at, parts } of fills) {
    put(request, at, parts.map((part) => (typeof part === 'string' ? part : cut[next++])).join(''))
  }
  if (kind === 'chat') {
    const results = before.map(({ node }, at) => ({ role: 'user', content: `Result of "${node}":\n\n${cut[at]}` }))
    request.messages = [...results, ...(request.messages as unknown[])]
  }
  const finished = Buffer.from(JSON.stringify(request))
  if (finished.length <= bodyBytesMax) return finished
  return fault(
    'request_too_large',
    `The results that this task needs make its request larger than ${bodyBytesMax} bytes.`,
  )
}

function resolvedText(reference: Reference, texts: ReadonlyMap<string, string>): string | Fault {
  // A defect: everything else was bound before the task was made.
  if (reference.from !== 'node') throw new Error(`a task still refers to ${reference.from}`)
  const { node, path } = reference
  const text = texts.get(node) ?? ''
  if (path.length === 0 || text === '') return text
  const json = jsonIn(text)
  const found = json && follow(json.value, path)
  if (found !== undefined) return textOfValue(found.value)
  return fault(
    'invalid_request',
    `The result of "${node}" has no field "${path.join('.')}": let its schema require it.`,
  )
}

/** Characters of results that fit into one request. */
function roomFor(contextTokens: number): number {
  return contextTokens === 0 ? resultCharsMax : Math.floor(contextTokens * charsPerToken * (1 - answerShare))
}

/** How much of each text may stay so that together they fit: short ones stay whole, long ones share what is left. */
function sharesOf(texts: readonly string[], room: number): number[] {
  const shares = texts.map(() => 0)
  const byLength = [...texts.keys()].sort((a, b) => texts[a]!.length - texts[b]!.length)
  let left = room
  for (const [at, index] of byLength.entries()) {
    const share = Math.min(texts[index]!.length, Math.floor(left / (byLength.length - at)))
    shares[index] = share
    left -= share
  }
  return shares
}
