/** CompatCanary: seven probes of models, chats and responses. */
import { join } from 'node:path'
import { installed, runSuite, type SuiteResult } from './suite.ts'

interface Report {
  results: { id: string; name: string; category: string; status: string; summary?: string; error?: string }[]
}

const suite = 'compatcanary'

export async function runCompatCanary(
  baseURL: string,
  key: string,
  model: string,
  folder: string,
): Promise<SuiteResult> {
  const { folder: home, version } = await installed(suite)
  const file = join(folder, 'compatcanary.json')
  const target = ['scan', '--base-url', baseURL, '--model', model, '--profile', 'modern']
  const said = await runSuite(
    join(home, 'src', 'cli.js'),
    [...target, '--format', 'json', '--output', file, '--fail-on', 'never'],
    { OPENAI_API_KEY: key, HOME: folder },
  )
  if (!(await Bun.file(file).exists())) throw new Error(`${suite} left no report: ${said}`)
  const { results } = (await Bun.file(file).json()) as Report
  const checks = results.map(({ id, name, category, status, summary, error }) => ({
    ...{ id, name, group: category.toLowerCase() },
    outcome: status === 'pass' ? ('pass' as const) : ('fail' as const),
    reason: error ?? summary ?? '',
  }))
  return { suite: 'CompatCanary', version, checks }
}
