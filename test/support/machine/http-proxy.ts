/**
 * A proxy as companies have them: tunnels by CONNECT, passes plain requests on, counts both, and can refuse. Whatever
 * host it is asked for, it leads to this machine, so that a test can use names that exist nowhere else.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'

export class HttpProxy {
  /** `CONNECT host:port`, or `GET http://…`, in the order in which they came. */
  readonly asked: string[] = []
  /** What followed `Proxy-Authorization:`, of each. */
  readonly credentials: string[] = []
  /** Instead of leading anywhere. */
  refuseWith: number | null = null
  private readonly tunnels = new Set<Duplex>()
  private readonly server: Server

  private constructor() {
    this.server = createServer((asked, answer) => this.pass(asked, answer))
    this.server.on('connect', (asked: IncomingMessage, client: Duplex) => this.tunnel(asked, client))
  }

  static open(): Promise<HttpProxy> {
    const proxy = new HttpProxy()
    return new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', () => resolve(proxy)))
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as { port: number }).port}`
  }

  get url(): string {
    return `http://${this.host}`
  }

  close(): void {
    this.server.close()
    this.server.closeAllConnections()
    for (const socket of this.tunnels) socket.destroy()
  }

  private note({ method, url, headers }: IncomingMessage): void {
    this.asked.push(`${method} ${url}`)
    this.credentials.push(headers['proxy-authorization'] ?? '')
  }

  private pass(asked: IncomingMessage, answer: ServerResponse): void {
    this.note(asked)
    if (this.refuseWith !== null) return void answer.writeHead(this.refuseWith).end()
    const { port, pathname, search } = new URL(asked.url!)
    const { method, headers } = asked
    const onwards = request({ host: '127.0.0.1', port, path: pathname + search, method, headers, agent: false })
    onwards.on('response', (response) => {
      answer.writeHead(response.statusCode!, response.headers)
      response.pipe(answer)
    })
    onwards.on('error', () => answer.destroy())
    asked.pipe(onwards)
  }

  private tunnel(asked: IncomingMessage, client: Duplex): void {
    this.note(asked)
    if (this.refuseWith !== null) return void client.end(`HTTP/1.1 ${this.refuseWith} No\r\nContent-Length: 0\r\n\r\n`)
    const server = connect(Number(asked.url!.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(server).pipe(client)
    })
    for (const socket of [client, server]) {
      this.tunnels.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.tunnels.delete(socket))
    }
  }
}
