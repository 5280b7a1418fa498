/**
 * What is left of the budgets that hold for this session: of its key and of its account, with when they begin anew.
 */

import { Panel } from '../parts/panel.tsx'
import { count, dollars, moment } from '../state/format.ts'
import { useResource } from '../state/resource.ts'

interface Budget {
  of: 'key' | 'account'
  per: 'day' | 'week' | 'month'
  unit: 'tokens' | 'micro_dollars'
  limit: number
  used: number
  reserved: number
  resets_at: string
}

const refreshMs = 15_000

/** Nothing where no budget holds. */
export function Budgets() {
  const { data } = useResource<{ budgets?: Budget[] }>('/v1/me/limits', refreshMs)
  const budgets = data?.budgets ?? []
  if (budgets.length === 0) return null
  return (
    <Panel title="Budgets" about="What is reserved for answers under way counts until they are settled.">
      {budgets.map((budget) => (
        <BudgetBar key={`${budget.of} ${budget.per} ${budget.unit}`} of={budget} />
      ))}
    </Panel>
  )
}

function BudgetBar({ of: { of, per, unit, limit, used, reserved, resets_at: resetsAt } }: { of: Budget }) {
  const shown = unit === 'tokens' ? count : dollars
  const taken = used + reserved
  const share = limit === 0 ? 100 : Math.min(100, (taken / limit) * 100)
  const left = Math.max(0, limit - taken)
  return (
    <div class="stack">
      <div class="row spread">
        <span>
          {shown(limit)} {unit === 'tokens' ? 'tokens ' : ''}a {per}, of the {of}
        </span>
        <span class="soft number">
          {shown(used)} used, {shown(left)} left; resets {moment(Date.parse(resetsAt) / 1_000)}
        </span>
      </div>
      <svg class={`bar ${share >= 100 ? 'full' : ''}`} aria-hidden="true">
        <rect class="filled" height="6" width={`${share}%`} />
      </svg>
    </div>
  )
}
