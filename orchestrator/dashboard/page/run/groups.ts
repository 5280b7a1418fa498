/**
 * What the graph shows as one box: a node, or siblings that need the same, joined by the same node, and are many. Pure;
 * so that a run of a thousand nodes stays a picture of at most `boxesMax` boxes, or becomes a list.
 */
import type { NodeState, RunNode } from './run-state.ts'

export interface Box {
  id: string
  /** One for a node; more for siblings. */
  nodes: RunNode[]
  /** Boxes that this one waits for. */
  needs: string[]
}

/** From so many siblings on they are one box. */
const siblingsFrom = 4
/** Beyond this a graph says less than a list. */
export const boxesMax = 60

/** Null when even collapsed there are too many. */
export function boxesOf(nodes: ReadonlyMap<string, RunNode>): Box[] | null {
  const families = new Map<string, RunNode[]>()
  for (const node of nodes.values()) {
    const key = JSON.stringify([node.parent, [...node.needs].sort()])
    const family = families.get(key)
    if (family === undefined) families.set(key, [node])
    else family.push(node)
  }
  const boxes: Box[] = []
  const boxOf = new Map<string, string>()
  for (const family of families.values()) {
    for (const members of family.length >= siblingsFrom ? [family] : family.map((node) => [node])) {
      const box = { id: members[0]!.node, nodes: members, needs: [] }
      boxes.push(box)
      for (const { node } of members) boxOf.set(node, box.id)
    }
    if (boxes.length > boxesMax) return null
  }
  for (const box of boxes) box.needs = needsOf(box, boxOf)
  return boxes
}

function needsOf({ id, nodes }: Box, boxOf: ReadonlyMap<string, string>): string[] {
  const first = nodes[0]!
  const waits = first.needs.length > 0 || first.parent === null ? nodes.flatMap(({ needs }) => needs) : [first.parent]
  const needed = new Set(waits.flatMap((need) => boxOf.get(need) ?? []))
  needed.delete(id)
  return [...needed]
}

/** How the members of a box stand together: what is worst or busiest of them. */
export function stateOf({ nodes }: Box): NodeState {
  const states = new Set(nodes.map(({ state }) => state))
  for (const state of ['running', 'failed', 'waiting', 'cancelled', 'skipped'] as const)
    if (states.has(state)) return state
  return 'done'
}

/** `3 of 64 done, 2 failed`. */
export function countsText({ nodes }: Box): string {
  const number = (state: NodeState) => nodes.filter((node) => node.state === state).length
  const failed = number('failed')
  const rest = failed > 0 ? `, ${failed} failed` : ''
  return `${number('done')} of ${nodes.length} done${rest}`
}
