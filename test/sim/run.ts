/**
 * The simulation on the command line. `bun run sim --seeds 2000 [--from 1]` runs that many seeds in two processes and
 * stops at the first broken invariant with the command that replays it; `bun run sim --seed 17 --trace` prints one run
 * event by event. `--minutes` sets the simulated length, `--jobs` the number of processes.
 */
import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { live, minuteMs } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    /** Hubs of several processes instead of one. */
    edges: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '2' },
    trace: { type: 'boolean', default: false },
    /** A line as each seed begins, a report in JSON at the end, and only every n-th seed: for who started this. */
    json: { type: 'boolean', default: false },
    stride: { type: 'string', default: '1' },
  },
})

interface Report {
  lives: number
  simulatedMs: number
  failure: { seed: string; invariant: number; what: string; atMs: number } | null
}

/** To be given on to who lives the same kind of lives. */
const kind = values.edges ? ['--edges'] : []
const durationMs = Number(values.minutes) * minuteMs

/** One life leaves up to 200 MB behind, which the runtime would let grow beyond what a hunt allows. */
const collectAtBytes = 500 * 1024 * 1024

/** At once, also while lives follow each other without a turn of the loop between them. */
function print(line: string): void {
  writeSync(1, `${line}\n`)
}

function liveAll(from: bigint, count: number, stride: bigint): Report {
  const report: Report = { lives: 0, simulatedMs: 0, failure: null }
  for (let at = 0; at < count; at++) {
    const seed = from + BigInt(at) * stride
    if (values.json) print(`seed ${seed}`)
    const { failure, simulatedMs } = live(seed, durationMs, values.trace ? print : null, values.edges)
    if (process.memoryUsage.rss() > collectAtBytes) Bun.gc(true)
    report.lives++
    report.simulatedMs += simulatedMs
    if (failure === null) continue
    report.failure = { seed: String(seed), ...failure }
    return report
  }
  return report
}

/** Every process takes each n-th seed; the first failure stops all of them. */
async function liveSpread(from: bigint, count: number, jobs: number): Promise<Report> {
  const workers = Array.from({ length: jobs }, (_, at) => {
    const share = Math.floor((count - at + jobs - 1) / jobs)
    const own = ['--from', String(from + BigInt(at)), '--seeds', String(share), '--minutes', values.minutes, ...kind]
    const command = [process.execPath, import.meta.path, '--json', '--stride', String(jobs), ...own]
    return Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' })
  })
  const total: Report = { lives: 0, simulatedMs: 0, failure: null }
  const reports = workers.map(async (worker) => {
    const lines = (await new Response(worker.stdout).text()).trim().split('\n')
    const last = lines.at(-1)!
    const report = last.startsWith('{') ? (JSON.parse(last) as Report) : null
    // One that was stopped because another failed reports nothing; an uncaught rejection counts as a failure too.
    const isSound = (await worker.exited) === 0 || report?.failure
    if (!isSound && total.failure === null) throw new Error('a simulating process failed beside its seeds; see above')
    if (report === null) return
    total.lives += report.lives
    total.simulatedMs += report.simulatedMs
    if (report.failure === null) return
    total.failure ??= report.failure
    for (const other of workers) other.kill()
  })
  await Promise.all(reports)
  return total
}

function tell({ lives, simulatedMs, failure }: Report, startedMs: number): void {
  const seconds = (performance.now() - startedMs) / 1000
  const minutes = Math.round(simulatedMs / minuteMs)
  print(
    `${lives} seeds, ${minutes} simulated minutes in ${seconds.toFixed(1)} s (${(lives / seconds).toFixed(1)} seeds/s)`,
  )
  if (failure === null) return
  const commit = Bun.spawnSync(['git', 'rev-parse', 'HEAD']).stdout.toString().trim()
  print(`seed ${failure.seed} broke invariant ${failure.what}`)
  print(`after ${(failure.atMs / 1000).toFixed(3)} simulated seconds, at commit ${commit}`)
  print(`replay: ${['bun run sim', ...kind].join(' ')} --seed ${failure.seed} --minutes ${values.minutes} --trace`)
  process.exitCode = 1
}

const startedMs = performance.now()
const jobs = Number(values.jobs)
const from = BigInt(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
if (values.json) {
  const report = liveAll(from, count, BigInt(values.stride))
  print(JSON.stringify(report))
  process.exitCode = report.failure === null ? 0 : 1
} else if (count === 1 || jobs === 1) tell(liveAll(from, count, 1n), startedMs)
else tell(await liveSpread(from, count, jobs), startedMs)
