import { readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { drainMs } from '../../../shared/limits/process.ts'
import { type Follower, IntentClient } from '../../support/clients/intent-client.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { type Program, start, startEagerScout } from '../../support/machine/programs.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { heldService } from '../../support/providers/held-service.ts'
import type { Json } from '../../support/providers/provider-calls.ts'

const adminKey = 'an-admin-key-of-forty-characters-or-so-1'
const urlLogged = /"url":"(http:[^"]+)"/
const shutdownMsMax = 35_000

/** A hub as a process. Its next life gets the same folder and the same port. */
async function site() {
  const folder = temporaryFolder()
  const startHub = (port: string) =>
    start('orchestrator/main.ts', folder, { PORT: port, DATA_DIR: './data', ADMIN_KEY: adminKey })
  const hub = startHub('0')
  const url = await hub.wrote(urlLogged)
  const admin = new IntentClient(url, adminKey)
  const makeKey = async (role: string) => {
    const made = await admin.ask('POST', '/v1/admin/keys', { role, name: `a ${role}` })
    return ((await made.json()) as Json).key as string
  }
  const clientKey = await makeKey('client')
  return {
    folder,
    hub,
    url,
    client: new IntentClient(url, clientKey),
    nextHub: async (): Promise<Program> => {
      const next = startHub(new URL(url).port)
      await next.wrote(urlLogged)
      return next
    },
    addScout: async (name: string, env: Record<string, string>): Promise<Program> => {
      const dial = { ORCHESTRATOR_URL: url, SCOUT_KEY: await makeKey('scout'), SCOUT_NAME: name }
      const scout = startEagerScout(folder, { ...dial, SCOUT_CONCURRENCY: '64', ...env })
      await scout.wrote(/Connected as/)
      return scout
    },
  }
}

test('when a hub is killed in the middle of an answer, the scout goes on and the client misses no piece', async () => {
  const { hub, client, nextHub, addScout } = await site()
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
  const { hub, url, client, nextHub, addScout } = await site()
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
  const { folder, client } = await site()
  const id = await client.accepted({ input: 'hello' })
  const rival = start('orchestrator/main.ts', folder, { PORT: '0', DATA_DIR: './data' })
  expect(await rival.exited).toBe(1)
  const [, pid] = /is in use by another hub \(process (\d+)\): stop that one first/.exec(rival.stderr)!
  expect(Number(pid)).toBe(Number(readFileSync(join(folder, 'data/hub.pid'), 'utf8')))
  expect(await client.get(id)).toMatchObject({ state: 'running' })
})

test('a damaged database is refused with what was found and how to go on, and is left as it is', async () => {
  const { folder, hub, client } = await site()
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
