/** llmprobe: what an engine must do on every surface that it has. Its grades of the model are not the hub's. */
import { join } from 'node:path'
import { installed, runSuite, type SuiteCheck, type SuiteResult } from './suite.ts'

interface Report {
  conformance: {
    results: {
      id: string
      name?: string
      surface: string
      outcome: string
      reason?: string
      failures: { severity: string; message?: string; label?: string }[]
    }[]
  }
}

const suite = 'llmprobe'

export async function runLlmprobe(baseURL: string, key: string, model: string, folder: string): Promise<SuiteResult> {
  const { folder: home, version } = await installed(suite)
  const file = join(folder, 'llmprobe.json')
  const said = await runSuite(
    join(home, 'bin', 'dist', 'llmprobe.mjs'),
    [baseURL, '--model', model, '--full', '--no-bench', '--no-save', '--no-color', '--save', file],
    { LLMPROBE_API_KEY: key, HOME: folder },
  )
  if (!(await Bun.file(file).exists())) throw new Error(`${suite} left no report: ${said}`)
  const { conformance } = (await Bun.file(file).json()) as Report
  return { suite, version, checks: conformance.results.map(checkOf) }
}

const outcomes: Readonly<Record<string, SuiteCheck['outcome']>> = { pass: 'pass', fail: 'fail', unsupported: 'absent' }

function checkOf({
  id,
  name,
  surface,
  outcome,
  reason,
  failures,
}: Report['conformance']['results'][number]): SuiteCheck {
  const musts = failures.filter(({ severity }) => severity.toUpperCase() === 'MUST')
  return {
    ...{ id, name: name ?? id, group: surface },
    outcome: outcomes[outcome] ?? 'open',
    reason: reason ?? musts.map(({ message, label }) => message ?? label ?? '').join('; '),
  }
}
