/**
 * A stretch of network under a test's hand: passes bytes on between whoever connects and a port of this machine, and on
 * demand slows down, loses or cuts what goes through it.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'

/** `up` goes to the target, `down` comes from it. */
type Direction = 'up' | 'down'

interface Pipe {
  direction: Direction
  from: Socket
  to: Socket
}

export class TcpProxy {
  /** As fast as possible unless set. */
  readonly bytesPerSecond: Partial<Record<Direction, number>> = {}
  /** Bytes that were lost by `lose`. */
  readonly lostBytes: Record<Direction, number> = { up: 0, down: 0 }
  connections = 0
  /** Told of what a direction that is slowed down has carried, once its time is over. */
  carried: (bytes: number) => void = () => {}
  private readonly losing = new Set<Direction>()
  private readonly pipes = new Set<Pipe>()
  private readonly server: Server

  private constructor(public target: number) {
    this.server = createServer((client) => this.accept(client))
  }

  static open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    return new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', () => resolve(proxy)))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`
  }

  /** What goes in this direction from now on is lost with the cut that must follow. */
  lose(direction: Direction): void {
    this.losing.add(direction)
  }

  /** Ends every connection at once. New ones pass freely again. */
  cut(): void {
    this.losing.clear()
    for (const { from } of this.pipes) from.destroy()
    this.pipes.clear()
  }

  close(): void {
    this.server.close()
    this.cut()
  }

  private accept(client: Socket): void {
    this.connections++
    const hub = connect(this.target, '127.0.0.1')
    this.pass({ direction: 'up', from: client, to: hub })
    this.pass({ direction: 'down', from: hub, to: client })
  }

  private pass(pipe: Pipe): void {
    const { direction, from, to } = pipe
    this.pipes.add(pipe)
    from.on('data', (bytes) => {
      if (this.losing.has(direction)) {
        this.lostBytes[direction] += bytes.length
        return
      }
      const rate = this.bytesPerSecond[direction]
      const isFull = !to.write(bytes)
      if (!isFull && rate === undefined) return
      from.pause()
      if (rate === undefined) to.once('drain', () => from.resume())
      else {
        setTimeout(
          () => {
            this.carried(bytes.length)
            from.resume()
          },
          (bytes.length * 1000) / rate,
        )
      }
    })
    from.on('error', () => from.destroy())
    from.on('close', () => {
      this.pipes.delete(pipe)
      to.end()
    })
  }
}
