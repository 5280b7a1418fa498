/**
 * The page `docs/clients.md`: clients by features, scores of the suites, and each exception with its reason. Made by
 * `npm run conformance` of what it has measured; the words around the tables are here.
 */
import type { CorpusResult } from '../corpus/corpus.ts'
import type { SuiteCheck, SuiteResult } from '../suites/suite.ts'
import { differences, exceptions, whyNot } from './exceptions.ts'
import { features } from './features.ts'
import type { ClientScore, Score } from './sdk-results.ts'

export interface Measured {
  /** As 2026-01-31. */
  date: string
  runtime: string
  clients: readonly ClientScore[]
  /** Of each package and program in the table. */
  versions: Readonly<Record<string, string>>
  suites: readonly SuiteResult[]
  corpus: CorpusResult
  /** The published descriptions. */
  sources: readonly string[]
}

const head = `# Clients

Every client of these APIs works with a base URL and a key, and nothing else: \`http://127.0.0.1:8080/v1\` and a client
key of the hub. This page is written by \`npm run conformance\`, which starts a hub and scouts on this machine, with a
provider that needs no model, and has the clients and the suites below judge them.
`

const symbols = { all: 'yes', some: 'in part', none: 'no', skipped: 'not run', absent: '' }

export function scoreCard(measured: Measured): string {
  const { date, runtime } = measured
  return [
    head,
    `Measured on ${date} with ${runtime}.\n`,
    clientTable(measured),
    suiteTable(measured),
    exceptionList(measured),
  ].join('\n')
}

function clientTable({ clients, versions }: Measured): string {
  const columns = Object.keys(features) as (keyof typeof features)[]
  const shown = columns.filter((feature) => clients.some(({ scores }) => scores[feature] !== undefined))
  const rows = clients.map(({ name, over, packages, program, scores }) => {
    const used = [...packages, ...(program ? [program.name] : [])].map((one) => versions[one]).join(' and ')
    return [name, used, over, ...shown.map((feature) => cell(scores[feature]))]
  })
  const titles = ['client', 'version', 'over', ...shown.map((feature) => features[feature])]
  const note = 'Each "yes" is one test or more in `test/e2e`, all passed; an empty field is not about this client.'
  return `## Clients and features\n\n${table(titles, rows)}\n\n${note}\n`
}

function cell(score: Score | undefined): string {
  if (score === undefined) return symbols.absent
  const { passed, failed, skipped } = score
  if (passed > 0 && failed === 0 && skipped === 0) return symbols.all
  if (failed === 0) return symbols.skipped
  return passed > 0 ? symbols.some : symbols.none
}

function suiteTable({ suites, corpus, sources }: Measured): string {
  const rows = suites.flatMap(({ suite, version, checks }) =>
    [...Map.groupBy(checks, ({ group }) => group)].flatMap(([group, own]) => {
      const count = (outcome: SuiteCheck['outcome']) => own.filter((check) => check.outcome === outcome).length
      const decided = count('pass') + count('fail')
      if (decided === 0) return []
      return [[suite, version, group, `${count('pass')} of ${decided}`, `${own.length - decided}`]]
    }),
  )
  const seen = `Of ${corpus.answers} answers and ${corpus.events} events of streams`
  const schemas = `${seen}, ${corpus.violations.length} differ from what is published (${sources.join(', ')}).`
  const titles = ['suite', 'version', 'about', 'passed', 'not decided']
  return `## Suites\n\n${table(titles, rows)}\n\n${schemas}\n`
}

/** What did not pass, and what could not be decided; a surface that is not there at all is one line. */
function exceptionList({ suites }: Measured): string {
  const failed = exceptions.map(({ suite, id, why }) => `- ${suite}, \`${id}\`: ${why}`)
  const rest = suites.flatMap(({ suite, checks }) =>
    [...Map.groupBy(checks, ({ group }) => group)].flatMap(([group, own]) => {
      if (own.every(({ outcome }) => outcome === 'absent')) return [`- ${suite}, ${group}: not offered`]
      const undecided = own.filter(({ outcome }) => outcome === 'absent' || outcome === 'open')
      return undecided.map(({ id, reason }) => `- ${suite}, \`${id}\`: ${whyNot[id] ?? reason}`)
    }),
  )
  const all = [...failed, ...rest, ...differences.map((text) => `- schemas: ${text}`)]
  const head = 'What fails here is explained; the rest was not decided, for the reason that the suite gives or we know.'
  return `## Exceptions\n\n${all.length === 0 ? 'None.' : `${head}\n\n${all.join('\n')}`}\n`
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), `|${titles.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}
