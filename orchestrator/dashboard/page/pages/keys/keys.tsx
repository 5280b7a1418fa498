/**
 * The keys that this session may see: what they are for, what they may use, and making, regenerating, revoking them.
 */
import { useSignal } from '@preact/signals'
import { Choices } from '../../parts/choices.tsx'
import { Filters } from '../../parts/filters.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Empty, Fetched } from '../../parts/notice.tsx'
import { Page, Panel, Pill } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ask } from '../../state/api.ts'
import { ago, day, dayText, shortAddress, shownDay } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo, route, setQuery } from '../../state/router.ts'
import { isAdmin, session } from '../../state/session.ts'
import { BudgetLine } from '../budgets.tsx'
import { type Key, limitsText, type NewKey, regenerateKey, scopesText } from './key-terms.ts'
import { ConfirmDialog, MakeKeyDialog, ShownKeyDialog } from './make-key.tsx'

interface KeyList {
  data: Key[]
  next?: string | null
}

type Open = { is: 'shown'; made: NewKey } | { is: 'regenerate' | 'revoke'; of: Key } | null

const whose = [
  ['', 'Mine'],
  ['all', 'All'],
] as const

export function KeysPage() {
  // An administrator without an account of its own has nothing else to look at.
  const isOfAll = isAdmin.value && (session.value?.account === null || route.value.query.get('of') === 'all')
  const base = isOfAll ? '/v1/admin/keys' : '/v1/me/keys'
  const owner = isOfAll ? route.value.query.get('owner') : null
  const before = route.value.query.get('before')
  const asked = new URLSearchParams({ ...(owner && { tenant: owner }), ...(before && { before }) })
  const fetched = useResource<KeyList>(`${base}?${asked}`)
  const open = useSignal<Open>(null)
  const making = route.value.query.get('make')
  const close = () => {
    open.value = null
    setQuery({ make: '' })
  }
  const show = (made: NewKey) => {
    setQuery({ make: '' })
    open.value = { is: 'shown', made }
    void fetched.reload()
  }
  const canMake = session.value?.mints !== 'never'
  const make = canMake && (
    <button type="button" class="button primary" onClick={() => setQuery({ make: 'client' })}>
      <Icon name="plus" />
      Make a key
    </button>
  )
  return (
    <Page
      title="Keys"
      about="A key lets an app or a scout in. Its secret is shown once, when it is made."
      actions={make}
    >
      {isAdmin.value && session.value?.account !== null && (
        <Choices
          label="Whose keys"
          options={whose}
          value={isOfAll ? 'all' : ''}
          onChoose={(of) => setQuery({ of, owner: '', before: '' })}
        />
      )}
      <Filters of={[{ name: 'owner', text: owner && (fetched.data?.data[0]?.owner?.name || owner) }]} />
      <Fetched from={fetched}>
        {({ data, next }) => (
          <Panel isFlush>
            {data.length === 0 ? (
              <Empty icon="key" text="A key lets an app or a scout in.">
                {make}
              </Empty>
            ) : (
              <Table caption="Keys" columns={columnsOf(canMake, isOfAll, open)} rows={data} rowKey={({ id }) => id} />
            )}
            {next && (
              <p class="panel-body">
                <a href={linkTo('keys', { of: isOfAll ? 'all' : '', owner: owner ?? '', before: next })}>Older keys</a>
              </p>
            )}
          </Panel>
        )}
      </Fetched>
      {making !== null && canMake && <MakeKeyDialog role={making} onMade={show} onClose={close} />}
      <Dialogs open={open.value} base={base} show={show} close={close} reload={fetched.reload} />
    </Page>
  )
}

interface DialogsProps {
  open: Open
  base: string
  show: (made: NewKey) => void
  close: () => void
  reload: () => Promise<void>
}

function Dialogs({ open, base, show, close, reload }: DialogsProps) {
  if (open === null) return null
  if (open.is === 'shown') {
    return <ShownKeyDialog made={open.made} onSaved={close} />
  }
  const { of, is } = open
  const confirm = async () => {
    if (is === 'regenerate') return show(await regenerateKey(of))
    await ask(`${base}/${of.id}`, { method: 'DELETE' })
    close()
    await reload()
  }
  // What was refused may be so because the key is another one by now.
  const leave = () => {
    close()
    void reload()
  }
  return <ConfirmDialog of={of} what={is} onConfirm={confirm} onClose={leave} />
}

const ownerColumn: Column<Key> = {
  name: 'Owner',
  cell: ({ owner }) =>
    owner ? (
      <a class="name" title={owner.address ?? owner.id} href={linkTo('keys', { of: 'all', owner: owner.id })}>
        {owner.name || shortAddress(owner.address ?? owner.id)}
      </a>
    ) : (
      <span class="faint">nobody</span>
    ),
}

const roleTexts = { client: 'App', scout: 'Scout', admin: 'Admin' } as const

/** `isOfAll`: the keys of everybody, each with its owner. */
function columnsOf(canMake: boolean, isOfAll: boolean, open: { value: Open }): Column<Key>[] {
  const act = (is: 'regenerate' | 'revoke', of: Key) => () => {
    open.value = { is, of }
  }
  return [
    {
      ...{ name: 'Key', isLead: true },
      cell: ({ name, id, role, last4, created }) => (
        <>
          <div class="row">
            <strong class="name">{name || id}</strong>
            <Pill level={role === 'admin' ? 'accent' : ''}>{roleTexts[role]}</Pill>
          </div>
          <div class="faint small">
            {last4 ? <code title={id}>…{last4}</code> : <span title={id}>no secret</span>}, made{' '}
            <time title={day(created)}>{ago(created)}</time>
          </div>
        </>
      ),
    },
    ...(isOfAll ? [ownerColumn] : []),
    {
      name: 'May use',
      cell: (key) => (
        <>
          <span class="name">{mayUse(key)}</span>
          {(key.left ?? []).map((budget) => (
            <BudgetLine of={budget} key={`${budget.per} ${budget.unit}`} />
          ))}
        </>
      ),
    },
    { name: 'State', isShort: true, cell: (key) => <KeyState of={key} /> },
    {
      name: 'Last use',
      isNumber: true,
      isMinor: true,
      cell: ({ last_used: on }) => lastUse(on),
    },
    {
      name: '',
      cell: (key) =>
        key.revoked === null &&
        key.generation !== 0 && (
          <div class="actions">
            {canMake && (
              <button type="button" class="button small" onClick={act('regenerate', key)}>
                Regenerate
              </button>
            )}
            <button type="button" class="button small danger" onClick={act('revoke', key)}>
              Revoke
            </button>
          </div>
        ),
    },
  ]
}

/** By the day of UTC, as it is counted. */
function lastUse(on: string | null | undefined): string {
  if (!on) return 'never'
  return on === dayText(Date.now()) ? 'today' : shownDay(on)
}

function mayUse({ scopes, limits }: Key): string {
  // Budgets have a line each.
  const rates = limits ? limitsText({ ...limits, budgets: [] }) : ''
  const texts = [scopes ? scopesText(scopes) : '', rates].filter((text) => text !== '')
  return texts.length === 0 ? 'everything' : texts.join('; ')
}

function KeyState({ of: { revoked, expires, open } }: { of: Key }) {
  if (revoked !== null) return <Pill level="bad">revoked {ago(revoked)}</Pill>
  if (expires != null && expires * 1_000 < Date.now()) return <Pill level="bad">expired {ago(expires)}</Pill>
  if (open !== undefined && open.scouts + open.streams > 0) return <Pill level="good">connected</Pill>
  return expires == null ? <Pill>works</Pill> : <Pill level="warn">until {day(expires)}</Pill>
}
