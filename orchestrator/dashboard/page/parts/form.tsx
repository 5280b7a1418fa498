/**
 * Fields of forms, a form that shows its refusal, and a button that is busy while it works.
 */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { Refusal } from '../state/api.ts'
import { Refused } from './notice.tsx'

interface FieldProps {
  label: string
  hint?: string
  children: ComponentChildren
}

export function Field({ label, hint, children }: FieldProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the field's child
    <label class="field">
      <span>{label}</span>
      {children}
      {hint !== undefined && <small>{hint}</small>}
    </label>
  )
}

interface FormProps {
  submit: string
  isDanger?: boolean
  /** Throws a refusal, which is shown. */
  onSubmit: (fields: FormData) => Promise<unknown>
  onCancel?: () => void
  children: ComponentChildren
}

export function Form({ submit, isDanger, onSubmit, onCancel, children }: FormProps) {
  const refusal = useSignal<Refusal | null>(null)
  const isBusy = useSignal(false)
  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    if (isBusy.value) return
    isBusy.value = true
    refusal.value = null
    try {
      await onSubmit(new FormData(event.currentTarget as HTMLFormElement))
    } catch (error) {
      refusal.value = error instanceof Refusal ? error : new Refusal(0, 'unknown', (error as Error).message, null)
    }
    isBusy.value = false
  }
  return (
    <form class="stack" onSubmit={(event) => void send(event)}>
      {children}
      {refusal.value && <Refused refusal={refusal.value} />}
      <div class="actions">
        {onCancel && (
          <button type="button" class="button quiet" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" class={`button ${isDanger ? 'danger' : 'primary'}`} disabled={isBusy.value}>
          {isBusy.value ? 'One moment…' : submit}
        </button>
      </div>
    </form>
  )
}
