/**
 * Earnings as lines for a terminal: the points, tables by model and by day, and what earned nothing with the reasons.
 * Pure.
 */
import { plainMessage } from '../../../shared/faults.ts'
import { burningText, grouped, pointsText } from '../../../shared/scouts/standing.ts'
import type { EarningSum } from './earnings-answer.ts'
import type { SeasonEarnings } from './hub-earnings.ts'

/** `isPresent`: of the season that is open now; points that wait belong to no other. */
export function earningLines(byModel: SeasonEarnings, byDay: SeasonEarnings, isPresent: boolean): string[] {
  const { season, points, unpaid } = byDay
  const { vested: earned, waiting, untrusted, convicted, burns } = points
  const shown = isPresent ? pointsText({ earned, waiting, untrusted }) : `${grouped(earned)} in ${season}`
  const lines = [`Points      ${shown}`]
  if (isPresent && convicted > 0 && burns !== null) lines.push(burningText(convicted, momentOf(burns)))
  if (byDay.rows.size === 0) return [...lines, '', `Nothing was done for others in ${season}.`]
  const models = [...byModel.rows].sort(([, one], [, other]) => other.points - one.points || other.tasks - one.tasks)
  const days = [...byDay.rows].sort(([one], [other]) => (one < other ? 1 : -1))
  lines.push('', ...table('Model', models), '', ...table('Day', days))
  if (unpaid.size > 0) lines.push('', 'What earned nothing', ...reasonLines(unpaid))
  if (byModel.isCut || byDay.isCut) lines.push('', 'There is more than is added up here: name one scout with --name.')
  return lines
}

function momentOf(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 'YYYY-MM-DDTHH:MM'.length).replace('T', ' ')} UTC`
}

const headings = { tasks: 'Tasks', unpaid: 'Unpaid', points: 'Points' } as const
const columns = ['tasks', 'unpaid', 'points'] as const
const columnChars = 12

function table(title: string, rows: readonly [string, EarningSum][]): string[] {
  const named = rows.map(([name, sum]) => [plainMessage(name), sum] as const)
  const nameChars = Math.max(title.length, ...named.map(([name]) => name.length))
  const line = (name: string, cells: readonly string[]) => {
    return name.padEnd(nameChars) + cells.map((cell) => cell.padStart(columnChars)).join('')
  }
  const cellsOf = (sum: EarningSum) => columns.map((column) => grouped(sum[column]))
  const heading = line(
    title,
    columns.map((column) => headings[column]),
  )
  return [heading, ...named.map(([name, sum]) => line(name, cellsOf(sum)))]
}

function reasonLines(unpaid: ReadonlyMap<string, number>): string[] {
  const rows = [...unpaid].sort(([, one], [, other]) => other - one)
  return rows.map(([why, tasks]) => `${grouped(tasks).padStart(columnChars)}  ${plainMessage(why)}`)
}
