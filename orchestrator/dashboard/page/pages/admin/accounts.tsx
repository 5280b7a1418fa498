/**
 * Accounts: who waits to be let in, who is in, and what each may use.
 */
import { useSignal } from '@preact/signals'
import { Dialog } from '../../parts/dialog.tsx'
import { Field, Form } from '../../parts/form.tsx'
import { Empty, Fetched, Refused } from '../../parts/notice.tsx'
import { type Level, Panel, Pill } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ask } from '../../state/api.ts'
import { useAttempt } from '../../state/attempt.ts'
import { ago, shortAddress } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo, route } from '../../state/router.ts'
import type { Account as OwnAccount } from '../../state/session.ts'
import { type Limits, limitsText } from '../keys/key-terms.ts'

type Account = OwnAccount & { limits: Limits | null }

const levels: Record<Account['state'], Level> = { waiting: 'warn', active: 'good', suspended: 'bad' }

export function Accounts() {
  const before = route.value.query.get('before')
  const fetched = useResource<{ data: Account[]; next: string | null }>(
    `/v1/admin/accounts${before === null ? '' : `?before=${encodeURIComponent(before)}`}`,
  )
  const editing = useSignal<Account | 'new' | null>(null)
  const close = () => {
    editing.value = null
  }
  const { attempt, refusal } = useAttempt()
  const change = (of: Account, body: object) =>
    attempt(async () => {
      await ask(`/v1/admin/accounts/${of.id}`, { method: 'PATCH', body })
      await fetched.reload()
    })
  const add = (
    <button
      type="button"
      class="button"
      onClick={() => {
        editing.value = 'new'
      }}
    >
      Add an account
    </button>
  )
  return (
    <>
      {refusal && <Refused refusal={refusal} />}
      <Fetched from={fetched}>
        {({ data, next }) => (
          <Panel title="Accounts" isFlush actions={add}>
            {data.length === 0 ? (
              <Empty
                icon="admin"
                text="No accounts yet. Wallets sign up when the settings let them, or add one here."
              />
            ) : (
              <Table
                caption="Accounts"
                columns={columnsOf(change, (of) => {
                  editing.value = of
                })}
                rows={data}
                rowKey={({ id }) => id}
              />
            )}
            {next && (
              <p class="panel-body">
                <a href={linkTo('admin/accounts', { before: next })}>Older accounts</a>
              </p>
            )}
          </Panel>
        )}
      </Fetched>
      {editing.value !== null && (
        <AccountDialog
          of={editing.value === 'new' ? null : editing.value}
          onClose={close}
          onSaved={async () => {
            close()
            await fetched.reload()
          }}
        />
      )}
    </>
  )
}

function columnsOf(
  change: (of: Account, body: object) => Promise<unknown>,
  edit: (of: Account) => void,
): Column<Account>[] {
  return [
    {
      ...{ name: 'Account', isLead: true },
      cell: ({ id, name, address }) => (
        <>
          <strong class="name">{name || shortAddress(address ?? id)}</strong>
          {address !== null && (
            <div class="faint small">
              <code title={address}>{shortAddress(address)}</code>
            </div>
          )}
        </>
      ),
    },
    { name: 'Role', cell: ({ role }) => <Pill level={role === 'admin' ? 'accent' : ''}>{role}</Pill> },
    { name: 'State', cell: ({ state }) => <Pill level={levels[state]}>{state}</Pill> },
    { name: 'Limits', cell: ({ limits }) => (limits && limitsText(limits)) || 'none' },
    { name: 'Since', isNumber: true, isMinor: true, cell: ({ created }) => ago(created) },
    {
      name: '',
      cell: (account) => (
        <div class="actions">
          <button type="button" class="button small" onClick={() => edit(account)}>
            Edit
          </button>
          {account.state !== 'active' && (
            <button type="button" class="button small" onClick={() => void change(account, { state: 'active' })}>
              {account.state === 'waiting' ? 'Approve' : 'Reinstate'}
            </button>
          )}
          {account.state === 'active' && (
            <button
              type="button"
              class="button small danger"
              onClick={() => void change(account, { state: 'suspended' })}
            >
              Suspend
            </button>
          )}
        </div>
      ),
    },
  ]
}

interface AccountDialogProps {
  /** Null for a new one. */
  of: Account | null
  onClose: () => void
  onSaved: () => Promise<void>
}

function AccountDialog({ of, onClose, onSaved }: AccountDialogProps) {
  const save = async (fields: FormData) => {
    const body = bodyOf(fields, of === null)
    const path = of === null ? '/v1/admin/accounts' : `/v1/admin/accounts/${of.id}`
    await ask(path, { method: of === null ? 'POST' : 'PATCH', body })
    await onSaved()
  }
  const budget = of?.limits?.budgets?.find(({ unit, per }) => unit === 'usd' && per === 'month')
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
          <select class="input" name="role" defaultValue={of?.role ?? 'member'}>
            <option value="member">member</option>
            <option value="admin">admin</option>
          </select>
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

function bodyOf(fields: FormData, isNew: boolean) {
  const text = (name: string) => String(fields.get(name) ?? '').trim()
  const dollars = text('dollars')
  const requests = text('requests')
  const limits = {
    ...(requests !== '' && { requests_per_minute: Number(requests) }),
    ...(dollars !== '' && { budgets: [{ unit: 'usd', per: 'month', amount: Number(dollars) }] }),
  }
  const hasLimits = Object.keys(limits).length > 0
  return {
    ...{ name: text('name'), role: text('role'), limits: hasLimits ? limits : null },
    ...(isNew && text('address') !== '' && { address: text('address') }),
  }
}
