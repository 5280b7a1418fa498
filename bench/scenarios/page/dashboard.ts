/**
 * What the page costs: how much of it a browser loads and how long its bundling takes, what a hub with a fleet pays
 * for many viewers, and how fast a run of a thousand nodes is grouped and laid out.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { boxesOf } from '../../../orchestrator/dashboard/page/run/groups.ts'
import { layOut } from '../../../orchestrator/dashboard/page/run/layout.ts'
import { RunState } from '../../../orchestrator/dashboard/page/run/run-state.ts'
import { liveStreamsPerCallerMax } from '../../../shared/limits/http.ts'
import { sleep } from '../../load/calls.ts'
import { type Cell, median, type Result, round, type Scenario } from '../scenario.ts'
import { onStage, type Stage } from '../stage.ts'

const viewers = 100
const watchMs = 12_000
const settleMs = 3_000
const runNodes = 1_024
const bundler = join(import.meta.dirname, '../../../orchestrator/dashboard/bundle.ts')

interface Bound {
  what: string
  unit: string
  /** Section by section what the page holds itself to. */
  most: number
}

const bounds = {
  firstLoad: { what: 'first load, gzip', unit: 'KB', most: 60 },
  requests: { what: 'requests of the first load', unit: '', most: 4 },
  all: { what: 'all files, gzip', unit: 'KB', most: 120 },
  bundling: { what: 'bundling, in its process', unit: 'ms', most: 1_000 },
  viewers: { what: `${viewers} viewers, of one core`, unit: '%', most: 1.5 },
  memory: { what: `memory for ${viewers} viewers`, unit: 'MB', most: 6 },
  layout: { what: `${runNodes} nodes: events, groups and layout`, unit: 'ms', most: 300 },
} satisfies Record<string, Bound>

type Figures = Record<keyof typeof bounds, number>

export const dashboard: Scenario = {
  name: 'dashboard',
  about: 'The page: its weight, its bundling, many viewers of a large fleet, a large run.',
  defaults: { scouts: 10_000 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { rounds, scouts } = options
      const bundled = Array.from({ length: rounds }, bundle)
      say('the page was bundled')
      const run = Array.from({ length: rounds }, layOutRun)
      const watched = await watch(stage, scouts)
      const { firstLoad, requests, all } = bundled[0]!
      const bundling = median(bundled.map(({ ms }) => ms))
      return resultOf({ firstLoad, requests, all, bundling, ...watched, layout: median(run) }, scouts)
    }),
}

function resultOf(figures: Figures, scouts: number): Result {
  const named = Object.entries(bounds) as [keyof Figures, Bound][]
  const rows: Cell[][] = named.map(([name, { what, unit, most }]) => [what, unit, round(figures[name]), most])
  const missed = named
    .filter(([name, { most }]) => figures[name] > most)
    .map(([name, { what, unit, most }]) => `${what}: ${round(figures[name])} ${unit}, at most ${most}`)
  const notes = [`The hub has ${scouts} idle scouts; viewers watch the topics of the overview, each over a stream.`]
  return { columns: ['what', 'unit', 'measured', 'at most'], rows, figures: {}, notes, missed }
}

function bundle() {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-bench-page-'))
  const built = join(folder, 'page')
  try {
    const beganMs = performance.now()
    const child = Bun.spawnSync([process.execPath, '--no-env-file', bundler, built])
    const ms = performance.now() - beganMs
    if (child.exitCode !== 0) throw new Error(child.stderr.toString())
    const text = readFileSync(join(built, 'index.html'), 'utf8')
    const first = ['index.html', ...[...text.matchAll(/\/page\/([\w.-]+)/g)].map(([, name]) => name!)]
    const plain = readdirSync(built).filter((name) => !/\.(br|gz)$/.test(name))
    const weigh = (names: string[]) =>
      names.reduce((sum, name) => sum + gzipSync(readFileSync(join(built, name)), { level: 9 }).length, 0) / 1_024
    // The fourth request asks who this is.
    return { ms, firstLoad: weigh(first), requests: first.length + 1, all: weigh(plain) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function layOutRun(): number {
  const parts = Array.from({ length: runNodes - 2 }, (_, at) => ({ node: `part.${at}`, model: 'm', needs: ['split'] }))
  const last = { node: 'join', model: 'm', needs: parts.map(({ node }) => node) }
  const beganMs = performance.now()
  const run = new RunState()
  run.apply('planned', { at_ms: 0, nodes: [{ node: 'split', model: 'm', needs: [] }, ...parts, last] }, 0)
  for (const { node } of parts) run.apply('task_settled', { at_ms: 1, node, state: 'done' }, 0)
  layOut(boxesOf(run.nodes)!)
  return performance.now() - beganMs
}

/** Processor time and memory of the hub with viewers, less what it has without. */
async function watch(stage: Stage, scouts: number): Promise<{ viewers: number; memory: number }> {
  const { hub } = await stage.network(scouts)
  await sleep(settleMs)
  const idleMb = await hub.restingRssMb()
  const cpuOf = async () => {
    const before = hub.usage().cpuMs
    await sleep(watchMs)
    return hub.usage().cpuMs - before
  }
  const idleMs = await cpuOf()
  const abort = new AbortController()
  for (let at = 0; at < viewers; at += liveStreamsPerCallerMax) {
    const { clientKey } = await hub.strangersKeys()
    for (let own = 0; own < liveStreamsPerCallerMax; own++) void view(hub.port, clientKey, abort.signal)
  }
  stage.say(`${viewers} viewers watch`)
  await sleep(settleMs)
  const watchedMs = await cpuOf()
  const memory = (await hub.restingRssMb()) - idleMb
  abort.abort()
  return { viewers: ((watchedMs - idleMs) / watchMs) * 100, memory }
}

async function view(port: number, key: string, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, accept: 'text/event-stream' }
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/live?topics=hub,traffic,mine`, { headers, signal })
    for await (const _ of response.body!);
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
