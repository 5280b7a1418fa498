import { afterEach, beforeEach, describe, expect, test } from 'vitest'
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

  constructor(private readonly system: ManualSystem) {}

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
    this.say({ type: 'welcome', ...terms, held })
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
