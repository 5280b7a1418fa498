/**
 * An editor for scrolls: plan it to see what it would take, run it to see it run.
 */
import { useSignal } from '@preact/signals'
import { Code } from '../../parts/code.tsx'
import { Notice, Refused } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { ask, Refusal } from '../../state/api.ts'
import { useAttempt } from '../../state/attempt.ts'
import { count, dollars, milliseconds, plural } from '../../state/format.ts'
import { go } from '../../state/router.ts'
import { curlOf } from '../snippets.ts'

const example = `{
  "nodes": [
    {"id": "for", "prompt": "What speaks for remote work?"},
    {"id": "against", "prompt": "What speaks against it?"},
    {"id": "verdict", "needs": ["for", "against"],
     "prompt": "Weigh both and decide."}
  ]
}`

interface Plan {
  nodes: unknown[]
  expected: { tasks: number; usage: { total_tokens: number }; dollars: number | null; duration_ms: number | null }
}

export function ScrollEditor() {
  const text = useSignal(example)
  const plan = useSignal<Plan | null>(null)
  const showsCode = useSignal(false)
  const { attempt, refusal, isBusy } = useAttempt()
  const planIt = () =>
    attempt(async () => {
      plan.value = null
      plan.value = await ask<Plan>('/v1/intents/plan', { method: 'POST', body: scrollIn(text.value) })
    })
  const runIt = () =>
    attempt(async () => {
      const { id } = await ask<{ id: string }>('/v1/intents', { method: 'POST', body: scrollIn(text.value) })
      go(`intents/${id}`)
    })
  return (
    <Panel>
      <textarea
        class="input mono"
        aria-label="Scroll"
        rows={14}
        spellcheck={false}
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value
        }}
      />
      <div class="row spread">
        <button
          type="button"
          class="button small"
          aria-pressed={showsCode.value}
          onClick={() => {
            showsCode.value = !showsCode.value
          }}
        >
          Show as code
        </button>
        <div class="actions">
          <button type="button" class="button" disabled={isBusy} onClick={() => void planIt()}>
            Plan
          </button>
          <button type="button" class="button primary" disabled={isBusy} onClick={() => void runIt()}>
            Run
          </button>
        </div>
      </div>
      {showsCode.value && <Code text={codeOf(text.value)} label="the request" />}
      {refusal && <Refused refusal={refusal} />}
      {plan.value && <Expected of={plan.value} />}
    </Panel>
  )
}

/** What is written, as the body of a request. Throws a refusal. */
function scrollIn(text: string): { scroll: unknown } {
  try {
    return { scroll: JSON.parse(text) }
  } catch (error) {
    throw new Refusal(0, `This is not JSON: ${(error as Error).message}`)
  }
}

function Expected({ of: { expected } }: { of: Plan }) {
  const { tasks, usage, dollars: cost, duration_ms: ms } = expected
  const parts = [
    plural(tasks, 'task'),
    `about ${count(usage.total_tokens)} tokens`,
    ...(cost === null ? [] : [dollars(cost * 1_000_000)]),
    ...(ms === null ? [] : [milliseconds(ms)]),
  ]
  return <Notice level="good">The plan holds: {parts.join(', ')}.</Notice>
}

function codeOf(scroll: string): string {
  return curlOf(`${location.origin}/v1/intents`, '$CHASM_KEY', `{"scroll": ${scroll}}`)
}
