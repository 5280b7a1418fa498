/**
 * `chasm-scout earnings`: what the scouts of this key earned in a season, by model and by day, and why some of their
 * tasks earned nothing. The orchestrator is asked, which counts; no scout has to run here.
 * Exit codes: 0 printed, 1 it could not be asked or has no answer, 2 something is missing or malformed.
 */
import { loadEnvFile } from '../../../shared/env-file.ts'
import { realSystem } from '../../../shared/system.ts'
import { readConfig } from '../../config.ts'
import { earningLines } from './earning-lines.ts'
import { askEarnings, type SeasonEarnings } from './hub-earnings.ts'

interface Wanted {
  /** As `2026-05`; the present one without it. */
  season?: string
  /** Of this scout alone. */
  name?: string
  json?: true
}

export async function earnings({ season, name, json }: Wanted): Promise<number> {
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return complain(2, [flaw])
  const config = readConfig(process.env)
  if (Array.isArray(config)) return complain(2, config as string[])
  const all = await askEarnings(config, { by: 'model', season })
  if (typeof all === 'string') return complain(1, [all])
  const scout = name === undefined ? undefined : `${all.operator}/${name}`
  // The season that the first answer is of, should a month end in between.
  const asked = { season: all.season, scout }
  const byModel = scout === undefined ? all : await askEarnings(config, { by: 'model', ...asked })
  if (typeof byModel === 'string') return complain(1, [byModel])
  const byDay = await askEarnings(config, { by: 'day', ...asked })
  if (typeof byDay === 'string') return complain(1, [byDay])
  const isPresent = all.season === new Date(realSystem().wallMs()).toISOString().slice(0, 'YYYY-MM'.length)
  const lines = json === true ? [jsonOf(byModel, byDay)] : earningLines(byModel, byDay, isPresent)
  process.stdout.write(`${lines.join('\n')}\n`)
  return 0
}

function jsonOf(byModel: SeasonEarnings, byDay: SeasonEarnings): string {
  const rows = ({ rows }: SeasonEarnings, by: string) => [...rows].map(([name, sum]) => ({ [by]: name, ...sum }))
  const { operator, season, points, unpaid } = byDay
  const nothing = [...unpaid].map(([why, tasks]) => ({ why, tasks }))
  const cut = byModel.isCut || byDay.isCut
  const sums = { models: rows(byModel, 'model'), days: rows(byDay, 'day'), unpaid: nothing, cut }
  return JSON.stringify({ operator, season, points, ...sums })
}

function complain(code: number, sentences: readonly string[]): number {
  process.stderr.write(`${sentences.join('\n')}\n`)
  return code
}
