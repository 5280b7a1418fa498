import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { concurrencyMax, fragmentBytes } from '../../../shared/limits/wire.ts'
import { type FrameOf, nonceBytes } from '../../../shared/protocol/frames.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { Neighbourhood } from '../../support/scout/neighbourhood.ts'
import { contentLine, dialRaw, finishLine, joinRaw, knock, type RawScout } from '../../support/scout/raw-scout.ts'
import { bombs } from '../../support/wire/bombs.ts'

describe('beside a neighbour whose stream goes on', () => {
  const around = new Neighbourhood()
  const { live } = around
  beforeAll(() => around.open())
  afterAll(() => around.close())

  async function endsIn(code: number, scout: RawScout): Promise<void> {
    const { code: ended, reason } = await scout.ended()
    expect(ended, reason).toBe(code)
    if (code >= 4000) expect(reason).not.toBe('')
    await around.undisturbed()
  }

  // The runtime itself closes a message far over the limit, so that one without an end is bounded: its code is 1009.
  const byRuntime = new Set(['a frame three times too long'])

  test.each(Object.entries(bombs).filter(([name]) => !byRuntime.has(name)))('%s ends in 4400', async (_name, bomb) => {
    const scout = await joinRaw(live)
    scout.raw(bomb)
    await endsIn(4400, scout)
  })

  test.each([...byRuntime])('%s is closed by the runtime', async (name) => {
    const scout = await joinRaw(live)
    scout.raw(bombs[name]!)
    await endsIn(1009, scout)
  })

  test('text ends in 4400', async () => {
    const scout = await joinRaw(live)
    scout.text('["hello"]')
    await endsIn(4400, scout)
  })

  test('a message that no buffer should hold ends the socket', async () => {
    const scout = await joinRaw(live)
    scout.raw(new Uint8Array(1024 * 1024))
    expect([1006, 1009]).toContain((await scout.ended()).code)
    await around.undisturbed()
  })

  test.each([
    ['credit', { type: 'credit', count: 1 }],
    ['pong', { type: 'pong', ping: 0, running: 0 }],
    ['drain', { type: 'drain', reason: '' }],
    ['fragment', { type: 'fragment', task: 1, attempt: 1, index: 0, bytes: new Uint8Array(1) }],
  ] as const)('%s before the hello ends in 4400', async (_name, frame) => {
    const scout = await dialRaw(live)
    scout.send(frame)
    await endsIn(4400, scout)
  })

  test('a hello of another version ends in 4503', async () => {
    const scout = await dialRaw(live)
    scout.hello({ version: 2 })
    await endsIn(4503, scout)
  })

  test.each([
    ['more credits than the concurrency', [9]],
    ['credits that add up to more than the concurrency', [5, 3, 1]],
    ['the most credits there can be', [concurrencyMax]],
  ])('%s end in 4400', async (_name, counts) => {
    const scout = await joinRaw(live, { concurrency: 8 })
    for (const count of counts) scout.send({ type: 'credit', count })
    await endsIn(4400, scout)
    expect(scout.closed?.reason).toContain('more credits than its concurrency')
  })

  test('a body that begins before the last one was complete ends in 4400', async () => {
    const scout = await joinRaw(live)
    const head = { task: 1, attempt: 1, seq: 0, offset: 0, size: 100_000, body: null }
    scout.send({ type: 'chunk', ...head })
    scout.send({ type: 'chunk', ...head, seq: 1 })
    await endsIn(4400, scout)
  })

  test('fragments of what nobody waits for are ignored', async () => {
    const scout = await joinRaw(live, { credits: 1 })
    for (const index of [7, 0, 0, 3]) {
      scout.send({ type: 'fragment', task: 5, attempt: 1, index, bytes: new Uint8Array(index) })
    }
    scout.send({ type: 'chunk', task: 9, attempt: 1, seq: 0, offset: 0, size: 50_000, body: null })
    scout.send({ type: 'fragment', task: 9, attempt: 1, index: 4, bytes: new Uint8Array(8) })
    // Signs of life from work that nobody gave: the hub says stop.
    await scout.heard('cancel', ({ task }) => task === 9)
    await around.undisturbed()
    expect(scout.closed).toBeNull()
    scout.cut()
  })

  test('a flood of control frames ends in 4429', async () => {
    const scout = await joinRaw(live)
    for (let ping = 0; ping < 2_000; ping++) scout.send({ type: 'pong', ping, running: 0 })
    await endsIn(4429, scout)
  })

  test('a flood of large control frames ends in 4429', async () => {
    const scout = await joinRaw(live)
    const offers: FrameOf<'offers'>['offers'] = Array.from({ length: 200 }, (_, i) => [
      'chat',
      `m${i}`.padEnd(100, '.'),
      'p',
      0,
      0,
      null,
      null,
      '',
    ])
    for (let i = 0; i < 100; i++) scout.send({ type: 'offers', concurrency: 1, offers })
    await endsIn(4429, scout)
  })

  test('a flood of fragments ends in 4429', async () => {
    const scout = await joinRaw(live)
    const bytes = new Uint8Array(fragmentBytes)
    for (let index = 0; index < 900; index++) scout.send({ type: 'fragment', task: 1, attempt: 1, index, bytes })
    await endsIn(4429, scout)
  })

  test('a flood of chunks for other tasks ends in 4429, and is not answered frame by frame', async () => {
    const scout = await joinRaw(live)
    const body = new Uint8Array(1)
    for (let task = 0; task < 30_000; task++) {
      scout.send({ type: 'chunk', task, attempt: 1, seq: 0, offset: 0, size: 1, body })
    }
    await endsIn(4429, scout)
    expect(scout.count('cancel')).toBeLessThanOrEqual(4 * concurrencyMax)
  })
})

test('a thousand forged settlements are all stale, and the real one is committed', async () => {
  const live = new LiveHub()
  onTestFinished(() => live.close())
  const holder = await joinRaw(live, { credits: 1 })
  const body = { model: 'm', stream: true, messages: [{ role: 'user', content: 'whose?' }] }
  const response = live.post('/v1/chat/completions', body)
  const lease = await holder.heard('task')
  holder.chunk(lease, 0, 0, contentLine('mine'))
  const reader = new StreamReader(await response)
  await reader.content()

  const { task, attempt, nonce } = lease
  const noise = (i: number) => new Uint8Array(nonceBytes).map((_, at) => (i * 31 + at * 17 + 1) % 256)
  const closeGuess = new Uint8Array(nonce)
  closeGuess[15]! ^= 1
  /** What a thief may know: everything, or the task without its nonce, or an attempt that was or will be. */
  const forgery = (i: number): { task: number; attempt: number; nonce: Uint8Array } => {
    const guesses = [
      { task, attempt, nonce },
      { task, attempt, nonce: closeGuess },
      { task, attempt, nonce: noise(i) },
      { task, attempt: attempt + 1, nonce },
      { task, attempt: 0, nonce },
      { task: task + i, attempt, nonce: noise(i) },
    ]
    return guesses[i % guesses.length]!
  }
  const outcomes = ['done', 'failed', 'released', 'cancelled'] as const
  const thieves = await Promise.all(
    Array.from({ length: 10 }, () => joinRaw(live, { name: 'thief', instance: crypto.randomUUID() })),
  )
  for (let i = 0; i < 1_000; i++) {
    const outcome = outcomes[i % 7 === 0 ? i % 4 : 0]!
    thieves[i % 10]!.settle(forgery(i), { outcome, chunks: 1, fault: outcome === 'done' ? '' : 'scout_error' })
  }
  // The holder itself has one nonce and no other.
  for (let i = 0; i < 50; i++) holder.settle({ task, attempt, nonce: noise(i) }, { outcome: 'failed', fault: 'x' })
  for (const scout of [...thieves, holder]) {
    const wanted = scout === holder ? 50 : 100
    const acks = () => scout.frames.flatMap((frame) => (frame.type === 'settled' ? frame.acks : []))
    await scout.until('a verdict on each', () => acks().length === wanted)
    const verdicts = new Set(acks().map(([, , verdict]) => verdict))
    expect([...verdicts]).toEqual(['stale'])
  }
  expect(live.hub.engine.stats()).toMatchObject({ staleSettlements: 1_050, tasksLeased: 1, tasksFinished: {} })
  expect(reader).toMatchObject({ text: 'mine', isOver: false })

  holder.chunk(lease, 1, contentLine('mine').length, finishLine)
  holder.settle(lease, { chunks: 2 })
  await holder.heard('settled', ({ acks }) => acks.some(([, , verdict]) => verdict === 'committed'))
  expect(await reader.over()).toMatchObject({ text: 'mine', isDone: true, error: null })
  expect(thieves.every(({ closed }) => closed === null)).toBe(true)
  for (const scout of [...thieves, holder]) scout.cut()
})

describe('at the door', () => {
  const live = new LiveHub()
  afterAll(() => live.close())

  test('a web page is turned away, whatever its key', async () => {
    for (const origin of ['https://example.org', 'null', live.url]) {
      const { status, error } = await knock(live, { headers: { origin } })
      expect(status).toBe(403)
      expect(error).toMatchObject({ code: 'permission_denied', message: expect.stringContaining('Origin') })
    }
  })

  test('a key in the address counts for nothing', async () => {
    const query = `?key=${live.scoutKey}&token=${live.scoutKey}&authorization=Bearer%20${live.scoutKey}`
    const { status, error } = await knock(live, { key: null, query })
    expect(status).toBe(401)
    expect(error).toMatchObject({ code: 'invalid_api_key', message: expect.stringContaining('SCOUT_KEY') })
    expect(JSON.stringify(error)).not.toContain(live.scoutKey)
    expect((await knock(live, { query: '?key=nonsense' })).status).toBe(101)
  })

  test.each([[[]], [['chasm.v2']], [['graphql-ws', 'chasm.v10']]])('subprotocols %j are refused', async (protocols) => {
    const { status, error } = await knock(live, { protocols })
    expect(status).toBe(400)
    expect(error!.message).toContain('chasm.v1')
  })

  test('keys that are unknown, mistyped or of another role are refused with a sentence', async () => {
    const unknown = new LiveHub()
    const key = unknown.scoutKey
    await unknown.close()
    const mistyped = `${live.scoutKey.slice(0, -1)}${live.scoutKey.endsWith('0') ? '1' : '0'}`
    const told = [key, mistyped, 'nonsense'].map((bad) => knock(live, { key: bad }))
    for (const { status, error } of await Promise.all(told)) {
      expect(status).toBe(401)
      expect(error!.message).toMatch(/^\S.*[.\w]$/)
    }
    for (const other of [live.clientKey, live.adminKey]) {
      expect((await knock(live, { key: other })).status).toBe(403)
    }
  })

  test('too many bad dials per second from one address are answered 429, good ones are still welcome', async () => {
    const perSecond = 5
    const clock = heldSystem()
    const strict = new LiveHub({ gateway: { upgradesPerSecondPerAddress: perSecond }, system: clock })
    onTestFinished(() => strict.close())
    const dials = await Promise.all(Array.from({ length: 40 }, () => knock(strict, { key: null })))
    const refused = dials.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(40 - perSecond)
    clock.advance(1_000)
    expect((await knock(strict, { key: null })).status).toBe(401)
    expect(refused[0]!.error).toMatchObject({ code: 'rate_limited', type: 'rate_limit_error' })
    expect((await knock(strict)).status).toBe(101)
    await until('nobody to be left', () => strict.hub.engine.scouts().length === 0)
  })
})
