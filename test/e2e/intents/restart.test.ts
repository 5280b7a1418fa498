import { readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { drainMs } from '../../../shared/limits/process.ts'
import type { Follower } from '../../support/clients/intent-client.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { hubSite } from '../../support/machine/hub-site.ts'
import { start } from '../../support/machine/programs.ts'
import { heldService } from '../../support/providers/held-service.ts'
import type { Json } from '../../support/providers/provider-calls.ts'

const shutdownMsMax = 35_000

test('when a hub is killed in the middle of an answer, the scout goes on and the client misses no piece', async () => {
  const { hub, client, nextHub, addScout } = await hubSite()
  const service = heldService()
  await addScout('box', service.env)
  service.hold(1)
  const body = { input: 'Count to five.', model: 'm' }
  const id = await client.accepted(body, 'count-1')
  const before = await client.follow(id)
  await before.heard('chunk', ({ choices }) => choices[0].delta.content === 'three ')
  hub.signal('SIGKILL')
  expect(await before.over()).toBe('cut')
  await nextHub()
  expect(await client.accepted(body, 'count-1')).toBe(id)
  expect((await client.post({ ...body, input: 'Count to six.' }, 'count-1')).status).toBe(422)
  // From each event that was heard a client could go on; one of them does so in the middle of the answer.
  const after = await Promise.all(before.events.map((event) => client.follow(id, event.id)))
  service.goOn()
  const whole = await (async () => {
    for (const follower of after) expect(await follower.over()).toBe('whole')
    return [...before.events, ...after.at(-1)!.events]
  })()
  for (const [at, follower] of after.entries()) expect(told(follower.events)).toEqual(told(whole.slice(at + 1)))
  expect(whole.map(({ type }) => type).filter((type) => type !== 'chunk')).toEqual([
    'planned',
    'task_started',
    'task_settled',
    'done',
  ])
  const pieces = whole.filter(({ type }) => type === 'chunk').map(({ data }) => data.choices[0].delta.content)
  expect(pieces.join('')).toBe('one two three four five')
  const { state, result, tasks } = await client.get(id)
  expect([state, result.choices[0].message.content, tasks[0].attempts]).toEqual(['done', pieces.join(''), 1])
  expect(tasks[0].served.scout).toMatch(/\/box$/)
  expect(service.asked()).toBe(1)
})

function told(list: Follower['events']) {
  return list.map(({ type, data }) => [type, data])
}

test('a hub told to end lets fifty live streams finish and exits 0, and its scouts serve the next one', async () => {
  const { hub, url, client, nextHub, addScout } = await hubSite()
  const service = heldService()
  await addScout('box', service.env)
  service.hold(51)
  const chat = (at: number) => ({
    model: 'auto',
    stream: true,
    messages: [{ role: 'user', content: `question ${at}` }],
  })
  const readers = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      return new StreamReader(await client.ask('POST', '/v1/chat/completions', chat(at))).content()
    }),
  )
  const durable = await client.accepted({ input: 'and one that is durable' })
  const follower = await client.follow(durable)
  await follower.heard('task_started')
  hub.signal('SIGTERM')
  await hub.wrote(/finishing what is under way/)
  const refused = await client.post({ input: 'too late' })
  expect([refused.status, ((await refused.json()) as Json).error.code]).toEqual([503, 'hub_draining'])
  service.goOn()
  for (const reader of readers) {
    expect(await reader.over()).toMatchObject({ isDone: true, finishes: ['stop'], error: null })
  }
  expect(await hub.exited).toBe(0)
  expect(drainMs).toBeLessThan(shutdownMsMax)

  const next = await nextHub()
  expect(await client.done(durable)).toMatchObject({ state: 'done', tasks: [{ attempts: 1 }] })
  const again = await client.done(await client.accepted({ input: 'and the next' }))
  expect(again.tasks[0].served.scout).toMatch(/\/box$/)
  next.signal('SIGTERM')
  expect(await next.exited).toBe(0)
  expect(url).toBe(client.url)
})

test('a second hub on the same folder is refused with the process that holds it, and disturbs nobody', async () => {
  const { folder, client } = await hubSite()
  const id = await client.accepted({ input: 'hello' })
  const rival = start('orchestrator/main.ts', folder, { PORT: '0', DATA_DIR: './data' })
  expect(await rival.exited).toBe(1)
  const [, pid] = /is in use by another hub \(process (\d+)\): stop that one first/.exec(rival.stderr)!
  expect(Number(pid)).toBe(Number(readFileSync(join(folder, 'data/hub.pid'), 'utf8')))
  expect(await client.get(id)).toMatchObject({ state: 'running' })
})

test('a damaged database is refused with what was found and how to go on, and is left as it is', async () => {
  const { folder, hub, client } = await hubSite()
  for (let at = 0; at < 20; at++) await client.accepted({ input: `question ${at} ${'x'.repeat(2_000)}` })
  hub.signal('SIGTERM')
  expect(await hub.exited).toBe(0)
  const path = join(folder, 'data/chasm.db')
  truncateSync(path, 8 * 4096)
  const before = readFileSync(path)
  const next = start('orchestrator/main.ts', folder, { PORT: '0', DATA_DIR: './data' })
  expect(await next.exited).toBe(1)
  expect(next.stderr).toMatch(/^\S+chasm\.db is damaged \(.+\): restore it from a backup; it was left as it is\.$/m)
  expect(readFileSync(path).equals(before)).toBe(true)
})
