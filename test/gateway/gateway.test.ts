/** The scout edge on real sockets and a clock held by the test: how many may dial, who is closed with which code. */
import type { Server, ServerWebSocket } from 'bun'
import { afterEach, describe, expect, test } from 'vitest'
import { HubEngine } from '../../orchestrator/engine/engine.ts'
import { Gateway, type GatewayOptions, type SocketData } from '../../orchestrator/gateway/gateway.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { helloTimeoutMs, inboxBytesPerTurn, reconnectWindowMs, silenceMs } from '../../shared/limits/wire.ts'
import { decodeFromHub, encode } from '../../shared/protocol/codec.ts'
import { fragmentsOf } from '../../shared/protocol/fragments.ts'
import type { FrameOf, HubFrame, ScoutFrame } from '../../shared/protocol/frames.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { until } from '../support/clocks/until.ts'
import type { LiveHub } from '../support/hub/live-hub.ts'
import { hello, settleOf } from '../support/hub/session-stage.ts'
import { dialRaw, joinRaw, knock } from '../support/scout/raw-scout.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** A gateway with its engine behind a server of its own; keys are named like their operators. */
function stage(options: Partial<GatewayOptions> = {}) {
  const system = new ManualSystem()
  // The sockets are real, and so is the end of a turn.
  system.soon = (callback) => void setImmediate(callback)
  const keys = (key: string) => ({ ok: true as const, id: key, tenant: key, role: 'scout' })
  const gateway = new Gateway({ system, keys, connectionsMax: 100, ...options })
  const onDefect = (defect: Error) => {
    throw defect
  }
  const engine = new HubEngine({ system, store: memoryStore(), links: gateway.links, epoch: 1, onDefect })
  engine.start()
  gateway.start(engine.scoutEvents)
  const server: Server<SocketData> = Bun.serve<SocketData>({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, self) => gateway.upgrade(request, self),
    websocket: gateway.websocket,
  })
  open.push(() => server.stop(true))
  const hub = { url: `http://127.0.0.1:${server.port}`, scoutKey: 'operator' } as LiveHub
  return { system, engine, gateway, hub }
}

const onlyGood = (key: string) => {
  if (key === 'bad') return { ok: false as const, flaw: 'bad' }
  return { ok: true as const, id: key, tenant: key, role: 'scout' }
}

describe('dialing', () => {
  test('with bad keys too often in one second is 429 for that address; good keys are not held up', async () => {
    const { hub, system } = stage({ settings: { upgradesPerSecondPerAddress: 3 }, keys: onlyGood })
    for (let times = 0; times < 3; times++) expect((await knock(hub, { key: 'bad' })).status).toBe(401)
    expect((await knock(hub, { key: null })).status).toBe(429)
    expect(await knock(hub, { key: 'bad' })).toMatchObject({ status: 429, error: { code: 'rate_limited' } })
    for (let times = 0; times < 10; times++) expect((await knock(hub)).status).toBe(101)
    system.pass(1_000)
    expect((await knock(hub, { key: 'bad' })).status).toBe(401)
  })

  test('with bad keys is counted by the address that a trusted proxy tells', async () => {
    const clientOf = (_peer: string, headers: Headers) => headers.get('x-forwarded-for')!
    const { hub } = stage({ settings: { upgradesPerSecondPerAddress: 1 }, keys: onlyGood, clientOf })
    const from = (address: string) => ({ key: 'bad', headers: { 'x-forwarded-for': address } })
    for (const address of ['1.1.1.1', '2.2.2.2']) {
      expect((await knock(hub, from(address))).status).toBe(401)
      expect((await knock(hub, from(address))).status).toBe(429)
    }
  })

  test('too often in one second with good keys is 429: for the operator, then for all', async () => {
    const { hub, system } = stage({ settings: { upgradesPerSecond: 3, upgradesPerSecondPerOperator: 2 } })
    const statuses = []
    for (const key of ['a', 'a', 'a', 'a', 'b', 'b']) statuses.push((await knock(hub, { key })).status)
    expect(statuses).toEqual([101, 101, 429, 429, 101, 429])
    system.pass(1_000)
    expect((await knock(hub, { key: 'a' })).status).toBe(101)
  })

  test('beyond the room there is is 503, until somebody leaves', async () => {
    const { hub, engine } = stage({ connectionsMax: 1 })
    const first = await joinRaw(hub)
    expect(await knock(hub)).toMatchObject({ status: 503, error: { code: 'no_scout_available' } })
    first.cut()
    for (let status = 503; status !== 101; ) ({ status } = await knock(hub))
    expect(engine.scouts()).toEqual([])
  })

  test('beyond the share of its operator is 503 for that key alone, until one of its scouts leaves', async () => {
    const { hub } = stage({ connectionsMax: 4 })
    const dial = async (key: string) => {
      const scout = await dialRaw(hub, { key })
      scout.hello()
      await scout.heard('welcome')
      return scout
    }
    const [first] = [await dial('a'), await dial('a'), await dial('a')]
    const refused = await knock(hub, { key: 'a' })
    expect(refused).toMatchObject({ status: 503, error: { code: 'no_scout_available' } })
    expect(refused.error!.message).toContain('this key')
    expect((await knock(hub, { key: 'b' })).status).toBe(101)
    first!.cut()
    for (let status = 503; status !== 101; ) ({ status } = await knock(hub, { key: 'a' }))
  })

  test('without a websocket is told what this address is', async () => {
    const { hub } = stage()
    const headers = { authorization: 'Bearer operator', 'sec-websocket-protocol': 'chasm.v1' }
    const answer = await fetch(`${hub.url}/v1/scout`, { headers })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining('Upgrade: websocket') } })
  })
})

describe('the gateway closes', () => {
  test('a dialer that says no hello in time: 4408', async () => {
    const { hub, system } = stage()
    const dialer = await dialRaw(hub)
    system.pass(helloTimeoutMs)
    expect(await dialer.ended()).toMatchObject({ code: 4408 })
  })

  test('a scout that answers no ping: 4408; its engine forgets it', async () => {
    const { hub, system, engine } = stage()
    const scout = await joinRaw(hub)
    system.pass(silenceMs + 5_000)
    expect(await scout.ended()).toMatchObject({ code: 4408 })
    expect(engine.scouts()).toEqual([])
  })

  test("a revoked key's scouts, and nobody else's: 4501", async () => {
    const { hub, gateway, engine } = stage()
    const revoked = await joinRaw(hub)
    await joinRaw({ ...hub, scoutKey: 'other' } as LiveHub)
    const open = ['operator', 'other', 'nobody'].map((key) => gateway.scoutsOf(key))
    expect(open).toEqual([1, 1, 0])
    gateway.closeKey('operator')
    expect(await revoked.ended()).toMatchObject({ code: 4501 })
    expect(engine.scouts().map((scout) => scout.operator)).toEqual(['other'])
  })

  test('every socket when the hub leaves, after it has said so: 4412', async () => {
    const { hub, gateway, system } = stage()
    const scouts = [await joinRaw(hub, { name: 'a' }), await joinRaw(hub, { name: 'b' })]
    const dialer = await dialRaw(hub)
    gateway.announceDrain('a restart')
    for (const scout of scouts) {
      expect(await scout.heard('hubDrain')).toMatchObject({ windowMs: reconnectWindowMs, reason: 'a restart' })
    }
    const closed = gateway.closeAll()
    for (const scout of [...scouts, dialer]) expect(await scout.ended()).toMatchObject({ code: 4412 })
    system.pass(100)
    await closed
    expect(dialer.frames).toEqual([])
  })
})

describe('a scout that sends more than one turn has time for, and leaves', () => {
  /** A socket in the test's hands, through which a scout has greeted. */
  function dialled(gateway: Gateway) {
    const heard: HubFrame[] = []
    let isDead = false
    const socket = {
      data: { admission: { operator: 'operator', key: 'operator', address: '::1' }, session: null },
      sendBinary(bytes: Uint8Array) {
        if (isDead) return 0
        const frame = decodeFromHub(bytes)
        if (frame.type !== 'malformed') heard.push(frame)
        return bytes.length
      },
      close() {},
      getBufferedAmount: () => 0,
    }
    const ws = socket as unknown as ServerWebSocket<SocketData>
    const { websocket } = gateway
    void websocket.open!(ws)
    const say = (frame: ScoutFrame) => void websocket.message!(ws, Buffer.from(encode(frame)))
    say({ ...hello, offers: [['chat', 'm', 'raw', 0, 0, null, null, '']] })
    say({ type: 'credit', count: 1 })
    const close = () => {
      isDead = true
      void websocket.close!(ws, 1006, '')
    }
    return { say, close, heard }
  }

  test('has all of it read before it is gone', async () => {
    const { gateway, engine } = stage()
    const { say, close, heard } = dialled(gateway)
    const answer = engine.submit({ tenant: 't', kind: 'chat', model: 'm', stream: false, body: Buffer.from('{}') })
    engine.flush()
    const lease = heard.find((frame): frame is FrameOf<'task'> => frame.type === 'task')!
    const body = Buffer.from('{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}')
    const { task, attempt, nonce } = lease
    // Of a body that nobody awaits.
    for (const fragment of fragmentsOf(task + 1, 1, new Uint8Array(2 * inboxBytesPerTurn))) say(fragment)
    say({ ...settleOf(body, body.length, task), attempt, nonce })
    close()
    engine.flush()
    const scouts = () => engine.scoutsAfter(0, 10, {}).length
    expect(scouts()).toBe(1)
    let part = answer.take()
    await until('the answer', () => {
      part ??= answer.take()
      return part !== null
    })
    expect(part?.end?.type).toBe('done')
    await until('its end', () => scouts() === 0)
    expect(gateway.room).toBe(100)
  })
})
