/**
 * Who changed what, from where, newest first; with what it was before and after.
 */

import { Empty, Fetched } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ago, moment } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo, route } from '../../state/router.ts'

interface AuditRow {
  seq: number
  at: number
  actor: string
  address: string
  action: string
  subject: string
  before: object | null
  after: object | null
}

export function Audit() {
  const before = route.value.query.get('before')
  const fetched = useResource<{ data: AuditRow[]; next: number | string | null }>(
    `/v1/admin/audit${before === null ? '' : `?before=${encodeURIComponent(before)}`}`,
  )
  return (
    <Fetched from={fetched}>
      {({ data, next }) => (
        <Panel title="Audit" about="Kept for 400 days; nothing in it can be changed." isFlush>
          {data.length === 0 ? (
            <Empty icon="table" text="Nothing was changed yet." />
          ) : (
            <Table caption="Audit" columns={columns} rows={data} rowKey={({ seq }) => String(seq)} />
          )}
          {next !== null && (
            <p class="panel-body">
              <a href={linkTo('admin/audit', { before: String(next) })}>Earlier</a>
            </p>
          )}
        </Panel>
      )}
    </Fetched>
  )
}

const columns: Column<AuditRow>[] = [
  { name: 'What', isLead: true, cell: ({ action }) => <strong>{action}</strong> },
  { name: 'Of', cell: ({ subject }) => <code class="name">{subject}</code> },
  { name: 'By', cell: ({ actor }) => <code class="name">{actor}</code> },
  { name: 'From', isMinor: true, cell: ({ address }) => <code class="name">{address}</code> },
  { name: 'When', isNumber: true, cell: ({ at }) => <time title={moment(at)}>{ago(at)}</time> },
  {
    name: 'Change',
    cell: ({ before, after }) =>
      (before ?? after) !== null && (
        <details>
          <summary>{before === null ? 'New' : 'Change'}</summary>
          {before !== null && <code class="small name">{JSON.stringify(before)}</code>}
          {after !== null && <code class="small name">{JSON.stringify(after)}</code>}
        </details>
      ),
  },
]
