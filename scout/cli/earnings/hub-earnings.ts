/**
 * Asks the orchestrator what the scouts of this key earned, answer after answer, and adds the rows up. What comes is
 * bounded before it is parsed: the address is the user's, what answers there may be anything.
 */
import { plainMessage } from '../../../shared/faults.ts'
import { earningsAnswerBytesMax, earningsAnswerMs, earningsAnswersMax } from '../../../shared/limits/command-line.ts'
import { boundedText } from '../../../shared/network/bounded-text.ts'
import { fetchProxy } from '../../../shared/network/proxy-rule.ts'
import type { ScoutConfig } from '../../config.ts'
import { finalStatus, refusedReason } from '../../core/refusal.ts'
import { baseOf, wayTo, whyUnreached } from '../hub-probe.ts'
import { type EarningSum, type EarningsAnswer, earningsAnswerIn, type PointSums } from './earnings-answer.ts'

type Address = Pick<ScoutConfig, 'url' | 'key'>

/** What was earned in one season. */
export interface SeasonEarnings {
  operator: string
  season: string
  points: PointSums
  /** By the model's name or the day, `2026-05-01`. */
  rows: ReadonlyMap<string, EarningSum>
  /** What earned nothing: tasks by the sentence that says why. */
  unpaid: ReadonlyMap<string, number>
  /** There is more than was added up. */
  isCut: boolean
}

interface Asked {
  by: 'model' | 'day'
  /** The present one without it. */
  season?: string | undefined
  /** A scout by its id; all of the key without it. */
  scout?: string | undefined
}

/** What was earned, or why that is not known, as a sentence. */
export async function askEarnings(hub: Address, { by, season, scout }: Asked): Promise<SeasonEarnings | string> {
  const rows = new Map<string, EarningSum>()
  const unpaid = new Map<string, number>()
  const query = new URLSearchParams({
    by,
    ...(season !== undefined && { season }),
    ...(scout !== undefined && { scout }),
  })
  for (let answers = 1; ; answers++) {
    const answer = await ask(hub, by, `/v1/earnings?${query}`)
    if (typeof answer === 'string') return answer
    for (const row of answer.data) add(rows, row.name, row)
    for (const { why, tasks } of answer.unpaid) unpaid.set(why, (unpaid.get(why) ?? 0) + tasks)
    const { operator, season, points, next, more } = answer
    if (next === null || answers === earningsAnswersMax) {
      return { operator, season, points, rows, unpaid, isCut: more }
    }
    // Between two answers a month may end.
    query.set('season', season)
    query.set('after', next)
  }
}

function add(rows: Map<string, EarningSum>, name: string, { tasks, points, unpaid }: EarningSum): void {
  const sum = rows.get(name) ?? { tasks: 0, points: 0, unpaid: 0 }
  rows.set(name, sum)
  sum.tasks += tasks
  sum.points += points
  sum.unpaid += unpaid
}

async function ask({ url, key }: Address, by: Asked['by'], path: string): Promise<EarningsAnswer | string> {
  const base = baseOf(url)
  const proxy = fetchProxy(base, process.env)
  const from = `${base}${wayTo(url)}`
  try {
    const signal = AbortSignal.timeout(earningsAnswerMs)
    // It carries a key, which goes to the configured address alone.
    const headers = { authorization: `Bearer ${key}` }
    const response = await fetch(base + path, { redirect: 'manual', signal, proxy, headers })
    const text = await boundedText(response, earningsAnswerBytesMax)
    if (response.status !== 200) return refusedBecause(response.status, text, from)
    return earningsAnswerIn(jsonIn(text), by) ?? `${from}: the answer is not that of an orchestrator.`
  } catch (error) {
    return `${from}: ${whyUnreached(error, proxy !== false)}.`
  }
}

/** The orchestrator's own sentence where it has one. */
function refusedBecause(status: number, text: string | null, from: string): string {
  const message = (jsonIn(text) as { error?: { message?: unknown } } | null)?.error?.message
  if (typeof message === 'string' && status !== 401) return plainMessage(message)
  return finalStatus(status) ?? `${from}: ${refusedReason(status)}.`
}

function jsonIn(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return null
  }
}
