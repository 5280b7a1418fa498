/**
 * Who has most points in the present season. Only those are named who agreed to it; where one stands oneself is marked.
 */
import { Empty, Fetched } from '../../parts/notice.tsx'
import { Panel, Pill } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { count, exact, plural, shownMonth } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo } from '../../state/router.ts'

interface Place {
  place: number
  name: string | null
  points: number
  waiting: number
  own: boolean
}

export interface Board {
  season: string
  operators: number
  /** One's own place; null without points. */
  own: number | null
  /** Under which name one agreed to be shown. */
  name: string | null
  data: Place[]
}

const refreshMs = 30_000

export function Leaderboard() {
  const fetched = useResource<Board>('/v1/leaderboard', refreshMs)
  const { data: board } = fetched
  return (
    <>
      {board !== null && (
        <div class="row spread">
          <p class="verdict" role="status">
            {standing(board)}
          </p>
          <a class="button" href={linkTo('account')}>
            {board.name === null ? 'Show my name' : 'Change my name'}
          </a>
        </div>
      )}
      <Fetched from={fetched}>
        {({ data, season, operators }) => (
          <Panel isFlush>
            {data.length === 0 ? (
              <Empty icon="points" text="Nobody has points this season yet." />
            ) : (
              <Table
                caption={`Leaderboard of ${shownMonth(season)}`}
                small="figures"
                columns={columns}
                rows={data}
                rowKey={({ place }) => String(place)}
              />
            )}
            {operators > data.length && (
              <p class="panel-body soft">
                The first {count(data.length)} of {count(operators)}.
              </p>
            )}
          </Panel>
        )}
      </Fetched>
    </>
  )
}

function standing({ own, operators, season }: Board): string {
  const month = shownMonth(season)
  if (own === null) return `You have no points in ${month} yet.`
  return `You are number ${count(own)} of ${plural(operators, 'operator')} in ${month}.`
}

const columns: Column<Place>[] = [
  {
    ...{ name: 'Operator', isLead: true },
    cell: ({ place, name, own }) => (
      <div class="row tight">
        <span class="place faint">{count(place)}</span>
        {name === null ? <span class="faint">without a name</span> : <strong class="name">{name}</strong>}
        {own && <Pill level="accent">you</Pill>}
      </div>
    ),
  },
  { name: 'Points', isNumber: true, cell: ({ points }) => exact(points) },
  { name: 'Waiting', isNumber: true, cell: ({ waiting }) => exact(waiting) },
]
