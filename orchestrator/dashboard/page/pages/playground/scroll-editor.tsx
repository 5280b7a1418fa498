/**
 * An editor for scrolls: plan it to see what it would take, run it to see it run.
 */
import { useSignal } from '@preact/signals'
import { Code } from '../../parts/code.tsx'
import { Notice, Refused } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { ask, Refusal } from '../../state/api.ts'
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
  const refusal = useSignal<Refusal | null>(null)
  const showsCode = useSignal(false)
  /** Reads what is written and does something with it; what goes wrong is shown. */
  const attempt = async (work: (body: { scroll: unknown }) => Promise<void>) => {
    refusal.value = null
    plan.value = null
    try {
      await work({ scroll: JSON.parse(text.value) })
    } catch (error) {
      refusal.value =
        error instanceof Refusal
          ? error
          : new Refusal(0, 'json', `This is not JSON: ${String((error as Error).message)}`, null)
    }
  }
  const planIt = () =>
    attempt(async (body) => {
      plan.value = await ask<Plan>('/v1/intents/plan', { method: 'POST', body })
    })
  const runIt = () =>
    attempt(async (body) => {
      const { id } = await ask<{ id: string }>('/v1/intents', { method: 'POST', body })
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
          <button type="button" class="button" onClick={() => void planIt()}>
            Plan
          </button>
          <button type="button" class="button primary" onClick={() => void runIt()}>
            Run
          </button>
        </div>
      </div>
      {showsCode.value && <Code text={codeOf(text.value)} label="the request" />}
      {refusal.value && <Refused refusal={refusal.value} />}
      {plan.value && <Expected of={plan.value} />}
    </Panel>
  )
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
