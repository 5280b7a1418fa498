/** The table behind the score card names tests that are there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { clients } from './clients.ts'
import { readResults } from './sdk-results.ts'

const e2e = join(import.meta.dirname, '..', '..', 'e2e')
const installed = JSON.parse(readFileSync(join(e2e, '..', '..', 'package.json'), 'utf8')) as {
  dependencies: object
  devDependencies: object
}

describe.each(clients.map((client) => [client.name, client.over, client] as const))(
  '%s over %s',
  (_name, _over, { file, packages, shows }) => {
    test('is judged by tests of these titles', () => {
      const source = readFileSync(join(e2e, file), 'utf8')
      const missing = Object.values(shows)
        .flat()
        .filter((title) => !source.includes(title))
      expect(missing).toEqual([])
    })

    test('is installed', () => {
      const known = Object.keys({ ...installed.dependencies, ...installed.devDependencies })
      expect(known).toEqual(expect.arrayContaining([...packages]))
    })
  },
)

test('scores count what passed, failed and was skipped, for the client that a test is about', () => {
  const tests = [
    ['openai 7 lists the models, and finds one', 'passed'],
    ['openai 6 lists the models, and finds one', 'failed'],
    ['openai 7 gets vectors of a', 'passed'],
    ['openai 7 gets vectors of b', 'failed'],
    ['openai 7 gets vectors of c', 'skipped'],
  ].map(([fullName, status]) => ({ fullName: fullName!, status: status! }))
  const { clients: scored, failed } = readResults({
    testResults: [{ name: '/x/test/e2e/clients/openai-versions.test.ts', assertionResults: tests }],
  })
  const seven = scored.find(({ name }) => name === 'OpenAI SDK 7')!
  expect(seven.scores.models).toEqual({ passed: 1, failed: 0, skipped: 0 })
  expect(seven.scores.embeddings).toEqual({ passed: 1, failed: 1, skipped: 1 })
  expect(failed).toEqual(['openai 6 lists the models, and finds one', 'openai 7 gets vectors of b'])
})
