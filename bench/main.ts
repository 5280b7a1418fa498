/**
 * `bun bench`: runs scenarios one after the other, shows their progress and results, keeps the results, and compares
 * them against the targets. Without a name it runs a balanced set within five minutes; `all` runs everything, `peers`
 * what others would use instead, `report` writes `docs/benchmarks.md` from the newest results.
 */
import { existsSync } from 'node:fs'
import { cluster } from './cluster/cluster.ts'
import { attackNames, hostile } from './hostile/hostile.ts'
import { ledger } from './ledger/ledger.ts'
import { programPath } from './load/child.ts'
import { type CommandLine, optionsOf, readCommandLine, usage } from './options.ts'
import { writeReport } from './report/benchmarks-page.ts'
import { keep, machine } from './report/results.ts'
import { plainTable, summaryColumns, summaryRows } from './report/table.ts'
import { cores } from './scenarios/cores/cores.ts'
import { away } from './scenarios/fleet/away.ts'
import { churn } from './scenarios/fleet/churn.ts'
import { connect } from './scenarios/fleet/connect.ts'
import { idle } from './scenarios/fleet/idle.ts'
import { standstill } from './scenarios/fleet/standstill.ts'
import { storm } from './scenarios/fleet/storm.ts'
import { growth } from './scenarios/memory/growth.ts'
import { soak } from './scenarios/memory/soak.ts'
import { dashboard } from './scenarios/page/dashboard.ts'
import type { Options, Scenario } from './scenarios/scenario.ts'
import { scoutMemory } from './scenarios/scout-memory.ts'
import { relay } from './scenarios/streams/relay.ts'
import { slow } from './scenarios/streams/slow.ts'
import { stream } from './scenarios/streams/stream.ts'
import type { FigureId } from './scenarios/targets.ts'
import { codec, core, store } from './scenarios/tasks/alone.ts'
import { dispatch } from './scenarios/tasks/dispatch.ts'
import { durable } from './scenarios/tasks/durable.ts'
import { flat } from './scenarios/tasks/flat.ts'
import { latency } from './scenarios/tasks/latency.ts'
import { trust } from './trust/trust.ts'

const all: Scenario[] = [
  connect,
  idle,
  dispatch,
  latency,
  stream,
  relay,
  durable,
  storm,
  churn,
  standstill,
  slow,
  flat,
  growth,
  soak,
  hostile,
  scoutMemory,
  dashboard,
  cores,
  away,
  cluster,
  trust,
  ledger,
  codec,
  core,
  store,
]

/** The balanced set: what says most per minute, with fewer rounds. */
const quick: [Scenario, Partial<Options>][] = [
  [connect, { rounds: 1 }],
  [idle, {}],
  [dispatch, { rounds: 3, seconds: 3 }],
  [latency, { rounds: 2 }],
  [stream, { rounds: 1 }],
  [relay, { rounds: 2, seconds: 3 }],
  [durable, { rounds: 2, seconds: 3 }],
]

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Runs one scenario, shows and keeps what it found. */
async function perform(scenario: Scenario, line: CommandLine, more: Partial<Options>) {
  const { name, about } = scenario
  const options = optionsOf(line, { ...scenario.defaults, ...more })
  print(`\n${name}: ${about}`)
  const beganMs = performance.now()
  const clock = () => `${((performance.now() - beganMs) / 1_000).toFixed(0).padStart(4)} s`
  const result = await scenario.run(options, (text) => process.stderr.write(`  ${clock()}  ${text}\n`))
  const seconds = (performance.now() - beganMs) / 1_000
  const given = [...line.given].map(([option, value]) => ` --${option} ${value}`).join('')
  const command = `bun bench ${name}${given}`
  const measuredAt = new Date().toISOString()
  keep({ scenario: name, about, measuredAt, seconds, command, machine: machine(), options, result })
  if (result.rows.length > 0) print(`\n${plainTable(result.columns, result.rows)}`)
  for (const note of result.notes) print(`  ${note}`)
  for (const miss of result.missed ?? []) {
    process.exitCode = 1
    print(`  MISSED: ${miss}`)
  }
  return result.figures
}

async function runAll(scenarios: [Scenario, Partial<Options>][], line: CommandLine): Promise<void> {
  const figures: Partial<Record<FigureId, number>> = {}
  for (const [scenario, more] of scenarios) {
    try {
      Object.assign(figures, await perform(scenario, line, more))
    } catch (error) {
      // The results of the others are still of use.
      process.exitCode = 1
      print(`  ${scenario.name} could not be measured: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const rows = summaryRows(figures)
  if (rows.length > 0) print(`\nsummary\n\n${plainTable(summaryColumns, rows)}`)
}

/** The peers have their own packages and their own program; it leaves its rows for the report. */
async function runPeers(args: string[]): Promise<void> {
  const program = programPath('peers/runner/run.ts')
  if (!existsSync(program)) return print('There are no peers to compare with here.')
  process.exitCode = await Bun.spawn([process.execPath, program, ...args], { stdio: ['ignore', 1, 2] }).exited
}

async function main(args: string[]): Promise<void> {
  if (args[0] === 'peers') return runPeers(args.slice(1))
  const line = readCommandLine(args)
  const known = all.map(({ name }) => name)
  if (typeof line === 'string' || line.names.includes('help')) {
    return print(typeof line === 'string' ? line : `bun bench [${known.join(' | ')} | all | peers | report]\n${usage}`)
  }
  if (line.names.includes('report')) return print(await writeReport())
  const unknown = line.names.find((name) => name !== 'all' && !known.includes(name))
  if (unknown !== undefined) {
    process.exitCode = 2
    return print(`There is no scenario ${unknown}. There are: ${known.join(', ')}, all, peers, report.`)
  }
  const stranger = line.given
    .get('attack')
    ?.split(',')
    .find((name) => !attackNames.includes(name))
  if (stranger !== undefined) {
    process.exitCode = 2
    return print(`There is no attack ${stranger}. There are: ${attackNames.join(', ')}.`)
  }
  if (line.names.length === 0) return runAll(quick, line)
  const chosen = line.names.includes('all') ? all : all.filter(({ name }) => line.names.includes(name))
  await runAll(
    chosen.map((scenario) => [scenario, {}]),
    line,
  )
}

await main(process.argv.slice(2))
