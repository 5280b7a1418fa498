/**
 * What was used: tokens, dollars and failures by day, key or model. The filters are in the address, so that a view can
 * be sent to somebody; the same rows leave as CSV. The hub sums by key, model and day; here sums of those are made.
 */
import { useMemo } from 'preact/hooks'
import { Chart } from '../charts/chart.tsx'
import { Choices } from '../parts/choices.tsx'
import { Icon } from '../parts/icon.tsx'
import { Empty, Fetched } from '../parts/notice.tsx'
import { Page, Panel, Stats } from '../parts/panel.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { count, day, dollars } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { linkTo, route, setQuery } from '../state/router.ts'
import { isAdmin, session } from '../state/session.ts'
import { Budgets } from './budgets.tsx'

interface UsageRow {
  start: string
  key: string
  model: string
  requests: number
  failed: number
  prompt_tokens: number
  completion_tokens: number
  micro_dollars: number
  estimated: number
}

type Figures = Omit<UsageRow, 'start' | 'key' | 'model'>
type Sum = Figures & { name: string }

const periods = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const
const groups = [
  ['day', 'By day'],
  ['key', 'By key'],
  ['model', 'By model'],
] as const

type Group = (typeof groups)[number][0]

const dayMs = 86_400_000

export function UsagePage() {
  const { query } = route.value
  const period = periods.find(([days]) => days === query.get('days'))?.[0] ?? '30'
  const group = groups.find(([name]) => name === query.get('by'))?.[0] ?? 'day'
  const path = pathOf(Number(period), query)
  const fetched = useResource<{ data: UsageRow[] }>(path)
  const csv = `${path}&format=csv`
  return (
    <Page
      title="Usage"
      about="Tokens and dollars of answers, as they were settled. Days begin at 00:00 UTC."
      actions={
        <>
          <Choices label="Period" options={periods} value={period} onChoose={(days) => setQuery({ days })} />
          <a class="button" href={csv} download="usage.csv">
            <Icon name="download" />
            CSV
          </a>
        </>
      }
    >
      <Budgets />
      <Filters query={query} />
      <Fetched from={fetched}>
        {({ data }) =>
          data.length === 0 ? (
            <Panel isFlush>
              <Empty icon="usage" text="No requests in this period.">
                <a class="button" href={linkTo('connect')}>
                  Send one
                </a>
              </Empty>
            </Panel>
          ) : (
            <Rows rows={data} group={group} />
          )
        }
      </Fetched>
    </Page>
  )
}

function pathOf(days: number, query: URLSearchParams): string {
  const from = new Date(Date.now() - (days - 1) * dayMs).toISOString().slice(0, 10)
  const base = isAdmin.value && session.value?.account === null ? '/v1/admin/usage' : '/v1/me/usage'
  const filters = ['key', 'model', 'account'].flatMap((name) => {
    const value = query.get(name)
    return value ? [`&${name}=${encodeURIComponent(value)}`] : []
  })
  return `${base}?by=day&from=${from}&limit=10000${filters.join('')}`
}

/** What the address filters by, each to be taken away. */
function Filters({ query }: { query: URLSearchParams }) {
  const names = ['key', 'model', 'account'].filter((name) => query.get(name))
  if (names.length === 0) return null
  return (
    <div class="row">
      {names.map((name) => (
        <button type="button" class="button small" key={name} onClick={() => setQuery({ [name]: '' })}>
          <span class="name">
            {name}: {query.get(name)}
          </span>
          <Icon name="close" />
          <span class="hidden-text">Remove the filter</span>
        </button>
      ))}
    </div>
  )
}

function Rows({ rows, group }: { rows: UsageRow[]; group: Group }) {
  const total = useMemo(() => summed(rows, () => 'all')[0]!, [rows])
  const sums = useMemo(
    () => summed(rows, (row) => (group === 'day' ? row.start.slice(0, 10) : row[group])),
    [rows, group],
  )
  const days = useMemo(() => summed(rows, ({ start }) => start).sort((a, b) => (a.name < b.name ? -1 : 1)), [rows])
  const ordered =
    group === 'day'
      ? sums.sort((a, b) => (a.name < b.name ? 1 : -1))
      : sums.sort((a, b) => b.micro_dollars - a.micro_dollars || tokensOf(b) - tokensOf(a))
  return (
    <>
      <Stats
        of={[
          { name: 'Requests', value: count(total.requests) },
          { name: 'Tokens', value: count(tokensOf(total)) },
          { name: 'Dollars', value: dollars(total.micro_dollars) },
          { name: 'Failed', value: count(total.failed) },
        ]}
      />
      {days.length > 1 && (
        <div class="charts">
          <Chart
            title="Tokens a day"
            names={['tokens']}
            times={days.map(({ name }) => Date.parse(name) / 1_000)}
            lines={[days.map(tokensOf)]}
            format={count}
            newestOf="today"
          />
          <Chart
            title="Dollars a day"
            names={['dollars']}
            times={days.map(({ name }) => Date.parse(name) / 1_000)}
            lines={[days.map(({ micro_dollars: micro }) => micro)]}
            format={dollars}
            newestOf="today"
          />
        </div>
      )}
      <Panel
        title="In detail"
        isFlush
        actions={<Choices label="Group" options={groups} value={group} onChoose={(by) => setQuery({ by })} />}
      >
        <Table caption="Usage" columns={columnsOf(group)} rows={ordered} rowKey={({ name }) => name} />
      </Panel>
    </>
  )
}

function tokensOf({ prompt_tokens: prompt, completion_tokens: completion }: Figures): number {
  return prompt + completion
}

function summed(rows: UsageRow[], nameOf: (row: UsageRow) => string): Sum[] {
  const sums = new Map<string, Sum>()
  for (const row of rows) {
    const name = nameOf(row)
    const sum = sums.get(name) ?? {
      ...{ name, requests: 0, failed: 0, prompt_tokens: 0, completion_tokens: 0, micro_dollars: 0, estimated: 0 },
    }
    for (const field of [
      'requests',
      'failed',
      'prompt_tokens',
      'completion_tokens',
      'micro_dollars',
      'estimated',
    ] as const)
      sum[field] += row[field]
    sums.set(name, sum)
  }
  return [...sums.values()]
}

const leadNames = { day: 'Day', key: 'Key', model: 'Model' } as const

function columnsOf(group: Group): Column<Sum>[] {
  const filter = (name: string) => () => setQuery({ [group]: name, by: 'day' })
  return [
    {
      ...{ name: leadNames[group], isLead: true },
      cell: ({ name }) =>
        group === 'day' ? (
          day(Date.parse(name) / 1_000)
        ) : (
          <button type="button" class="button quiet small name" onClick={filter(name)}>
            {name}
          </button>
        ),
    },
    { name: 'Requests', isNumber: true, cell: ({ requests }) => count(requests) },
    { name: 'Failed', isNumber: true, cell: ({ failed }) => count(failed) },
    { name: 'Read', isNumber: true, cell: (sum) => count(sum.prompt_tokens) },
    { name: 'Written', isNumber: true, cell: (sum) => count(sum.completion_tokens) },
    { name: 'Dollars', isNumber: true, cell: (sum) => dollars(sum.micro_dollars) },
  ]
}
