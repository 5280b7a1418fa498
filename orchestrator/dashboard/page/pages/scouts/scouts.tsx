/**
 * The connected scouts, a page at a time: each with the hub's verdict in words; one of them with all that is known; and
 * what checks of answers found out about scouts, also about those that are away.
 */
import { useSignal } from '@preact/signals'
import { Choices } from '../../parts/choices.tsx'
import { Empty, Fetched } from '../../parts/notice.tsx'
import { Page, Panel, Pill } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ago, count, percent } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { go, linkTo, route, setQuery } from '../../state/router.ts'
import { scoutsPath } from '../../state/session.ts'
import { dotOf, type Scout } from './scout.ts'
import { ScoutDetail } from './scout-detail.tsx'
import { TrustPart } from './trust-part.tsx'

const shows = [
  ['', 'All'],
  ['failing', 'Failing'],
  ['paused', 'Paused'],
  ['idle', 'Idle for a day'],
] as const

const refreshMs = 15_000
const pageScouts = 50

export function ScoutsPage() {
  const { subject, query } = route.value
  const base = scoutsPath()
  // An id has its operator before the name, and so is never a single word.
  if (subject.length > 1) return <ScoutDetail base={base} id={subject.join('/')} />
  const part = parts.find(([name]) => name === subject[0])?.[0] ?? ''
  return (
    <Page
      title="Scouts"
      about={part === 'trust' ? trustAbout : 'Connected now, with what the orchestrator thinks of them.'}
      actions={
        <>
          <Choices
            label="Part"
            options={parts}
            value={part}
            onChoose={(to) => go(to === '' ? 'scouts' : `scouts/${to}`)}
          />
          <a class="button primary" href={linkTo('connect/scout')}>
            Connect a scout
          </a>
        </>
      }
    >
      {part === 'trust' ? <TrustPart /> : <ScoutList base={base} query={query} />}
    </Page>
  )
}

const parts = [
  ['', 'Connected'],
  ['trust', 'Trust'],
] as const
const trustAbout = 'How answers of scouts compare with those of others, whether they are connected or not.'

function ScoutList({ base, query }: { base: string; query: URLSearchParams }) {
  const show = shows.find(([name]) => name === query.get('show'))?.[0] ?? ''
  const asked = new URLSearchParams({ limit: String(pageScouts) })
  for (const name of ['show', 'name', 'after']) {
    const value = query.get(name)
    if (value) asked.set(name, value)
  }
  const fetched = useResource<{ data: Scout[]; next: string | null }>(`${base}?${asked}`, refreshMs)
  const isFiltered = show !== '' || (query.get('name') ?? '') !== ''
  return (
    <>
      <div class="row spread">
        <Choices label="Show" options={shows} value={show} onChoose={(to) => setQuery({ show: to, after: '' })} />
        <Search value={query.get('name') ?? ''} />
      </div>
      <Fetched from={fetched}>
        {({ data, next }) => (
          <Panel isFlush>
            {data.length === 0 ? (
              <Nothing isFiltered={isFiltered} />
            ) : (
              <Table caption="Scouts" columns={columns} rows={data} rowKey={({ id, connected_at: at }) => id + at} />
            )}
            {(next || query.get('after')) && <Pages next={next} after={query.get('after')} />}
          </Panel>
        )}
      </Fetched>
    </>
  )
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty icon="scouts" text="No scout is like that now." />
  return (
    <Empty icon="scouts" text="No scout is connected. One line starts one, wherever there is a model.">
      <a class="button primary" href={linkTo('connect/scout')}>
        Show me the line
      </a>
    </Empty>
  )
}

function Pages({ next, after }: { next: string | null; after: string | null }) {
  return (
    <div class="panel-body">
      <div class="row spread">
        {after ? (
          <button type="button" class="button small" onClick={() => setQuery({ after: '' })}>
            To the first
          </button>
        ) : (
          <span />
        )}
        {next && (
          <button type="button" class="button small" onClick={() => setQuery({ after: next })}>
            Next page
          </button>
        )}
      </div>
    </div>
  )
}

function Search({ value }: { value: string }) {
  const text = useSignal(value)
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault()
        setQuery({ name: text.value, after: '' })
      }}
    >
      <input
        class="input compact"
        type="search"
        aria-label="Part of the name"
        placeholder="Part of the name"
        maxLength={64}
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value
        }}
      />
      <button type="submit" class="button">
        Find
      </button>
    </form>
  )
}

const offersShown = 2

const columns: Column<Scout>[] = [
  {
    ...{ name: 'Scout', isLead: true },
    cell: (scout) => (
      <>
        <div class="row tight">
          <span class={`dot ${dotOf(scout)}`} />
          <a class="name" href={`#scouts/${scout.id.split('/').map(encodeURIComponent).join('/')}`}>
            <strong>{scout.name}</strong>
          </a>
          {scout.phase !== 'ready' && <Pill level="warn">{scout.phase}</Pill>}
        </div>
        <ul class="verdict-list">
          {scout.verdict.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      </>
    ),
  },
  { name: 'Offers', cell: ({ offers }) => <span class="name">{offersText(offers)}</span> },
  { name: 'At work', isNumber: true, cell: (scout) => `${scout.in_flight} of ${scout.concurrency}` },
  { name: 'Done', isNumber: true, cell: ({ done }) => count(done) },
  { name: 'Fails', isNumber: true, isMinor: true, cell: ({ failure_rate: share }) => percent(share) },
  { name: 'Connected', isNumber: true, cell: (scout) => ago(Date.parse(scout.connected_at) / 1_000) },
]

function offersText(offers: Scout['offers']): string {
  const names = [...new Set(offers.map(({ model }) => model))]
  if (names.length === 0) return 'nothing yet'
  const more = names.length - offersShown
  return names.slice(0, offersShown).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
