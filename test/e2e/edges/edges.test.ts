/** A hub of several processes' parts: clients and scouts at different edges, and one brain behind them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Edge } from '../../../orchestrator/edge/edge.ts'
import type { KeyHolder } from '../../../orchestrator/engine/keyring.ts'
import { type KeyLimits, noLimits, noScopes, storedLimits, storedScopes } from '../../../shared/keys/key-terms.ts'
import { promptBytesPerTokenReserved } from '../../../shared/limits/keys.ts'
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

interface Mine {
  mine: { requests: number; last: object | null }
}

interface Keys {
  data: { open: { scouts: number } }[]
}

const messages = [{ role: 'user', content: 'Say something.' }]

describe('a client at one edge and a scout at another', () => {
  test('a whole answer', async () => {
    const response = await hub.post(here, '/v1/chat/completions', { model: 'demo-small', messages })
    expect(response.status).toBe(200)
    const answer = (await response.json()) as { chasm: { scout: string }; choices: { message: { content: string } }[] }
    expect(answer.chasm.scout).toMatch(/\/far$/)
    expect(answer.choices[0]!.message.content.length).toBeGreaterThan(0)
  })

  test('a receipt, which each edge can show', async () => {
    const asked = [{ role: 'user', content: 'Say what nobody has said.' }]
    const response = await hub.post(here, '/v1/chat/completions', { model: 'demo-small', messages: asked })
    const { id } = (await response.json()) as { id: string }
    const task = Number.parseInt(id.slice('chatcmpl-'.length), 36)
    const { ledger } = hub.brain.engine
    await until('the receipt to be sealed', () => typeof ledger!.receipt(task, null) === 'object')
    for (const edge of [here, there]) {
      const shown = await hub.get(edge, `/v1/receipts/${id}`)
      expect([shown.status, await shown.json()]).toMatchObject([200, { task, sealed: true, hub: ledger!.hub }])
    }
    const { points } = (await (await hub.get(there, '/v1/earnings', hub.scoutKey)).json()) as { points: object }
    expect(points).toMatchObject({ waiting: ledger!.conservation().escrow })
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

  test('a key that is revoked counts at no edge any more, and its streams end', async () => {
    const { key, row } = hub.brain.keyring.issue('client', 'soon gone')
    expect((await hub.get(here, '/v1/models', key)).status).toBe(200)
    const authorization = `Bearer ${key}`
    const chat = (edge: Edge) =>
      hub.post(edge, '/v1/chat/completions', { model: 'demo-small', messages }, { authorization })
    for (const edge of [here, there]) expect((await chat(edge)).status).toBe(200)
    const asked = { model: 'slow', messages, stream: true }
    const streaming = hub.post(here, '/v1/chat/completions', asked, { authorization })
    const call = await slow.call()
    await call.line(deltaLine('so far'))
    const reader = new StreamReader(await streaming)
    hub.brain.keyring.revoke(row.id)
    expect((await reader.over()).error).toMatchObject({ code: 'invalid_api_key' })
    await slow.aborted(call)
    for (const edge of [here, there]) {
      let status = 0
      while (status !== 401) status = (await chat(edge)).status
    }
  })

  test('who asked last, and what a key has open, wherever it is', async () => {
    const key = hub.brain.keyring.issue('client', 'fresh').key
    await hub.post(here, '/v1/chat/completions', { model: 'demo-small', messages }, { authorization: `Bearer ${key}` })
    const mine = async () => (await (await hub.get(there, '/v1/live?topics=mine', key)).json()) as Mine
    let seen = await mine()
    while (seen.mine.last === null) seen = await mine()
    expect(seen.mine).toMatchObject({ requests: 1, last: { route: '/v1/chat/completions', status: 200 } })
    const keys = async () => (await (await hub.get(here, '/v1/me/keys', hub.scoutKey)).json()) as Keys
    let scouts = 0
    while (scouts !== 2) scouts = (await keys()).data[0]!.open.scouts
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

describe('the limits of a key', () => {
  const issue = (limits: Partial<KeyLimits>, models: string[] | null = null) => {
    const terms = { limits: storedLimits({ ...noLimits, ...limits }), scopes: storedScopes({ ...noScopes, models }) }
    const { key, row } = hub.brain.keyring.issue('client', 'limited', terms)
    return { authorization: `Bearer ${key}`, check: hub.brain.keyring.holder(row.id), key }
  }
  const edgeOf = (at: number) => (at % 2 === 0 ? here : there)

  test('a budget of 10 admits 10 of 200 that come over two edges, and is given back when they leave', async () => {
    const asked = { model: 'slow', max_tokens: 100, messages, stream: true }
    const tokens = Math.ceil(JSON.stringify(asked).length / promptBytesPerTokenReserved) + 100
    const { authorization, check } = issue({ budgets: [{ unit: 'tokens', per: 'day', amount: 10 * tokens }] })
    const leaving = new AbortController()
    const refused: number[] = []
    const asking = Array.from({ length: 200 }, async (_, at) => {
      const { url } = edgeOf(at)
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify(asked),
        headers: { authorization, 'content-type': 'application/json' },
        signal: leaving.signal,
      }).catch(() => null)
      if (response === null) return
      refused.push(response.status)
      expect(await response.json()).toMatchObject({ error: { code: 'budget_exceeded' } })
    })
    await until('all but ten to be refused', () => refused.length === 190)
    expect(refused.every((status) => status === 402)).toBe(true)
    const { engine } = hub.brain
    const standing = () => {
      const now = { wallMs: Date.now(), nowMs: performance.now() }
      return engine.tenants.budgets(check as KeyHolder, now).map(({ used, reserved }) => ({ used, reserved }))
    }
    expect(standing()).toEqual([{ used: 0, reserved: 10 * tokens }])
    expect(engine.stats().tasksQueued + engine.stats().tasksLeased).toBe(10)
    leaving.abort()
    await Promise.all(asking)
    await until('what was set aside to be given back', () => standing()[0]!.reserved === 0)
    await until('the leases to end', () => engine.stats().tasksLeased === 0)
  })

  test('a rate of 10 a minute lets 10 of 30 through, and each of them hears what is left', async () => {
    const { authorization } = issue({ requestsPerMinute: 10 })
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        hub.post(edgeOf(at), '/v1/chat/completions', { model: 'demo-small', messages }, { authorization }),
      ),
    )
    const passed = answers.filter(({ status }) => status === 200)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(20)
    const left = passed.map(({ headers }) => Number(headers.get('x-ratelimit-remaining-requests')))
    expect(left.sort((one, other) => one - other)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (const answer of answers) await answer.text()
  })

  test('what was used counts against the budget, and a key for some models reaches no others', async () => {
    const { authorization, key } = issue({ budgets: [{ unit: 'tokens', per: 'day', amount: 10_000_000 }] }, ['demo-*'])
    const ask = (model: string) => hub.post(here, '/v1/chat/completions', { model, messages }, { authorization })
    expect((await ask('slow')).status).toBe(404)
    const answer = (await (await ask('auto')).json()) as { model: string; usage: { total_tokens: number } }
    expect(answer.model).toMatch(/^demo-/)
    const limits = (await (await hub.get(there, '/v1/me/limits', key)).json()) as { budgets: object[] }
    expect(limits.budgets).toMatchObject([{ used: answer.usage.total_tokens, reserved: 0 }])
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
