/**
 * Shows that the simulation finds faults: puts one after the other into a copy of the sources and runs
 * seeds until an invariant breaks. `bun run sim:mutants [--seeds 5000] [--only <part of a name>] [--portion 2/6]`
 * prints which invariant killed which fault at which seed, and fails when one survives.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Mutant, mutants } from './mutant-list.ts'

const root = join(import.meta.dirname, '../..')
const sources = ['shared', 'orchestrator', 'scout', 'test/sim', 'package.json', 'tsconfig.json']

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

interface Verdict {
  mutant: Mutant
  /** Which invariant noticed, at which seed; null when none did. */
  killed: { invariant: number; seed: string; what: string } | null
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
  const killed = await firstFailure(folder, values.seeds)
  writeFileSync(path, original)
  return { mutant, killed, seconds: (performance.now() - startedMs) / 1000 }
}

function tell({ mutant, killed, seconds }: Verdict): void {
  const fate = killed === null ? 'SURVIVED' : `invariant ${killed.invariant} at seed ${killed.seed}`
  process.stdout.write(`${mutant.name.padEnd(62)} ${fate.padEnd(28)} ${seconds.toFixed(1)} s\n`)
  if (killed !== null) process.stdout.write(`    ${killed.what.split('\n')[0]!.slice(0, 130)}\n`)
}

const queue = mutants
  .filter(({ name }) => name.includes(values.only))
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
