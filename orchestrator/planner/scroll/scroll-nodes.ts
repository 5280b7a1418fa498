/**
 * Reads the nodes of a scroll: ids that differ, needs that name other nodes, every count within its limit. What comes
 * out is a graph whose parents exist; whether it has an order, and what each node asks for, is judged in `scroll.ts`.
 * A fault names the place as `scroll.nodes[3].needs[0]`, and its sentence the node and the limit.
 */
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import {
  nodeIdCharsMax,
  scrollEdgesMax,
  scrollNeedsMax,
  scrollNodeFieldsMax,
  scrollNodesMax,
} from '../../../shared/limits/planner.ts'

export interface ScrollNode {
  id: string
  /** Where it stands, as `scroll.nodes[3]`. */
  place: string
  /** Positions of the nodes it needs. */
  needs: number[]
  /** The node as it was sent. */
  fields: Fields
}

export type Fields = Record<string, unknown>

const idForm = new RegExp(`^[A-Za-z0-9_-]{1,${nodeIdCharsMax}}$`)

/** The nodes in the order in which they were sent, or the first thing that is wrong with one. */
export function readNodes(list: unknown): ScrollNode[] | Fault {
  if (!Array.isArray(list) || list.length === 0) {
    return flaw('scroll.nodes', `\`scroll.nodes\` must be a list of 1 to ${scrollNodesMax} nodes.`)
  }
  if (list.length > scrollNodesMax) {
    const text = `The scroll has ${list.length} nodes, and at most ${scrollNodesMax} are allowed`
    return flaw('scroll.nodes', `${text}: split it into several.`)
  }
  const positions = new Map<string, number>()
  const nodes: ScrollNode[] = []
  for (const [index, sent] of list.entries()) {
    const node = readNode(sent, `scroll.nodes[${index}]`, positions)
    if ('code' in node) return node
    positions.set(node.id, index)
    nodes.push(node)
  }
  return connect(nodes, positions) ?? nodes
}

/** Both may hold names that a client chose, so they are cut and cleaned. */
export function flaw(param: string, text: string): Fault {
  return fault('invalid_request', plainMessage(text), { param: plainMessage(param) })
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readNode(sent: unknown, place: string, positions: Map<string, number>): ScrollNode | Fault {
  if (!isFields(sent)) {
    return flaw(place, `\`${place}\` must be an object, as in {"id": "draft", "prompt": "Write a draft."}.`)
  }
  const { id } = sent
  if (typeof id !== 'string' || !idForm.test(id)) {
    const form = `1 to ${nodeIdCharsMax} letters, digits, underscores or hyphens`
    return flaw(`${place}.id`, `\`${place}.id\` must be a string of ${form}.`)
  }
  const namesake = positions.get(id)
  if (namesake !== undefined) {
    return flaw(
      `${place}.id`,
      `The id "${id}" is that of \`scroll.nodes[${namesake}]\` already: give each node its own.`,
    )
  }
  if (hasTooManyFields(sent)) {
    return flaw(place, `Node "${id}" has more than ${scrollNodeFieldsMax} fields: it cannot be a request.`)
  }
  return { id, place, needs: [], fields: sent }
}

function hasTooManyFields(fields: Fields): boolean {
  let count = 0
  // Only own keys exist on what JSON.parse makes, and for-in spares a copy of them.
  for (const _ in fields) if (++count > scrollNodeFieldsMax) return true
  return false
}

/** Fills in the needs of all nodes. */
function connect(nodes: readonly ScrollNode[], positions: ReadonlyMap<string, number>): Fault | null {
  let edges = 0
  for (const node of nodes) {
    const wrong = readNeeds(node, positions)
    if (wrong !== null) return wrong
    edges += node.needs.length
    if (edges <= scrollEdgesMax) continue
    const text = `With node "${node.id}" the scroll has more than ${scrollEdgesMax} needs in all: let nodes share some.`
    return flaw(`${node.place}.needs`, text)
  }
  return null
}

function readNeeds({ id, place, needs, fields }: ScrollNode, positions: ReadonlyMap<string, number>): Fault | null {
  const list = fields.needs ?? []
  const param = `${place}.needs`
  if (!Array.isArray(list)) {
    return flaw(param, `\`${param}\` must be a list of up to ${scrollNeedsMax} ids of other nodes.`)
  }
  if (list.length > scrollNeedsMax) {
    const text = `Node "${id}" needs ${list.length} others, and at most ${scrollNeedsMax} are allowed`
    return flaw(param, `${text}: let a node between gather some of them.`)
  }
  const seen = new Set<number>()
  for (const [index, name] of list.entries()) {
    const parent = typeof name === 'string' ? positions.get(name) : undefined
    const wrong = needFlaw(id, name, parent, seen)
    if (wrong !== null) return flaw(`${param}[${index}]`, wrong)
    seen.add(parent!)
    needs.push(parent!)
  }
  return null
}

function needFlaw(id: string, name: unknown, parent: number | undefined, seen: ReadonlySet<number>): string | null {
  if (name === id) return `Node "${id}" needs itself, so it could never start: remove that need.`
  if (parent === undefined) {
    // Only what has the form of an id is repeated: the rest could be anything.
    const shown = typeof name === 'string' && idForm.test(name) ? `"${name}"` : 'something that is no id'
    return `Node "${id}" needs ${shown}, and no node has that id: add the node, or remove the need.`
  }
  return seen.has(parent) ? `Node "${id}" needs "${name}" twice: name it once.` : null
}
