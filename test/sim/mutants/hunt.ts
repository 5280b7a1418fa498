/**
 * One hunt: seeds are lived with a copy of the sources, in a process of their own, until one breaks. A fault may make
 * the code run in a circle or fill the memory before any invariant is looked at, so the process has bounds of time and
 * of memory, which end it from outside. That counts as found, under a name of its own: no invariant has noticed.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cpuMsOfPid } from '../../../bench/load/child.ts'

interface HuntBounds {
  /** Of the processor, for one seed; beyond it the process is ended, and its fault found by this bound. */
  seedSecondsMax: number
  /** MiB of resident memory; beyond it the process is ended, and its fault found by this bound. Only where /proc is. */
  residentMiBMax: number
}

/**
 * A sound seed takes less than two seconds on a busy machine, and a process that lives thousands of them stays below
 * 500 MiB; a machine of 4 GiB has room for two hunts.
 */
const usualBounds: HuntBounds = { seedSecondsMax: 60, residentMiBMax: 1_536 }
/** A seed that only waits, or a machine that has no time for it, is given up after so many times as long. */
const waitingFactor = 30
/** Seconds until the first seed begins; sources that take longer are given up, which finds nothing. */
const startSecondsMax = 60

/** Milliseconds between two looks at the process; at 4 GB/s it passes its bound by 400 MB. */
const lookEveryMs = 100

/** In a life of the simulation. */
type LifeFind =
  | { by: 'invariant'; invariant: number; seed: string; what: string }
  | { by: 'bound'; seed: string; what: string }

export type Find = LifeFind | { by: 'test'; what: string }

interface Report {
  failure: { invariant: number; seed: string; what: string } | null
}

/** Lives so many seeds with the sources at `folder`. The first one that failed, null when none did. */
export async function firstFailure(
  folder: string,
  seeds: string,
  bounds = usualBounds,
  hasEdges = false,
): Promise<LifeFind | null> {
  const kind = hasEdges ? ['--edges'] : []
  const command = [process.execPath, 'test/sim/run.ts', '--json', '--seeds', seeds, ...kind]
  const life = Bun.spawn(command, { cwd: folder, stdout: 'pipe', stderr: 'pipe' })
  const errors = new Response(life.stderr).text()
  let seed = ''
  let seedStarted = timesOf(life.pid)
  let report: Report | null = null
  let passed: string | null = null
  const look = setInterval(() => {
    const now = timesOf(life.pid)
    const waited = (now.clock - seedStarted.clock) / waitingFactor
    const seconds = Math.max(now.processor - seedStarted.processor, waited)
    // What the start takes says nothing about a seed.
    passed = seed === '' ? slowStart(seconds) : passedBound(bounds, life.pid, seconds)
    if (passed === null) return
    clearInterval(look)
    life.kill('SIGKILL')
  }, lookEveryMs)
  try {
    for await (const line of linesOf(life.stdout)) {
      if (line.startsWith('{')) report = JSON.parse(line) as Report
      else if (line.startsWith('seed ')) {
        seed = line.slice('seed '.length)
        seedStarted = timesOf(life.pid)
      }
    }
  } finally {
    clearInterval(look)
  }
  if (report !== null) return report.failure && { by: 'invariant', ...report.failure }
  if (passed !== null && seed !== '') return { by: 'bound', seed, what: passed }
  throw new Error(`the simulation ended without a report: ${passed ?? (await errors)}`)
}

interface TestFile {
  assertionResults: { status: string; fullName: string }[]
}

/** Runs tests with the sources at `folder`. The first one that failed, null when none did. */
export async function failingTest(folder: string, tests: string): Promise<Find | null> {
  const report = join(folder, 'report.json')
  const vitest = ['--bun', join(folder, 'node_modules/.bin/vitest'), 'run', tests]
  const options = ['--bail=1', '--testTimeout=60000', '--reporter=json', `--outputFile=${report}`]
  const run = Bun.spawn([process.execPath, ...vitest, ...options], { cwd: folder, stdout: 'ignore', stderr: 'ignore' })
  if ((await run.exited) === 0) return null
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as { testResults: TestFile[] }
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = all.find(({ status }) => status === 'failed')
  if (failed === undefined) throw new Error(`the tests of ${tests} cannot be run`)
  return { by: 'test', what: failed.fullName }
}

/** Seconds. A hunt may stand still, or share the processor with others, which says nothing about the seed. */
function timesOf(pid: number): { clock: number; processor: number } {
  const clock = performance.now() / 1_000
  try {
    return { clock, processor: cpuMsOfPid(pid) / 1_000 }
  } catch {
    // It is over, or this system has no such folder.
    return { clock, processor: clock }
  }
}

function slowStart(seconds: number): string | null {
  return seconds > startSecondsMax ? `the first seed did not begin within ${startSecondsMax} s` : null
}

/** Which bound a seed has passed, in words; null for none. */
function passedBound({ seedSecondsMax, residentMiBMax }: HuntBounds, pid: number, seconds: number): string | null {
  if (seconds > seedSecondsMax) return `one seed took more than ${seedSecondsMax} s`
  return residentMiB(pid) > residentMiBMax ? `the process took more than ${residentMiBMax} MiB` : null
}

function residentMiB(pid: number): number {
  try {
    const KiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(KiB ?? 0) / 1024
  } catch {
    // It is over, or this system has no such folder.
    return 0
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const utf8 = new TextDecoder()
  let rest = ''
  for await (const bytes of stream) {
    const lines = (rest + utf8.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '') yield rest
}
