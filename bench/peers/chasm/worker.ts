/**
 * Workers of this hub: they speak the protocol through its own codec and send what the real scout sends for a task that
 * is answered at once (a settlement that grants the next credit), but keep nothing. The real scout also keeps leases,
 * paces itself and queues; here it would be measured against workers of other peers that do none of it.
 */
import { decodeFromHub, encode } from '../../../shared/protocol/codec.ts'
import { type FrameOf, protocolVersion, scoutPath, subprotocol } from '../../../shared/protocol/frames.ts'
import { openWorkers, ready, setting } from '../child.mjs'
import { model } from '../runner/work.ts'

const body = Buffer.from(setting.answer)
const url = setting.url.replace('http', 'ws') + scoutPath
const ending = {
  outcome: 'done',
  chunks: 0,
  fault: '',
  message: '',
  param: '',
  retryAfterMs: 0,
  provider: 'bench',
  credits: 1,
} as const

class Worker {
  private readonly socket: WebSocket

  constructor(
    private readonly index: number,
    private readonly welcomed: () => void,
    failed: (error: unknown) => void,
  ) {
    this.socket = new WebSocket(url, { protocols: [subprotocol], headers: { authorization: `Bearer ${setting.key}` } })
    this.socket.binaryType = 'nodebuffer'
    this.socket.addEventListener('open', () => this.hello())
    this.socket.addEventListener('message', ({ data }) => this.take(data as Buffer))
    this.socket.addEventListener('close', ({ code, reason }) => failed(new Error(`closed with ${code}: ${reason}`)))
  }

  private hello(): void {
    const self = { name: `worker-${this.index}`, instance: crypto.randomUUID(), agent: 'bench', concurrency: 1 }
    const offers: FrameOf<'hello'>['offers'] = [['chat', model, 'bench', 0, 0, null, null, '']]
    this.socket.send(encode({ type: 'hello', version: protocolVersion, ...self, offers, held: [] }))
  }

  private take(message: Buffer): void {
    const frame = decodeFromHub(message)
    if (frame.type === 'task') return this.answer(frame)
    if (frame.type === 'ping') this.socket.send(encode({ type: 'pong', ping: frame.ping, running: 0 }))
    else if (frame.type === 'malformed') throw new Error(frame.reason)
    else if (frame.type === 'welcome') {
      this.socket.send(encode({ type: 'credit', count: 1 }))
      this.welcomed()
    }
  }

  private answer({ task, attempt, nonce, body: request }: FrameOf<'task'>): void {
    JSON.parse(Buffer.from(request!).toString())
    this.socket.send(encode({ type: 'settle', task, attempt, nonce, ...ending, size: body.length, body }))
  }
}

await openWorkers((index) => new Promise((resolve, reject) => void new Worker(index, resolve, reject)))
ready()
