/**
 * Shows that the simulation finds faults: puts one after the other into a copy of the sources and runs
 * seeds until an invariant breaks, or the tests that are to find it. `bun run sim:mutants [--seeds 1500]
 * [--only <part of a name, or tests>] [--edges] [--ledger] [--portion 2/6] [--from 70]` prints what killed which fault
 * at which seed, and fails when one survives. At the end comes a table, as in docs/simulation.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Find, failingTest, firstFailure } from './hunt.ts'
import { ledgerMutants } from './ledger-mutants.ts'
import { type Mutant, mutants } from './mutant-list.ts'

const root = join(import.meta.dirname, '../../..')
const tests = [
  'test/sim',
  'test/edge',
  'test/e2e/edges',
  'test/cluster',
  'test/engine',
  'test/ledger',
  'test/support',
  'vitest.config.ts',
]
const sources = ['shared', 'orchestrator', 'scout', 'verifier', ...tests, 'package.json', 'tsconfig.json']

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1500' },
    only: { type: 'string', default: '' },
    /** Those that are looked for in lives of hubs of several processes. */
    edges: { type: 'boolean', default: false },
    /** Those of the ledger of one hub. */
    ledger: { type: 'boolean', default: false },
    /** Every sixth fault, beginning with the second, as `2/6`. */
    portion: { type: 'string', default: '1/1' },
    /** The place of the first one, to go on with a hunt that was cut off. */
    from: { type: 'string', default: '1' },
    /** The code as it is must live so many seeds before faults are put into it. */
    sound: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '2' },
  },
})

const [portion, portions] = values.portion.split('/').map(Number) as [number, number]

interface Verdict {
  mutant: Mutant
  /** Which invariant noticed, or which bound, at which seed, or which test; null when nothing did. */
  killed: Find | null
  seconds: number
}

function copySources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-mutants-'))
  for (const source of sources) cpSync(join(root, source), join(folder, source), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
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
  const { tests: own, hasEdges } = mutant
  const killed =
    own === undefined ? await firstFailure(folder, values.seeds, undefined, hasEdges) : await failingTest(folder, own)
  writeFileSync(path, original)
  return { mutant, killed, seconds: (performance.now() - startedMs) / 1000 }
}

function fateOf({ killed }: Verdict): string {
  if (killed === null) return 'SURVIVED'
  if (killed.by === 'test') return 'a test'
  return killed.by === 'bound' ? 'BY ITS BOUND' : `invariant ${killed.invariant}`
}

/** At which seed it was found; empty where no seed was lived. */
function seedOf({ killed }: Verdict): string {
  return killed === null || killed.by === 'test' ? '' : killed.seed
}

function tell(verdict: Verdict, place: string): void {
  const { mutant, killed, seconds } = verdict
  const seed = seedOf(verdict)
  const fate = seed === '' ? fateOf(verdict) : `${fateOf(verdict)} at seed ${seed}`
  process.stdout.write(`${place} ${mutant.name.padEnd(72)} ${fate.padEnd(28)} ${seconds.toFixed(1)} s\n`)
  if (killed !== null) process.stdout.write(`    ${killed.what.split('\n')[0]!.slice(0, 130)}\n`)
}

/** In the order of the list, whoever was first. */
function tableOf(verdicts: readonly Verdict[]): string {
  const rows = chosen.flatMap((mutant) => {
    const verdict = verdicts.find((one) => one.mutant === mutant)
    if (verdict === undefined) return []
    return `| ${mutant.name} | ${fateOf(verdict)} | ${seedOf(verdict)} | ${verdict.seconds.toFixed(1)} |\n`
  })
  return `\n| fault | killed by | at seed | seconds |\n|---|---|--:|--:|\n${rows.join('')}`
}

const chosen = (values.ledger ? ledgerMutants : mutants)
  .filter(({ name, tests = '' }) => name.includes(values.only) || (values.only !== '' && tests === values.only))
  .filter(({ hasEdges = false }) => !values.edges || hasEdges)
  .filter((_, place) => place % portions === portion - 1)
  .slice(Number(values.from) - 1)
const queue = [...chosen]
const verdicts: Verdict[] = []
const jobs = Math.min(Number(values.jobs), queue.length)
const hunters = Array.from({ length: jobs }, async () => {
  const folder = copySources()
  try {
    // A fault proves nothing where the code fails without it.
    const flaw =
      (await firstFailure(folder, values.sound)) ?? (await firstFailure(folder, values.sound, undefined, true))
    if (flaw !== null) throw new Error(`the code itself breaks an invariant at seed ${flaw.seed}: ${flaw.what}`)
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const verdict = await hunt(folder, mutant)
      verdicts.push(verdict)
      tell(verdict, `${verdicts.length}/${chosen.length}`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
await Promise.all(hunters)
process.stdout.write(tableOf(verdicts))
const survivors = verdicts.filter(({ killed }) => killed === null).length
const bounded = verdicts.filter(({ killed }) => killed?.by === 'bound').length
process.stdout.write(`\n${verdicts.length - survivors} killed, ${bounded} of them by a bound; ${survivors} survived\n`)
if (survivors > 0) process.exitCode = 1
