/**
 * What a scenario is: a name, a sentence, and a run that says how it goes and gives back one result of tables, figures
 * and charts. `main.ts` chooses and runs scenarios, the report shows their results; each is in the file of its name.
 */
import type { Population } from '../fleet/population.ts'
import type { FigureId } from './targets.ts'

export interface Options {
  scouts: number
  /** Of the largest hub of several processes; 0 for hubs of one. */
  edges: number
  processes: number
  /** Requests or streams at the same time. */
  inFlight: number
  /** Requests per second of open loops. */
  rate: number
  /** Seconds of one window. */
  seconds: number
  /** How often contenders take turns; medians are quoted. */
  rounds: number
  /** Length of a run that watches memory. */
  minutes: number
  /** Share of scouts that lose their socket each second. */
  churn: number
  /** Of scenarios whose chance is seeded. */
  seed: number
  /** Names of attacks; none for all. */
  attacks: string[]
  population: Population
  /** Where hub and fleet leave their processor profiles; null without. */
  profileDir: string | null
}

export type Cell = string | number

/** One bar. Ours is marked; a limit is what nothing can surpass, and no contender. */
export interface Bar {
  name: string
  value: number
  kind: 'ours' | 'other' | 'limit'
}

/** Bars from the left, one below the other, in groups with a heading each. */
export interface BarChart {
  mark: 'bar'
  title: string
  /** What the values are, with their unit. */
  what: string
  groups: {
    heading: string
    bars: Bar[]
    /** On a scale of its own, because its values would dwarf all others. */
    isApart?: boolean
  }[]
}

export interface LineChart {
  mark: 'line'
  title: string
  x: string
  y: string
  points: { x: number; y: number; series: string }[]
  /** Marks of an axis on which each step is as many times as large. */
  xTicks?: readonly number[]
}

export type Chart = BarChart | LineChart

export interface Result {
  columns: string[]
  rows: Cell[][]
  /** Measured figures that have a floor and an aim. */
  figures: Partial<Record<FigureId, number>>
  notes: string[]
  /** Bounds that did not hold, each as a sentence; the command then ends with 1. */
  missed?: string[]
  chart?: Chart
}

export type Say = (line: string) => void

export interface Scenario {
  name: string
  /** What it measures, in one sentence. */
  about: string
  /** Which options it changes when the user names none. */
  defaults?: Partial<Options>
  run(options: Options, say: Say): Promise<Result>
}

/** The hub beside the server without logic that is its limit: names in the first column, values in column `at`. */
export function barsBesideRaw(rows: Cell[][], at: number): Bar[] {
  return rows.map((row) => {
    const name = String(row[0])
    return { name, value: Number(row[at]), kind: name === 'hub' ? 'ours' : 'limit' }
  })
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** A number as people read it: three or four digits that mean something. */
export function round(value: number): number {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return Number(value.toFixed(digits))
}
