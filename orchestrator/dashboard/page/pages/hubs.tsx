/**
 * The hubs of the network: who is there, which models each one has; for an administrator also what each has to do, what
 * it and this hub lend each other, and the intents that it took over. A hub by itself says so.
 */
import { Empty, Fetched, Notice } from '../parts/notice.tsx'
import { type Level, Page, Panel, Pill, Stats } from '../parts/panel.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { count, milliseconds, plural } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { isAdmin } from '../state/session.ts'

interface Loan {
  credits: number
  running: number
}

interface Hub {
  name: string
  url: string
  is_self: boolean
  state: 'here' | 'gone' | 'unheard'
  silent_ms: number | null
  scouts: number
  /** How far its points are counted here; null where there are no receipts. */
  ledger: { state: 'counted' | 'unheard' | 'flawed'; batch: number; from: number; why: string | null } | null
  models: { id: string }[]
  more: number
  /** These are for administrators. */
  credits?: number
  running?: number
  intents?: { open: number; taken: number } | null
  lends?: Loan | null
  borrows?: Loan | null
}

interface Network {
  epoch: number
  standing: 'member' | 'removed' | 'forked' | 'double'
  /** These are for administrators. */
  threshold?: number
  apart?: string | null
  messages_dropped?: Record<string, number>
}

interface HubList {
  network: Network | null
  data: Hub[]
}

const refreshMs = 5_000
/** Models named for a hub; of the others the number is shown. */
const modelsShown = 8

export function HubsPage() {
  const fetched = useResource<HubList>(`/v1/hubs?models=${modelsShown}`, refreshMs)
  return (
    <Page title="Hubs" about="The authorities of the network. Apps may ask any of them, and scouts may dial any.">
      <Fetched from={fetched}>
        {({ network, data }) =>
          network === null ? (
            <Panel isFlush>
              <Empty icon="hubs" text={byItself} />
            </Panel>
          ) : (
            <>
              <Standing of={network} />
              <Stats of={figuresOf(network, data)} />
              <Panel isFlush>
                <Table
                  caption="Hubs"
                  columns={isAdmin.value ? [...columns, ...workColumns] : columns}
                  rows={data}
                  rowKey={({ name }) => name}
                />
              </Panel>
            </>
          )
        }
      </Fetched>
    </Page>
  )
}

const byItself = 'This orchestrator is by itself. Several make one network, with a roster that says which ones.'

const standingTexts = {
  removed: 'This hub was removed from the roster, and takes no part in the network.',
  forked: 'Two rosters of one epoch are both signed: this hub takes no part until its operators agree on one.',
  double: 'Another process with the identity of this hub was started later: this one takes no part any more.',
} as const

function Standing({ of: { standing, apart } }: { of: Network }) {
  return (
    <>
      {standing !== 'member' && <Notice level="bad">{standingTexts[standing]}</Notice>}
      {apart && <Notice level="warn">This hub is apart from the others: {apart}.</Notice>}
    </>
  )
}

function figuresOf({ epoch, threshold, messages_dropped: dropped }: Network, hubs: readonly Hub[]) {
  const here = hubs.filter(({ state }) => state === 'here').length
  const figures = [
    { name: 'Hubs that are here', value: count(here), unit: `of ${count(hubs.length)}` },
    { name: 'Epoch of the roster', value: count(epoch) },
  ]
  if (threshold === undefined || dropped === undefined) return figures
  const sum = Object.values(dropped).reduce((total, some) => total + some, 0)
  return [
    ...figures,
    { name: 'To change it', value: count(threshold), unit: threshold === 1 ? 'signature' : 'signatures' },
    { name: 'Messages that did not count', value: count(sum) },
  ]
}

const stateTexts = { here: 'here', gone: 'away', unheard: 'not heard yet' } as const
const stateLevels: Record<Hub['state'], Level> = { here: 'good', gone: 'bad', unheard: 'warn' }

/** Whether the points of its scouts count in the network, and if not, why. */
function Ledger({ of: ledger }: { of: Hub['ledger'] }) {
  if (ledger === null || ledger.state === 'unheard') return <span class="faint">none</span>
  const { state, batch, from, why } = ledger
  const span = `batches ${count(from)} to ${count(batch)}`
  return (
    <>
      <Pill level={state === 'counted' ? 'good' : 'bad'}>{state === 'counted' ? 'counted' : 'not counted'}</Pill>
      <div class="faint small">{why === null ? span : `${span}: ${why}`}</div>
    </>
  )
}

const columns: Column<Hub>[] = [
  {
    ...{ name: 'Hub', isLead: true },
    cell: ({ name, url, is_self: isSelf }) => (
      <>
        <div class="row tight">
          <strong class="name">{name}</strong>
          {isSelf && <Pill level="accent">this one</Pill>}
        </div>
        <span class="faint small name">{url}</span>
      </>
    ),
  },
  {
    ...{ name: 'State', isShort: true },
    cell: ({ state, silent_ms: silentMs }) => (
      <>
        <Pill level={stateLevels[state]}>{stateTexts[state]}</Pill>
        {state === 'gone' && silentMs !== null && <div class="faint small">silent for {milliseconds(silentMs)}</div>}
      </>
    ),
  },
  { name: 'Scouts', isNumber: true, cell: ({ scouts }) => count(scouts) },
  { name: 'Points', cell: ({ ledger }) => <Ledger of={ledger} /> },
  {
    name: 'Models',
    cell: ({ models, more }) => (
      <span class="name">
        {models.map(({ id }) => id).join(', ')}
        {models.length === 0 && more === 0 && <span class="faint">none</span>}
        {more > 0 && <span class="faint"> and {count(more)} more</span>}
      </span>
    ),
  },
]

const workColumns: Column<Hub>[] = [
  {
    name: 'Load',
    cell: ({ running = 0, credits = 0 }) => (
      <>
        <div>{count(running)} running</div>
        <div class="faint small">{count(credits)} free</div>
      </>
    ),
  },
  {
    name: 'Shares',
    cell: ({ is_self: isSelf, lends, borrows }) =>
      isSelf ? (
        <span class="faint">–</span>
      ) : (
        <>
          <div>{loanText('lends', lends)}</div>
          <div>{loanText('borrows', borrows)}</div>
        </>
      ),
  },
  {
    name: 'Intents',
    cell: ({ intents }) =>
      intents === null || intents === undefined ? (
        <span class="faint">not told</span>
      ) : (
        <>
          <div>{count(intents.open)} open</div>
          <div class="faint small">{count(intents.taken)} taken over</div>
        </>
      ),
  },
]

function loanText(what: 'lends' | 'borrows', loan: Loan | null | undefined): string {
  if (loan === null || loan === undefined) return `${what} nothing`
  const running = loan.running === 0 ? '' : `, ${count(loan.running)} running`
  return `${what} ${plural(loan.credits, 'credit')}${running}`
}
