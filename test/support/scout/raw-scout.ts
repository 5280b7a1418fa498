/**
 * A scripted peer on a scout's socket: it greets when told to, records every frame of the hub, and sends what the test
 * says, well-formed or not. It keeps no rules of its own, so that a test can make it as bad as it likes.
 */
import { WebSocket } from 'ws'
import { decodeFromHub, encode } from '../../../shared/protocol/codec.ts'
import {
  type FrameOf,
  type HubFrame,
  nonceBytes,
  protocolVersion,
  type ScoutFrame,
  scoutPath,
  subprotocol,
} from '../../../shared/protocol/frames.ts'
import { Conditions } from '../clocks/conditions.ts'
import type { LiveHub } from '../hub/live-hub.ts'
import type { Json } from '../providers/provider-calls.ts'

interface DialOptions {
  key?: string | null
  protocols?: string[]
  headers?: Record<string, string>
  /** Behind the path. */
  query?: string
  /** Instead of the hub's own. */
  url?: string
}

type Hello = FrameOf<'hello'>
type Lease = Pick<FrameOf<'task'>, 'task' | 'attempt' | 'nonce'>

function open(hub: LiveHub, { key = hub.scoutKey, protocols = [subprotocol], ...more }: DialOptions): WebSocket {
  const headers = { ...(key !== null && { authorization: `Bearer ${key}` }), ...more.headers }
  const url = (more.url ?? hub.url).replace('http', 'ws') + scoutPath + (more.query ?? '')
  return new WebSocket(url, protocols, { headers, perMessageDeflate: false })
}

/** What the hub answers to a dial: 101 when it would take it, else why not. */
export function knock(hub: LiveHub, options: DialOptions = {}): Promise<{ status: number; error: Json | null }> {
  const socket = open(hub, options)
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.terminate()
      resolve({ status: 101, error: null })
    })
    socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (bytes: Buffer) => {
        body += bytes
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, error: JSON.parse(body).error }))
    })
    socket.on('error', reject)
  })
}

/** A connected peer that has not greeted yet. */
export function dialRaw(hub: LiveHub, options: DialOptions = {}): Promise<RawScout> {
  const socket = open(hub, options)
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(new RawScout(socket)))
    socket.on('error', reject)
  })
}

/** A connected and greeted peer that has granted `credits`. */
export async function joinRaw(
  hub: LiveHub,
  { credits = 0, ...hello }: Partial<Hello> & { credits?: number } = {},
): Promise<RawScout> {
  const scout = await dialRaw(hub)
  scout.hello(hello)
  await scout.heard('welcome')
  if (credits > 0) scout.send({ type: 'credit', count: credits })
  return scout
}

/** One line of a streamed answer that carries `content`. */
export function contentLine(content: string): string {
  return `${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n`
}

export const roleLine = '{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n'
export const finishLine = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n'

export class RawScout {
  readonly frames: HubFrame[] = []
  closed: { code: number; reason: string } | null = null
  /** False: the hub's pings stay unanswered. */
  answersPings = true
  private readonly conditions = new Conditions()

  constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => this.take(data as Buffer))
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.conditions.changed()
    })
  }

  hello(more: Partial<Hello> = {}): void {
    const self = { name: 'raw', instance: crypto.randomUUID(), agent: 'raw', concurrency: 8 }
    const offers: Hello['offers'] = [['chat', 'm', 'raw', 0, 0, null, null, '']]
    this.send({ type: 'hello', version: protocolVersion, ...self, offers, held: [], ...more })
  }

  send(frame: ScoutFrame): void {
    this.raw(encode(frame))
  }

  /** Sends anything at all. */
  raw(bytes: Uint8Array): void {
    this.socket.send(bytes)
  }

  text(text: string): void {
    this.socket.send(text)
  }

  started({ task, attempt }: Omit<Lease, 'nonce'>): void {
    this.send({ type: 'started', task, attempt, provider: 'raw' })
  }

  chunk({ task, attempt }: Omit<Lease, 'nonce'>, seq: number, offset: number, lines: string): void {
    const body = Buffer.from(lines)
    this.send({ type: 'chunk', task, attempt, seq, offset, size: body.length, body })
  }

  pong(ping: number): void {
    this.send({ type: 'pong', ping, running: 0 })
  }

  /** Settles as done, unless `more` says otherwise. */
  settle({ task, attempt, nonce }: Lease, more: Partial<FrameOf<'settle'>> = {}, answer = '{"choices":[]}'): void {
    const body = Buffer.from(answer)
    const cause = {
      outcome: 'done' as const,
      fault: '',
      message: '',
      param: '',
      retryAfterMs: 0,
      provider: '',
      credits: 0,
    }
    this.send({
      type: 'settle',
      task,
      attempt,
      nonce: nonce.slice(0, nonceBytes),
      chunks: 0,
      ...cause,
      size: body.length,
      body,
      ...more,
    })
  }

  /** The first frame of `type` for which `fits` holds, past or future. */
  heard<Type extends HubFrame['type']>(
    type: Type,
    fits: (frame: FrameOf<Type>) => boolean = () => true,
  ): Promise<FrameOf<Type>> {
    const match = (frame: HubFrame) => frame.type === type && fits(frame as unknown as FrameOf<Type>)
    const find = () => this.frames.find(match) ?? (this.closed !== null && this.fail(type))
    return this.conditions.until(`a ${type}`, find) as Promise<unknown> as Promise<FrameOf<Type>>
  }

  /** Resolves once `met` holds; looks after every frame. */
  async until(what: string, met: () => boolean): Promise<void> {
    await this.conditions.until(what, met)
  }

  count(type: HubFrame['type']): number {
    return this.frames.filter((frame) => frame.type === type).length
  }

  /** How the socket ended. */
  ended(): Promise<{ code: number; reason: string }> {
    return this.conditions.until('the end of a session', () => this.closed ?? undefined)
  }

  /** The network fails. */
  cut(): void {
    this.socket.terminate()
  }

  private take(message: Buffer): void {
    const frame = decodeFromHub(message)
    if (frame.type === 'malformed') throw new Error(`the hub sent a malformed frame: ${frame.reason}`)
    this.frames.push(frame)
    if (frame.type === 'ping' && this.answersPings) this.pong(frame.ping)
    this.conditions.changed()
  }

  private fail(type: string): never {
    throw new Error(`closed before a ${type}: ${JSON.stringify(this.closed)}`)
  }
}
