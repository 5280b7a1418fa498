/** Sessions that stand for other hubs are the brain's: work reaches them, and comes back, over links to its edges. */
import { describe, expect, test } from 'vitest'
import { PeerHubs } from '../../orchestrator/brain/peer-hubs.ts'
import type { SharingHub } from '../../orchestrator/cluster/sharing/sharing.ts'
import type { NetworkState } from '../../orchestrator/engine/ports/network/network-state.ts'
import { streamBufferBytes } from '../../shared/limits/http.ts'
import { goneHoldMs } from '../../shared/limits/process.ts'
import { decodeFromHub, encode } from '../../shared/protocol/codec.ts'
import { type FrameOf, type FrameType, type HubFrame, protocolVersion } from '../../shared/protocol/frames.ts'
import { type EdgeSeat, EdgesBench } from '../support/edges/edge-bench.ts'
import { bytesOf, deltaLine, finishLine, tail, textOf } from '../support/hub/engine-bench.ts'

const state: NetworkState = { otherHubs: [], keys: { homes: [], isStale: false, isCurrent: true } }

/** Another hub, of which the test plays the session. */
class PlayedPeer {
  readonly heard: HubFrame[] = []
  private readonly session: ReturnType<SharingHub['openPeer']>
  private seq = 0
  private offset = 0

  constructor(private readonly bench: EdgesBench) {
    const { system, engine, edges } = bench
    let hub: SharingHub | null = null
    const network = {
      state: () => state,
      otherHubs: () => [],
      start: (own: SharingHub) => {
        hub = own
      },
      shareLedger() {},
      stop: () => Promise.resolve(),
    }
    new PeerHubs({ system, engine, edges, network, log: { error() {} } }).start()
    const socket = {
      send: (frame: Uint8Array) => {
        const decoded = decodeFromHub(Uint8Array.from(frame))
        if (decoded.type === 'malformed') throw new Error(decoded.reason)
        this.heard.push(decoded)
        return frame.length
      },
      close() {},
      buffered: () => 0,
    }
    this.session = (hub as SharingHub | null)!.openPeer('hub:beta', '', socket, 1)
    this.say({
      ...{ type: 'hello', version: protocolVersion, name: 'beta', instance: 'boot', agent: 'test' },
      ...{ concurrency: 8, offers: [['chat', 'm', 'beta', 0, 0, null, null, '']], held: [] },
    })
  }

  say<Type extends FrameType>(frame: FrameOf<Type>): void {
    this.session.receive(Uint8Array.from(encode(frame)), this.bench.system.nowMs())
  }

  credit(count: number): void {
    this.say({ type: 'credit', count })
  }

  /** The link to it is over. */
  ends(): void {
    this.session.closed()
  }

  /** The one task that it was given. */
  get task(): FrameOf<'task'> {
    const [task, ...more] = this.heard.filter((frame) => frame.type === 'task')
    expect(more).toEqual([])
    return task as FrameOf<'task'>
  }

  chunk(...lines: string[]): void {
    const body = bytesOf(lines.map((line) => `${line}\n`).join(''))
    const { task, attempt } = this.task
    this.say({ type: 'chunk', task, attempt, seq: this.seq++, offset: this.offset, size: body.length, body })
    this.offset += body.length
  }

  done(credits: number): void {
    const { task, attempt, nonce } = this.task
    const body = bytesOf(tail)
    const none = { fault: '', message: '', param: '', retryAfterMs: 0 }
    const ended = { outcome: 'done' as const, chunks: this.seq, provider: 'beta', credits, ...none }
    this.say({ type: 'settle', task, attempt, nonce, ...ended, size: body.length, body })
  }
}

function stage() {
  const bench = new EdgesBench(2)
  const peer = new PlayedPeer(bench)
  peer.credit(2)
  bench.settle()
  const [client, other] = bench.seats as [EdgeSeat, EdgeSeat]
  return { bench, peer, client, other }
}

const body = bytesOf('{"messages":[]}')

test('another hub answers a client of an edge, and what it grants with its settlement counts once', () => {
  const { bench, peer, client } = stage()
  const answer = client.ask({ body })
  bench.settle()
  peer.chunk(deltaLine('1'))
  bench.settle()
  peer.chunk(deltaLine('2'), finishLine)
  peer.done(1)
  bench.settle()
  const part = answer.take()!
  expect(textOf(part.lines)).toEqual([deltaLine('1'), deltaLine('2'), finishLine])
  expect(part.end?.type).toBe('done')
  expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, creditsHeld: 2 })
})

test('a cancel comes behind the task that it is about', () => {
  const { bench, peer, client } = stage()
  const answer = client.ask({ body })
  client.toBrain.deliver()
  bench.decide()
  // The grant is on its way to the edge as its client leaves.
  answer.abandon()
  client.toBrain.deliver()
  bench.decide()
  bench.settle()
  expect(peer.heard.map(({ type }) => type)).toEqual(['welcome', 'task', 'cancel'])
})

test('a reader that is slow has the other hub pause', () => {
  const { bench, peer, client } = stage()
  const answer = client.ask({ body })
  bench.settle()
  const long = deltaLine('x'.repeat(30_000))
  for (let sent = 0; sent <= streamBufferBytes; sent += long.length) {
    peer.chunk(long)
    bench.settle()
  }
  expect(peer.heard.at(-1)).toMatchObject({ type: 'flow', paused: true })
  answer.take()
  bench.settle()
  expect(peer.heard.at(-1)).toMatchObject({ type: 'flow', paused: false })
})

describe('a link between hubs that is over', () => {
  test('has what had not begun done elsewhere', () => {
    const { bench, peer, client, other } = stage()
    const answer = client.ask({ body })
    bench.settle()
    expect(peer.task.attempt).toBe(1)
    const session = other.join(['m'], 1)
    bench.settle()
    peer.ends()
    bench.system.pass(goneHoldMs)
    bench.settle()
    // The other hub may come back with it for as long as any scout.
    bench.system.pass(60_000)
    bench.settle()
    expect(other.take('task').map((given) => given.session)).toEqual([session])
    expect(answer.take()).toBeNull()
  })

  test('ends with the brain: an answer that had begun fails, and its session is nobody any more', () => {
    const { bench, peer, client } = stage()
    const answer = client.ask({ body })
    bench.settle()
    peer.chunk(deltaLine('seen'))
    bench.settle()
    bench.killBrain()
    bench.nextBrain()
    bench.settle()
    bench.system.pass(60_000)
    bench.settle()
    const part = answer.take()!
    expect(textOf(part.lines)).toEqual([deltaLine('seen')])
    expect(part.end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
    expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, tasksQueued: 0 })
  })
})
