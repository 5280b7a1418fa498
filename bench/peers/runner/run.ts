/**
 * This hub beside what people would use instead, on the same work in the same run: `npm run bench:peers`. Peers take
 * turns in every round, each starting at another place, so that a noisy moment of the machine does not always fall on
 * the same one. It prints a table, writes `bench/results/peers.json`, and skips by name what this machine cannot run.
 */
import { mkdirSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Peer, peers } from './catalogue.ts'
import { installPackages, missingFor, versions } from './install.ts'
import { remarksOf, rowsOf, tableOf } from './report.ts'
import { playRound, type Round, type RoundSettings } from './stage.ts'

const usage = `bun bench/peers/runner/run.ts [options]
  --workers 10000      connected workers, for peers that can hold so many
  --in-flight 200      requests at once
  --seconds 5          measured time of each round
  --warm-seconds 10    load before it is measured: the runtime compiles for some 8 s
  --rate 1000          requests per second of a second window, for processor time alone; 0 for none
  --rounds 3           times each peer has its turn; medians are shown
  --processes 2        processes over which the workers are spread
  --only a,b           of: ${peers.map(({ name }) => name).join(', ')}
  --out FILE           instead of bench/results/peers.json
`

interface Options extends RoundSettings {
  rounds: number
  only: string[]
  out: string
}

const resultsFile = join(import.meta.dir, '..', '..', 'results', 'peers.json')

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The options, or the sentence that says what is wrong with them. */
function readOptions(args: string[]): Options | string {
  const text = (fallback: string) => ({ type: 'string', default: fallback }) as const
  const numbers = {
    workers: text('10000'),
    'in-flight': text('200'),
    seconds: text('5'),
    'warm-seconds': text('10'),
    rate: text('1000'),
    rounds: text('3'),
    processes: text('2'),
  }
  try {
    const options = { ...numbers, only: text(''), out: text(resultsFile) }
    const { values } = parseArgs({ args, options })
    const value = (name: keyof typeof numbers, least: number): number => {
      const given = Number(values[name])
      if (given >= least) return given
      throw new Error(`--${name} must be a number from ${least}, but it is ${values[name]}.`)
    }
    const only = values.only.split(',').filter((name) => name !== '')
    const stranger = only.find((name) => peers.every((peer) => peer.name !== name))
    if (stranger !== undefined) throw new Error(`--only names ${stranger}, which is no peer.`)
    return {
      workers: Math.floor(value('workers', 1)),
      inFlight: Math.floor(value('in-flight', 1)),
      windowMs: value('seconds', 0.1) * 1_000,
      warmMs: value('warm-seconds', 0) * 1_000,
      pacedPerSecond: Math.floor(value('rate', 0)),
      rounds: Math.floor(value('rounds', 1)),
      workerProcesses: Math.floor(value('processes', 1)),
      only,
      out: values.out,
    }
  } catch (error) {
    return `${(error as Error).message}\n\n${usage}`
  }
}

/** The peers that can run here; why each other one cannot goes into `skipped`. */
function available(only: string[], skipped: Map<string, string>): Peer[] {
  const wanted = peers.filter(({ name }) => only.length === 0 || only.includes(name))
  const packagesFlaw = installPackages(print)
  return wanted.filter((peer) => {
    const why = missingFor(peer, packagesFlaw)
    if (why !== null) skipped.set(peer.name, why)
    return why === null
  })
}

async function playAll(players: Peer[], options: Options, skipped: Map<string, string>): Promise<Map<string, Round[]>> {
  const played = new Map<string, Round[]>(players.map(({ name }) => [name, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (let turn = 0; turn < players.length; turn++) {
      const peer = players[(turn + round) % players.length]!
      try {
        const result = await playRound(peer, options)
        if (result.tasks === 0) throw new Error(`no task was answered. ${result.firstFailure}`)
        played.get(peer.name)!.push(result)
        print(`round ${round + 1}/${options.rounds}  ${summaryOf(peer, result)}`)
      } catch (error) {
        skipped.set(peer.name, (error as Error).message)
        print(`round ${round + 1}/${options.rounds}  ${peer.title}: ${(error as Error).message}`)
      }
    }
  }
  return played
}

function summaryOf(peer: Peer, result: Round): string {
  const perSecond = Math.round((result.tasks * 1_000) / result.windowMs)
  const us = (result.serverCpuUs / result.tasks).toFixed(0)
  const failed = result.failures > 0 ? `, ${result.failures} failed: ${result.firstFailure}` : ''
  return `${peer.title}: ${perSecond} tasks/s, ${us} us server CPU each, ${result.workers} workers${failed}`
}

async function main(args: string[]): Promise<void> {
  if (args.includes('--help')) return print(usage)
  const options = readOptions(args)
  if (typeof options === 'string') {
    process.stderr.write(options)
    process.exitCode = 1
    return
  }
  const skipped = new Map<string, string>()
  const players = available(options.only, skipped)
  for (const [name, why] of skipped) print(`skipped ${name}: ${why}`)
  const { rounds, only, out, ...settings } = options
  const played = await playAll(players, options, skipped)
  const rows = rowsOf(played, settings)
  print(`\n${tableOf(rows)}\n`)
  for (const remark of remarksOf(rows)) print(remark)
  for (const [name, why] of skipped) print(`skipped ${name}: ${why}`)
  mkdirSync(join(out, '..'), { recursive: true })
  const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, memoryGb: Math.round(totalmem() / 1e9) }
  const report = {
    takenAt: new Date().toISOString(),
    machine,
    versions: await versions(),
    settings: { ...settings, rounds },
  }
  const json = { ...report, rows, skipped: Object.fromEntries(skipped) }
  await Bun.write(out, `${JSON.stringify(json, null, 2)}\n`)
  print(`Written to ${out}`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
await main(process.argv.slice(2))
