/**
 * Tables for people: aligned columns on a terminal, Markdown in the report, and the summary against the targets. The
 * command line and the report hand it what scenarios found.
 */
import type { Cell } from '../scenarios/scenario.ts'
import { type FigureId, limitText, type Standing, standing, targets } from '../scenarios/targets.ts'

function shown(cell: Cell): string {
  return typeof cell === 'number' ? cell.toLocaleString('en', { maximumFractionDigits: 3 }) : cell
}

/** Numbers to the right, words to the left. */
export function plainTable(columns: string[], rows: Cell[][]): string {
  const texts = [columns, ...rows.map((row) => row.map(shown))]
  const widths = columns.map((_, at) => Math.max(...texts.map((row) => (row[at] ?? '').length)))
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] === 'number'))
  const line = (row: string[]) =>
    row.map((text, at) => (isNumber[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!))).join('  ')
  return texts.map((row) => `  ${line(row)}`.trimEnd()).join('\n')
}

export function markdownTable(columns: string[], rows: Cell[][]): string {
  const isNumber = columns.map((_, at) => rows.some((row) => typeof row[at] === 'number'))
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [
    line(columns),
    `|${columns.map((_, at) => (isNumber[at] ? '--:' : '---')).join('|')}|`,
    ...rows.map((row) => line(row.map(shown))),
  ].join('\n')
}

const words: Record<Standing, string> = { aim: 'aim reached', floor: 'floor held', missed: 'MISSED' }

export const summaryColumns = ['figure', 'measured', 'floor', 'aim', 'standing']

/** One row for each figure that was measured. */
export function summaryRows(figures: Partial<Record<FigureId, number>>): Cell[][] {
  const ids = Object.keys(targets) as FigureId[]
  return ids.flatMap((id) => {
    const value = figures[id]
    if (value === undefined) return []
    const measured = `${shown(Number(value.toPrecision(3)))} ${targets[id].unit}`.trim()
    return [[targets[id].what, measured, limitText(id, 'floor'), limitText(id, 'aim'), words[standing(id, value)]]]
  })
}
