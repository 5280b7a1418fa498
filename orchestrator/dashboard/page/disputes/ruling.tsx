/**
 * What an administrator sees of a dispute that was appealed beyond what its sides see: the texts, when they are asked
 * for, and the form with which it is decided.
 */
import { useSignal } from '@preact/signals'
import type { RulingVerdict } from '../../../../shared/scouts/dispute-words.ts'
import { Field, Form, Select } from '../parts/form.tsx'
import { Refused } from '../parts/notice.tsx'
import { ask } from '../state/api.ts'
import { useAttempt } from '../state/attempt.ts'
import type { Dispute, DisputeTexts } from './dispute.ts'

const whyCharsMax = 500

const verdicts = [
  ['upheld', 'The answer does not hold'],
  ['rejected', 'The answer holds'],
] as const satisfies readonly (readonly [RulingVerdict, string])[]

export function Ruling({ of: { id, ruling_by }, onRuled }: { of: Dispute; onRuled: () => Promise<void> }) {
  const isDeciding = useSignal(false)
  const decide = async (fields: FormData) => {
    const body = { verdict: String(fields.get('verdict')), why: String(fields.get('why')).trim() }
    await ask<Dispute>(`/v1/admin/disputes/${encodeURIComponent(id)}/ruling`, { method: 'POST', body })
    await onRuled()
  }
  const show = (isShown: boolean) => () => {
    isDeciding.value = isShown
  }
  return (
    <>
      <Texts id={id} />
      {ruling_by !== null && !isDeciding.value && (
        <div class="row">
          <button type="button" class="button" onClick={show(true)}>
            Decide
          </button>
          <span class="faint small">The last word: both sides read it, and it is noted in the audit log.</span>
        </div>
      )}
      {ruling_by !== null && isDeciding.value && (
        <Form submit="Decide" onCancel={show(false)} onSubmit={decide}>
          <Field label="Verdict">
            <Select name="verdict" options={verdicts} initial="upheld" />
          </Field>
          <Field label="Why" hint={`Both sides read it; at most ${whyCharsMax} characters.`}>
            <textarea class="input" name="why" maxLength={whyCharsMax} required />
          </Field>
        </Form>
      )}
    </>
  )
}

/** Fetched when somebody asks, because the look is noted. */
function Texts({ id }: { id: string }) {
  const texts = useSignal<DisputeTexts | null | undefined>(undefined)
  const { attempt, refusal, isBusy } = useAttempt()
  const look = () =>
    attempt(async () => {
      const found = await ask<{ texts: DisputeTexts | null }>(`/v1/admin/disputes/${encodeURIComponent(id)}`)
      texts.value = found.texts
    })
  if (texts.value === undefined) {
    return (
      <div class="stack">
        {refusal && <Refused refusal={refusal} />}
        <div class="row">
          <button type="button" class="button quiet small" disabled={isBusy} onClick={() => void look()}>
            Read request and answers
          </button>
        </div>
      </div>
    )
  }
  if (texts.value === null) return <p class="soft">Its texts are kept no more.</p>
  const { request, answer, reruns } = texts.value
  return (
    <div class="stack">
      <Text name="Request" text={request} />
      <Text name="The answer" text={answer} />
      {reruns.map((text, at) => (
        <Text name={`Another scout's answer ${at + 1}`} text={text} key={at} />
      ))}
    </div>
  )
}

function Text({ name, text }: { name: string; text: string }) {
  return (
    <details>
      <summary>{name}</summary>
      <pre class="wrap">{text}</pre>
    </details>
  )
}
