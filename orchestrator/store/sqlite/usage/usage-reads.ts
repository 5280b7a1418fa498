/**
 * Usage by time as SQL: the rows of reports, each shape of filter one walk down an index, and the sums that budgets
 * begin with.
 */
import { usageSumMax } from '../../../../shared/limits/answers.ts'
import type { UsageFilter, UsageOfDay, UsagePoint, UsageReads } from '../../../engine/ports/usage.ts'
import type { Statements } from '../statements.ts'

export function usageReads(statements: Statements): Omit<UsageReads, 'forgetUsage'> {
  const points = { day: pointsBy(statements, 'day'), hour: pointsBy(statements, 'hour') }
  const days = (where: string) =>
    `SELECT day, CAST(min(${usageSumMax}, total(prompt_tokens) + total(completion_tokens)) AS INTEGER) AS tokens,
       CAST(min(${usageSumMax}, total(micro_dollars)) AS INTEGER) AS microDollars
     FROM usage_day WHERE tenant = ? AND day >= ?${where} GROUP BY day ORDER BY day`
  const ofTenant = statements.keep<UsageOfDay, [string, number]>(days(''))
  const ofKey = statements.keep<UsageOfDay, [string, number, string]>(days(' AND key = ?'))
  const last = statements.keep<{ key: string; day: number }, [string, number]>(
    'SELECT key, max(day) AS day FROM usage_day WHERE tenant = ? AND day >= ? GROUP BY key',
  )
  return {
    usagePoints: (filter) => points[filter.by](filter),
    lastUses: (tenant, fromDay) => last.all(tenant, fromDay),
    usageOfDays: (tenant, key, fromDay) =>
      key === null ? ofTenant.all(tenant, fromDay) : ofKey.all(tenant, fromDay, key),
  }
}

function pointsBy(statements: Statements, period: 'day' | 'hour'): (filter: UsageFilter) => UsagePoint[] {
  // Backwards down the index: what follows the last row that was seen comes before it there.
  const sql = (where: string) =>
    `SELECT ${period} AS start, tenant, key, model, tasks, failed, prompt_tokens AS promptTokens,
       completion_tokens AS completionTokens, micro_dollars AS microDollars, estimated
     FROM usage_${period}
     WHERE ${where}${period} >= ?1 AND (${period}, tenant, key, model) < (?2, ?3, ?4, ?5)
       AND (?6 IS NULL OR key = ?6) AND (?7 IS NULL OR model = ?7)
     ORDER BY ${period} DESC, tenant DESC, key DESC, model DESC LIMIT ?8`
  type Bounds = [number, number, string, string, string, string | null, string | null, number]
  const ofAll = statements.keep<UsagePoint, Bounds>(sql(''))
  const ofTenant = statements.keep<UsagePoint, [...Bounds, string]>(sql('tenant = ?9 AND '))
  return ({ tenant, from, to, key = null, model = null, after, limit }) => {
    const last = after ?? { start: to + 1, tenant: '', key: '', model: '' }
    const start = Math.min(last.start, to + 1)
    const bounds: Bounds = [from, start, last.tenant, last.key, last.model, key, model, limit]
    return tenant === null ? ofAll.all(...bounds) : ofTenant.all(...bounds, tenant)
  }
}
