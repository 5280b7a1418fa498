/**
 * Unix sockets between the processes of a simulated hub, under the production link: each direction delivers in its own
 * order and time, takes as many bytes as a kernel does and then none until some have arrived, and delivers what it took
 * also when the writer is dead. Who stands still reads later.
 */
import { Link } from '../../../orchestrator/link/link.ts'
import type { LinkEnd } from '../../../orchestrator/link/unix-socket.ts'
import type { Dice, Process, World } from '../world.ts'

/** As many as a Unix socket takes on Linux. */
const kernelBytes = 212_992

interface Ear {
  owner: Process
  received(piece: Uint8Array): void
  drained(): void
  closed(): void
}

/** One direction. */
class Way {
  private bytes = 0
  private lastDueMs = 0
  private isFull = false
  private isClosed = false

  constructor(
    private readonly sockets: Sockets,
    private readonly pace: { baseMs: number; jitterMs: number },
    private readonly reader: () => Ear,
    private readonly writer: () => Ear,
  ) {}

  write(bytes: Uint8Array): number {
    if (this.isClosed) return -1
    const taken = Math.min(bytes.length, kernelBytes - this.bytes)
    if (taken < bytes.length) this.isFull = true
    if (taken === 0) return 0
    this.bytes += taken
    const piece = bytes.subarray(0, taken)
    this.later(this.reader, (ear) => {
      this.bytes -= taken
      ear.received(piece)
      if (!this.isFull) return
      this.isFull = false
      this.later(this.writer, (full) => full.drained())
    })
    return taken
  }

  /** The writer has closed, or is dead: the reader learns of it behind all that was written. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.later(this.reader, (ear) => ear.closed())
  }

  private later(of: () => Ear, tell: (ear: Ear) => void): void {
    const { world } = this.sockets
    const { baseMs, jitterMs } = this.pace
    const soonestMs = world.nowMs + baseMs + this.sockets.dice.unit() * jitterMs
    this.lastDueMs = Math.max(this.lastDueMs, soonestMs)
    this.sockets.arm(of, this.lastDueMs - world.nowMs, tell)
  }
}

/** What the processes of one hub are joined by; paths are names. */
export class Sockets {
  readonly dice: Dice
  private readonly ground: Process
  private readonly doors = new Map<string, { owner: Process; met(link: unknown): LinkEnd<unknown> }>()
  /** What has to close when a process dies. */
  private readonly open = new Map<Process, Set<Way>>()

  constructor(readonly world: World) {
    this.dice = world.dice('links')
    this.ground = world.process('kernel')
  }

  /** As `listenLinks`. */
  listen<In, Out>(path: string, owner: Process, met: (link: Link<In, Out>) => LinkEnd<In>): { stop(): void } {
    const door = { owner, met: met as (link: unknown) => LinkEnd<unknown> }
    this.doors.set(path, door)
    return {
      stop: () => {
        if (this.doors.get(path) === door) this.doors.delete(path)
      },
    }
  }

  /** As `dialLink`. */
  async dial<In, Out>(path: string, owner: Process, end: LinkEnd<In>): Promise<Link<In, Out>> {
    const door = this.doors.get(path)
    if (door === undefined || !door.owner.alive) throw new Error('nobody listens there')
    const ears: Record<'dialer' | 'listener', Ear | null> = { dialer: null, listener: null }
    const ear = (side: 'dialer' | 'listener') => () => ears[side]!
    const there = new Way(this, this.pace(), ear('listener'), ear('dialer'))
    const back = new Way(this, this.pace(), ear('dialer'), ear('listener'))
    const link = this.link<In, Out>(owner, there, end, (made) => (ears.dialer = made))
    let other: LinkEnd<unknown> | null = null
    const late: LinkEnd<unknown> = {
      receive: (message, body) => other?.receive(message, body),
      ended: (why, isSilent) => other?.ended(why, isSilent),
    }
    const met = this.link<unknown, unknown>(door.owner, back, late, (made) => (ears.listener = made))
    other = door.met(met)
    return link
  }

  private pace(): { baseMs: number; jitterMs: number } {
    return { baseMs: this.dice.pick([0, 0.1, 5]), jitterMs: this.dice.pick([0, 1, 10]) }
  }

  private link<In, Out>(owner: Process, out: Way, end: LinkEnd<In>, hear: (ear: Ear) => void): Link<In, Out> {
    const ways = this.open.get(owner) ?? new Set()
    this.open.set(owner, ways.add(out))
    const socket = {
      write: (bytes: Uint8Array) => out.write(bytes),
      terminate: () => {
        ways.delete(out)
        out.close()
      },
    }
    const link = new Link<In, Out>({ system: owner, socket, receive: end.receive, ended: end.ended })
    hear({
      owner,
      received: (piece) => link.received(piece),
      drained: () => link.drained(),
      closed: () => link.closed(),
    })
    return link
  }

  /** This process is dead: its kernel closes what it had. */
  dies(owner: Process): void {
    for (const way of this.open.get(owner) ?? []) way.close()
    this.open.delete(owner)
    for (const [path, door] of this.doors) if (door.owner === owner) this.doors.delete(path)
  }

  /** Tells one end something then, or when it goes on. */
  arm(of: () => Ear, delayMs: number, tell: (ear: Ear) => void): void {
    this.world.arm(this.ground, delayMs, () => {
      const ear = of()
      const { owner } = ear
      if (!owner.alive) return
      if (owner.frozenUntilMs > this.world.nowMs) this.arm(of, owner.frozenUntilMs - this.world.nowMs, tell)
      else tell(ear)
    })
  }
}
