/**
 * One keep-alive connection to a hub, by hand: request after request over the same socket, so that a load generator
 * costs little beside what it measures. It knows just enough HTTP for the hub's JSON answers. A connection that fails
 * rejects what is under way, and the next request dials anew.
 */
import type { Socket } from 'bun'

export interface Reply {
  status: number
  body: string
}

interface Waiter {
  resolve: (reply: Reply) => void
  reject: (error: Error) => void
}

const decoder = new TextDecoder()

export class HttpLine {
  private socket: Socket | null = null
  private waiter: Waiter | null = null
  private received = ''

  constructor(
    private readonly port: number,
    private readonly key: string,
  ) {}

  /** Resolves with the answer; rejects when there is nobody or the connection breaks off. One at a time. */
  async ask(method: 'GET' | 'POST', path: string, body = '', headers = ''): Promise<Reply> {
    this.socket ??= await this.dial()
    const length = Buffer.byteLength(body)
    const head = `${method} ${path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${this.key}\r\n`
    const content = `content-type: application/json\r\ncontent-length: ${length}\r\n`
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject }
      this.socket!.write(`${head}${content}${headers}\r\n${body}`)
    })
  }

  close(): void {
    this.socket?.end()
  }

  private dial(): Promise<Socket> {
    const lost = () => this.lost()
    return Bun.connect({
      hostname: '127.0.0.1',
      port: this.port,
      socket: { data: (_, bytes) => this.take(bytes), close: lost, error: lost },
    })
  }

  private lost(): void {
    this.socket = null
    this.received = ''
    const { waiter } = this
    this.waiter = null
    waiter?.reject(new Error('the connection broke off'))
  }

  private take(bytes: Uint8Array): void {
    this.received += decoder.decode(bytes)
    const headEnd = this.received.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = this.received.slice(0, headEnd)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (this.received.length < headEnd + 4 + length) return
    const reply = { status: Number(head.slice(9, 12)), body: this.received.slice(headEnd + 4, headEnd + 4 + length) }
    this.received = ''
    const { waiter } = this
    this.waiter = null
    waiter?.resolve(reply)
  }
}
