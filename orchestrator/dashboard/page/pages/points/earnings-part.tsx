/**
 * What one's scouts earned in a season: the sum and what of it still waits, days as charts, rows by day, scout or
 * model, and what earned nothing with the reasons. An administrator can look at any operator.
 */
import { useMemo } from 'preact/hooks'
import { burningText, pointsText } from '../../../../../shared/scouts/standing.ts'
import { Chart } from '../../charts/chart.tsx'
import { Choices } from '../../parts/choices.tsx'
import { Filters } from '../../parts/filters.tsx'
import { Empty, Fetched, Notice } from '../../parts/notice.tsx'
import { Panel, Stats } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { count, exact, moment, shortScout, shownDay, shownMonth } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo, route, setQuery } from '../../state/router.ts'
import { isAdmin } from '../../state/session.ts'
import {
  daysOfSeason,
  type EarningRow,
  type Earnings,
  earningsPath,
  type Grouping,
  mostFirst,
  nameIn,
  type Season,
  seasonAt,
} from './earnings.ts'

const groups = [
  ['day', 'By day'],
  ['scout', 'By scout'],
  ['model', 'By model'],
] as const

const refreshMs = 30_000

export function EarningsPart({ seasons }: { seasons: readonly Season[] }) {
  const { query } = route.value
  const present = seasonAt(Date.now())
  const names = [...new Set([present, ...seasons.map(({ season }) => season)])].sort().reverse()
  const season = names.find((name) => name === query.get('season')) ?? present
  const scout = query.get('scout') ?? ''
  const operator = isAdmin.value ? (query.get('operator') ?? '') : ''
  const fetched = useResource<Earnings>(earningsPath({ season, by: 'day', scout, operator }), refreshMs)
  return (
    <>
      <div class="row spread">
        <select
          class="input compact"
          aria-label="Season"
          value={season}
          onChange={({ currentTarget }) => setQuery({ season: currentTarget.value })}
        >
          {names.map((name) => (
            <option value={name} key={name}>
              {shownMonth(name)}
            </option>
          ))}
        </select>
        <Filters
          of={[
            { name: 'operator', text: operator },
            { name: 'scout', text: scout && shortScout(scout) },
          ]}
        />
      </div>
      <Fetched from={fetched}>
        {(earnings) =>
          earnings.data.length === 0 && earnings.points.vested + earnings.points.waiting === 0 ? (
            <Nothing season={season} isPresent={season === present} />
          ) : (
            <Known of={earnings} isPresent={season === present} filter={{ scout, operator }} />
          )
        }
      </Fetched>
    </>
  )
}

function Nothing({ season, isPresent }: { season: string; isPresent: boolean }) {
  if (!isPresent) {
    return (
      <Panel isFlush>
        <Empty icon="points" text={`Nothing was earned in ${shownMonth(season)}.`} />
      </Panel>
    )
  }
  return (
    <Panel isFlush>
      <Empty
        icon="points"
        text="Nothing was earned this season yet. Points come with answers to other people's requests."
      >
        <a class="button" href={linkTo('connect/scout')}>
          Connect a scout
        </a>
      </Empty>
    </Panel>
  )
}

interface KnownProps {
  of: Earnings
  isPresent: boolean
  filter: { scout: string; operator: string }
}

function Known({ of: earnings, isPresent, filter }: KnownProps) {
  const { points, data, season, unpaid } = earnings
  const tasks = data.reduce((sum, row) => sum + row.tasks, 0)
  const nothing = data.reduce((sum, row) => sum + row.unpaid, 0)
  return (
    <>
      {filter.scout === '' && <Sum points={points} season={season} isPresent={isPresent} />}
      <Stats
        of={[
          { name: 'Points counted', value: exact(points.counted) },
          { name: 'Tasks', value: count(tasks) },
          { name: 'Earned nothing', value: count(nothing), unit: nothing === 1 ? 'task' : 'tasks' },
        ]}
      />
      {earnings.more && (
        <Notice level="warn">
          There is more than can be summed here: the oldest days are left out. Choose one scout to see all of its days.
        </Notice>
      )}
      <Days of={earnings} />
      <Unpaid of={unpaid} />
      <Details season={season} filter={filter} daily={data} />
    </>
  )
}

interface SumProps {
  points: Earnings['points']
  season: string
  isPresent: boolean
}

function Sum({ points: { vested, waiting, untrusted, convicted, burns }, season, isPresent }: SumProps) {
  const text = isPresent
    ? pointsText({ earned: vested, waiting, untrusted }, ' points')
    : `${exact(vested)} points in ${shownMonth(season)}`
  return (
    <div class="stack">
      <p class="verdict" role="status">
        {text}.
      </p>
      {isPresent && convicted > 0 && burns !== null && (
        <Notice level="warn">{burningText(convicted, moment(burns))}</Notice>
      )}
      {isPresent && waiting > 0 && (
        <details class="soft">
          <summary>Why points wait</summary>
          <p>
            New points are in escrow. They are yours 72 hours after the end of their day (of UTC), once your scout is
            trusted with that model and your account or key is a week old. Those that still wait when a season closes
            count for a later one.
          </p>
        </details>
      )}
    </div>
  )
}

function Days({ of: { season, data } }: { of: Earnings }) {
  // The same list while nothing has come, so that the charts are not drawn again.
  const days = useMemo(() => daysOfSeason(season, data, Date.now()), [season, JSON.stringify(data)])
  const times = useMemo(() => days.map(({ day }) => Date.parse(day) / 1_000), [days])
  const newestOf = season === seasonAt(Date.now()) ? 'today' : 'last day'
  return (
    <section class="charts" aria-labelledby="points-days">
      <h2 class="hidden-text" id="points-days">
        By the day
      </h2>
      <Chart
        title="Points a day"
        names={['points']}
        times={times}
        lines={[days.map(({ points }) => points)]}
        format={count}
        isWhole
        isDaily
        newestOf={newestOf}
      />
      <Chart
        title="Tasks a day"
        names={['earned points', 'earned nothing']}
        times={times}
        lines={[days.map(({ paid }) => paid), days.map(({ unpaid }) => unpaid)]}
        format={count}
        isWhole
        isDaily
        newestOf={newestOf}
      />
    </section>
  )
}

function Unpaid({ of }: { of: Earnings['unpaid'] }) {
  if (of.length === 0) return null
  return (
    <Panel title="What earned nothing" about="Tasks by reason; one with two reasons counts in both." isFlush>
      <Table caption="What earned nothing" small="table" columns={unpaidColumns} rows={of} rowKey={({ why }) => why} />
    </Panel>
  )
}

const unpaidColumns: Column<Earnings['unpaid'][number]>[] = [
  { name: 'Reason', isLead: true, cell: ({ why }) => why },
  { name: 'Tasks', isNumber: true, cell: ({ tasks }) => count(tasks) },
]

interface DetailsProps {
  season: string
  filter: KnownProps['filter']
  /** By the day, which is there already. */
  daily: readonly EarningRow[]
}

function Details({ season, filter, daily }: DetailsProps) {
  const group = groups.find(([name]) => name === route.value.query.get('by'))?.[0] ?? 'day'
  const fetched = useResource<Earnings>(
    group === 'day' ? null : earningsPath({ season, by: group, ...filter }),
    refreshMs,
  )
  const table = (rows: readonly EarningRow[]) => (
    <Table caption="Earnings" small="figures" columns={earningColumns(group)} rows={rows} rowKey={nameIn} />
  )
  return (
    <Panel
      title="In detail"
      isFlush
      actions={<Choices label="Group" options={groups} value={group} onChoose={(by) => setQuery({ by })} />}
    >
      {group === 'day' ? table(daily) : <Fetched from={fetched}>{({ data }) => table(mostFirst(data))}</Fetched>}
    </Panel>
  )
}

const leadNames = { day: 'Day', scout: 'Scout', model: 'Model' } as const

/** Also of one scout, on its own page. */
export function earningColumns(group: Grouping): Column<EarningRow>[] {
  return [
    {
      ...{ name: leadNames[group], isLead: true },
      cell: (row) => (
        <>
          <Lead of={row} />
          {row.why.length > 0 && (
            <ul class="verdict-list">
              {row.why.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          )}
        </>
      ),
    },
    { name: 'Tasks', isNumber: true, cell: ({ tasks }) => count(tasks) },
    { name: 'Unpaid', isNumber: true, cell: ({ unpaid }) => count(unpaid) },
    { name: 'Points', isNumber: true, cell: ({ points }) => exact(points) },
  ]
}

function Lead({ of: { day, scout, model } }: { of: EarningRow }) {
  if (day !== undefined) return <>{shownDay(day)}</>
  if (scout === undefined) return <span class="name">{model}</span>
  return (
    <button type="button" class="link name" title={scout} onClick={() => setQuery({ scout, by: 'model' })}>
      {shortScout(scout)}
    </button>
  )
}
