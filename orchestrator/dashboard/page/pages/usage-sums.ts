/**
 * Sums of usage: the hub gives rows by key, model and day; by which of these the page sums is its reader's choice.
 * Pure.
 */
import { dayMs, dayText } from '../state/format.ts'

export interface UsageRow {
  start: string
  account: string
  key: string
  model: string
  requests: number
  failed: number
  prompt_tokens: number
  completion_tokens: number
  micro_dollars: number
  estimated: number
}

type Figures = Omit<UsageRow, 'start' | 'account' | 'key' | 'model'>
export type Sum = Figures & { name: string }
export type Group = 'day' | 'key' | 'model' | 'account'

const nothing = { requests: 0, failed: 0, prompt_tokens: 0, completion_tokens: 0, micro_dollars: 0, estimated: 0 }
const fields = Object.keys(nothing) as (keyof Figures)[]

export function tokensOf({ prompt_tokens: prompt, completion_tokens: completion }: Figures): number {
  return prompt + completion
}

export function total(rows: readonly UsageRow[]): Sum {
  return summed(rows, () => 'all')[0] ?? { name: 'all', ...nothing }
}

/** Days newest first, everything else what cost most first. */
export function sumsBy(rows: readonly UsageRow[], group: Group): Sum[] {
  if (group === 'day') return summed(rows, dayOf).sort((a, b) => (a.name < b.name ? 1 : -1))
  return summed(rows, (row) => row[group]).sort(
    (a, b) => b.micro_dollars - a.micro_dollars || tokensOf(b) - tokensOf(a),
  )
}

/** The last so many days of UTC up to `nowMs`, oldest first: also those on which nothing was used. */
export function everyDay(rows: readonly UsageRow[], days: number, nowMs: number): Sum[] {
  const known = new Map(summed(rows, dayOf).map((sum) => [sum.name, sum]))
  return Array.from({ length: days }, (_, at) => {
    const name = dayText(nowMs - (days - 1 - at) * dayMs)
    return known.get(name) ?? { name, ...nothing }
  })
}

function dayOf({ start }: UsageRow): string {
  return start.slice(0, 10)
}

function summed(rows: readonly UsageRow[], nameOf: (row: UsageRow) => string): Sum[] {
  const sums = new Map<string, Sum>()
  for (const row of rows) {
    const name = nameOf(row)
    const sum = sums.get(name) ?? { name, ...nothing }
    for (const field of fields) sum[field] += row[field]
    sums.set(name, sum)
  }
  return [...sums.values()]
}
