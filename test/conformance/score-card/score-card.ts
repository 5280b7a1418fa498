/**
 * The page `docs/clients.md`: clients by features, scores of the suites, and each exception with its reason. Made by
 * `npm run conformance` of what it has measured; the words around the tables are here.
 */
import type { CorpusResult } from '../corpus/corpus.ts'
import type { SuiteCheck, SuiteResult } from '../suites/suite.ts'
import { exceptions } from './exceptions.ts'
import { features } from './features.ts'
import type { ClientScore, Score } from './sdk-results.ts'

export interface Measured {
  /** As 2026-01-31. */
  date: string
  runtime: string
  clients: readonly ClientScore[]
  /** Of each package in the table. */
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
  const rows = clients.map(({ name, over, packages, scores }) => {
    const used = packages.map((one) => versions[one]).join(' and ')
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
    [...Map.groupBy(checks, ({ group }) => group)].map(([group, own]) => {
      const count = (outcome: SuiteCheck['outcome']) => own.filter((check) => check.outcome === outcome).length
      const open = count('open')
      return [suite, version, group, `${count('pass')} of ${own.length - open}`, open > 0 ? `${open} undecided` : '']
    }),
  )
  const seen = `Of ${corpus.answers} answers and ${corpus.events} events of streams`
  const schemas = `${seen}, ${corpus.violations.length} differ from what is published (${sources.join(', ')}).`
  return `## Suites\n\n${table(['suite', 'version', 'about', 'passed', ''], rows)}\n\n${schemas}\n`
}

function exceptionList({ suites }: Measured): string {
  const listed = exceptions.map(({ suite, id, why }) => `- ${suite}, \`${id}\`: ${why}`)
  const open = suites.flatMap(({ suite, checks }) =>
    checks
      .filter(({ outcome }) => outcome === 'open')
      .map(({ id, reason }) => `- ${suite}, \`${id}\`, undecided: ${reason}`),
  )
  const all = [...listed, ...open]
  return `## Exceptions\n\n${all.length === 0 ? 'None.' : all.join('\n')}\n`
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), `|${titles.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}
