/**
 * The intents of this session, newest first, and the way into the run of each.
 */

import { Choices } from '../parts/choices.tsx'
import { Empty, Fetched } from '../parts/notice.tsx'
import { Page, Panel, Pill } from '../parts/panel.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { ago, count } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import { linkTo, route, setQuery } from '../state/router.ts'
import { nodeLevels } from './node-panel.tsx'
import { RunPage } from './run-view.tsx'

interface Intent {
  id: string
  state: string
  created: number
  finished: number | null
  metadata: Record<string, string>
  usage: { total_tokens: number }
  error: { message: string } | null
}

interface IntentList {
  data: Intent[]
  has_more: boolean
  last_id: string | null
}

const states = [
  ['', 'All'],
  ['running', 'Running'],
  ['done', 'Done'],
  ['failed', 'Failed'],
  ['cancelled', 'Cancelled'],
] as const

const refreshMs = 5_000

export function IntentsPage() {
  const { subject, query } = route.value
  return subject[0] === undefined ? <IntentList query={query} /> : <RunPage id={subject[0]} key={subject[0]} />
}

function IntentList({ query }: { query: URLSearchParams }) {
  const state = states.find(([name]) => name === query.get('state'))?.[0] ?? ''
  const after = query.get('after')
  const asked = new URLSearchParams({ limit: '30', ...(state && { state }), ...(after && { after }) })
  const fetched = useResource<IntentList>(`/v1/intents?${asked}`, after === null ? refreshMs : undefined)
  return (
    <Page
      title="Intents"
      about="Work that outlives its connection: questions and scrolls, with every node of them."
      actions={
        <a class="button primary" href={linkTo('playground/scroll')}>
          Write a scroll
        </a>
      }
    >
      <Choices label="State" options={states} value={state} onChoose={(to) => setQuery({ state: to, after: '' })} />
      <Fetched from={fetched}>
        {({ data, has_more: hasMore, last_id: lastId }) => (
          <Panel isFlush>
            {data.length === 0 ? (
              <Nothing isFiltered={state !== ''} />
            ) : (
              <Table caption="Intents" columns={columns} rows={data} rowKey={({ id }) => id} />
            )}
            {hasMore && lastId && (
              <p class="panel-body">
                <a href={linkTo('intents', { state, after: lastId })}>Older intents</a>
              </p>
            )}
          </Panel>
        )}
      </Fetched>
    </Page>
  )
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty icon="runs" text="No intent is in this state." />
  return (
    <Empty icon="runs" text="No intents yet. The playground has a scroll to begin with.">
      <a class="button" href={linkTo('playground/scroll')}>
        To the playground
      </a>
    </Empty>
  )
}

const columns: Column<Intent>[] = [
  {
    ...{ name: 'Intent', isLead: true },
    cell: ({ id, metadata, error }) => (
      <>
        <a class="name" href={`#intents/${encodeURIComponent(id)}`}>
          <strong>{metadata.name ?? id}</strong>
        </a>
        {error !== null && <div class="soft small name">{error.message}</div>}
      </>
    ),
  },
  { name: 'State', cell: ({ state }) => <Pill level={nodeLevels[state] ?? ''}>{state}</Pill> },
  { name: 'Tokens', isNumber: true, cell: ({ usage }) => count(usage.total_tokens) },
  { name: 'Began', isNumber: true, cell: ({ created }) => ago(created) },
]
