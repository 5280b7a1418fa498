/**
 * What stays in the hub's memory when everybody has left: nothing that grows with the number of those who came. Engine
 * and gateway are the product's, with frames as bytes and without sockets; scouts behave in every way in which one can.
 */
import type { ServerWebSocket } from 'bun'
import { expect, test } from 'vitest'
import { violations } from '../../orchestrator/core/invariants.ts'
import { HubEngine } from '../../orchestrator/engine/engine.ts'
import type { Answer } from '../../orchestrator/engine/ports/client.ts'
import { Gateway, type SocketData } from '../../orchestrator/gateway/gateway.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { decodeFromHub, encode } from '../../shared/protocol/codec.ts'
import { type FrameOf, protocolVersion } from '../../shared/protocol/frames.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { censusOf, growthOf } from '../support/hub/census.ts'
import { bytesOf, deltaLine, finishLine, tail, wholeAnswer } from '../support/hub/engine-bench.ts'

const identities = 20
const models = 10
const request = bytesOf('{"messages":[{"role":"user","content":"hi"}]}')
const plain = { fault: '', message: '', param: '', retryAfterMs: 0, provider: 'bench', credits: 1 }

type Way = 'answers' | 'fails' | 'pauses' | 'returns' | 'vanishes' | 'ignores' | 'halts'
const ways: Way[] = [
  'answers',
  'answers',
  'answers',
  'answers',
  'fails',
  'pauses',
  'returns',
  'vanishes',
  'ignores',
  'halts',
]

/** One socket of a scout, as the gateway sees it. */
class Peer {
  readonly data: SocketData
  isOpen = true

  constructor(
    private readonly hub: Hub,
    private readonly number: number,
  ) {
    const operator = `operator-${number % identities}`
    this.data = { admission: { operator, key: operator, address: '127.0.0.1' }, session: null }
  }

  sendBinary(bytes: Uint8Array): number {
    const frame = decodeFromHub(bytes)
    if (frame.type === 'ping') this.say({ type: 'pong', ping: frame.ping, running: 0 })
    if (frame.type === 'task') this.hub.system.soon(() => this.work(frame))
    return bytes.length
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.hub.gateway.websocket.close!(this as never, 1000, '')
  }

  getBufferedAmount(): number {
    return 0
  }

  say(frame: Parameters<typeof encode>[0]): void {
    if (this.isOpen) this.hub.gateway.websocket.message!(this as never, Buffer.from(encode(frame)))
  }

  private work({ task, attempt, nonce, stream }: FrameOf<'task'>): void {
    const settle = (outcome: 'done' | 'failed' | 'released', text: string, more: Partial<FrameOf<'settle'>> = {}) => {
      const body = bytesOf(text)
      const chunks = outcome === 'done' && stream ? 1 : 0
      this.say({ type: 'settle', task, attempt, nonce, outcome, chunks, ...plain, size: body.length, body, ...more })
    }
    const chunk = () => {
      const body = bytesOf(`${deltaLine('hello')}\n${finishLine}\n`)
      this.say({ type: 'chunk', task, attempt, seq: 0, offset: 0, size: body.length, body })
    }
    const way = ways[(this.number + task) % ways.length]!
    if (way === 'ignores') return
    this.say({ type: 'started', task, attempt, provider: 'bench' })
    if (way === 'fails') settle('failed', '', { fault: 'provider_unavailable', message: 'no' })
    if (way === 'pauses') settle('released', '', { fault: 'rate_limited', message: 'wait', retryAfterMs: 5_000 })
    if (way === 'returns') settle('released', '', { fault: 'scout_draining', message: 'leaving' })
    if (way === 'vanishes') this.close()
    if (way === 'halts')
      this.say({ type: 'settle', task, attempt, nonce, outcome: 'done', chunks: 0, ...plain, size: 90_000, body: null })
    if (way !== 'answers') return
    if (stream) chunk()
    settle('done', stream ? tail : wholeAnswer)
  }
}

class Hub {
  readonly system = new ManualSystem()
  readonly gateway: Gateway
  readonly engine: HubEngine
  readonly store = memoryStore()
  private cycles = 0

  constructor() {
    const { system, store } = this
    this.gateway = new Gateway({ system, keys: () => ({ ok: false, flaw: '' }), connectionsMax: 1_000 })
    const onDefect = (defect: Error) => {
      throw defect
    }
    this.engine = new HubEngine({ system, store, links: this.gateway.links, epoch: 1, onDefect, seed: 1 })
    this.engine.start()
    this.gateway.start(this.engine.scoutEvents)
  }

  /** A scout comes, clients ask for something, it does what it does, and all of them leave. */
  async cycle(): Promise<void> {
    const { engine, system } = this
    const number = this.cycles++
    const peer = new Peer(this, number)
    this.gateway.websocket.open!(peer as unknown as ServerWebSocket<SocketData>)
    const offers = [0, 3, 7].map((at): FrameOf<'hello'>['offers'][number] => {
      return ['chat', `model-${(number + at) % models}`, 'bench', 0, 0, null, null, '']
    })
    const self = { name: 'scout', instance: `instance-${number}`, agent: 'test', concurrency: 4 }
    peer.say({ type: 'hello', version: protocolVersion, ...self, offers, held: [] })
    peer.say({ type: 'credit', count: 4 })
    const answers = [0, 1, 2].map((at) => this.ask(number + at))
    const task = { kind: 'chat', model: `model-${number % models}`, request } as const
    const tasks = [
      { ...task, node: 'one', needs: [] },
      { ...task, node: 'two', needs: ['one'] },
    ]
    const terms = { tenant: `tenant-${number % 3}`, weight: 1, priority: 5, deadlineMs: 60_000, metadata: {} }
    void engine.intents.accept({ ...terms, plan: { tasks, resultNode: 'two' } })
    system.pass(300)
    await Promise.resolve()
    if (number % 3 === 0) peer.say({ type: 'offers', concurrency: 2, offers: offers.slice(1) })
    if (number % 4 === 3) peer.say({ type: 'drain', reason: 'the test' })
    system.pass(700)
    for (const answer of answers) answer.abandon()
    if (number % 8 > 0) peer.close()
    else system.pass(30_000)
    peer.close()
    system.pass(100)
  }

  private ask(number: number): Answer {
    const stream = number % 2 === 0
    const model = `model-${number % models}`
    return this.engine.submit({ tenant: `tenant-${number % 3}`, kind: 'chat', model, stream, body: request })
  }

  /** Everybody has left, and every time that anything waits for has passed. */
  async kept() {
    for (let minute = 0; minute < 3; minute++) {
      this.system.pass(60_000)
      await Promise.resolve()
    }
    expect(violations(this.engine.core.state)).toEqual([])
    return censusOf({ engine: this.engine, gateway: this.gateway, system: this.system }, [this.store])
  }
}

test('nothing stays that grows with the sessions, tasks and intents that ever were', async () => {
  const hub = new Hub()
  for (let cycle = 0; cycle < 80; cycle++) await hub.cycle()
  const before = await hub.kept()
  for (let cycle = 0; cycle < 240; cycle++) await hub.cycle()
  const after = await hub.kept()
  expect(hub.engine.stats().tasksFinished.done).toBeGreaterThan(200)
  expect(growthOf(before, after, 20)).toEqual([])
})
