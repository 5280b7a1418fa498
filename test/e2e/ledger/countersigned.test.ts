/** Scouts that sign what they answer, over real sockets: what is signed is what the hub counted. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Edge } from '../../../orchestrator/edge/edge.ts'
import type { LedgerReport } from '../../../orchestrator/engine/ports/ledger/ledger.ts'
import { readHead } from '../../../orchestrator/ledger/receipts/chain.ts'
import { firstLine, rulesLine, wholeBatchLine } from '../../../orchestrator/ledger/receipts/export-file.ts'
import type { Provider } from '../../../scout/providers/provider.ts'
import { AnswerKey } from '../../../shared/answers/answer-keys.ts'
import { offerOf } from '../../../shared/task.ts'
import { until } from '../../support/clocks/until.ts'
import { EdgeHub } from '../../support/edges/edge-hub.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { checkedLedger } from '../../support/ledger/calendar.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

let hub: LiveHub | EdgeHub

afterEach(() => hub.close())

const signingKey = new AnswerKey(new Uint8Array(32).fill(5))

const line = (choice: number, delta: string) => `{"choices":[{"index":${choice},"delta":${delta}}]}`

const ending = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'

/** Texts in several choices and parts, cut where a pair of code units is cut, some of them written with escapes. */
const pieces = [
  '{"choices":[{"index":0,"delta":{"role":"assistant"}}]}',
  '{"choices":[{"index":1,"delta":{"content":"caf\\u00e9 \\ud83d"}}]}',
  '{"choices":[{"index":1,"delta":{"content":"\\ude00 and"}},{"index":0,"delta":{"refusal":"No"}}]}',
  line(0, '{"tool_calls":[{"index":0,"id":"c","function":{"name":"look","arguments":"{"}}]}'),
  '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}],"reasoning":"hm"}}]}',
  ...['some', ' more', ' words', ' of', ' one', ' kind \\ud83d'].map(
    (text) => `{"choices":[{"index":1,"delta":{"content":"${text}"}}]}`,
  ),
  '{"choices":[{"index":1,"delta":{"content":"end"},"finish_reason":"stop"}]}',
  ending,
]
const whole = {
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Hello', refusal: 'No' }, finish_reason: 'stop' },
    { index: 1, message: { role: 'assistant', content: 'Other' }, finish_reason: 'stop' },
  ],
}

const talker: Provider = {
  name: 'talker',
  discover: async () => [
    offerOf({ kind: 'chat', model: 'talk', provider: 'talker' }),
    offerOf({ kind: 'embed', model: 'numbers', provider: 'talker' }),
  ],
  async answer({ kind, stream, body }, out) {
    if (kind === 'embed') return { json: '{"data":[{"index":0,"embedding":[1,2]}]}' }
    const isOfOne = !Buffer.from(body).toString('utf8').includes('"n":2')
    if (!stream) return { json: JSON.stringify(whole) }
    for (const piece of isOfOne ? [line(0, '{"content":"One"}'), ending] : pieces) await out.line(piece)
    return { json: '{"choices":[]}' }
  },
}

function fileOf(ledger: LedgerReport): string {
  const batches = ledger.batchesAfter(0, 99)
  const rules = ledger.rulesText(readHead(batches[0]!.head)!.rulesHash)!
  return firstLine(ledger.hub) + rulesLine(rules) + batches.map(wholeBatchLine).join('')
}

/** Once all receipts are sealed: those that are countersigned, of all. */
async function signedOf(ledger: LedgerReport, receipts: number): Promise<number> {
  const found = () => (ledger.batchesAfter(0, 1).length === 0 ? null : checkedLedger(fileOf(ledger), ledger.hub))
  await until('all receipts', () => found()?.receipts === receipts)
  return found()!.signers.checked
}

const ask = (path: string, body: object) => [path, JSON.stringify(body)] as const
const messages = [{ role: 'user', content: 'Say something' }]
const requests = [
  ask('/chat/completions', { model: 'talk', messages, n: 2, stream: true }),
  ask('/chat/completions', { model: 'talk', messages, n: 2 }),
  ask('/embeddings', { model: 'numbers', input: 'text' }),
]

describe('one process', () => {
  test('has countersigned receipts of streams, whole answers, embeddings and durable tasks', async () => {
    const live = new LiveHub()
    hub = live
    await live.addScout({ name: 'ant', providers: [talker], signingKey })
    const headers = { authorization: `Bearer ${live.clientKey}`, 'content-type': 'application/json' }
    for (const [path, body] of requests) {
      const response = await fetch(`${live.baseURL}${path}`, { method: 'POST', headers, body })
      expect([response.status, path]).toEqual([200, path])
      await response.text()
    }
    const intent = JSON.stringify({ model: 'talk', input: 'Say something' })
    const accepted = await fetch(`${live.baseURL}/intents`, { method: 'POST', headers, body: intent })
    expect(accepted.status).toBeLessThan(300)
    expect(await signedOf(live.hub.engine.ledger!, 4)).toBe(4)
  })

  test('gives a scout that signs nothing no salt, and its receipts are as ever', async () => {
    const live = new LiveHub()
    hub = live
    await live.addScout({ name: 'ant', providers: [talker] })
    const headers = { authorization: `Bearer ${live.clientKey}`, 'content-type': 'application/json' }
    const [path, body] = requests[1]!
    const response = await fetch(`${live.baseURL}${path}`, { method: 'POST', headers, body })
    const { id } = (await response.json()) as { id: string }
    expect(await signedOf(live.hub.engine.ledger!, 1)).toBe(0)
    const receipt = await fetch(`${live.baseURL}/receipts/${id}`, { headers })
    expect(await receipt.json()).toMatchObject({ says: { countersigned: false } })
  })

  test('says of a receipt that it is countersigned, and its operator can take the key back', async () => {
    const live = new LiveHub()
    hub = live
    await live.addScout({ name: 'ant', providers: [talker], signingKey })
    const headers = { authorization: `Bearer ${live.clientKey}`, 'content-type': 'application/json' }
    const [path, body] = requests[1]!
    const response = await fetch(`${live.baseURL}${path}`, { method: 'POST', headers, body })
    const { id } = (await response.json()) as { id: string }
    expect(await signedOf(live.hub.engine.ledger!, 1)).toBe(1)
    const receipt = await fetch(`${live.baseURL}/receipts/${id}`, { headers })
    expect(await receipt.json()).toMatchObject({ says: { countersigned: true } })
    const [scout] = live.hub.engine.scouts()
    expect(live.hub.engine.scout(scout!.id)!.verdict).toContain('Its receipts are countersigned with its key.')
    const reset = (key: string, name: string) =>
      fetch(`${live.baseURL}/signing-keys/${name}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } })
    // Only its own operator.
    expect((await reset(live.clientKey, 'ant')).status).toBe(404)
    expect((await reset(live.scoutKey, 'bee')).status).toBe(404)
    expect((await reset(live.scoutKey, 'ant')).status).toBe(200)
    expect((await reset(live.scoutKey, 'ant')).status).toBe(404)
  })
})

test('a scout as a process makes its key at its first start, and signs with it after the next one', async () => {
  const live = new LiveHub()
  hub = live
  const path = join(temporaryFolder(), 'signing.key')
  const headers = { authorization: `Bearer ${live.clientKey}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ model: 'demo-small', messages })
  for (const start of [1, 2]) {
    const scout = await live.spawnScout('ant', { SCOUT_SIGNING_KEY: path })
    const response = await fetch(`${live.baseURL}/chat/completions`, { method: 'POST', headers, body })
    expect(response.status).toBe(200)
    expect(await signedOf(live.hub.engine.ledger!, start)).toBe(start)
    scout.kill()
    await scout.exited
    await until('the scout to be gone', () => live.hub.engine.scouts().length === 0)
  }
  expect(readFileSync(path, 'utf8')).toMatch(/^[\w-]{43}\n$/)
})

test('over edges, whichever of them has the scout, signatures reach the ledger with what was counted', async () => {
  const edges = new EdgeHub({ config: { receipts: 'on' } })
  hub = edges
  const [one, other] = [await edges.addEdge(), await edges.addEdge()]
  await edges.addScout(one, 'ant', talker, { signingKey })
  const headers = { authorization: `Bearer ${edges.clientKey}` }
  const asked = async (edge: Edge) => {
    for (const [path, body] of requests) {
      const response = await edges.post(edge, `/v1${path}`, JSON.parse(body), headers)
      expect([response.status, path]).toEqual([200, path])
      await response.text()
    }
  }
  await asked(one)
  await asked(other)
  expect(await signedOf(edges.brain.engine.ledger!, 6)).toBe(6)
})
