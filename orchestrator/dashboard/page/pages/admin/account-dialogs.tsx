/**
 * The dialogs of accounts: making and changing one, and asking before one is suspended.
 */
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Form, Select } from '../../parts/form.tsx'
import { ask } from '../../state/api.ts'
import type { Account as OwnAccount } from '../../state/session.ts'
import type { Limits } from '../keys/key-terms.ts'

export type Account = OwnAccount & { limits: Limits | null }

const roles = [
  ['member', 'member'],
  ['admin', 'admin'],
] as const

/** The one budget that the form has; others are set by `npm run -s key`. */
const formBudget = { unit: 'usd', per: 'month' } as const

function isOfForm({ unit, per }: { unit: string; per: string }): boolean {
  return unit === formBudget.unit && per === formBudget.per
}

interface AccountDialogProps {
  /** Null for a new one. */
  of: Account | null
  onClose: () => void
  onSaved: () => Promise<void>
}

export function AccountDialog({ of, onClose, onSaved }: AccountDialogProps) {
  const save = async (fields: FormData) => {
    const body = bodyOf(fields, of)
    const path = of === null ? '/v1/admin/accounts' : `/v1/admin/accounts/${of.id}`
    await ask(path, { method: of === null ? 'POST' : 'PATCH', body })
    await onSaved()
  }
  const budget = of?.limits?.budgets?.find(isOfForm)
  return (
    <Dialog title={of === null ? 'Add an account' : 'Account'} onClose={onClose}>
      <Form submit="Save" onCancel={onClose} onSubmit={save}>
        <Field label="Name">
          <input class="input" name="name" required maxLength={100} defaultValue={of?.name ?? ''} autocomplete="off" />
        </Field>
        {of === null && (
          <Field label="Wallet address" hint="Empty for one that signs in with keys only.">
            <input class="input mono" name="address" pattern="0x[0-9a-fA-F]{40}" autocomplete="off" />
          </Field>
        )}
        <Field label="Role">
          <Select name="role" options={roles} initial={of?.role ?? 'member'} />
        </Field>
        <Field label="Dollars a month" hint="For all of its keys together. Empty: no limit.">
          <input class="input" name="dollars" type="number" min="0" step="any" defaultValue={budget?.amount ?? ''} />
        </Field>
        <Field label="Requests a minute" hint="Empty: no limit.">
          <input
            class="input"
            name="requests"
            type="number"
            min="1"
            step="1"
            defaultValue={of?.limits?.requests_per_minute ?? ''}
          />
        </Field>
      </Form>
    </Dialog>
  )
}

/** Limits are replaced whole: those that the form does not have stay as they are. */
function bodyOf(fields: FormData, of: Account | null) {
  const text = (name: string) => String(fields.get(name) ?? '').trim()
  const number = (name: string) => (text(name) === '' ? null : Number(text(name)))
  const dollars = number('dollars')
  const budgets = [
    ...(of?.limits?.budgets ?? []).filter((budget) => !isOfForm(budget)),
    ...(dollars === null ? [] : [{ ...formBudget, amount: dollars }]),
  ]
  const limits = { ...of?.limits, requests_per_minute: number('requests'), budgets }
  const { requests_per_minute: requests, tokens_per_minute: tokens } = limits
  const hasLimits = requests !== null || tokens != null || budgets.length > 0
  return {
    ...{ name: text('name'), role: text('role'), limits: hasLimits ? limits : null },
    ...(of === null && text('address') !== '' && { address: text('address') }),
  }
}

interface SuspendProps {
  of: Account
  onClose: () => void
  onSuspended: () => Promise<void>
}

export function SuspendDialog({ of, onClose, onSuspended }: SuspendProps) {
  const suspend = async () => {
    await ask(`/v1/admin/accounts/${of.id}`, { method: 'PATCH', body: { state: 'suspended' } })
    await onSuspended()
  }
  return (
    <Confirm title="Suspend this account?" button="Suspend" onConfirm={suspend} onClose={onClose}>
      <p>
        <strong class="name">{of.name || of.id}</strong>: its sessions end and its keys stop working at once, with the
        scouts and streams that they have open. Intents go on, and reinstating it brings its keys back.
      </p>
    </Confirm>
  )
}
