/**
 * The seasons, newest first; one of them with who earned how much, its files, and how they are checked.
 */
import { Code } from '../../parts/code.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Empty, Fetched } from '../../parts/notice.tsx'
import { type Level, Panel, Pill } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { count, day, exact, shownMonth } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo } from '../../state/router.ts'
import { isAdmin } from '../../state/session.ts'
import type { Season } from './earnings.ts'
import { receiptLines, statementLine } from './verify-lines.ts'

export interface SeasonList {
  /** The public key that signs. */
  hub: string
  minted: number
  escrow: number
  earned: number
  held: number
  burnt: number
  /** Of clients. */
  spendable: number
  data: Season[]
}

const levels: Record<Season['state'], Level> = { open: 'accent', closing: 'warn', closed: 'good', paid: 'good' }
const words: Record<Season['state'], string> = {
  open: 'Points are being earned.',
  closing: 'The month is over; disputes can end for a week, then it is closed.',
  closed: 'It is final: nothing that was earned in it changes any more.',
  paid: 'It is final, and the operator of this hub has noted how it was paid.',
}

export function Seasons({ of, chosen }: { of: SeasonList; chosen: string | undefined }) {
  const season = of.data.find(({ season: name }) => name === chosen)
  if (season !== undefined) return <OneSeason of={season} hub={of.hub} />
  return (
    <>
      <Panel isFlush>
        {of.data.length === 0 ? (
          <Empty icon="points" text="There is no season yet: the first begins with the first point." />
        ) : (
          <Table caption="Seasons" columns={seasonColumns} rows={of.data} rowKey={({ season: name }) => name} />
        )}
      </Panel>
      <Conservation of={of} />
      <Verify hub={of.hub} />
    </>
  )
}

function Conservation({ of: { minted, escrow, earned, held, burnt, spendable } }: { of: SeasonList }) {
  const rows: [string, number][] = [
    ['Waits until its scout is trusted', escrow],
    ['Earned', earned],
    ['Held until a dispute is decided', held],
    ['With clients, to spend', spendable],
    ['Burnt', burnt],
    ['Made, in all', minted],
  ]
  return (
    <Panel title="All points of this orchestrator" about="Wherever they are now, they add up to what was made." isFlush>
      <Table
        caption="All points of this orchestrator"
        small="table"
        columns={sumColumns}
        rows={rows}
        rowKey={([what]) => what}
      />
    </Panel>
  )
}

const sumColumns: Column<[string, number]>[] = [
  { name: 'Where', isLead: true, cell: ([what]) => what },
  { name: 'Points', isNumber: true, cell: ([, points]) => exact(points) },
]

function isFinal({ state }: Season): boolean {
  return state === 'closed' || state === 'paid'
}

const seasonColumns: Column<Season>[] = [
  {
    ...{ name: 'Season', isLead: true },
    cell: ({ season, state }) => (
      <>
        <a href={linkTo(`points/seasons/${season}`)}>
          <strong>{shownMonth(season)}</strong>
        </a>
        <p class="soft small">{words[state]}</p>
      </>
    ),
  },
  { name: 'State', isShort: true, cell: ({ state }) => <Pill level={levels[state]}>{state}</Pill> },
  { name: 'Since', isNumber: true, cell: ({ since }) => day(since) },
  { name: 'Note', cell: ({ note }) => (note === '' ? '–' : <span class="name">{note}</span>) },
]

interface Statement {
  points: number
  operators: { operator: string; points: number }[]
}

function OneSeason({ of: season, hub }: { of: Season; hub: string }) {
  const { season: name, state, note } = season
  const path = `/v1/seasons/${name}/statement`
  const fetched = useResource<Statement>(path)
  return (
    <>
      <div>
        <div class="row">
          <h2>{shownMonth(name)}</h2>
          <Pill level={levels[state]}>{state}</Pill>
          <a href={linkTo('points/seasons')}>All seasons</a>
        </div>
        <p class="soft">
          {words[state]} {note !== '' && <span class="name">Paid: {note}</span>}
        </p>
      </div>
      <Fetched from={fetched}>{(statement) => <Earned of={statement} season={name} />}</Fetched>
      {isFinal(season) ? <Files path={path} season={name} hub={hub} /> : <NotFinal />}
    </>
  )
}

function Earned({ of: { points, operators }, season }: { of: Statement; season: string }) {
  return (
    <Panel
      title="Statement"
      about={isAdmin.value ? `${exact(points)} points of all operators.` : 'Your part of it.'}
      isFlush
    >
      {operators.length === 0 ? (
        <Empty icon="points" text={isAdmin.value ? 'Nothing has vested yet.' : 'Nothing of yours has vested in it.'} />
      ) : (
        <Table
          caption="Statement"
          small="table"
          columns={operatorColumns(season)}
          rows={operators.slice(0, operatorsShown)}
          rowKey={({ operator }) => operator}
        />
      )}
      {operators.length > operatorsShown && (
        <p class="panel-body soft">
          The first {count(operatorsShown)} of {count(operators.length)}; the files have all.
        </p>
      )}
    </Panel>
  )
}

/** A browser shows no more rows smoothly. */
const operatorsShown = 500

function operatorColumns(season: string): Column<Statement['operators'][number]>[] {
  return [
    {
      ...{ name: 'Operator', isLead: true },
      cell: ({ operator }) =>
        isAdmin.value ? (
          <a class="name" href={linkTo('points/earnings', { season, operator })}>
            {operator}
          </a>
        ) : (
          <span class="name">{operator}</span>
        ),
    },
    { name: 'Points', isNumber: true, cell: ({ points }) => exact(points) },
  ]
}

function NotFinal() {
  return <p class="soft">Its files, with the signature of this orchestrator, are here once it is closed.</p>
}

const files = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['csv.sig', 'Signature of the CSV'],
  ['json.sig', 'Signature of the JSON'],
] as const

function Files({ path, season, hub }: { path: string; season: string; hub: string }) {
  return (
    <Panel title="Files" about="Frozen: the same bytes whenever they are fetched, signed by this orchestrator.">
      <div class="row">
        {files.map(([format, text]) => (
          <a class="button" href={`${path}?format=${format}`} download={`${season}.${format}`} key={format}>
            <Icon name="download" />
            {text}
          </a>
        ))}
      </div>
      <p>
        Check them with <code>chasm-verify</code>, a program of its own that needs nothing of this orchestrator, in a
        checkout of Chasm:
      </p>
      <Code text={statementLine(season, hub)} label="the line that checks the statement" />
    </Panel>
  )
}

function Verify({ hub }: { hub: string }) {
  return (
    <Panel title="Check it yourself" about="Every answer has a signed receipt, in a chain without gaps.">
      <p>
        This orchestrator signs with the key below. Take it from somewhere else than a file that you check with it, and
        compare it with what others know.
      </p>
      <Code text={hub} label="the key" />
      <p>
        The receipts of your scouts and of your requests, with all heads of the chain; a key of yours is in{' '}
        <code>CHASM_KEY</code>:
      </p>
      <Code text={receiptLines(location.origin, hub)} label="the lines that check receipts" />
    </Panel>
  )
}
