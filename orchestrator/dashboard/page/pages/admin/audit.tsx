/**
 * Who changed what, from where, newest first; with what it was before and after.
 */

import { Empty, Fetched } from '../../parts/notice.tsx'
import { Facts, Panel } from '../../parts/panel.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ago, moment, plural } from '../../state/format.ts'
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
  {
    ...{ name: 'What', isLead: true },
    cell: ({ action, before, after }) => (
      <>
        <strong>{action}</strong>
        <Change before={before} after={after} />
      </>
    ),
  },
  {
    name: 'Of',
    cell: ({ subject, before, after }) => {
      const { name } = { ...before, ...after } as { name?: unknown }
      return (
        <>
          {typeof name === 'string' && <div class="name">{name}</div>}
          <code class="name faint">{subject}</code>
        </>
      )
    },
  },
  { name: 'By', cell: ({ actor }) => <code class="id">{actor}</code> },
  { name: 'From', isMinor: true, cell: ({ address }) => <code class="name">{address || '–'}</code> },
  { name: 'When', isNumber: true, cell: ({ at }) => <time title={moment(at)}>{ago(at)}</time> },
]

/** Field by field: what it was, and what it is. */
function Change({ before, after }: Pick<AuditRow, 'before' | 'after'>) {
  const was = new Map(Object.entries(before ?? {}))
  const is = new Map(Object.entries(after ?? {}))
  const fields = [...new Set([...was.keys(), ...is.keys()])]
  const changed = fields.filter((field) => shown(was.get(field)) !== shown(is.get(field)))
  if (changed.length === 0) return null
  const facts = changed.map((field) => {
    const gone = was.has(field) && <s class="faint">{shown(was.get(field))}</s>
    return [field, [gone, ' ', shown(is.get(field))]] as const
  })
  return (
    <details class="small">
      <summary>{plural(changed.length, 'field')}</summary>
      <Facts of={facts} />
    </details>
  )
}

/** Nothing for what is not there. */
function shown(value: unknown): string {
  if (value == null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
