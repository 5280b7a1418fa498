/**
 * What was used: tokens, dollars and failures by day, key, model or account. The filters are in the address, so that a
 * view can be sent to somebody; the same rows leave as CSV.
 */
import { useMemo } from 'preact/hooks'
import { Chart } from '../charts/chart.tsx'
import { Choices } from '../parts/choices.tsx'
import { Filters } from '../parts/filters.tsx'
import { Icon } from '../parts/icon.tsx'
import { Empty, Fetched, Notice } from '../parts/notice.tsx'
import { Page, Panel, Stats } from '../parts/panel.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { count, dayMs, dayText, dollars, dollarsBeside, shownDay } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { linkTo, route, setQuery } from '../state/router.ts'
import { isAdmin, session } from '../state/session.ts'
import { Budgets } from './budgets.tsx'
import { everyDay, type Group, type Sum, sumsBy, tokensOf, total, type UsageRow } from './usage-sums.ts'

const periods = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const
const ownGroups = [
  ['day', 'By day'],
  ['key', 'By key'],
  ['model', 'By model'],
] as const
const allGroups = [...ownGroups, ['account', 'By account']] as const
const whose = [
  ['', 'Mine'],
  ['all', 'All'],
] as const

/** What the address may filter by. */
const filtersOf = (isOfAll: boolean) => (isOfAll ? ['key', 'model', 'account'] : ['key', 'model'])
/** As many as the hub gives at once. */
const rowsMax = 10_000

export function UsagePage() {
  const { query } = route.value
  const isOfAll = isAdmin.value && (session.value?.account === null || query.get('of') === 'all')
  const days = Number(periods.find(([name]) => name === query.get('days'))?.[0] ?? '30')
  const path = pathOf(isOfAll, days, query)
  const fetched = useResource<{ data: UsageRow[]; next: string | null }>(path)
  const groups = isOfAll ? allGroups : ownGroups
  const group = groups.find(([name]) => name === query.get('by'))?.[0] ?? 'day'
  const nameOf = useNames(isOfAll, (name) => group === name || query.has(name))
  return (
    <Page
      title="Usage"
      about="Tokens and dollars of answers, as they were settled. Days begin at 00:00 UTC."
      actions={
        <>
          <Choices
            label="Period"
            options={periods}
            value={`${days as 7 | 30 | 90}`}
            onChoose={(to) => setQuery({ days: to })}
          />
          <a class="button" href={`${path}&format=csv`} download="usage.csv">
            <Icon name="download" />
            CSV
          </a>
        </>
      }
    >
      {isAdmin.value && session.value?.account !== null && (
        <Choices
          label="Whose usage"
          options={whose}
          value={isOfAll ? 'all' : ''}
          onChoose={(of) => setQuery({ of, key: '', account: '' })}
        />
      )}
      <Budgets />
      <Filters of={filtersOf(isOfAll).map((name) => ({ name, text: query.get(name) && nameOf(query.get(name)!) }))} />
      <Fetched from={fetched}>
        {({ data, next }) =>
          data.length === 0 ? (
            <Nothing />
          ) : (
            <>
              {next !== null && (
                <Notice level="warn">
                  This is more than can be summed here: only the newest {count(rowsMax)} rows by day, key and model are
                  counted. Choose fewer days, or one key or model.
                </Notice>
              )}
              <Rows rows={data} days={days} group={group} groups={groups} nameOf={nameOf} />
            </>
          )
        }
      </Fetched>
    </Page>
  )
}

function Nothing() {
  return (
    <Panel isFlush>
      <Empty icon="usage" text="No requests in this period.">
        <a class="button" href={linkTo('connect')}>
          Send one
        </a>
      </Empty>
    </Panel>
  )
}

function pathOf(isOfAll: boolean, days: number, query: URLSearchParams): string {
  const asked = new URLSearchParams({ by: 'day', from: dayText(Date.now() - (days - 1) * dayMs) })
  asked.set('limit', String(rowsMax))
  for (const name of filtersOf(isOfAll)) {
    const value = query.get(name)
    if (value) asked.set(name, value)
  }
  return `${isOfAll ? '/v1/admin' : '/v1/me'}/usage?${asked}`
}

/** Of keys and accounts: the newest of them have their names here, the others their ids. */
function useNames(isOfAll: boolean, shows: (name: Group) => boolean): (id: string) => string {
  const keys = useResource<NamedList>(shows('key') ? `${isOfAll ? '/v1/admin' : '/v1/me'}/keys?limit=200` : null)
  const accounts = useResource<NamedList>(isOfAll && shows('account') ? '/v1/admin/accounts?limit=200' : null)
  const names = useMemo(() => {
    const known = [keys, accounts].flatMap(({ data }) => data?.data ?? [])
    return new Map(known.map(({ id, name, owner }) => [id, isOfAll && owner ? `${name}, ${owner.name}` : name]))
  }, [keys.data, accounts.data, isOfAll])
  return (id) => names.get(id) || id
}

interface NamedList {
  data: { id: string; name: string; owner?: { name: string } | null }[]
}

interface RowsProps {
  rows: UsageRow[]
  days: number
  group: Group
  groups: readonly (readonly [Group, string])[]
  nameOf: (id: string) => string
}

function Rows({ rows, days, group, groups, nameOf }: RowsProps) {
  const all = useMemo(() => total(rows), [rows])
  const sums = useMemo(() => sumsBy(rows, group), [rows, group])
  const daily = useMemo(() => everyDay(rows, days, Date.now()), [rows, days])
  const times = useMemo(() => daily.map(({ name }) => Date.parse(name) / 1_000), [daily])
  return (
    <>
      <Stats
        of={[
          { name: 'Requests', value: count(all.requests) },
          { name: 'Tokens', value: count(tokensOf(all)) },
          { name: 'Dollars', value: dollars(all.micro_dollars) },
          { name: 'Failed', value: count(all.failed) },
        ]}
      />
      <section class="charts" aria-labelledby="usage-days">
        <h2 class="hidden-text" id="usage-days">
          By the day
        </h2>
        <Chart
          title="Tokens a day"
          names={['tokens']}
          times={times}
          lines={[daily.map(tokensOf)]}
          format={count}
          isWhole
          isDaily
          newestOf="today"
        />
        <Chart
          title="Dollars a day"
          names={['dollars']}
          times={times}
          lines={[daily.map(({ micro_dollars: micro }) => micro)]}
          format={dollars}
          isDaily
          newestOf="today"
        />
      </section>
      <Panel
        title="In detail"
        isFlush
        actions={<Choices label="Group" options={groups} value={group} onChoose={(by) => setQuery({ by })} />}
      >
        <Table
          caption="Usage"
          small="figures"
          columns={columnsOf(group, nameOf, dollarsBeside(Math.max(...sums.map((sum) => sum.micro_dollars))))}
          rows={sums.slice(0, sumsMax)}
          rowKey={({ name }) => name}
        />
        {sums.length > sumsMax && (
          <p class="panel-body soft">
            The first {count(sumsMax)} of {count(sums.length)}; the CSV has all.
          </p>
        )}
      </Panel>
    </>
  )
}

/** Rows of a table; a browser shows no more of them smoothly. */
const sumsMax = 500
const leadNames = { day: 'Day', key: 'Key', model: 'Model', account: 'Account' } as const

function columnsOf(group: Group, nameOf: (id: string) => string, money: (micro: number) => string): Column<Sum>[] {
  const filter = (name: string) => () => setQuery({ [group]: name, by: 'day' })
  return [
    {
      ...{ name: leadNames[group], isLead: true },
      cell: ({ name }) =>
        group === 'day' ? (
          shownDay(name)
        ) : (
          <button type="button" class="link name" title={name} onClick={filter(name)}>
            {nameOf(name)}
          </button>
        ),
    },
    { name: 'Requests', isNumber: true, cell: ({ requests }) => count(requests) },
    { name: 'Failed', isNumber: true, cell: ({ failed }) => count(failed) },
    { name: 'Read', isNumber: true, cell: (sum) => count(sum.prompt_tokens) },
    { name: 'Written', isNumber: true, cell: (sum) => count(sum.completion_tokens) },
    { name: 'Dollars', isNumber: true, cell: (sum) => money(sum.micro_dollars) },
  ]
}
