/** The pages for operators name the metrics that there are: each of the hub's is explained, and no other is used. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startEdge } from '../support/hub/client-edge.ts'

const folder = join(import.meta.dirname, '../../docs/operations')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

/** Of the client library, explained together. */
const ofProcess = /^chasm_(process|nodejs)_/
const ofHistogram = /_(bucket|sum|count)$/

async function served(): Promise<Map<string, string>> {
  const edge = startEdge()
  const text = await (await edge.ask('/metrics', {}, null)).text()
  await edge.hub.stop()
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]))
}

/** Names of metrics in a text, as its expressions use them. */
function namesIn(text: string, types: ReadonlyMap<string, string>): Set<string> {
  const names = [...text.matchAll(/\bchasm_[a-z0-9_]+/g)].map(([name]) => {
    const bare = name.replace(ofHistogram, '')
    return types.get(bare) === 'histogram' ? bare : name
  })
  return new Set(names)
}

test('every metric of the hub is explained, with its type', async () => {
  const types = await served()
  const rows = new Map(
    [...read('metrics.md').matchAll(/^\| `(\w+)` \| (\w+)/gm)].map(([, name, type]) => [name!, type!]),
  )
  const own = [...types].filter(([name]) => !ofProcess.test(name))
  expect(own.length).toBeGreaterThan(15)
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(own))
})

test.each(['metrics.md', 'chasm-dashboard.json', 'chasm-alerts.yml'])(
  '%s uses only metrics that exist',
  async (name) => {
    const types = await served()
    const used = [...namesIn(read(name), types)]
    expect(used.length).toBeGreaterThan(5)
    expect(used.filter((metric) => !types.has(metric) && !/^chasm_(process|nodejs)_$/.test(metric))).toEqual([])
  },
)

test('the dashboard shows every metric of its own kind', async () => {
  const types = await served()
  const used = namesIn(read('chasm-dashboard.json'), types)
  expect([...types.keys()].filter((name) => !ofProcess.test(name) && !used.has(name))).toEqual([])
})
