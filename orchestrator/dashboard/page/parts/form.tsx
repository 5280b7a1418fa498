/**
 * Fields of forms, a form that shows its refusal, and a button that is busy while it works.
 */
import type { ComponentChildren } from 'preact'
import { useAttempt } from '../state/attempt.ts'
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

interface SelectProps {
  name: string
  options: readonly (readonly [value: string, text: string])[]
  /** What is chosen at first; afterwards the reader's choice stays. */
  initial: string
}

/** `defaultValue`, as inputs have it, means nothing here. */
export function Select({ name, options, initial }: SelectProps) {
  return (
    <select class="input" name={name}>
      {options.map(([value, text]) => (
        <option value={value} key={value} selected={value === initial}>
          {text}
        </option>
      ))}
    </select>
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
  const { attempt, refusal, isBusy } = useAttempt()
  const send = (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    void attempt(() => onSubmit(fields))
  }
  return (
    <form class="stack" onSubmit={send}>
      {children}
      {refusal && <Refused refusal={refusal} />}
      <div class="actions">
        {onCancel && (
          <button type="button" class="button quiet" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" class={`button ${isDanger ? 'danger' : 'primary'}`} disabled={isBusy}>
          {isBusy ? 'One moment…' : submit}
        </button>
      </div>
    </form>
  )
}
