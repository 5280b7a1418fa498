/**
 * What is left of budgets, as bars: of those that hold for this session, of its key and of its account, and of one key
 * in a list; with when they begin anew.
 */

import { Panel } from '../parts/panel.tsx'
import { count, dollars, moment } from '../state/format.ts'
import { useResource } from '../state/resource.ts'
import type { BudgetStanding } from './keys/key-terms.ts'

type Owned = BudgetStanding & { of: 'key' | 'account' }

const refreshMs = 15_000

/** Nothing where no budget holds. */
export function Budgets() {
  const { data } = useResource<{ budgets?: Owned[] }>('/v1/me/limits', refreshMs)
  const budgets = data?.budgets ?? []
  if (budgets.length === 0) return null
  return (
    <Panel title="Budgets" about="What is reserved for answers under way counts until they are settled.">
      {budgets.map((budget) => (
        <div class="stack" key={`${budget.of} ${budget.per} ${budget.unit}`}>
          <div class="row spread">
            <span>
              {amountOf(budget, budget.limit)} {budget.unit === 'tokens' ? 'tokens ' : ''}a {budget.per}, of the{' '}
              {budget.of}
            </span>
            <span class="soft number">
              {amountOf(budget, budget.used)} used, {amountOf(budget, leftOf(budget))} left; resets {resetsAt(budget)}
            </span>
          </div>
          <Bar of={budget} />
        </div>
      ))}
    </Panel>
  )
}

/** One budget of a key in a list. */
export function BudgetLine({ of }: { of: BudgetStanding }) {
  return (
    <div class="budget-line" title={`Resets ${resetsAt(of)}`}>
      <Bar of={of} />
      <span class="faint small number">
        {amountOf(of, of.used)} of {amountOf(of, of.limit)} {of.unit === 'tokens' ? 'tokens ' : ''}a {of.per}
      </span>
    </div>
  )
}

function Bar({ of: { limit, used, reserved } }: { of: BudgetStanding }) {
  const share = limit === 0 ? 100 : Math.min(100, ((used + reserved) / limit) * 100)
  return (
    <svg class={`bar ${share >= 100 ? 'bad' : ''}`} aria-hidden="true">
      <rect class="filled" height="6" width={`${share}%`} />
    </svg>
  )
}

function amountOf({ unit }: BudgetStanding, amount: number): string {
  return unit === 'tokens' ? count(amount) : dollars(amount)
}

function leftOf({ limit, used, reserved }: BudgetStanding): number {
  return Math.max(0, limit - used - reserved)
}

function resetsAt({ resets_at: at }: BudgetStanding): string {
  return moment(Date.parse(at) / 1_000)
}
