/**
 * The graph of a plan: in which order its nodes can run and how deep it is, or why it has no order. Nodes are numbers
 * here, and so are their parents. Every step is linear in nodes and edges, for any graph.
 */

export interface Order {
  /** Every node, parents before children. */
  order: number[]
  /** Per node: how many nodes the longest chain that ends in it has. */
  depths: number[]
}

/** The order of nodes whose parents are `parents[node]`, or the nodes of one cycle, each of which needs the next. */
export function orderOf(parents: readonly (readonly number[])[]): Order | { cycle: number[] } {
  const children: number[][] = parents.map(() => [])
  const waitsFor = parents.map((needed) => needed.length)
  for (const [node, needed] of parents.entries()) for (const parent of needed) children[parent]!.push(node)
  const depths = parents.map(() => 1)
  const order = [...parents.keys()].filter((node) => waitsFor[node] === 0)
  // Appended to while it is walked: each node is appended once, when its last parent has been passed.
  for (const node of order) {
    for (const child of children[node]!) {
      depths[child] = Math.max(depths[child]!, depths[node]! + 1)
      waitsFor[child]!--
      if (waitsFor[child] === 0) order.push(child)
    }
  }
  if (order.length === parents.length) return { order, depths }
  return { cycle: cycleAmong(waitsFor, parents) }
}

/** Nodes without children, in ascending order. */
export function sinksOf(parents: readonly (readonly number[])[]): number[] {
  const needed = new Set(parents.flat())
  return [...parents.keys()].filter((node) => !needed.has(node))
}

/** Every node that still waits has a parent that does, so a walk along those must come back to where it has been. */
function cycleAmong(waitsFor: readonly number[], parents: readonly (readonly number[])[]): number[] {
  const walk: number[] = []
  const placeOf = new Map<number, number>()
  for (let node = waitsFor.findIndex((count) => count > 0); ; ) {
    const place = placeOf.get(node)
    if (place !== undefined) return walk.slice(place)
    placeOf.set(node, walk.length)
    walk.push(node)
    node = parents[node]!.find((parent) => waitsFor[parent]! > 0)!
  }
}
