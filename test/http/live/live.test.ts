/** The live feed, the history and the counts over HTTP. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { liveStreamsPerCallerMax } from '../../../shared/limits/http.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

const noHour = {
  ...{ considered: 0, won: 0, lostLatency: 0, lostPrice: 0, lostCapacity: 0, lostTrust: 0, done: 0, failed: 0 },
}
const eventStream = { headers: { accept: 'text/event-stream' } }

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

async function code(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code
}

describe('the live feed', () => {
  test('streams the topics that were asked for, and tells whom of them is whose', async () => {
    const response = await edge.ask('/v1/live?topics=hub,mine', eventStream)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const reader = response.body!.getReader()
    let text = ''
    while (!text.includes('event: mine')) text += Buffer.from((await reader.read()).value!).toString()
    expect(text).toContain('event: hub\ndata: {"ready":true,"scouts":3')
    expect(text).toContain('"requests":0,"last":null')
    await reader.cancel()
  })

  test('is JSON for a caller that polls, and knows who served the newest answer', async () => {
    edge.engine.script = (answer) => answer.serve().done()
    const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
    await (await edge.post('/v1/chat/completions', chat)).text()
    const body = (await (await edge.ask('/v1/live?topics=mine')).json()) as { mine: object }
    expect(body.mine).toMatchObject({
      requests: 1,
      last: { status: 200, route: '/v1/chat/completions', served: { scout: 'ant', model: 'llama' } },
    })
    const others = (await (await edge.ask('/v1/live?topics=mine', {}, edge.keys.admin)).json()) as { mine: object }
    expect(others.mine).toEqual({ requests: 0, last: null })
  })

  test('needs a key, known topics, and an admin for what is for admins', async () => {
    expect((await edge.ask('/v1/live?topics=hub', {}, null)).status).toBe(401)
    for (const topics of ['', 'nothing', 'hub,__proto__', 'toString']) {
      expect((await edge.ask(`/v1/live?topics=${topics}`)).status).toBe(400)
    }
    expect(await code(await edge.ask('/v1/live?topics=attention'))).toBe('permission_denied')
    expect((await edge.ask('/v1/live?topics=attention', {}, edge.keys.admin)).status).toBe(200)
  })

  test('is refused beyond what one caller may have, and given again when one has left', async () => {
    const open = await Promise.all(
      Array.from({ length: liveStreamsPerCallerMax }, () => edge.ask('/v1/live?topics=hub', eventStream)),
    )
    const refused = await edge.ask('/v1/live?topics=hub', eventStream)
    expect([refused.status, refused.headers.get('retry-after'), await code(refused)]).toEqual([
      429,
      '10',
      'rate_limited',
    ])
    await open[0]!.body!.cancel()
    const status = async () => {
      const response = await edge.ask('/v1/live?topics=hub', eventStream)
      await response.body!.cancel()
      return response.status
    }
    let last = 429
    while (last !== 200) last = await status()
    for (const response of open.slice(1)) await response.body!.cancel()
  })
})

describe('the history', () => {
  test('has every series, equally spaced, for each span', async () => {
    for (const [span, slots] of [
      ['10m', 300],
      ['24h', 1_440],
      ['30d', 2_880],
    ] as const) {
      const history = (await (await edge.ask(`/v1/history?span=${span}`)).json()) as {
        series: Record<string, unknown[]>
      }
      expect(Object.values(history.series).map((values) => values.length)).toEqual(Array(9).fill(slots))
    }
    expect((await edge.ask('/v1/history?span=1y')).status).toBe(400)
    expect((await edge.ask('/v1/history', {}, null)).status).toBe(401)
  })
})

test('anybody may know how many scouts and models there are', async () => {
  expect(await (await edge.ask('/v1/hub', {}, null)).json()).toMatchObject({
    object: 'hub',
    ready: true,
    scouts: 3,
    models: 0,
  })
})

const listed = (name: string, operator: string) => ({
  ...{ id: `${operator}/${name}`, name, operator, agent: 'a', address: '::1', phase: 'ready' },
  ...{ connectedAt: '2026-01-01T00:00:00.000Z', concurrency: 1, credits: 1, inFlight: 0, done: 0, failed: 0 },
  ...{ failureRate: 0, offers: [] },
})

test('everybody sees the scouts of its own keys, and those of others are not there', async () => {
  const own = edge.keyring.list().find(({ role }) => role === 'client')!.tenant
  const detail = { sessions: 1, window: 1, lastHour: noHour, verdict: [], standings: [] }
  edge.engine.scoutListings = [listed('mine', own), listed('theirs', 'key_other')]
  edge.engine.scoutDetails = edge.engine.scoutListings.map((listing) => ({ ...listing, ...detail }))
  const list = (await (await edge.ask('/v1/me/scouts')).json()) as { data: { name: string }[] }
  expect(list.data.map(({ name }) => name)).toEqual(['mine'])
  expect((await edge.ask(`/v1/me/scouts/${own}/mine`)).status).toBe(200)
  const [theirs, none] = await Promise.all(
    ['key_other/theirs', 'key_other/none'].map(async (id) => (await edge.ask(`/v1/me/scouts/${id}`)).json()),
  )
  expect(theirs).toEqual(none)
})

test('one scout comes with what it served by the day, of the last 30 days', async () => {
  const detail = { sessions: 1, window: 1, lastHour: noHour, verdict: [], standings: [] }
  edge.engine.scoutDetails = [{ ...listed('ant', 'key'), ...detail }]
  const today = Math.floor(Date.now() / 86_400_000)
  for (const day of [today - 30, today - 29]) {
    const served = { day, done: 2, failed: 1, tokens: 30, busyMs: 400 }
    edge.engine.store.commit([{ write: 'served', scout: 'key/ant', served }])
  }
  const shown = (await (await edge.ask('/v1/scouts/key/ant', {}, edge.keys.admin)).json()) as { served: object[] }
  const day = new Date((today - 29) * 86_400_000).toISOString().slice(0, 10)
  expect(shown.served).toEqual([{ day, done: 2, failed: 1, tokens: 30, busy_ms: 400 }])
})

test('scouts come in pages, in the order in which they connected', async () => {
  edge.engine.scoutListings = Array.from({ length: 5 }, (_, at) => listed(`s${at}`, 'key'))
  const page = async (query: string) => {
    const response = await edge.ask(`/v1/scouts?${query}`, {}, edge.keys.admin)
    return (await response.json()) as { data: { name: string }[]; next: string | null }
  }
  const seen: string[] = []
  for (let after: string | null = ''; after !== null; ) {
    const { data, next } = await page(`limit=2${after && `&after=${after}`}`)
    seen.push(...data.map(({ name }) => name))
    after = next
  }
  expect(seen).toEqual(['s0', 's1', 's2', 's3', 's4'])
  expect(await page('limit=1')).toMatchObject({ newest: 4, next: '0' })
  expect(await page('after=4')).toMatchObject({ data: [], newest: 4, next: null })
  expect((await page('name=s3')).data).toMatchObject([{ name: 's3', verdict: ['It is in good order.'] }])
  for (const query of ['limit=0', 'limit=501', 'after=x', 'show=other', `name=${'x'.repeat(65)}`]) {
    expect((await edge.ask(`/v1/scouts?${query}`, {}, edge.keys.admin)).status).toBe(400)
  }
})
