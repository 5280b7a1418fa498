/**
 * All that is known of one node of a run: times, attempts, who served, the answer as it streams, the request, a retry.
 */
import { useSignal } from '@preact/signals'
import { DisputeButton } from '../disputes/dispute-button.tsx'
import { Code } from '../parts/code.tsx'
import { Refused } from '../parts/notice.tsx'
import { Facts, type Level, Panel, Pill } from '../parts/panel.tsx'
import { ask } from '../state/api.ts'
import { useAttempt } from '../state/attempt.ts'
import { count, dollars, milliseconds } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { AnswerText } from './answer-text.tsx'
import type { NodeState, RunNode } from './run-state.ts'

interface NodePanelProps {
  intent: string
  node: RunNode
  nowMs: number
  /** The run is over, so that a failed node may be tried again. */
  canRetry: boolean
  onRetried: () => void
}

/** Of nodes, and of intents, whose states are some of theirs. */
export const nodeLevels: Readonly<Record<string, Level>> = {
  waiting: '',
  running: 'accent',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
  skipped: '',
}

export function NodePanel({ intent, node, nowMs, canRetry, onRetried }: NodePanelProps) {
  const { state, beganMs, endedMs, readyMs, problem } = node
  const path = `/v1/intents/${encodeURIComponent(intent)}/nodes/${encodeURIComponent(node.node)}`
  const facts: [string, string][] = [
    ['Model', node.model],
    ...(node.scout === '' ? [] : ([['Served by', node.scout]] as [string, string][])),
    ['Attempts', count(node.attempts)],
    ['Waited', milliseconds((beganMs ?? endedMs ?? nowMs) - readyMs)],
    ...(beganMs === null ? [] : ([['Took', milliseconds((endedMs ?? nowMs) - beganMs)]] as [string, string][])),
    ['Tokens', `${count(node.promptTokens)} read, ${count(node.completionTokens)} written`],
    ...(node.microDollars === null ? [] : ([['Cost', dollars(node.microDollars)]] as [string, string][])),
    ...(node.needs.length === 0 ? [] : ([['Needs', node.needs.join(', ')]] as [string, string][])),
  ]
  return (
    <Panel title={node.node} actions={<Pill level={nodeLevels[state]!}>{state}</Pill>}>
      <Facts of={facts} />
      {problem !== null && <p class="notice bad">{problem}</p>}
      {canRetry && (state === 'failed' || state === 'cancelled') && (
        <Retry path={`${path}/retry`} onRetried={onRetried} />
      )}
      <Answer path={path} state={state} streamed={node.text} />
      {isDisputable(node) && (
        <div>
          <DisputeButton key={node.node} of={{ intent, node: node.node }} />
        </div>
      )}
    </Panel>
  )
}

/** Of an answer whose request was made from results of others nobody else could make the same again. */
function isDisputable({ state, scout, needs }: RunNode): boolean {
  return state === 'done' && scout !== '' && needs.length === 0
}

interface NodeResult {
  result: { choices?: { message?: { content?: string | null } }[] } | null
}

/** Takes values and not the node, which changes in place: a part that reads signals is not drawn again for the same. */
function Answer({ path, state, streamed }: { path: string; state: NodeState; streamed: string }) {
  // What streamed is shown at once; the whole comes when it is done.
  const fetched = useResource<NodeResult>(state === 'done' ? path : null)
  const { data, refusal } = fetched
  const whole =
    data?.result?.choices?.[0]?.message?.content ?? (data?.result ? JSON.stringify(data.result, null, 2) : null)
  const text = whole ?? streamed
  return (
    <>
      {refusal && <Refused refusal={refusal} />}
      {text !== '' && <AnswerText text={text} />}
      {text === '' && state === 'running' && <p class="soft">No word yet.</p>}
      <RequestText path={`${path}/request`} />
    </>
  )
}

/** Fetched only when somebody opens it. */
function RequestText({ path }: { path: string }) {
  const isOpen = useSignal(false)
  const { data, refusal } = useResource<object>(isOpen.value ? path : null)
  return (
    <details
      onToggle={({ currentTarget }) => {
        isOpen.value = (currentTarget as HTMLDetailsElement).open
      }}
    >
      <summary>Request</summary>
      {refusal && <Refused refusal={refusal} />}
      {data !== null && <Code text={JSON.stringify(data, null, 2)} label="the request" />}
    </details>
  )
}

function Retry({ path, onRetried }: { path: string; onRetried: () => void }) {
  const { attempt, refusal, isBusy } = useAttempt()
  const retry = () =>
    attempt(async () => {
      await ask(path, { method: 'POST' })
      onRetried()
    })
  return (
    <>
      {refusal && <Refused refusal={refusal} />}
      <div>
        <button type="button" class="button" disabled={isBusy} onClick={() => void retry()}>
          Try again
        </button>
      </div>
    </>
  )
}
