/**
 * Shows that the simulation finds faults: puts one after the other into a copy of the sources and runs
 * seeds until an invariant breaks, or the tests that are to find it. Prints what killed which fault, and fails when one
 * survives. `bun run sim:mutants [--seeds 5000] [--only <part of a name, or tests>] [--portion 2/6]`
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Mutant, mutants } from './mutant-list.ts'

const root = join(import.meta.dirname, '../..')
const tests = ['test/sim', 'test/edge', 'test/e2e/edges', 'test/support', 'vitest.config.ts']
const sources = ['shared', 'orchestrator', 'scout', ...tests, 'package.json', 'tsconfig.json']

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5000' },
    only: { type: 'string', default: '' },
    /** Every sixth fault, beginning with the second, as `2/6`. */
    portion: { type: 'string', default: '1/1' },
    /** The code as it is must live so many seeds before faults are put into it. */
    sound: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '2' },
  },
})

const [portion, portions] = values.portion.split('/').map(Number) as [number, number]

interface Killed {
  /** Null where a test noticed. */
  invariant: number | null
  seed: string
  what: string
}

interface Verdict {
  mutant: Mutant
  /** Which invariant noticed, at which seed; null when none did. */
  killed: Killed | null
  seconds: number
}

function copySources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-mutants-'))
  for (const source of sources) cpSync(join(root, source), join(folder, source), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Lives seeds with the sources at `folder` until one fails. */
async function firstFailure(folder: string, seeds: string): Promise<Verdict['killed']> {
  const command = [process.execPath, 'test/sim/run.ts', '--json', '--seeds', seeds]
  const life = Bun.spawn(command, { cwd: folder, stdout: 'pipe', stderr: 'pipe' })
  const [text, errors] = await Promise.all([new Response(life.stdout).text(), new Response(life.stderr).text()])
  if (text.trim() === '') throw new Error(`the simulation ended without a report: ${errors}`)
  return (JSON.parse(text) as { failure: Verdict['killed'] }).failure
}

/** Runs tests with the sources at `folder`; the first one that fails, null when none does. */
async function failingTest(folder: string, tests: string): Promise<Killed | null> {
  const report = join(folder, 'report.json')
  const vitest = ['--bun', join(folder, 'node_modules/.bin/vitest'), 'run', tests]
  const options = ['--bail=1', '--testTimeout=60000', '--reporter=json', `--outputFile=${report}`]
  const run = Bun.spawn([process.execPath, ...vitest, ...options], { cwd: folder, stdout: 'ignore', stderr: 'ignore' })
  if ((await run.exited) === 0) return null
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as { testResults: TestFile[] }
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  const failed = all.find(({ status }) => status === 'failed')
  if (failed === undefined) throw new Error(`the tests of ${tests} cannot be run`)
  return { invariant: null, seed: '', what: failed.fullName }
}

interface TestFile {
  assertionResults: { status: string; fullName: string }[]
}

/** Lives seeds with one fault in the copy at `folder`, which is as before afterwards. */
async function hunt(folder: string, mutant: Mutant): Promise<Verdict> {
  const path = join(folder, mutant.file)
  const original = readFileSync(path, 'utf8')
  if (original.split(mutant.find).length !== 2) throw new Error(`"${mutant.name}" does not fit ${mutant.file} any more`)
  writeFileSync(
    path,
    original.replace(mutant.find, () => mutant.replace),
  )
  const startedMs = performance.now()
  const killed =
    mutant.tests === undefined ? await firstFailure(folder, values.seeds) : await failingTest(folder, mutant.tests)
  writeFileSync(path, original)
  return { mutant, killed, seconds: (performance.now() - startedMs) / 1000 }
}

function fateOf({ invariant, seed }: Killed): string {
  return invariant === null ? 'a test' : `invariant ${invariant} at seed ${seed}`
}

function tell({ mutant, killed, seconds }: Verdict): void {
  const fate = killed === null ? 'SURVIVED' : fateOf(killed)
  process.stdout.write(`${mutant.name.padEnd(62)} ${fate.padEnd(28)} ${seconds.toFixed(1)} s\n`)
  if (killed !== null) process.stdout.write(`    ${killed.what.split('\n')[0]!.slice(0, 130)}\n`)
}

const queue = mutants
  .filter(({ name, tests = '' }) => name.includes(values.only) || (values.only !== '' && tests === values.only))
  .filter((_, place) => place % portions === portion - 1)
const survivors: string[] = []
const jobs = Math.min(Number(values.jobs), queue.length)
const hunters = Array.from({ length: jobs }, async () => {
  const folder = copySources()
  try {
    // A fault proves nothing where the code fails without it.
    const flaw = await firstFailure(folder, values.sound)
    if (flaw !== null) throw new Error(`the code itself breaks an invariant at seed ${flaw.seed}: ${flaw.what}`)
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const verdict = await hunt(folder, mutant)
      tell(verdict)
      if (verdict.killed === null) survivors.push(mutant.name)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
await Promise.all(hunters)
if (survivors.length > 0) {
  process.stdout.write(`${survivors.length} survived\n`)
  process.exitCode = 1
}
