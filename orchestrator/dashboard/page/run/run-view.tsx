/**
 * One intent as it runs: how far it is, its graph or its timeline, and the node that was chosen.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { Choices } from '../parts/choices.tsx'
import { Pending, Refused } from '../parts/notice.tsx'
import { Page, Panel, Pill } from '../parts/panel.tsx'
import { ask } from '../state/api.ts'
import { useAttempt } from '../state/attempt.ts'
import { count, dollars, milliseconds, plural } from '../state/format.ts'
import { linkTo } from '../state/router.ts'
import { useRun } from './follow.ts'
import { RunGraph } from './graph.tsx'
import { boxesOf } from './groups.ts'
import { NodePanel, nodeLevels } from './node-panel.tsx'
import type { RunNode, RunState } from './run-state.ts'
import { Timeline } from './timeline.tsx'

const views = [
  ['graph', 'Graph'],
  ['timeline', 'Timeline'],
] as const

const tickMs = 500
/** Here a list says more than a picture that has to be scrolled. */
const narrow = '(max-width: 720px)'

export function RunPage({ id }: { id: string }) {
  const { run, refusal, followAgain } = useRun(id)
  const nowMs = useClock(run.endState === null)
  return (
    <Page
      title="Run"
      about={
        <>
          <a href={linkTo('intents')}>All intents</a> <code class="faint">{id}</code>
        </>
      }
      actions={run.endState === null && run.nodes.size > 0 && <CancelButton id={id} />}
    >
      {refusal && <Refused refusal={refusal} />}
      {run.nodes.size === 0 && refusal === null && <Pending lines={5} />}
      {run.nodes.size > 0 && <Body id={id} run={run} nowMs={nowMs} followAgain={followAgain} />}
    </Page>
  )
}

/** The time, moving while something runs. */
function useClock(isRunning: boolean): number {
  const now = useSignal(Date.now())
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(() => {
      now.value = Date.now()
    }, tickMs)
    return () => clearInterval(timer)
  }, [isRunning, now])
  return now.value
}

function CancelButton({ id }: { id: string }) {
  const { attempt, refusal, isBusy } = useAttempt()
  const cancel = () => attempt(() => ask(`/v1/intents/${encodeURIComponent(id)}`, { method: 'DELETE' }))
  return (
    <>
      {refusal && <Refused refusal={refusal} />}
      <button type="button" class="button danger" disabled={isBusy} onClick={() => void cancel()}>
        Cancel the run
      </button>
    </>
  )
}

interface BodyProps {
  id: string
  run: RunState
  nowMs: number
  followAgain: () => void
}

/** Reads no signals: a part that does is not drawn again for the same run, which changes in place. */
function Body({ id, run, nowMs, followAgain }: BodyProps) {
  const [view, setView] = useState<'graph' | 'timeline'>(matchMedia(narrow).matches ? 'timeline' : 'graph')
  const [chosen, setChosen] = useState<string | null>(null)
  const boxes = useMemo(() => boxesOf(run.nodes), [run, run.shape])
  const nodes = [...run.nodes.values()]
  const node = run.nodes.get(chosen ?? '') ?? firstShown(run.endState, nodes)
  const family = boxes?.find((box) => box.nodes.some((one) => one.node === node.node))?.nodes ?? [node]
  const showsGraph = view === 'graph' && boxes !== null
  const timeline = (of: typeof nodes) => (
    <Timeline nodes={of} startedMs={run.startedMs ?? nowMs} nowMs={nowMs} chosen={node.node} onChoose={setChosen} />
  )
  return (
    <>
      <Progress run={run} nowMs={nowMs} />
      <div class="run">
        <div class="stack">
          <Panel
            title={showsGraph ? 'Graph' : 'Timeline'}
            isFlush
            actions={
              boxes === null ? (
                <span class="faint small">too many nodes for a graph</span>
              ) : (
                <Choices label="View" options={views} value={view} onChoose={setView} />
              )
            }
          >
            {showsGraph ? <RunGraph boxes={boxes} chosen={node.node} onChoose={setChosen} /> : timeline(nodes)}
          </Panel>
          {showsGraph && family.length > 1 && (
            <Panel title={`${family[0]!.node} and ${family.length - 1} like it`} isFlush>
              {timeline(family)}
            </Panel>
          )}
        </div>
        <NodePanel
          key={node.node}
          intent={id}
          node={node}
          nowMs={nowMs}
          canRetry={run.endState !== null}
          onRetried={followAgain}
        />
      </div>
    </>
  )
}

/** What whoever opens the run wants to see: where it failed, else how it ends. */
function firstShown(endState: string | null, nodes: readonly RunNode[]): RunNode {
  const failed = endState === 'failed' ? nodes.find(({ state }) => state === 'failed') : undefined
  return failed ?? nodes.at(-1)!
}

function Progress({ run, nowMs }: { run: RunState; nowMs: number }) {
  const nodes = [...run.nodes.values()]
  const over = nodes.filter(({ endedMs }) => endedMs !== null).length
  const tokens = nodes.reduce((sum, node) => sum + node.promptTokens + node.completionTokens, 0)
  const cost = nodes.reduce((sum, { microDollars }) => sum + (microDollars ?? 0), 0)
  const took = milliseconds((run.endedMs ?? nowMs) - (run.startedMs ?? nowMs))
  return (
    <div class="stack">
      <div class="row" role="status">
        <Pill level={nodeLevels[run.endState ?? 'running'] ?? 'accent'}>{run.endState ?? 'running'}</Pill>
        <span class="number soft">
          {over} of {plural(nodes.length, 'node')}, {count(tokens)} tokens, {cost > 0 && `${dollars(cost)}, `}
          {took}
        </span>
      </div>
      <svg class={`bar ${run.endState === 'failed' ? 'bad' : ''}`} aria-hidden="true">
        <rect class="filled" height="6" width={`${(over / Math.max(1, nodes.length)) * 100}%`} />
      </svg>
      {run.problem !== null && <p class="notice bad">{run.problem}</p>}
    </div>
  )
}
