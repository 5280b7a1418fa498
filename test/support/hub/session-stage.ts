/**
 * A scout's session with both of its sides in the test's hands: what the engine is told is in `heard`, what the scout
 * is told in `sent`, and the socket behaves as the test says.
 */
import type { ScoutEvents } from '../../../orchestrator/engine/ports/scouts.ts'
import { ScoutSession } from '../../../orchestrator/gateway/session.ts'
import { ByteAccount } from '../../../shared/byte-account.ts'
import { decodeFromHub, encode } from '../../../shared/protocol/codec.ts'
import type { FrameOf, HubFrame, ScoutFrame } from '../../../shared/protocol/frames.ts'

export const nonce = new Uint8Array(16)
export const hello: FrameOf<'hello'> = {
  type: 'hello',
  version: 1,
  name: 'scout',
  instance: 'i',
  agent: 'test',
  concurrency: 4,
  offers: [],
  held: [],
}

const plenty = () => new ByteAccount(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

export class SessionStage {
  nowMs = 1_000
  readonly heard: unknown[][] = []
  readonly sent: HubFrame[] = []
  readonly closes: [code: number, reason: string][] = []
  /** What the socket says has not left yet, and what `send` answers. */
  buffered = 0
  sendResult = 1
  readonly session: ScoutSession

  constructor({
    greeted = true,
    welcomed = true,
    bytesInFlight = plenty(),
    mayBeNamed = (_: string): boolean => true,
  } = {}) {
    const note =
      (what: string) =>
      (...facts: unknown[]) => {
        this.heard.push([what, ...facts])
      }
    const events: ScoutEvents = {
      joined: note('joined'),
      credit: note('credit'),
      offers: note('offers'),
      started: note('started'),
      chunk: note('chunk'),
      settle: note('settle'),
      broken: note('broken'),
      alive: note('alive'),
      heartbeat: note('heartbeat'),
      draining: note('draining'),
      gone: note('gone'),
    }
    const socket = {
      send: (message: Uint8Array) => {
        if (this.sendResult === 0) return 0
        const frame = decodeFromHub(message)
        if (frame.type === 'malformed') throw new Error(frame.reason)
        this.sent.push(frame)
        return message.length
      },
      close: (code: number, reason: string) => this.closes.push([code, reason]),
      buffered: () => this.buffered,
    }
    this.session = new ScoutSession({
      id: 7,
      operator: 'key',
      address: '::1',
      socket,
      events,
      mayBeNamed,
      acksHeldMax: 2,
      nowMs: this.nowMs,
      bytesInFlight,
    })
    if (!greeted) return
    this.say(hello)
    this.heard.length = 0
    if (!welcomed) return
    const terms = { version: 1, epoch: 1, scout: 'key/s', heartbeatMs: 1, silenceMs: 1, leaseTtlMs: 1, creditMax: 1 }
    this.session.send({ type: 'welcome', ...terms, held: [] })
    this.sent.length = 0
  }

  say(frame: ScoutFrame): void {
    this.session.receive(encode(frame), this.nowMs)
  }

  names(): unknown[] {
    return this.heard.map(([what]) => what)
  }

  get code(): number | undefined {
    return this.closes[0]?.[0]
  }
}

export function settleOf(body: Uint8Array | null, size: number, task = 1): FrameOf<'settle'> {
  const plain = {
    nonce,
    outcome: 'done',
    chunks: 0,
    fault: '',
    message: '',
    param: '',
    retryAfterMs: 0,
    provider: '',
    credits: 0,
  } as const
  return { type: 'settle', task, attempt: 1, ...plain, size, body }
}

export function chunkOf(body: Uint8Array | null, size: number, task = 1): FrameOf<'chunk'> {
  return { type: 'chunk', task, attempt: 1, seq: 0, offset: 0, size, body }
}
