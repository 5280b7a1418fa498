/**
 * Request templates: a node's request with the places in it that references fill. Scrolls make them, `decide` binds
 * what it has (an item, the answers of a vote), and what only a result can fill stays with the task until its needs are
 * done; `render.ts` then fills it in. Values are inserted and never parsed as templates again.
 */
import { jsonChars } from '../../../shared/json/json-size.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { PlannedTask, Terms } from '../../engine/ports/planner.ts'
import { follow, nodesIn, type Part, referenceChars, textOfValue } from './references.ts'

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
export interface Templated {
  request: Fields
  fills: Fill[]
}

/** One item of a map, and the texts of its fields, each made once however often a template asks for it. */
export class Item {
  private readonly texts = new Map<string, string>()

  constructor(private readonly value: unknown) {}

  text(path: readonly string[]): string {
    const place = path.join('.')
    let text = this.texts.get(place)
    if (text === undefined) {
      // An item without the field leaves the place empty: lists made by models are seldom uniform.
      const found = follow(this.value, path)
      text = found === undefined ? '' : textOfValue(found.value)
      this.texts.set(place, text)
    }
    return text
  }
}

/** What `decide` has when it makes tasks of a template. */
export interface Binding {
  item?: Item
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
  const { fills } = template
  const request = copyFor(template.request, fills)
  const open: Fill[] = []
  for (const { at, parts } of fills) {
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

/** Characters that a template's request takes before anything is put into it. */
export function templateChars(template: RequestTemplate, most: number): number {
  return jsonChars(template.request, most)
}

/** Characters of what the task of this template holds in its fills; they are added up and not built. */
export function fillChars({ fills }: RequestTemplate, binding: Binding, most: number): number {
  let chars = 0
  for (const { parts } of fills) {
    for (const part of parts) {
      for (const bound of bind(part, binding)) {
        chars += typeof bound === 'string' ? bound.length : referenceChars(bound)
      }
      if (chars > most) return chars
    }
  }
  return chars
}

function bind(part: Part, { item, index, items, answers }: Binding): Part[] {
  if (typeof part === 'string') return [part]
  switch (part.from) {
    case 'item':
      return item === undefined ? [part] : [item.text(part.path)]
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

/** A copy to write the fills into: of what lies on the way to them, the rest is shared. */
function copyFor(request: Fields, fills: readonly Fill[]): Fields {
  if (fills.length === 0) return request
  const copied = new Set<unknown>()
  const copy = (value: unknown): unknown => {
    if (copied.has(value)) return value
    const fresh = Array.isArray(value) ? [...value] : { ...(value as Fields) }
    copied.add(fresh)
    return fresh
  }
  const root = copy(request) as Fields
  for (const { at } of fills) {
    let holder = root as Record<string | number, unknown>
    for (const step of at.slice(0, -1)) {
      holder[step] = copy(holder[step])
      holder = holder[step] as typeof holder
    }
  }
  return root
}

export function put(request: Fields, at: readonly (string | number)[], text: string): void {
  let holder = request as Record<string | number, unknown>
  for (const step of at.slice(0, -1)) holder = holder[step] as Record<string | number, unknown>
  holder[at.at(-1)!] = text
}
