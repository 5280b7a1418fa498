/**
 * A scout that keeps the protocol's form and its rates and nothing else: an attack says what it answers. It pongs as
 * honest ones do, so that it is not closed as silent.
 */
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { controlFramesPerSecond, dataBytesPerSecond } from '../../../shared/limits/wire.ts'
import { decodeFromHub, encode } from '../../../shared/protocol/codec.ts'
import { fragmentsOf } from '../../../shared/protocol/fragments.ts'
import {
  type FrameOf,
  type HubFrame,
  protocolVersion,
  type ScoutFrame,
  scoutPath,
  subprotocol,
} from '../../../shared/protocol/frames.ts'
import { sleep } from '../../load/calls.ts'

export type Task = FrameOf<'task'>

export interface StrangerHello {
  name: string
  models: string[]
  concurrency?: number
  /** The hub closed its socket; `why` is what it said. */
  onClosed?: (why: string) => void
  /** What it does with a task. */
  onTask?: (stranger: Stranger, task: Task) => void | Promise<void>
}

const blank = { fault: '', message: '', param: '', retryAfterMs: 0, provider: 'hostile', credits: 1 }
/** Below the limit, as somebody would who does not want to be closed. */
const bytesPerSecond = 0.9 * dataBytesPerSecond
const settlementsPerSecond = 0.8 * controlFramesPerSecond
const lineBytesMax = 16_000

export class Stranger {
  isClosed = false
  private isAmidMessage = false
  private readonly onTask: NonNullable<StrangerHello['onTask']>
  /** When the data allowance is free again. */
  private freeMs = 0
  private nextSettlementMs = 0

  private constructor(
    private readonly socket: WebSocket,
    { onTask = () => {}, onClosed = () => {} }: StrangerHello,
  ) {
    this.onTask = onTask
    socket.on('message', (data) => this.take(data as Buffer))
    socket.on('close', (code, reason) => {
      this.isClosed = true
      onClosed(`scout closed ${code} ${reason}`)
    })
    socket.on('error', () => {})
  }

  static async dial(url: string, key: string, hello: StrangerHello): Promise<Stranger> {
    const headers = { authorization: `Bearer ${key}` }
    const socket = new WebSocket(url + scoutPath, [subprotocol], { headers, perMessageDeflate: false })
    await new Promise<void>((resolve, reject) => {
      socket.on('open', resolve)
      socket.on('error', reject)
    })
    const { name, models, concurrency = 64 } = hello
    const stranger = new Stranger(socket, hello)
    const self = { name, instance: crypto.randomUUID(), agent: 'hostile', concurrency }
    stranger.send({ type: 'hello', version: protocolVersion, ...self, offers: models.map(offerOf), held: [] })
    stranger.send({ type: 'credit', count: concurrency })
    return stranger
  }

  send(frame: ScoutFrame): void {
    this.raw(encode(frame))
  }

  raw(bytes: Uint8Array): void {
    if (!this.isClosed) this.socket.send(bytes)
  }

  /** The beginning of a message that goes on. */
  piece(bytes: Uint8Array): void {
    this.isAmidMessage = true
    if (!this.isClosed) this.socket.send(bytes, { fin: false })
  }

  /** Straight onto the connection, below the frames; nothing while the last ones have not left. */
  bytes(bytes: Uint8Array): void {
    const { _socket: connection } = this.socket as unknown as { _socket: Socket }
    if (!this.isClosed && connection.writableLength === 0) connection.write(bytes)
  }

  offer(models: string[], concurrency = 64): void {
    this.send({ type: 'offers', concurrency, offers: models.map(offerOf) })
  }

  /** Ends the task with this body, in fragments at the rate that is allowed; `parts` leaves the last ones out. */
  async settle({ task, attempt, nonce }: Task, body: Uint8Array, chunks = 0, parts = 1): Promise<void> {
    await this.paySettlement()
    this.send({
      type: 'settle',
      task,
      attempt,
      nonce,
      outcome: 'done',
      chunks,
      ...blank,
      size: body.length,
      body: null,
    })
    const count = Math.ceil(body.length / 32_768)
    for (const fragment of fragmentsOf(task, attempt, body)) {
      if (fragment.index >= count * parts) return
      await this.pay(fragment.bytes.length + 64)
      this.send(fragment)
    }
  }

  async fail({ task, attempt, nonce }: Task, code: string): Promise<void> {
    await this.paySettlement()
    const cause = { ...blank, fault: code, message: 'the request is wrong' }
    this.send({
      type: 'settle',
      task,
      attempt,
      nonce,
      outcome: 'failed',
      chunks: 0,
      ...cause,
      size: 0,
      body: new Uint8Array(0),
    })
  }

  /** Answers a task with this text, streamed or whole as it was asked for. */
  async say(task: Task, text: string, usage: object = { prompt_tokens: 9, completion_tokens: 9 }): Promise<void> {
    const end = Buffer.from(JSON.stringify({ choices: [], usage }))
    if (!task.stream) {
      const message = { role: 'assistant', content: text }
      const whole = { choices: [{ index: 0, message, finish_reason: 'stop' }], usage }
      return this.settle(task, Buffer.from(JSON.stringify(whole)))
    }
    let seq = 0
    let offset = 0
    const line = async (delta: object, finish: string | null) => {
      const body = Buffer.from(`${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n`)
      await this.pay(body.length)
      this.send({ type: 'chunk', task: task.task, attempt: task.attempt, seq, offset, size: body.length, body })
      seq++
      offset += body.length
    }
    for (let at = 0; at < text.length; at += lineBytesMax)
      await line({ content: text.slice(at, at + lineBytesMax) }, null)
    await line({}, 'stop')
    return this.settle(task, end, seq)
  }

  /** Waits until so many bytes may be sent. */
  async pay(bytes: number): Promise<void> {
    const nowMs = performance.now()
    this.freeMs = Math.max(nowMs, this.freeMs) + (bytes * 1_000) / bytesPerSecond
    if (this.freeMs - nowMs > 50) await sleep(this.freeMs - nowMs)
  }

  /** Settlements are among the frames of which there may be so many per second. */
  private async paySettlement(): Promise<void> {
    const nowMs = performance.now()
    this.nextSettlementMs = Math.max(nowMs, this.nextSettlementMs) + 1_000 / settlementsPerSecond
    await sleep(this.nextSettlementMs - nowMs)
  }

  cut(): void {
    this.socket.terminate()
  }

  private take(message: Buffer): void {
    const frame: HubFrame | { type: 'malformed' } = decodeFromHub(message)
    // A frame in the middle of a message would end it.
    if (frame.type === 'ping' && !this.isAmidMessage) this.send({ type: 'pong', ping: frame.ping, running: 0 })
    // Its socket may be gone before it has answered.
    if (frame.type === 'task') Promise.resolve(this.onTask(this, frame)).catch(() => {})
  }
}

function offerOf(model: string): FrameOf<'offers'>['offers'][number] {
  return ['chat', model, 'hostile', 0, 0, null, null, '']
}
