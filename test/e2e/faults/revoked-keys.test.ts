/**
 * A key that is revoked while its streams are read and its scouts work: everything that hangs on it ends at once, and
 * nothing of anybody else's. Leases last ten minutes here, so that none ends by itself.
 */
import { expect, onTestFinished, test } from 'vitest'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { IntentClient } from '../../support/clients/intent-client.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { contentLine, dialRaw, finishLine, joinRaw, type RawScout } from '../../support/scout/raw-scout.ts'

const chat = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }

function liveHub(): LiveHub {
  const live = new LiveHub({ core: { leaseTtlMs: 600_000, firstSignMs: 600_000 } })
  onTestFinished(() => live.close())
  return live
}

async function scoutOf(live: LiveHub, operator: string, credits: number): Promise<{ scout: RawScout; id: string }> {
  const { key, row } = live.hub.keyring.issue('scout', operator)
  const scout = await dialRaw(live, { key })
  scout.hello({ name: operator })
  await scout.heard('welcome')
  scout.send({ type: 'credit', count: credits })
  return { scout, id: row.id }
}

test("a client's key takes its chat streams and its readers of events along, and nobody else's", async () => {
  const live = liveHub()
  const scout = await joinRaw(live, { credits: 4 })
  const [mine, other] = ['mine', 'other'].map((name) => live.hub.keyring.issue('client', name))
  const streams: StreamReader[] = []
  const leases: FrameOf<'task'>[] = []
  for (const { key } of [mine!, other!]) {
    const answer = fetch(`${live.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(chat),
    })
    const lease = await scout.heard('task', ({ task }) => leases.every((known) => known.task !== task))
    leases.push(lease)
    scout.chunk(lease, 0, 0, contentLine('begun'))
    streams.push(await new StreamReader(await answer).content())
  }
  const readers = []
  for (const { key } of [mine!, other!]) {
    const client = new IntentClient(live.url, key)
    const reader = await client.follow(await client.accepted({ input: 'hello', model: 'm' }))
    await reader.heard('planned')
    readers.push(reader)
  }
  live.hub.keyring.revoke(mine!.row.id)
  expect((await streams[0]!.over()).error).toMatchObject({ code: 'invalid_api_key' })
  expect(await readers[0]!.over()).toBe('cut')
  // What nobody reads any more is not worked on.
  expect((await scout.heard('cancel')).task).toBe(leases[0]!.task)
  const offset = contentLine('begun').length
  scout.chunk(leases[1]!, 1, offset, contentLine(' and done') + finishLine)
  scout.settle(leases[1]!, { chunks: 2 })
  expect((await streams[1]!.over()).text).toBe('begun and done')
  expect(readers[1]!.ended).toBeNull()
  // What was accepted goes on; only who may ask about it has changed.
  for (const frame of scout.frames.filter((frame) => frame.type === 'task')) {
    if (leases.includes(frame)) continue
    scout.chunk(frame, 0, 0, contentLine('x') + finishLine)
    scout.settle(frame, { chunks: 1 })
  }
  expect(await readers[1]!.over()).toBe('whole')
})

test("an operator's key gives the durable leases of its scouts to others at once", async () => {
  const live = liveHub()
  const client = new IntentClient(live.url, live.clientKey)
  const gone = await scoutOf(live, 'gone', 2)
  const ids = [await client.accepted({ input: 'one', model: 'm' }), await client.accepted({ input: 'two', model: 'm' })]
  const first = await gone.scout.heard('task')
  const second = await gone.scout.heard('task', ({ task }) => task !== first.task)
  gone.scout.started(second)
  const stays = await scoutOf(live, 'stays', 4)
  live.hub.keyring.revoke(gone.id)
  expect((await gone.scout.ended()).code).toBe(4501)
  for (const { task } of [first, second]) {
    const lease = await stays.scout.heard('task', (frame) => frame.task === task)
    expect(lease.attempt).toBe(2)
    stays.scout.chunk(lease, 0, 0, contentLine('x') + finishLine)
    stays.scout.settle(lease, { chunks: 1 })
  }
  for (const id of ids) expect(await client.done(id)).toMatchObject({ state: 'done' })
})
