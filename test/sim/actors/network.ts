/**
 * The network between scouts and hub: connections of two byte streams each, with latency, bandwidth and everything
 * that fails in them. Frames keep their order in each direction; they arrive late or never, but never twice and
 * never changed. The other side learns of a close only if the stream still moves.
 */
import { handshakeTimeoutMs } from '../../../shared/limits/scout.ts'
import { socketBacklogBytesMax } from '../../../shared/limits/wire.ts'
import type { Timer } from '../../../shared/system.ts'
import type { Dice, Process, World } from '../world.ts'

/** What one end of a connection reports to its owner. */
export interface End {
  message(message: Uint8Array | string): void
  closed(code: number, reason: string): void
  /** What was queued has left. */
  drained(): void
}

type Item = { message: Uint8Array | string } | { code: number; reason: string }

/** Bytes on their way that the sender's system takes without a word. */
const kernelBytes = 32 * 1024

/** One direction. */
class Pipe {
  /** On their way, and not yet heard. */
  bytes = 0
  /** Nothing moves until it is thawed, or its reader goes on. */
  private frozen = false
  private held = false
  private closed = false
  private readonly queue: { item: Item; bytes: number; dueMs: number }[] = []
  private lastDueMs = 0
  private timer: Timer | null = null

  constructor(
    private readonly world: World,
    private readonly ground: Process,
    private readonly pace: { latencyMs: number; jitterMs: number; bytesPerMs: number },
    /** Bytes that its reader's system takes in while it does not read. */
    private readonly unreadBytes: number,
    private readonly dice: Dice,
    private readonly arrive: (item: Item) => void,
    private readonly drained: () => void,
  ) {}

  get buffered(): number {
    return Math.max(0, this.bytes - kernelBytes - (this.held ? this.unreadBytes : 0))
  }

  push(item: Item): void {
    if (this.closed) return
    const bytes = 'message' in item ? item.message.length : 0
    const { latencyMs, jitterMs, bytesPerMs } = this.pace
    const soonestMs = this.world.nowMs + latencyMs + this.dice.unit() * jitterMs
    this.lastDueMs = Math.max(this.lastDueMs, soonestMs) + bytes / bytesPerMs
    this.bytes += bytes
    this.queue.push({ item, bytes, dueMs: this.lastDueMs })
    this.arm()
  }

  freeze(frozen: boolean): void {
    this.frozen = frozen
    if (frozen) this.disarm()
    else this.arm()
  }

  /** Its reader stands still. */
  hold(held: boolean): void {
    this.held = held
    if (held) this.disarm()
    else this.arm()
  }

  close(): void {
    this.closed = true
    this.queue.length = 0
    this.disarm()
  }

  private arm(): void {
    if (!this.isMoving) return
    const dueMs = Math.max(this.world.nowMs, this.queue[0]!.dueMs)
    this.timer = this.world.arm(this.ground, dueMs - this.world.nowMs, () => {
      this.timer = null
      this.read()
    })
  }

  /** One item; where time is coarse, all that has come by now. */
  private read(): void {
    let isDue = true
    while (isDue && this.isMoving) {
      const wasFull = this.buffered > 0
      const { item, bytes } = this.queue.shift()!
      this.bytes -= bytes
      const next = this.queue[0]
      isDue = this.world.turnMs > 0 && next !== undefined && next.dueMs <= this.world.nowMs
      if (!isDue) this.arm()
      try {
        this.arrive(item)
      } catch (error) {
        // Its reader has died; what still moves comes later.
        this.arm()
        throw error
      }
      if (wasFull && this.buffered === 0 && !this.closed) this.drained()
    }
  }

  private get isMoving(): boolean {
    return this.timer === null && !this.frozen && !this.held && this.queue.length > 0
  }

  private disarm(): void {
    this.timer?.cancel()
    this.timer = null
  }
}

export class Connection {
  /** From the scout to the hub, and back. */
  readonly up: Pipe
  readonly down: Pipe
  private readonly ears: { up: End | null; down: End | null } = { up: null, down: null }

  constructor(
    private readonly network: Network,
    readonly address: string,
    readonly operator: string,
    dice: Dice,
  ) {
    const { world, ground, pace, unreadBytes } = network
    const drained = (way: 'up' | 'down') => () => this.ears[way === 'up' ? 'down' : 'up']?.drained()
    this.up = new Pipe(world, ground, pace, unreadBytes, dice, (item) => this.arrive('up', item), drained('up'))
    this.down = new Pipe(world, ground, pace, unreadBytes, dice, (item) => this.arrive('down', item), drained('down'))
  }

  /** The receiver of this direction. */
  listen(way: 'up' | 'down', end: End): void {
    this.ears[way] = end
  }

  /** Bytes sent, -1 when they have to queue, 0 when there is no room for them. */
  send(way: 'up' | 'down', message: Uint8Array | string): number {
    const pipe = this[way]
    if (pipe.buffered > socketBacklogBytesMax) return 0
    pipe.push({ message })
    return pipe.buffered > 0 ? -1 : message.length
  }

  /** The end that hears `way`'s opposite leaves: it hears nothing more, the other one does if the stream moves. */
  leave(side: 'scout' | 'hub', code: number, reason: string): void {
    const [own, other] = side === 'scout' ? (['down', 'up'] as const) : (['up', 'down'] as const)
    if (this.ears[own] === null) return
    this.ears[own] = null
    this[own].close()
    this[other].push({ code, reason })
    if (this.ears[other] === null) this.network.forget(this)
  }

  /** Nothing moves in these directions until thawed; for ever, and the connection is half open. */
  freeze(frozen: boolean, ways: readonly ('up' | 'down')[] = ['up', 'down']): void {
    for (const way of ways) this[way].freeze(frozen)
  }

  /** The hub's end does not read. */
  hold(held: boolean): void {
    this.up.hold(held)
  }

  /** Torn: both ends learn of it, each in its own time below `withinMs`; `silent` ends never do. */
  cut(silent: readonly ('scout' | 'hub')[] = [], withinMs = 60): void {
    const { world, ground } = this.network
    for (const [side, way] of [['scout', 'down'] as const, ['hub', 'up'] as const]) {
      this[way].close()
      if (silent.includes(side)) continue
      world.arm(ground, this.network.dice.below(withinMs), () => this.lose(way))
    }
  }

  /** Reports to this end that the connection is gone. */
  private lose(way: 'up' | 'down'): void {
    const end = this.ears[way]
    this.ears[way] = null
    if (this.ears.up === null && this.ears.down === null) this.network.forget(this)
    end?.closed(1006, '')
  }

  private arrive(way: 'up' | 'down', item: Item): void {
    const end = this.ears[way]
    if (end === null) return
    const { trace } = this.network.world
    if ('message' in item) {
      if (typeof item.message === 'string') trace.mix(item.message.length)
      else trace.bytes(item.message)
      return end.message(item.message)
    }
    trace.mix(item.code)
    this.ears[way] = null
    this[way].close()
    if (this.ears.up === null && this.ears.down === null) this.network.forget(this)
    end.closed(item.code, item.reason)
  }
}

/** What a dial leads to; the same words as the scout's own port. */
export interface DialEvents {
  opened(): void
  refused(status: number): void
  message(bytes: Uint8Array | null): void
  closed(code: number, reason: string): void
}

export interface Caller {
  process: Process
  operator: string
  /** Called when this end closes the connection itself. */
  closing?(code: number, reason: string): void
}

export class Network {
  /** The network itself as an owner of timers. */
  readonly ground: Process
  readonly dice: Dice
  readonly pace: { latencyMs: number; jitterMs: number; bytesPerMs: number }
  readonly open = new Set<Connection>()
  /** The hub's door; null while nobody listens. */
  door: ((connection: Connection) => void) | null = null
  /** Operators whose dials get no answer now. */
  readonly unreachable = new Set<string>()
  /** Share of dials that are answered with a status instead of a socket. */
  refusals = 0
  /** Bytes that a system takes in for a process that does not read. */
  unreadBytes = 0
  private made = 0

  constructor(readonly world: World) {
    this.ground = world.process('network')
    this.dice = this.ground.dice
    const { dice } = this
    const bytesPerMs = dice.pick([64, 1_000, 100_000])
    this.pace = { latencyMs: dice.between(0, 40), jitterMs: dice.pick([0, 5, 80]), bytesPerMs }
  }

  forget(connection: Connection): void {
    this.open.delete(connection)
  }

  dial({ process, operator, closing }: Caller, events: DialEvents) {
    let connection: Connection | null = null
    let over = false
    const tell = (delayMs: number, what: () => void) => {
      this.world.arm(process, delayMs, () => {
        if (!over) what()
      })
    }
    const end: End = {
      message: (message) => process.alive && !over && events.message(typeof message === 'string' ? null : message),
      closed: (code, reason) => {
        if (!process.alive || over) return
        over = true
        events.closed(code, reason)
      },
      drained: () => {},
    }
    const hourMs = this.pace.latencyMs + 1
    const fail = (delayMs: number, reason: string) => tell(delayMs, () => end.closed(1006, reason))
    if (this.unreachable.has(operator)) fail(handshakeTimeoutMs, 'ETIMEDOUT')
    else {
      tell(hourMs, () => {
        if (this.door === null) return fail(hourMs, 'ECONNREFUSED')
        if (this.dice.chance(this.refusals)) return tell(hourMs, () => events.refused(this.dice.pick([503, 429])))
        connection = new Connection(this, `10.0.0.${this.made++ % 250}`, operator, this.dice)
        this.open.add(connection)
        connection.listen('down', end)
        this.door(connection)
        tell(hourMs, () => events.opened())
      })
    }
    return {
      get bufferedAmount() {
        return connection?.up.buffered ?? 0
      },
      send: (bytes: Uint8Array | string) => void (over || connection?.send('up', bytes)),
      close: (code: number, reason: string) => {
        if (over) return
        over = true
        closing?.(code, reason)
        connection?.leave('scout', code, reason)
      },
      /** The network fails under this socket. */
      cut: () => connection?.cut(),
    }
  }
}
