/**
 * A scripted hub on a real socket: it greets, records every frame a scout sends, and sends what the test says. It keeps
 * no rules of its own, so that a test can make it a good hub or a bad one.
 */
import type { Server, ServerWebSocket } from 'bun'
import { inlineBodyBytesMax } from '../../../shared/limits/wire.ts'
import { decodeFromScout, encode } from '../../../shared/protocol/codec.ts'
import { fragmentsOf } from '../../../shared/protocol/fragments.ts'
import {
  type FrameOf,
  type FrameType,
  type HubFrame,
  nonceBytes,
  type ScoutFrame,
} from '../../../shared/protocol/frames.ts'
import { Conditions } from '../clocks/conditions.ts'

type Welcome = FrameOf<'welcome'>
type Socket = ServerWebSocket<{ session: FakeSession | null }>

/** Bodies of one task's chunks by number, and of its settlement, once each has come in full. */
interface FakeAnswer {
  chunks: Map<number, Buffer>
  settle: FrameOf<'settle'> | null
  body: Buffer | null
  /** The body whose fragments are under way. */
  open: { pieces: Uint8Array[]; missing: number; done(whole: Buffer): void } | null
}

function collect(answer: FakeAnswer, frame: FrameOf<'chunk'> | FrameOf<'settle'> | FrameOf<'fragment'>): void {
  if (frame.type === 'fragment') {
    const { open } = answer
    if (open === null || frame.index !== open.pieces.length) throw new Error('a fragment is out of place')
    open.pieces.push(frame.bytes)
    open.missing -= frame.bytes.length
    if (open.missing < 0) throw new Error('fragments are longer than their body')
    if (open.missing > 0) return
    answer.open = null
    return open.done(Buffer.concat(open.pieces))
  }
  if (answer.open !== null) throw new Error(`a ${frame.type} overtook the fragments of the one before it`)
  if (frame.type === 'settle') answer.settle = frame
  const done = (whole: Buffer) => {
    if (frame.type === 'settle') answer.body = whole
    else if (answer.chunks.has(frame.seq)) throw new Error(`chunk ${frame.seq} came twice in one session`)
    else answer.chunks.set(frame.seq, whole)
  }
  if (frame.body === null) answer.open = { pieces: [], missing: frame.size, done }
  else done(Buffer.from(frame.body))
}

/** One socket of one scout. */
export class FakeSession {
  readonly frames: ScoutFrame[] = []
  closed: { code: number; reason: string } | null = null
  /** Credits the scout has granted in all. */
  credits = 0
  private readonly answers = new Map<number, FakeAnswer>()

  constructor(
    private readonly socket: Socket,
    readonly conditions: Conditions,
  ) {}

  /** The first frame of `type` for which `fits` holds, past or future. */
  heard<Type extends ScoutFrame['type']>(
    type: Type,
    fits: (frame: FrameOf<Type>) => boolean = () => true,
  ): Promise<FrameOf<Type>> {
    const match = (f: ScoutFrame) => f.type === type && fits(f as unknown as FrameOf<Type>)
    return this.conditions.until(`a ${type}`, () => this.frames.find(match)) as Promise<unknown> as Promise<
      FrameOf<Type>
    >
  }

  count(type: FrameType): number {
    return this.frames.filter((frame) => frame.type === type).length
  }

  send(frame: HubFrame): void {
    this.socket.sendBinary(encode(frame))
  }

  /** Sends anything at all. */
  raw(bytes: Uint8Array): void {
    this.socket.sendBinary(bytes)
  }

  text(text: string): void {
    this.socket.sendText(text)
  }

  welcome(more: Partial<Welcome> = {}): void {
    this.send({
      type: 'welcome',
      version: 1,
      epoch: 1,
      scout: 'operator/scout',
      heartbeatMs: 10_000,
      silenceMs: 25_000,
      leaseTtlMs: 30_000,
      creditMax: 256,
      held: [],
      ...more,
    })
  }

  /** Sends a task with its body, in fragments when it is large. */
  task(task: number, more: Partial<FrameOf<'task'>> = {}, request: unknown = { messages: [] }): void {
    const body = request instanceof Uint8Array ? request : Buffer.from(JSON.stringify(request))
    const large = body.length > inlineBodyBytesMax
    this.send({
      type: 'task',
      task,
      attempt: 1,
      nonce: nonceOf(task),
      kind: 'chat',
      model: 'm',
      stream: true,
      ttlMs: 30_000,
      deadlineMs: 60_000,
      acks: [],
      size: body.length,
      body: large ? null : body,
      ...more,
    })
    if (large) for (const fragment of fragmentsOf(task, more.attempt ?? 1, body)) this.send(fragment)
  }

  close(code: number, reason = ''): void {
    this.socket.close(code, reason)
  }

  /** The network fails. */
  cut(): void {
    this.socket.terminate()
  }

  /** What `task` has answered so far in this session. */
  answer(task: number): FakeAnswer {
    const answer = this.answers.get(task) ?? { chunks: new Map(), settle: null, body: null, open: null }
    this.answers.set(task, answer)
    return answer
  }

  /** Takes one frame of the scout. */
  record(frame: ScoutFrame): void {
    this.frames.push(frame)
    if (frame.type === 'credit') this.credits += frame.count
    if (frame.type === 'settle') this.credits += frame.credits
    if (frame.type === 'chunk' || frame.type === 'settle' || frame.type === 'fragment') {
      collect(this.answer(frame.task), frame)
    }
    this.conditions.changed()
  }

  /** The lines of `task`, once its settlement has come in full; chunk numbers and offsets are checked on the way. */
  async answered(task: number): Promise<{ lines: string; settle: FrameOf<'settle'>; body: Buffer }> {
    const { chunks, settle, body } = await this.conditions.until(`the answer of task ${task}`, () => {
      const answer = this.answer(task)
      return answer.body !== null && answer
    })
    const ordered = [...chunks.entries()].sort(([a], [b]) => a - b)
    return { lines: ordered.map(([, piece]) => piece.toString()).join(''), settle: settle!, body: body! }
  }

  /** How the socket ended. */
  ended(): Promise<{ code: number; reason: string }> {
    return this.conditions.until('the end of a session', () => this.closed ?? undefined)
  }
}

export class FakeHub {
  readonly sessions: FakeSession[] = []
  /** Answers upgrades with this HTTP status instead. */
  refuseWith: number | null = null
  /** What the dials carried. */
  readonly dials: { authorization: string | null; protocol: string | null; path: string }[] = []
  readonly conditions = new Conditions()
  private taken = 0
  private readonly server: Server<{ session: FakeSession | null }>

  constructor() {
    this.server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request, server) => this.upgrade(request, server),
      websocket: {
        data: {} as { session: FakeSession | null },
        open: (socket) => {
          const session = new FakeSession(socket, this.conditions)
          socket.data.session = session
          this.sessions.push(session)
          this.conditions.changed()
        },
        message: (socket, message) => this.message(socket.data.session!, message),
        close: (socket, code, reason) => {
          socket.data.session!.closed = { code, reason }
          this.conditions.changed()
        },
      },
    })
  }

  get url(): string {
    return `ws://127.0.0.1:${this.server.port}/v1/scout`
  }

  /** The next session, greeted: `more` changes the welcome, null leaves it out. */
  async session(more: Partial<Welcome> | null = {}): Promise<FakeSession> {
    const index = this.taken++
    const session = await this.conditions.until('a session', () => this.sessions[index])
    await session.heard('hello')
    if (more !== null) session.welcome(more)
    return session
  }

  async stop(): Promise<void> {
    await this.server.stop(true)
  }

  private upgrade(request: Request, server: Server<{ session: FakeSession | null }>): Response | undefined {
    const { headers, url } = request
    const protocol = headers.get('sec-websocket-protocol')
    this.dials.push({ authorization: headers.get('authorization'), protocol, path: new URL(url).pathname })
    this.conditions.changed()
    if (this.refuseWith !== null) return new Response('no', { status: this.refuseWith })
    return server.upgrade(request, { data: { session: null } }) ? undefined : new Response('no', { status: 400 })
  }

  private message(session: FakeSession, message: string | Buffer): void {
    if (typeof message === 'string') throw new Error('a scout sent text')
    const frame = decodeFromScout(message)
    if (frame.type === 'malformed') throw new Error(`a scout sent a malformed frame: ${frame.reason}`)
    session.record(frame)
  }
}

/** The nonce that `task` gets from this hub. */
export function nonceOf(task: number): Uint8Array {
  return new Uint8Array(nonceBytes).fill(task)
}
