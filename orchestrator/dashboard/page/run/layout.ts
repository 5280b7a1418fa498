/**
 * Where the boxes of a run stand and how its edges go: dagre's layered layout, done only when the shape changes.
 */
import { Graph, layout } from '@dagrejs/dagre'
import type { Box } from './groups.ts'

export const boxWidth = 188
export const boxHeight = 54

export interface Layout {
  width: number
  height: number
  /** The left upper corner of each box. */
  places: Map<string, { x: number; y: number }>
  edges: { from: string; to: string; points: { x: number; y: number }[] }[]
}

const margin = 12

export function layOut(boxes: readonly Box[]): Layout {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: 28, ranksep: 44, marginx: margin, marginy: margin })
  graph.setDefaultEdgeLabel(() => ({}))
  // Dagre puts what comes last to the left.
  const reversed = [...boxes].reverse()
  for (const { id } of reversed) graph.setNode(id, { width: boxWidth, height: boxHeight })
  for (const { id, needs } of reversed) for (const need of needs) graph.setEdge(need, id)
  layout(graph)
  const places = new Map<string, { x: number; y: number }>()
  for (const { id } of boxes) {
    const { x, y } = graph.node(id) as { x: number; y: number }
    places.set(id, { x: x - boxWidth / 2, y: y - boxHeight / 2 })
  }
  const edges = graph.edges().map((edge) => {
    const { points } = graph.edge(edge) as { points: { x: number; y: number }[] }
    return { from: edge.v, to: edge.w, points }
  })
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    width: Math.max(width, boxWidth + 2 * margin),
    height: Math.max(height, boxHeight + 2 * margin),
    places,
    edges,
  }
}
