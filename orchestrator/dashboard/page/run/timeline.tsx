/**
 * The run over time: for each node how long it waited and worked, on one axis; also the list for very large runs.
 */
import { milliseconds } from '../state/format.ts'
import type { RunNode } from './run-state.ts'

interface TimelineProps {
  nodes: RunNode[]
  startedMs: number
  nowMs: number
  chosen: string | null
  onChoose: (node: string) => void
}

/** Rows at once; the rest is behind a filter by state. */
const rowsMax = 1_200

export function Timeline({ nodes, startedMs, nowMs, chosen, onChoose }: TimelineProps) {
  const endMs = Math.max(
    startedMs + 1,
    ...nodes.map(({ endedMs, beganMs }) => endedMs ?? (beganMs === null ? 0 : nowMs)),
  )
  const share = (ms: number) => `${Math.min(100, Math.max(0, ((ms - startedMs) / (endMs - startedMs)) * 100))}%`
  const span = (from: number, to: number) => {
    const width = ((Math.max(to, from) - from) / (endMs - startedMs)) * 100
    return { x: share(from), width: `${Math.max(0.4, Math.min(100, width))}%` }
  }
  return (
    <div class="timeline">
      {nodes.slice(0, rowsMax).map((node) => {
        const { beganMs, endedMs, readyMs, state } = node
        return (
          <button type="button" key={node.node} aria-pressed={node.node === chosen} onClick={() => onChoose(node.node)}>
            <span class="row">
              <span class={`dot ${dots[state]}`} />
              <span class="name">{node.node}</span>
              <span class="hidden-text">{state}</span>
            </span>
            <svg class="track" aria-hidden="true">
              {beganMs !== null && <rect class="wait" y="4" height="2" {...span(readyMs, beganMs)} />}
              {beganMs !== null && (
                <rect class={`work ${state}`} height="10" rx="3" {...span(beganMs, endedMs ?? nowMs)} />
              )}
            </svg>
            <span class="number faint small">{beganMs === null ? '' : milliseconds((endedMs ?? nowMs) - beganMs)}</span>
          </button>
        )
      })}
    </div>
  )
}

const dots: Record<RunNode['state'], string> = {
  waiting: '',
  running: 'busy',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
  skipped: '',
}
