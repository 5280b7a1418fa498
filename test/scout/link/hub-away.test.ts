import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { HubRing, ringDial } from '../../../scout/link/hub-ring.ts'
import type { Dial } from '../../../scout/link/socket.ts'
import type { Log } from '../../../scout/log.ts'
import { Catalog } from '../../../scout/offers/catalog.ts'
import { Scout } from '../../../scout/process/scout.ts'
import { diceOf } from '../../../scout/providers/demo/dice.ts'
import { reconnectCapMs, silenceMs } from '../../../shared/limits/wire.ts'
import { decodeFromScout, encode } from '../../../shared/protocol/codec.ts'
import type { FrameOf, HubFrame } from '../../../shared/protocol/frames.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const minuteMs = 60_000

/** A clock in the test's hand, with jitter from a seed. */
class SeededSystem extends ManualSystem {
  private readonly dice: () => number
  constructor(seed: number) {
    super()
    this.dice = diceOf(seed)
  }
  override random(): number {
    return this.dice()
  }
}

/** A hub as the scout sees it through a socket: there, frozen (takes dials and says nothing), or gone. */
class Away {
  state: 'there' | 'frozen' | 'gone' = 'there'
  dials = 0
  closes = 0
  heard: ReturnType<typeof decodeFromScout>[] = []
  private events: Parameters<Dial>[0] | null = null

  constructor(
    private readonly system: ManualSystem,
    /** Addresses of other hubs that its welcome names. */
    private readonly others: readonly string[] = [],
  ) {}

  readonly dial: Dial = (events) => {
    this.dials++
    this.events = events
    const { state } = this
    this.system.soon(() => {
      if (state === 'gone') events.closed(1006, 'ECONNREFUSED')
      else if (state === 'there') events.opened()
    })
    return {
      bufferedAmount: 0,
      send: (bytes) => this.take(bytes),
      close: () => {
        this.closes++
      },
    }
  }

  say(frame: HubFrame): void {
    if (this.state === 'there') this.events!.message(encode(frame))
  }

  cut(): void {
    this.events!.closed(1006, '')
  }

  private take(bytes: Uint8Array): void {
    const frame = decodeFromScout(bytes)
    this.heard.push(frame)
    if (frame.type !== 'hello') return
    const held: FrameOf<'welcome'>['held'] = frame.held.map(([task, attempt]) => [task, attempt, 'resumed', 0])
    const terms = { version: 1, epoch: 1, scout: 's', heartbeatMs: 10_000, silenceMs, leaseTtlMs: 30_000, creditMax: 4 }
    const hubs = this.others.map((address): [string] => [address])
    this.say({ type: 'welcome', ...terms, held, ...(hubs.length > 0 && { hubs }) })
  }
}

const log: Log = { debug() {}, info() {}, warn() {}, error() {} }

let system: SeededSystem
let hub: Away
let provider: ScriptedProvider
let scout: Scout
let catalog: Catalog

async function begin(seed: number): Promise<void> {
  system = new SeededSystem(seed)
  hub = new Away(system)
  provider = new ScriptedProvider()
  catalog = new Catalog(system, log, [provider])
  await catalog.open()
  scout = new Scout({ name: 'tester', concurrency: 4 }, { system, dial: hub.dial, catalog, log })
  scout.start()
  system.pass(100)
  expect(scout.status().phase).toBe('ready')
}

beforeEach(() => begin(1))
afterEach(() => catalog.close())

/** Milliseconds until `met`, looked at every 100. */
function passUntil(met: () => boolean, limitMs: number): number {
  for (let passedMs = 0; passedMs <= limitMs; passedMs += 100) {
    if (met()) return passedMs
    system.pass(100)
  }
  return Number.POSITIVE_INFINITY
}

describe('a hub that freezes', () => {
  test('is given up within the time of silence since its last word, whatever the scout is about to say', () => {
    system.pass(7_000)
    hub.say({ type: 'ping', ping: 1, acks: [] })
    hub.state = 'frozen'
    const knownAfterMs = passUntil(() => scout.status().phase !== 'ready', minuteMs)
    expect(knownAfterMs).toBeLessThanOrEqual(silenceMs)
    expect(scout.status().waiting).toContain('nothing was heard for too long')
    expect(hub.closes).toBe(1)
  })

  test('in the middle of an upgrade is given up as well, and found again when it thaws', () => {
    hub.state = 'frozen'
    hub.cut()
    system.pass(10 * minuteMs)
    hub.state = 'there'
    const backAfterMs = passUntil(() => scout.status().phase === 'ready', 5 * minuteMs)
    expect(backAfterMs).toBeLessThanOrEqual(silenceMs + reconnectCapMs)
  })
})

describe('a hub that is gone for long', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('is found again within 30 s of its return (seed %i)', async (seed) => {
    await begin(seed)
    hub.state = 'gone'
    hub.cut()
    system.pass(10 * minuteMs + seed * 1_234)
    hub.state = 'there'
    expect(passUntil(() => scout.status().phase === 'ready', 5 * minuteMs)).toBeLessThanOrEqual(30_000)
  })

  test('costs next to nothing meanwhile: few dials, and no timer that adds up', () => {
    const timers = system.pending
    hub.state = 'gone'
    hub.cut()
    hub.dials = 0
    system.pass(60 * minuteMs)
    expect(hub.dials).toBeGreaterThan(60 * 2)
    expect(hub.dials).toBeLessThan(60 * 8)
    expect(system.pending).toBeLessThanOrEqual(timers + 1)
  })

  test('still gets the answer that was finished while it was away', async () => {
    hub.say({
      type: 'task',
      task: 7,
      attempt: 1,
      nonce: new Uint8Array(16),
      kind: 'chat',
      model: 'm',
      stream: false,
      ttlMs: 30_000,
      deadlineMs: 600_000,
      acks: [],
      size: 2,
      body: Buffer.from('{}'),
    })
    const call = await provider.call()
    hub.state = 'gone'
    hub.cut()
    call.done('{"choices":[]}')
    await call.ended
    await new Promise((resolve) => setImmediate(resolve))
    system.pass(8 * minuteMs)
    hub.state = 'there'
    passUntil(() => scout.status().phase === 'ready', minuteMs)
    system.pass(1_000)
    const settled = hub.heard.filter((frame) => frame.type === 'settle')
    expect(settled).toEqual([expect.objectContaining({ task: 7, outcome: 'done' })])
  })
})

describe('a hub of a network that dies', () => {
  const [home, beta, gamma] = ['wss://alpha.example', 'wss://beta.example', 'wss://gamma.example'] as const
  const elsewhereMs = 15_000

  /** A scout of a network of three; `known`: hubs that an earlier start of it has heard of. */
  async function networked(seed: number, known: string[] = []) {
    const clock = new SeededSystem(seed)
    const hubs = { [home]: new Away(clock, [beta, gamma]), [beta]: new Away(clock), [gamma]: new Away(clock) }
    const own = new ScriptedProvider()
    const offered = new Catalog(clock, log, [own])
    await offered.open()
    const ring = new HubRing(home, known, () => {})
    const made = new Scout(
      { name: 'tester', concurrency: 4 },
      {
        ...{ system: clock, catalog: offered, log },
        dial: ringDial(ring, (endpoint) => hubs[endpoint as keyof typeof hubs].dial),
        welcomed: ({ hubs: named = [] }) => ring.welcomed(named.map(([address]) => address)),
      },
    )
    onTestFinished(() => offered.close())
    /** Milliseconds until it is at work again. */
    const backAfterMs = () => {
      for (let passedMs = 0; passedMs <= minuteMs; passedMs += 100) {
        if (made.status().phase === 'ready') return passedMs
        clock.pass(100)
      }
      return Number.POSITIVE_INFINITY
    }
    return { clock, hubs, scout: made, backAfterMs, provider: own }
  }

  const seeds = Array.from({ length: 20 }, (_, at) => at + 1)

  test.each(seeds)('is left for another one within 15 s, which gets what was under way (seed %i)', async (seed) => {
    const { clock, hubs, scout: made, backAfterMs, provider: own } = await networked(seed)
    made.start()
    expect(backAfterMs()).toBeLessThan(1_000)
    const times = { ttlMs: 30_000, deadlineMs: 600_000 }
    const what = { kind: 'chat' as const, model: 'm', stream: false, ...times, acks: [] }
    const nonce = new Uint8Array(16).fill(7)
    clock.pass(1_000)
    hubs[home].say({ type: 'task', task: 7, attempt: 1, nonce, ...what, size: 2, body: Buffer.from('{}') })
    const call = await own.call()
    hubs[home].state = 'gone'
    hubs[home].cut()
    clock.pass(0)
    expect(backAfterMs()).toBeLessThanOrEqual(elsewhereMs)
    const hello = hubs[beta].heard.find(({ type }) => type === 'hello') as FrameOf<'hello'>
    expect(hello.held).toEqual([[7, 1, nonce]])
    call.done('{"choices":[]}')
    await call.ended
    await new Promise((resolve) => setImmediate(resolve))
    clock.pass(1_000)
    expect(hubs[beta].heard.filter(({ type }) => type === 'settle')).toMatchObject([{ task: 7, outcome: 'done' }])
  })

  test.each(seeds)('together with the next one is left for the third within 15 s (seed %i)', async (seed) => {
    const { clock, hubs, scout: made, backAfterMs } = await networked(seed)
    made.start()
    backAfterMs()
    for (const name of [home, beta] as const) hubs[name].state = 'gone'
    hubs[home].cut()
    clock.pass(0)
    expect(backAfterMs()).toBeLessThanOrEqual(elsewhereMs)
    expect(hubs[gamma].dials).toBe(1)
  })

  test('before a scout starts anew is passed over by it: it remembers the others', async () => {
    const { hubs, scout: made, backAfterMs } = await networked(1, [beta, gamma])
    hubs[home].state = 'gone'
    made.start()
    expect(backAfterMs()).toBeLessThanOrEqual(elsewhereMs)
    expect(hubs[beta].dials).toBe(1)
  })

  test('without closing its sockets, as when its machine is off, is left once it was silent for too long', async () => {
    const { hubs, scout: made, backAfterMs, clock } = await networked(1)
    made.start()
    backAfterMs()
    hubs[home].state = 'frozen'
    for (let passedMs = 0; made.status().phase === 'ready' && passedMs <= minuteMs; passedMs += 100) clock.pass(100)
    hubs[home].state = 'gone'
    expect(backAfterMs()).toBeLessThanOrEqual(elsewhereMs)
  })
})
