/** A hub of several processes' parts: clients and scouts at different edges, and one brain behind them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Edge } from '../../../orchestrator/edge/edge.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { EdgeHub } from '../../support/edges/edge-hub.ts'
import { deltaLine, finishLine, tail } from '../../support/hub/engine-bench.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const hub = new EdgeHub()
const slow = new ScriptedProvider('slow', ['slow'])
let here: Edge
let there: Edge

beforeAll(async () => {
  here = await hub.addEdge()
  there = await hub.addEdge()
  await hub.addScout(there, 'far')
  await hub.addScout(there, 'far-slow', slow)
})

afterAll(() => hub.close())

const messages = [{ role: 'user', content: 'Say something.' }]

describe('a client at one edge and a scout at another', () => {
  test('a whole answer', async () => {
    const response = await hub.post(here, '/v1/chat/completions', { model: 'auto', messages })
    expect(response.status).toBe(200)
    const answer = (await response.json()) as { chasm: { scout: string }; choices: { message: { content: string } }[] }
    expect(answer.chasm.scout).toMatch(/\/far$/)
    expect(answer.choices[0]!.message.content.length).toBeGreaterThan(0)
  })

  test('a stream, as at the edge of the scout itself', async () => {
    const stream = (edge: Edge) =>
      hub.post(edge, '/v1/chat/completions', { model: 'demo-small', messages, stream: true }).then((response) => {
        return new StreamReader(response).until('the end', (reader) => reader.isOver)
      })
    const [far, near] = await Promise.all([stream(here), stream(there)])
    expect(far.isDone).toBe(true)
    expect(far.text).toBe(near.text)
    expect(far.text.length).toBeGreaterThan(0)
  })

  test('a request of megabytes', async () => {
    const long = [{ role: 'user', content: 'x'.repeat(3_000_000) }]
    const response = await hub.post(here, '/v1/chat/completions', { model: 'demo-small', messages: long })
    expect(response.status).toBe(200)
  })

  test('a client that leaves stops the work', async () => {
    const asking = hub.post(here, '/v1/chat/completions', { model: 'slow', messages, stream: true })
    const call = await slow.call()
    await call.line(deltaLine('so far'))
    const reader = (await asking).body!.getReader()
    await reader.read()
    await reader.cancel()
    await slow.aborted(call)
    await until('the lease to end', () => hub.brain.engine.stats().tasksLeased === 0)
  })
})

describe('what only the brain can answer', () => {
  test('models, an answer under an Idempotency-Key, several models', async () => {
    const models = (await (await hub.get(here, '/v1/models')).json()) as { data: { id: string }[] }
    expect(models.data.map(({ id }) => id)).toContain('slow')
    const asked = { model: 'demo-small', messages }
    const first = await hub.post(here, '/v1/chat/completions', asked, { 'idempotency-key': 'once' })
    const again = await hub.post(there, '/v1/chat/completions', asked, { 'idempotency-key': 'once' })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await again.text()).toBe(await first.text())
    const tries = await hub.post(here, '/v1/chat/completions', { models: ['nobody', 'demo-small'], messages })
    expect(tries.status).toBe(200)
  })

  test('an intent, whose task is done at an edge', async () => {
    const created = await hub.post(here, '/v1/intents', { input: 'Say something.', model: 'demo-small' })
    const { id } = (await created.json()) as { id: string }
    // Over with the intent.
    await (await hub.get(there, `/v1/intents/${id}/events`)).text()
    const intent = (await (await hub.get(here, `/v1/intents/${id}`)).json()) as { state: string }
    expect(intent.state).toBe('done')
  })

  test('a key that is revoked counts nowhere any more', async () => {
    const { key, row } = hub.brain.keyring.issue('client', 'soon gone')
    expect((await hub.get(here, '/v1/models', key)).status).toBe(200)
    const chat = () =>
      hub.post(here, '/v1/chat/completions', { model: 'demo-small', messages }, { authorization: `Bearer ${key}` })
    expect((await chat()).status).toBe(200)
    hub.brain.keyring.revoke(row.id)
    let refused = false
    while (!refused) refused = (await chat()).status === 401
  })

  test('one page of metrics for all', async () => {
    const count = async () => {
      const text = await (await fetch(`${there.url}/metrics`)).text()
      const series = /chasm_http_requests_total\{method="POST",route="\/v1\/chat\/completions",status="200"\} (\d+)/
      return Number(series.exec(text)?.[1] ?? 0)
    }
    let counted = 0
    while (counted < 4) counted = await count()
  })
})

describe('an edge that is lost', () => {
  test('takes its scouts and clients along, and nobody else', async () => {
    const third = await hub.addEdge()
    const fixed = new ScriptedProvider('fixed', ['fixed'])
    await hub.addScout(here, 'near-fixed', fixed)
    const lost = hub.post(third, '/v1/chat/completions', { model: 'fixed', messages, stream: true })
    const lostCall = await fixed.call()
    await lostCall.line(deltaLine('x'))
    const keeping = hub.post(there, '/v1/chat/completions', { model: 'fixed', messages, stream: true })
    const keptCall = await fixed.call()
    third.end('the test ends it')
    await until('the brain to notice', () => hub.brain.edges() === 2)
    await fixed.aborted(lostCall)
    await lost.then((response) => response.text()).catch(() => 'cut')
    await keptCall.line(deltaLine('all is well'))
    await keptCall.line(finishLine)
    keptCall.done(tail)
    const reader = await new StreamReader(await keeping).until('the end', (of) => of.isOver)
    expect(reader.text).toBe('all is well')
    expect(reader.isDone).toBe(true)
  })
})
