/**
 * Results on disk: one JSON file per scenario, the newest run only, with what is needed to run it again. Scenarios'
 * results go in when they are measured; the report takes them out. The folder is not committed, `docs/` is.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { PeerRow } from '../peers/runner/report.ts'
import type { Options, Result } from '../scenarios/scenario.ts'

export interface Machine {
  processor: string
  cores: number
  memoryGb: number
  system: string
  bun: string
}

export interface Kept {
  scenario: string
  about: string
  measuredAt: string
  seconds: number
  command: string
  machine: Machine
  options: Options
  result: Result
}

/** What the peers' runner leaves in `peers.json`, as far as the report shows it. */
export interface PeerRun {
  takenAt: string
  versions: Record<string, string>
  rows: PeerRow[]
  /** Who could not run here, and why. */
  skipped: Record<string, string>
}

const folder = join(import.meta.dirname, '..', 'results')

export function machine(): Machine {
  const processors = cpus()
  return {
    processor: processors[0]?.model.trim() || 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    bun: Bun.version,
  }
}

export function keep(kept: Kept): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${kept.scenario}.json`), `${JSON.stringify(kept, null, 1)}\n`)
}

/** Every scenario's newest result. */
export function keptResults(): Kept[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'peers.json')
  return files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
}

/** The newest run of the peers. */
export function peerRun(): PeerRun | null {
  const path = join(folder, 'peers.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}
