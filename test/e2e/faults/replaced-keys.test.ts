/**
 * A key whose secret is replaced while its scout works and its streams are read: what hangs on the old secret ends at
 * once, and the identity of the scout, its record and what was accepted go on under the new one.
 */
import { expect, onTestFinished, test } from 'vitest'
import { IntentClient } from '../../support/clients/intent-client.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { contentLine, dialRaw, finishLine, joinRaw, type RawScout } from '../../support/scout/raw-scout.ts'

function liveHub(): LiveHub {
  const live = new LiveHub({ core: { leaseTtlMs: 600_000, firstSignMs: 600_000 } })
  onTestFinished(() => live.close())
  return live
}

async function join(live: LiveHub, key: string, name: string): Promise<RawScout> {
  const scout = await dialRaw(live, { key })
  scout.hello({ name })
  await scout.heard('welcome')
  scout.send({ type: 'credit', count: 4 })
  return scout
}

function replaced(live: LiveHub, id: string, generation: number): string {
  const made = live.hub.keyring.regenerate(id, generation)
  if (typeof made === 'string') throw new Error(made)
  return made.key
}

test('a scout comes back under the new secret as the same scout, with its record', async () => {
  const live = liveHub()
  const { key, row } = live.hub.keyring.issue('scout', 'mine')
  const before = await join(live, key, 'ant')
  const client = new IntentClient(live.url, live.clientKey)
  const id = await client.accepted({ input: 'one', model: 'm' })
  const lease = await before.heard('task')
  before.chunk(lease, 0, 0, contentLine('x') + finishLine)
  before.settle(lease, { chunks: 1 })
  expect(await client.done(id)).toMatchObject({ state: 'done' })
  const taken = await client.accepted({ input: 'two', model: 'm' })
  const held = await before.heard('task', ({ task }) => task !== lease.task)
  before.started(held)

  const fresh = replaced(live, row.id, 1)
  expect((await before.ended()).code).toBe(4501)
  await expect(join(live, key, 'ant')).rejects.toThrow()
  const after = await join(live, fresh, 'ant')
  expect(live.hub.engine.scouts()).toMatchObject([{ id: `${row.tenant}/ant`, operator: row.id, done: 1, failed: 0 }])
  // The task went back uncharged, and is given out again.
  const again = await after.heard('task', ({ task }) => task === held.task)
  expect(again.attempt).toBe(2)
  after.chunk(again, 0, 0, contentLine('y') + finishLine)
  after.settle(again, { chunks: 1 })
  expect(await client.done(taken)).toMatchObject({ state: 'done' })
  await until('the second task to count', () => live.hub.engine.scouts()[0]?.done === 2)
})

test('keys of one account bring up one scout of a name, and reach what each other accepted', async () => {
  const live = liveHub()
  const by = { id: 'console', address: '' }
  const account = live.hub.accounts.makeAccount({ name: 'Ada', address: null, role: 'member', limits: null }, by)
  if ('code' in account) throw new Error(account.message)
  const [one, two] = ['one', 'two'].map((name) => live.hub.keyring.issue('scout', name, { account: account.id }))
  await join(live, one!.key, 'ant')
  await join(live, two!.key, 'ant')
  expect(live.hub.engine.scout(`${account.id}/ant`)).toMatchObject({ operator: account.id, sessions: 2 })
  live.hub.keyring.revoke(one!.row.id)
  await until('one of them to go', () => live.hub.engine.scout(`${account.id}/ant`)?.sessions === 1)
  const [first, second] = ['a', 'b'].map(
    (name) => new IntentClient(live.url, live.hub.keyring.issue('client', name, { account: account.id }).key),
  )
  const stranger = new IntentClient(live.url, live.clientKey)
  const id = await first!.accepted({ input: 'one', model: 'm' })
  expect((await second!.get(id)).id).toBe(id)
  expect((await stranger.get(id)).error).toMatchObject({ code: 'not_found' })
})

test("a client's streams end with an error inside and no mark of a whole answer; its intents go on", async () => {
  const live = liveHub()
  const scout = await joinRaw(live, { credits: 4 })
  const { key, row } = live.hub.keyring.issue('client', 'app')
  const client = new IntentClient(live.url, key)
  const id = await client.accepted({ input: 'one', model: 'm' })
  const durable = await scout.heard('task')
  const answer = fetch(`${live.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  })
  const lease = await scout.heard('task', ({ task }) => task !== durable.task)
  scout.chunk(lease, 0, 0, contentLine('begun'))
  const stream = await new StreamReader(await answer).content()
  const fresh = replaced(live, row.id, 1)
  const over = await stream.over()
  expect(over.error).toMatchObject({ code: 'invalid_api_key' })
  expect([over.text, over.isDone]).toEqual(['begun', false])
  const refused = await fetch(`${live.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })
  expect(refused.status).toBe(401)
  scout.chunk(durable, 0, 0, contentLine('x') + finishLine)
  scout.settle(durable, { chunks: 1 })
  expect(await new IntentClient(live.url, fresh).done(id)).toMatchObject({ state: 'done' })
})
