/**
 * What one scout earned in the present season, by model, and why some of its tasks earned nothing.
 */
import { Fetched } from '../../parts/notice.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Table } from '../../parts/table.tsx'
import { exact } from '../../state/format.ts'
import { useResource } from '../../state/resource.ts'
import { linkTo } from '../../state/router.ts'
import { isAdmin } from '../../state/session.ts'
import { type Earnings, earningsPath, mostFirst, nameIn, seasonAt } from '../points/earnings.ts'
import { earningColumns } from '../points/earnings-part.tsx'
import type { Scout } from './scout.ts'

const refreshMs = 30_000
const columns = earningColumns('model')

/** Nothing where the hub shows no points. */
export function ScoutPoints({ of: { id, operator } }: { of: Pick<Scout, 'id' | 'operator'> }) {
  const season = seasonAt(Date.now())
  const whose = isAdmin.value ? operator : ''
  const fetched = useResource<Earnings>(earningsPath({ season, by: 'model', scout: id, operator: whose }), refreshMs)
  if (fetched.refusal?.status === 404) return null
  const points = fetched.data?.points.counted ?? 0
  return (
    <Panel
      title="Points"
      about={`${exact(points)} counted this season.`}
      isFlush
      actions={
        <a class="button small" href={linkTo('points/earnings', { scout: id, operator: whose })}>
          By the day
        </a>
      }
    >
      <Fetched from={fetched} lines={1}>
        {({ data }) =>
          data.length === 0 ? (
            <p class="panel-body soft">It has done nothing this season yet.</p>
          ) : (
            <Table caption="Points by model" small="figures" columns={columns} rows={mostFirst(data)} rowKey={nameIn} />
          )
        }
      </Fetched>
    </Panel>
  )
}
