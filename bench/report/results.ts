/**
 * Results on disk: one JSON file per scenario, the newest run only, with what is needed to run it again. Scenarios'
 * results go in when they are measured; the report takes them out. The folder is not committed. What the report has
 * published is, in `docs/data/`, and stays in it until the same scenario is measured again.
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
const peersFile = 'peers.json'

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

/** All that the report shows, as it is published. */
export interface Published {
  peers: PeerRun | null
  scenarios: Kept[]
}

const published = join(import.meta.dirname, '..', '..', 'docs', 'data', 'benchmarks.json')

export function publish(results: Published): void {
  writeFileSync(published, `${JSON.stringify(results, null, 1)}\n`)
}

/** Each scenario's newest result, of those that are published and those that were measured here. */
export function newestResults(): Published {
  const before: Published = JSON.parse(readFileSync(published, 'utf8'))
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  const measured: Kept[] = names.filter((name) => name !== peersFile).map(read)
  const peers: PeerRun | null = names.includes(peersFile) ? read(peersFile) : null
  return newest(before, { peers, scenarios: measured })
}

export function newest(one: Published, other: Published): Published {
  const scenarios = new Map<string, Kept>()
  for (const kept of [...one.scenarios, ...other.scenarios]) {
    const known = scenarios.get(kept.scenario)
    if (known === undefined || known.measuredAt <= kept.measuredAt) scenarios.set(kept.scenario, kept)
  }
  const isLater = (one.peers?.takenAt ?? '') <= (other.peers?.takenAt ?? '')
  return { peers: isLater ? other.peers : one.peers, scenarios: [...scenarios.values()] }
}
