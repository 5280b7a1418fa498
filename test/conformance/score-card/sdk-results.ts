/**
 * Runs the tests of the real clients as a process of its own and counts, for each client and feature, how many of the
 * tests that show it passed. Feeds the score card.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clients } from './clients.ts'
import type { Client, Feature } from './features.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const folders = ['test/e2e/clients', 'test/e2e/browser']

export interface Score {
  passed: number
  failed: number
  /** The machine lacks what it needs. */
  skipped: number
}

export interface ClientScore {
  name: string
  over: string
  packages: readonly string[]
  program?: Client['program']
  scores: Partial<Record<Feature, Score>>
}

interface TestReport {
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[]
}

interface SdkResults {
  clients: ClientScore[]
  /** Names of all tests that failed, of the table or not. */
  failed: string[]
}

export async function runSdkTests(folder: string): Promise<SdkResults> {
  const file = join(folder, 'tests.json')
  const command = [process.execPath, '--bun', 'node_modules/.bin/vitest', 'run', ...folders]
  const child = Bun.spawn([...command, '--reporter=json', `--outputFile=${file}`], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await child.exited
  return readResults(JSON.parse(readFileSync(file, 'utf8')) as TestReport)
}

export function readResults({ testResults }: TestReport): SdkResults {
  const scored = clients.map(({ name, over, packages, program, file, within = '', shows }) => {
    const tests = testResults.find((result) => result.name.endsWith(file))?.assertionResults ?? []
    const own = tests.filter(({ fullName }) => fullName.startsWith(within))
    const scores = Object.fromEntries(
      Object.entries(shows).map(([feature, titles]) => {
        const fitting = own.filter(({ fullName }) => titles.some((title) => fullName.includes(title)))
        return [feature, scoreOf(fitting.map(({ status }) => status))]
      }),
    )
    return { name, over, packages, ...(program && { program }), scores }
  })
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
  )
  return { clients: scored, failed }
}

function scoreOf(statuses: readonly string[]): Score {
  const count = (status: string) => statuses.filter((one) => one === status).length
  const [passed, failed] = [count('passed'), count('failed')]
  return { passed, failed, skipped: statuses.length - passed - failed }
}
