/**
 * One scout: the verdict, where its tasks of the last hour went and why, and each offer with its speed and pauses.
 */
import { useMemo } from 'preact/hooks'
import { Chart } from '../../charts/chart.tsx'
import { Fetched } from '../../parts/notice.tsx'
import { Page, Panel, Pill, Stats } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ago, count, dayMs, dayText, milliseconds, percent, rate } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo } from '../../state/router.ts'
import { dotOf, type LastHour, type Scout } from './scout.ts'
import { ScoutPoints } from './scout-points.tsx'
import { TrustOfScout } from './trust-part.tsx'

interface Offer {
  kind: string
  model: string
  provider: string
  first_content_ms: number | null
  tokens_per_second: number | null
  samples: number
  resumes_in_ms: number | null
}

interface Served {
  day: string
  done: number
  failed: number
  tokens: number
  busy_ms: number
}

interface Detail extends Scout {
  sessions: number
  window: number
  models: Offer[]
  /** Of the last 30 days, those on which it served anything; oldest first. */
  served: Served[]
}

const refreshMs = 5_000
const daysShown = 30
export function ScoutDetail({ base, id }: { base: string; id: string }) {
  const path = id.split('/').map(encodeURIComponent).join('/')
  const fetched = useResource<Detail>(`${base}/${path}`, refreshMs)
  return (
    <Page title={fetched.data?.name ?? 'Scout'} about={<a href={linkTo('scouts')}>All scouts</a>}>
      <Fetched from={fetched}>{(scout) => <Known of={scout} />}</Fetched>
    </Page>
  )
}

function Known({ of: scout }: { of: Detail }) {
  return (
    <>
      <Panel title="Verdict">
        <div class="row">
          <span class={`dot ${dotOf(scout)}`} />
          <Pill level={scout.phase === 'ready' ? 'good' : 'warn'}>{scout.phase}</Pill>
          <span class="faint small">connected {ago(Date.parse(scout.connected_at) / 1_000)}</span>
          <code class="faint small name">{scout.id}</code>
        </div>
        {scout.verdict.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </Panel>
      <Stats
        of={[
          { name: 'At work', value: `${scout.in_flight}`, unit: `of ${scout.concurrency}` },
          { name: 'Trusted with', value: rate(scout.window), unit: 'at once' },
          { name: 'Done', value: count(scout.done) },
          { name: 'Failure rate', value: percent(scout.failure_rate) },
        ]}
      />
      <Panel title="The last hour" about="Where the tasks went that this scout was considered for." isFlush>
        <Table
          caption="The last hour"
          small="table"
          columns={hourColumns}
          rows={hourRows(scout.last_hour)}
          rowKey={({ what }) => what}
        />
      </Panel>
      <TrustOfScout id={scout.id} />
      <ScoutPoints of={scout} />
      <ServedDays of={scout.served} />
      <Panel title="Offers" isFlush>
        <Table
          caption="Offers"
          columns={offerColumns}
          rows={scout.models}
          rowKey={({ kind, model, provider }) => `${kind} ${model} ${provider}`}
        />
      </Panel>
    </>
  )
}

/** Days on which nothing was served are none that are missing. */
function everyDay(served: readonly Served[]): Served[] {
  const known = new Map(served.map((one) => [one.day, one]))
  const today = Math.floor(Date.now() / dayMs)
  return Array.from({ length: daysShown }, (_, at) => {
    const day = dayText((today - daysShown + 1 + at) * dayMs)
    return known.get(day) ?? { day, done: 0, failed: 0, tokens: 0, busy_ms: 0 }
  })
}

function ServedDays({ of }: { of: Served[] }) {
  // The same list while nothing has come, so that the charts are not drawn again.
  const days = useMemo(() => everyDay(of), [JSON.stringify(of)])
  const times = useMemo(() => days.map(({ day }) => Date.parse(day) / 1_000), [days])
  if (of.length === 0) return null
  const busyHours = of.reduce((sum, { busy_ms: ms }) => sum + ms, 0) / 3_600_000
  const tokens = of.reduce((sum, one) => sum + one.tokens, 0)
  return (
    <section class="stack" aria-label="Served by the day">
      <div class="row spread">
        <h2>Served</h2>
        <span class="soft number">
          {count(tokens)} tokens and {rate(busyHours)} hours of work in 30 days
        </span>
      </div>
      <div class="charts">
        <Chart
          title="Tasks a day"
          names={['done', 'failed']}
          times={times}
          lines={[days.map(({ done }) => done), days.map(({ failed }) => failed)]}
          format={count}
          isWhole
          isDaily
          newestOf="today"
        />
        <Chart
          title="Tokens a day"
          names={['read and written']}
          times={times}
          lines={[days.map((one) => one.tokens)]}
          format={count}
          isWhole
          isDaily
          newestOf="today"
        />
      </div>
    </section>
  )
}

interface HourRow {
  what: string
  tasks: number
  all: number
}

function hourRows({ considered, won, lost }: LastHour): HourRow[] {
  const rows: [string, number][] = [
    ['Got the task', won],
    ['Went to faster scouts', lost.latency],
    ['Went to cheaper scouts', lost.price],
    ['This scout was busy', lost.capacity],
    ['Went to scouts with a better record', lost.trust],
  ]
  return rows.map(([what, tasks]) => ({ what, tasks, all: considered }))
}

const hourColumns: Column<HourRow>[] = [
  { name: 'Outcome', isLead: true, cell: ({ what }) => what },
  { name: 'Tasks', isNumber: true, cell: ({ tasks }) => count(tasks) },
  { name: 'Share', isNumber: true, cell: ({ tasks, all }) => (all === 0 ? '–' : percent(tasks / all)) },
]

const offerColumns: Column<Offer>[] = [
  { name: 'Model', isLead: true, cell: ({ model }) => <strong class="name">{model}</strong> },
  { name: 'Provider', cell: ({ provider }) => <span class="name">{provider}</span> },
  {
    ...{ name: 'First content', isNumber: true },
    cell: ({ first_content_ms: ms }) => (ms === null ? '–' : milliseconds(ms)),
  },
  {
    ...{ name: 'Tokens/s', isNumber: true },
    cell: ({ tokens_per_second: speed }) => (speed === null ? '–' : rate(speed)),
  },
  { name: 'Served', isNumber: true, cell: ({ samples }) => count(samples) },
  {
    name: 'State',
    cell: ({ resumes_in_ms: ms }) =>
      ms === null ? <Pill level="good">takes tasks</Pill> : <Pill level="warn">paused for {milliseconds(ms)}</Pill>,
  },
]
