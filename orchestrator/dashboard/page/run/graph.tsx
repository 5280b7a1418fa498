/**
 * The run as a graph: one box for a node or for siblings, reachable by keyboard, in the colours of their states.
 */
import { useMemo } from 'preact/hooks'
import { type Box, countsText, stateOf } from './groups.ts'
import { boxHeight, boxWidth, type Layout, layOut } from './layout.ts'
import type { RunNode } from './run-state.ts'

interface GraphProps {
  /** Others when the shape has changed; states alone move nothing. */
  boxes: Box[]
  chosen: string | null
  onChoose: (node: string) => void
}

export function RunGraph({ boxes, chosen, onChoose }: GraphProps) {
  const known = useMemo(() => layOut(boxes), [boxes])
  const { width, height } = known
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a large graph is scrolled by keyboard as well
    <section class="graph-box" tabIndex={0} aria-label="Graph of the run">
      {/* biome-ignore lint/a11y/useSemanticElements: SVG has no fieldset */}
      <svg
        class="graph"
        role="group"
        aria-label="Nodes of the run and what they wait for"
        // Made smaller where there is little room, but not until nothing can be read.
        style={{ minWidth: `${Math.round(width * smallest)}px` }}
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
      >
        <Edges of={known} boxes={boxes} />
        {boxes.map((box) => (
          <NodeBox
            key={box.id}
            box={box}
            place={known.places.get(box.id) ?? { x: 0, y: 0 }}
            isChosen={box.nodes.some(({ node }) => node === chosen)}
            onChoose={() => onChoose(box.id)}
          />
        ))}
      </svg>
    </section>
  )
}

function Edges({ of, boxes }: { of: Layout; boxes: Box[] }) {
  const done = new Set(boxes.filter((box) => stateOf(box) === 'done').map(({ id }) => id))
  return (
    <g>
      {of.edges.map((edge) => (
        <path
          key={`${edge.from} ${edge.to}`}
          class={`edge ${done.has(edge.from) ? 'done' : ''}`}
          d={curve(edge, of.places)}
        />
      ))}
    </g>
  )
}

interface Point {
  x: number
  y: number
}

/** From the middle of the box above to the middle of the one below, by way of the bends around others. */
function curve({ from, to, points }: Layout['edges'][number], places: Layout['places']): string {
  const above = places.get(from)!
  const below = places.get(to)!
  const bends: Point[] = points.length > 3 ? points.slice(1, -1) : []
  const first = { x: above.x + boxWidth / 2, y: above.y + boxHeight }
  let d = `M${first.x} ${first.y}`
  let last = first
  for (const point of [...bends, { x: below.x + boxWidth / 2, y: below.y }]) {
    const middle = (last.y + point.y) / 2
    d += `C${last.x} ${middle} ${point.x} ${middle} ${point.x} ${point.y}`
    last = point
  }
  return d
}

interface NodeBoxProps {
  box: Box
  place: { x: number; y: number }
  isChosen: boolean
  onChoose: () => void
}

const nameChars = 21
const smallest = 0.75

function NodeBox({ box, place, isChosen, onChoose }: NodeBoxProps) {
  const state = stateOf(box)
  const first = box.nodes[0]!
  const isMany = box.nodes.length > 1
  const title = isMany ? `${first.node} ×${box.nodes.length}` : first.node
  const detail = isMany ? countsText(box) : detailOf(first)
  // What is read out begins with what is seen, and has all of it.
  const seen = `${cut(title)} ${cut(detail)}`
  const whole = `${title} ${detail}`
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    onChoose()
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button
    <g
      class={`node ${state} ${isChosen ? 'chosen' : ''}`}
      transform={`translate(${place.x} ${place.y})`}
      role="button"
      // In SVG the names of attributes have a case, and only this one takes the focus.
      tabindex={0}
      aria-pressed={isChosen}
      aria-label={`${seen}: ${state}${whole === seen ? '' : `, ${whole}`}`}
      onClick={onChoose}
      onKeyDown={press}
    >
      <rect width={boxWidth} height={boxHeight} rx="9" />
      <circle cx="17" cy="20" r="4" />
      <text x="30" y="24.5">
        {cut(title)}
      </text>{' '}
      <text class="sub" x="30" y="41.5">
        {cut(detail)}
      </text>
    </g>
  )
}

function detailOf({ scout, model, state, problem }: RunNode): string {
  if (state === 'failed' && problem !== null) return problem
  if (scout !== '') return scout
  return state === 'waiting' ? model : state
}

function cut(text: string): string {
  return text.length > nameChars ? `${text.slice(0, nameChars - 1)}…` : text
}
