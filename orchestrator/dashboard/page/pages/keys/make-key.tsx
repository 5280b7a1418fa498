/**
 * The dialogs of keys: making one, seeing its text once, and confirming what cannot be undone.
 */
import { useSignal } from '@preact/signals'
import { Code } from '../../parts/code.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Form } from '../../parts/form.tsx'
import { plural } from '../../state/format.ts'
import { isAdmin, session } from '../../state/session.ts'
import { type Key, makeKey, type NewKey, termsOf } from './key-terms.ts'

interface MakeKeyProps {
  role: string
  onMade: (made: NewKey) => void
  onClose: () => void
}

export function MakeKeyDialog({ role, onMade, onClose }: MakeKeyProps) {
  const chosen = useSignal(role)
  const signs = session.value?.mints === 'signature'
  return (
    <Dialog title="Make a key" onClose={onClose}>
      <Form
        submit={signs ? 'Sign and make it' : 'Make the key'}
        onCancel={onClose}
        onSubmit={async (fields) => onMade(await makeKey(termsOf(fields)))}
      >
        <Field label="For">
          <select
            class="input"
            name="role"
            value={chosen.value}
            onChange={({ currentTarget }) => {
              chosen.value = currentTarget.value
            }}
          >
            <option value="client">an app that asks</option>
            <option value="scout">a scout that answers</option>
            {isAdmin.value && <option value="admin">administration</option>}
          </select>
        </Field>
        <Field label="Name" hint="So that you find it again: the app, or the machine.">
          <input class="input" name="name" required maxLength={100} autocomplete="off" />
        </Field>
        <details>
          <summary>Limits</summary>
          <div class="stack">{chosen.value === 'scout' ? <ScoutLimits /> : <ClientLimits />}</div>
        </details>
        {signs && <p class="soft small">Your wallet shows what you sign. It costs nothing.</p>}
      </Form>
    </Dialog>
  )
}

function ClientLimits() {
  return (
    <>
      <Field label="Budget">
        <span class="row">
          <input class="input compact" name="budget" type="number" min="0" step="any" aria-label="Amount" />
          <select class="input compact" name="budget-of" aria-label="Unit and period">
            <option value="usd day">dollars a day</option>
            <option value="usd week">dollars a week</option>
            <option value="usd month">dollars a month</option>
            <option value="tokens day">tokens a day</option>
            <option value="tokens week">tokens a week</option>
            <option value="tokens month">tokens a month</option>
          </select>
        </span>
      </Field>
      <Field label="Requests a minute">
        <input class="input" name="requests" type="number" min="1" step="1" />
      </Field>
      <Field label="Models" hint="Names with commas between; a * at the end stands for the rest. Empty: all.">
        <input class="input" name="models" autocomplete="off" />
      </Field>
      <label class="row">
        <input type="checkbox" name="unshown" />
        <span>Show its requests to no scout but those that answer them: none is asked again to check an answer.</span>
      </label>
      <Expiry />
    </>
  )
}

function ScoutLimits() {
  return (
    <>
      <Field label="Names" hint="Which names its scouts may have; a * at the end stands for the rest. Empty: any.">
        <input class="input" name="scouts" autocomplete="off" />
      </Field>
      <Expiry />
    </>
  )
}

function Expiry() {
  return (
    <Field label="Expires after so many days" hint="Empty: never.">
      <input class="input" name="days" type="number" min="1" max="3650" step="1" />
    </Field>
  )
}

export function ShownKeyDialog({ made, onSaved }: { made: NewKey; onSaved: () => void }) {
  return (
    <Dialog title="Save the key now">
      <p class="soft">
        It is shown this once. Whoever has it can use it: put it where only your app or scout reads it.
      </p>
      <Code text={made.key} label="the key" wraps />
      <div class="actions">
        <button type="button" class="button primary" onClick={onSaved}>
          I saved it
        </button>
      </div>
    </Dialog>
  )
}

interface ConfirmProps {
  of: Key
  /** What is about to happen to it. */
  what: 'regenerate' | 'revoke'
  onConfirm: () => Promise<unknown>
  onClose: () => void
}

const confirmations = {
  regenerate: [
    'Regenerate this key?',
    'The old secret stops working at once; name, limits and what was used stay.',
    'Regenerate',
  ],
  revoke: ['Revoke this key?', 'It stops working at once and for good.', 'Revoke'],
} as const

export function ConfirmDialog({ of, what, onConfirm, onClose }: ConfirmProps) {
  const [title, consequence, button] = confirmations[what]
  const drops = dropsText(of)
  return (
    <Confirm title={title} button={button} onConfirm={onConfirm} onClose={onClose}>
      <p>
        <strong class="name">{of.name}</strong>: {consequence}
      </p>
      {drops !== '' && <p class="soft">{drops}</p>}
    </Confirm>
  )
}

function dropsText({ open }: Key): string {
  if (open === undefined || open.scouts + open.streams === 0) return ''
  const what = [
    ...(open.scouts > 0 ? [plural(open.scouts, 'scout')] : []),
    ...(open.streams > 0 ? [plural(open.streams, 'open stream')] : []),
  ]
  return `This disconnects ${what.join(' and ')} now. Intents go on.`
}
