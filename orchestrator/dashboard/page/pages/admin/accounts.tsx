/**
 * Accounts: who waits to be let in, who is in, and what each may use.
 */
import { useSignal } from '@preact/signals'
import { Filters } from '../../parts/filters.tsx'
import { Empty, Fetched, Refused } from '../../parts/notice.tsx'
import { type Level, Panel, Pill } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ask } from '../../state/api.ts'
import { useAttempt } from '../../state/attempt.ts'
import { ago, shortAddress } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo, route } from '../../state/router.ts'
import { limitsText } from '../keys/key-terms.ts'
import { type Account, AccountDialog, SuspendDialog } from './account-dialogs.tsx'

/** What is asked about, over the list; `of` null: a new one. */
type Open = { is: 'edit'; of: Account | null } | { is: 'suspend'; of: Account } | null

const levels: Record<Account['state'], Level> = { waiting: 'warn', active: 'good', suspended: 'bad' }

export function Accounts() {
  const { query } = route.value
  const state = query.get('state')
  const before = query.get('before')
  const asked = new URLSearchParams({ ...(state && { state }), ...(before && { before }) })
  const fetched = useResource<{ data: Account[]; next: string | null }>(`/v1/admin/accounts?${asked}`)
  const { attempt, refusal } = useAttempt()
  const open = useSignal<Open>(null)
  const show = (next: Open) => {
    open.value = next
  }
  const done = async () => {
    show(null)
    await fetched.reload()
  }
  const columns = columnsOf({
    edit: (of) => show({ is: 'edit', of }),
    suspend: (of) => show({ is: 'suspend', of }),
    admit: ({ id }) =>
      void attempt(async () => {
        await ask(`/v1/admin/accounts/${id}`, { method: 'PATCH', body: { state: 'active' } })
        await fetched.reload()
      }),
  })
  const add = (
    <button type="button" class="button" onClick={() => show({ is: 'edit', of: null })}>
      Add an account
    </button>
  )
  return (
    <>
      <Filters of={[{ name: 'state', text: state }]} />
      {refusal && <Refused refusal={refusal} />}
      <Fetched from={fetched}>
        {({ data, next }) => (
          <Panel title="Accounts" isFlush actions={add}>
            {data.length === 0 ? (
              <Empty
                icon="admin"
                text={
                  state
                    ? `No account is ${state}.`
                    : 'No accounts yet. Wallets sign up when the settings let them, or add one here.'
                }
              />
            ) : (
              <Table caption="Accounts" columns={columns} rows={data} rowKey={({ id }) => id} />
            )}
            {next && (
              <p class="panel-body">
                <a href={linkTo('admin/accounts', { state: state ?? '', before: next })}>Older accounts</a>
              </p>
            )}
          </Panel>
        )}
      </Fetched>
      {open.value?.is === 'edit' && <AccountDialog of={open.value.of} onClose={() => show(null)} onSaved={done} />}
      {open.value?.is === 'suspend' && (
        <SuspendDialog of={open.value.of} onClose={() => show(null)} onSuspended={done} />
      )}
    </>
  )
}

type Acts = Record<'edit' | 'admit' | 'suspend', (of: Account) => void>

function columnsOf({ edit, admit, suspend }: Acts): Column<Account>[] {
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
    { name: 'Role', isShort: true, cell: ({ role }) => <Pill level={role === 'admin' ? 'accent' : ''}>{role}</Pill> },
    { name: 'State', isShort: true, cell: ({ state }) => <Pill level={levels[state]}>{state}</Pill> },
    { name: 'Limits', cell: ({ limits }) => (limits && limitsText(limits)) || 'none' },
    { name: 'Since', isNumber: true, isMinor: true, cell: ({ created }) => ago(created) },
    {
      name: '',
      cell: (account) => (
        <div class="actions">
          <a class="button small" href={linkTo('keys', { of: 'all', owner: account.id })}>
            Keys
          </a>
          <button type="button" class="button small" onClick={() => edit(account)}>
            Edit
          </button>
          {account.state !== 'active' && (
            <button type="button" class="button small" onClick={() => admit(account)}>
              {account.state === 'waiting' ? 'Approve' : 'Reinstate'}
            </button>
          )}
          {account.state === 'active' && (
            <button type="button" class="button small danger" onClick={() => suspend(account)}>
              Suspend
            </button>
          )}
        </div>
      ),
    },
  ]
}
