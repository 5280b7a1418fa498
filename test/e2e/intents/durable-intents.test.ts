import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { HubOptions } from '../../../orchestrator/main.ts'
import { tickMs } from '../../../shared/limits/scheduling.ts'
import { nonceBytes } from '../../../shared/protocol/frames.ts'
import { IntentClient } from '../../support/clients/intent-client.ts'
import { heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import { heldService } from '../../support/providers/held-service.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'
import { contentLine, finishLine, joinRaw } from '../../support/scout/raw-scout.ts'
import { tinyDisk } from '../../support/store/tiny-disk.ts'

function liveHub(more: Partial<HubOptions> = {}) {
  const live = new LiveHub({ core: { retryBaseMs: 1 }, ...more })
  onTestFinished(() => live.close())
  return { live, client: new IntentClient(live.url, live.clientKey) }
}

/**
 * A hub whose leases end when the test says so, and not because the machine is slow. They are shorter here than the
 * silence for which a scout is given up.
 */
function hubWithLeases() {
  const [leaseTtlMs, leaseGraceMs] = [20_000, 100]
  const clock = heldSystem()
  const hub = liveHub({ core: { retryBaseMs: 1, leaseTtlMs, leaseGraceMs }, system: clock })
  const endLease = async (id: string) => {
    clock.advance(leaseTtlMs + leaseGraceMs + tickMs)
    await until('the lease to be over', () => hub.live.hub.engine.intents.tasks(id)[0]!.state !== 'leased')
    // And its task may be given out again.
    clock.advance(2 * tickMs)
  }
  return { ...hub, endLease }
}

const scroll = {
  scroll: {
    nodes: [
      { id: 'find', prompt: 'Find it.' },
      { id: 'read', prompt: 'Read it.' },
      { id: 'join', prompt: 'Join them.', needs: ['find', 'read'] },
    ],
  },
}

const line = (content: string, finish: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })

test('a scroll of three is done in its order with the results handed on, and shown with its result', async () => {
  const { live, client } = liveHub()
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'box', providers: [provider] })
  const id = await client.accepted({ ...scroll, metadata: { for: 'me' } })
  const events = await client.follow(id)
  const asked: string[][] = []
  for (let at = 0; at < 3; at++) {
    const call = await provider.call()
    const { messages } = JSON.parse(Buffer.from(call.request.body).toString('utf8')) as Json
    asked.push(messages.map(({ content }: { content: string }) => content))
    await call.line(line(`answer to ${messages.at(-1).content}`))
    await call.line(line('', 'stop'))
    call.done('{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}')
  }
  expect(await events.over()).toBe('whole')
  expect(asked.slice(0, 2).sort()).toEqual([['Find it.'], ['Read it.']])
  const handedOn = ['Result of "find":\n\nanswer to Find it.', 'Result of "read":\n\nanswer to Read it.']
  expect(asked[2]).toEqual([...handedOn, 'Join them.'])
  expect(events.outline.slice(-4)).toEqual(['task_started join', 'chunk join', 'task_settled join', 'done'])
  const whole = await client.get(id)
  expect(whole).toMatchObject({
    state: 'done',
    metadata: { for: 'me' },
    usage: { prompt_tokens: 15, completion_tokens: 21 },
  })
  expect(whole.result.choices[0].message.content).toBe('answer to Join them.')
  expect(whole.tasks.map((task: Json) => [task.node, task.state, task.attempts])).toEqual([
    ['find', 'done', 1],
    ['read', 'done', 1],
    ['join', 'done', 1],
  ])
})

test('when a scout is killed amid an answer, readers hear of it and another one’s answer counts', async () => {
  const { live, client, endLease } = hubWithLeases()
  const slow = { DEMO_MODELS: 'm', DEMO_FIRST_TOKEN_MS: '0', DEMO_TOKENS_PER_SECOND: '40', DEMO_TOKENS: '5000' }
  const doomed = await live.spawnScout('doomed', slow)
  const id = await client.accepted({ input: 'hello', model: 'm' })
  const events = await client.follow(id)
  await events.heard('chunk')
  const good = new CountingProvider({ models: ['m'] })
  await live.addScout({ name: 'good', providers: [good] })
  doomed.kill('SIGKILL')
  await until('the loss to be noticed', () => live.hub.engine.scouts().length === 1)
  await endLease(id)
  expect(await events.over()).toBe('whole')
  expect(events.outline).toEqual([
    'planned',
    'task_started answer',
    'chunk answer',
    'attempt_reset answer',
    'task_started answer',
    'chunk answer',
    'task_settled answer',
    'done',
  ])
  const { result, tasks } = await client.get(id)
  expect(tasks[0]).toMatchObject({ attempts: 2, served: { scout: expect.stringMatching(/\/good$/) } })
  const pieces = events.events.filter(({ type, data }) => type === 'chunk' && data.attempt === 2)
  expect(pieces.map(({ data }) => data.choices[0].delta.content ?? '').join('')).toBe(result.choices[0].message.content)
  expect(good.asked).toEqual(['m'])
})

test('a cancelled scroll is cancelled at the provider, and what waited for it is never begun', async () => {
  const { live, client } = liveHub()
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'box', providers: [provider] })
  const id = await client.accepted(scroll)
  const calls = [await provider.call(), await provider.call()]
  const answer = await client.ask('DELETE', `/v1/intents/${id}`)
  expect([answer.status, ((await answer.json()) as Json).state]).toEqual([200, 'cancelled'])
  for (const call of calls) await provider.aborted(call)
  await until('the scout to be idle', () => live.hub.engine.scouts()[0]!.inFlight === 0)
  expect(provider.calls).toHaveLength(2)
  const { tasks } = await client.get(id)
  expect(tasks.map(({ state }: Json) => state)).toEqual(['cancelled', 'cancelled', 'skipped'])
})

test('another key’s intent looks like one that never was, in every way to ask for it', async () => {
  const { live, client } = liveHub()
  const id = await client.accepted({ input: 'mine' })
  const stranger = new IntentClient(live.url, live.hub.keyring.issue('client', 'a stranger').key)
  const ways = [
    ['GET', ''],
    ['GET', '/events'],
    ['DELETE', ''],
  ] as const
  for (const [method, rest] of ways) {
    const answers = await Promise.all(
      [id, 'int_000000000000000000'].map((it) => stranger.ask(method, `/v1/intents/${it}${rest}`)),
    )
    const bodies = await Promise.all(answers.map((answer) => answer.text()))
    expect([answers[0]!.status, bodies[0]]).toEqual([404, bodies[1]])
  }
  const listed = (await (await stranger.ask('GET', '/v1/intents')).json()) as Json
  expect(listed.data).toEqual([])
  expect(await client.get(id)).toMatchObject({ state: 'running' })
})

test('a client that comes back after done, or with an id from elsewhere, costs the hub nothing', async () => {
  const { live, client } = liveHub()
  await live.addScout({ name: 'box' })
  const id = await client.accepted({ input: 'hello' })
  const events = await client.follow(id)
  await events.over()
  const { id: last } = events.events.at(-1)!
  const again = await client.ask('GET', `/v1/intents/${id}/events`, undefined, { 'last-event-id': last })
  expect(again.status).toBe(204)
  const lost = await client.follow(id, '4711')
  expect(await lost.over()).toBe('whole')
  expect(lost.events[0]!.type).toBe('planned')
})

test('a scout process frozen beyond its lease loses its task to another, and serves again once it wakes', async () => {
  const { live, client, endLease } = hubWithLeases()
  const service = heldService()
  const frozen = await live.spawnScout('frozen', service.env)
  service.hold(1)
  const id = await client.accepted({ input: 'hello', model: 'm' })
  const events = await client.follow(id)
  await events.heard('chunk')
  frozen.kill('SIGSTOP')
  const good = new CountingProvider({ models: ['m'] })
  const leave = await live.addScout({ name: 'good', providers: [good] })
  await endLease(id)
  expect(await events.over()).toBe('whole')
  const before = await client.get(id)
  expect(before.tasks[0]).toMatchObject({ attempts: 2, served: { scout: expect.stringMatching(/\/good$/) } })
  await leave()
  frozen.kill('SIGCONT')
  service.goOn()
  const next = await client.done(await client.accepted({ input: 'and again', model: 'm' }))
  expect(next.tasks[0].served.scout).toMatch(/\/frozen$/)
  expect(await client.get(id)).toEqual(before)
  expect(events.events.filter(({ type }) => type === 'task_settled')).toHaveLength(1)
  expect(good.asked).toEqual(['m'])
})

test('a scout that settles after its lease hears stale; its task was committed once, by another', async () => {
  const { live, client, endLease } = hubWithLeases()
  const late = await joinRaw(live, { name: 'late', credits: 1 })
  const id = await client.accepted({ input: 'hello', model: 'm' })
  const lease = await late.heard('task')
  late.started(lease)
  late.chunk(lease, 0, 0, contentLine('late') + finishLine)
  const good = new CountingProvider({ models: ['m'] })
  await live.addScout({ name: 'good', providers: [good] })
  await until('its word to be heard', () => live.hub.engine.intents.tasks(id)[0]?.state === 'leased')
  await endLease(id)
  const done = await client.done(id)
  late.settle(lease, { chunks: 1 })
  expect((await late.heard('settled')).acks[0]![2]).toBe('stale')
  expect(await client.get(id)).toEqual(done)
  expect(done).toMatchObject({ state: 'done', tasks: [{ attempts: 2 }] })
  expect(done.result.choices[0].message.content).not.toBe('late')
  expect(good.asked).toEqual(['m'])
})

test('of ten thousand forged settlements none is accepted, and the true one still is', async () => {
  const { live, client } = liveHub()
  const holder = await joinRaw(live, { name: 'holder', credits: 1 })
  const id = await client.accepted({ input: 'hello', model: 'm' })
  const lease = await holder.heard('task')
  const forgers = 53
  const each = 190
  const stolen = lease.nonce.slice(0, nonceBytes)
  await Promise.all(
    Array.from({ length: forgers }, async (_, at) => {
      const forger = await joinRaw(live, { name: `forger-${at}` })
      for (let made = 0; made < each; made++) {
        const guess = crypto.getRandomValues(new Uint8Array(nonceBytes))
        // By turns: a guessed nonce, the true one over another socket, another attempt, another task.
        const nonce = made % 4 === 0 ? guess : stolen
        const attempt = lease.attempt + (made % 4 === 2 ? 1 : 0)
        const task = lease.task + (made % 4 === 3 ? 1 : 0)
        forger.settle({ task, attempt, nonce })
      }
      const acks = () => forger.frames.flatMap((frame) => (frame.type === 'settled' ? frame.acks : []))
      await forger.until('all verdicts', () => acks().length === each)
      for (const [, , verdict] of acks()) expect(verdict).toBe('stale')
    }),
  )
  expect(forgers * each).toBeGreaterThanOrEqual(10_000)
  expect(live.hub.engine.stats().staleSettlements).toBe(forgers * each)
  expect(await client.get(id)).toMatchObject({ state: 'running', tasks: [{ state: 'leased', attempts: 1 }] })
  holder.started(lease)
  holder.chunk(lease, 0, 0, contentLine('true') + finishLine)
  holder.settle(lease, { chunks: 1 })
  expect((await holder.heard('settled')).acks[0]![2]).toBe('committed')
  const { result } = await client.done(id)
  expect(result.choices[0].message.content).toBe('true')
})

test.skipIf(tinyDisk.missing)(
  'a full disk is 503 with a time and never a 202, and is forgiven as soon as there is room',
  async () => {
    const folder = tinyDisk.mount(8)
    const config = quietConfig(join(folder, 'data'))
    const { live, client } = liveHub({ config })
    await live.addScout({ name: 'box' })
    const input = 'x'.repeat(60_000)
    const ballast = join(folder, 'ballast')
    const promised: string[] = []
    const refusals: Response[] = []
    const fill = () => {
      for (let size = 4 * 1024 * 1024; size >= 4096; size /= 2) {
        try {
          writeFileSync(ballast, new Uint8Array(size), { flag: 'a' })
        } catch {}
      }
    }
    fill()
    while (refusals.length < 5) {
      const response = await client.post({ input, model: 'demo-small' })
      if (response.status === 202) promised.push(((await response.json()) as Json).id)
      else refusals.push(response)
      expect(promised.length).toBeLessThan(200)
    }
    for (const response of refusals) {
      expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([503, true])
      expect(await response.json()).toMatchObject({ error: { code: 'store_unavailable' } })
    }
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'still there?' }] }
    expect((await live.post('/v1/chat/completions', chat)).status).toBe(200)
    rmSync(ballast)
    let response = await client.post({ input })
    for (; response.status === 503; response = await client.post({ input })) await Bun.sleep(20)
    expect(response.status).toBe(202)
    promised.push(((await response.json()) as Json).id)
    for (const id of promised) expect(await client.done(id)).toMatchObject({ state: 'done' })
    const listed = (await (await client.ask('GET', '/v1/intents?limit=100')).json()) as Json
    expect(listed.data.map(({ id }: Json) => id).sort()).toEqual(promised.sort())
  },
)
