/**
 * A brain and its edges without processes and sockets: every link is a queue whose messages arrive when the test says
 * so, each link by itself, so that any order that links allow can be played. The test plays the scouts, in frames.
 */
import { expect } from 'vitest'
import { Edges } from '../../../orchestrator/brain/edges.ts'
import { violations } from '../../../orchestrator/core/invariants.ts'
import { EdgeDesks, type ToDesks } from '../../../orchestrator/edge/edge-desks.ts'
import { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { Answer, Submission } from '../../../orchestrator/engine/ports/client.ts'
import { FrameLinks, fits } from '../../../orchestrator/gateway/frame-links.ts'
import { helloOf } from '../../../orchestrator/gateway/session.ts'
import type { Figures } from '../../../orchestrator/http/figures.ts'
import { BatchCodec } from '../../../orchestrator/link/codec.ts'
import { linkVersion, type ToBrain, type ToEdgeOf, type ToPeer } from '../../../orchestrator/link/control.ts'
import type { LinkEnd } from '../../../orchestrator/link/unix-socket.ts'
import type { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { edgesGatherMs, goneHoldMs } from '../../../shared/limits/process.ts'
import type { CloseName } from '../../../shared/protocol/close-codes.ts'
import { type FrameOf, type HubFrame, protocolVersion } from '../../../shared/protocol/frames.ts'
import { ManualSystem } from '../clocks/manual-system.ts'
import { bytesOf } from '../hub/engine-bench.ts'

/** One direction of a link. */
class Way<Message> {
  private readonly codec = new BatchCodec<Message, Message>()
  private waiting: { message: Message; body: Uint8Array | null }[] = []
  isCut = false

  constructor(private readonly arrives: (message: Message, body: Uint8Array | null) => void) {}

  /** As the bytes that a link would send. */
  readonly send = (message: Message, body: Uint8Array | null = null): void => {
    if (this.isCut) return
    const frame = Buffer.from(this.codec.encode([{ message, body }])).subarray(4)
    const batch = this.codec.decode(frame)
    if (typeof batch === 'string') throw new Error(batch)
    this.waiting.push(...batch)
  }

  /** Lets so many of the messages arrive that were sent so far, all by default; true when there was one. */
  deliver(count = this.waiting.length): boolean {
    const arriving = this.waiting.splice(0, count)
    for (const { message, body } of arriving) if (!this.isCut) this.arrives(message, body)
    return arriving.length > 0
  }

  /** What was sent arrives although its sender has died. */
  outlive(): void {
    this.cut = () => {}
  }

  cut(): void {
    this.isCut = true
    this.waiting = []
  }
}

/** One edge, and what its gateway was asked for. */
export class EdgeSeat {
  readonly sent: { session: number; frame: HubFrame; body: Uint8Array | undefined }[] = []
  readonly closed: { session: number; why: CloseName }[] = []
  /** Sessions whose scouts were asked to dial again. */
  readonly moved: number[] = []
  readonly desks: EdgeDesks
  toBrain!: Way<ToBrain<Figures>>
  fromBrain!: Way<ToEdgeOf>
  brainEnd!: LinkEnd<ToBrain<Figures>>
  edge = 0
  /** Why a brain would not have it. */
  turnedAway: string | null = null
  private hasBrain = false
  /** For the books of a brain that is not there. */
  private kept: ToBrain[] = []

  constructor(private readonly bench: EdgesBench) {
    const links = new FrameLinks(
      (session, frame, body) => void this.sent.push({ session, frame, body }),
      (session, why) => {
        this.closed.push({ session, why })
        this.desks.scoutEvents.gone(session)
      },
    )
    this.desks = new EdgeDesks({
      system: bench.system,
      links,
      canCarry: fits,
      toBrain: (message, body) => this.tell(message, body),
      isBrainMissed: () => false,
      onDefect: (defect) => {
        throw defect
      },
      countsWork: false,
      costsPoints: false,
      showsAnswers: false,
    })
    this.dialBrain()
    this.toBrain.deliver()
    this.fromBrain.deliver()
  }

  private tell(message: ToBrain, body?: Uint8Array | null): void {
    if (this.hasBrain) this.toBrain.send(message as ToBrain<Figures>, body)
    else if (message.type === 'used' || message.type === 'usage') this.kept.push(message)
  }

  /** Dials the brain that is there now, and says who it is. */
  dialBrain(): void {
    const fromBrain = new Way<ToEdgeOf>((message, body) => this.heard(message, body))
    const brainEnd = this.bench.edges.met({ send: fromBrain.send, end: () => {} })
    const toBrain = new Way<ToBrain<Figures>>((message, body) => brainEnd.receive(message, body))
    Object.assign(this, { fromBrain, brainEnd, toBrain })
    const hello = { type: 'edgeHello' as const, version: linkVersion, path: '' }
    this.hasBrain = true
    if (this.edge === 0) return toBrain.send({ ...hello, before: null })
    const { held, carried, ...blocks } = this.desks.present()
    toBrain.send({ ...hello, before: { edge: this.edge, port: 1, ...blocks } })
    for (const session of held) toBrain.send({ type: 'presentSession', session })
    for (const task of carried) toBrain.send({ type: 'presentTask', task })
    toBrain.send({ type: 'presented' })
    this.desks.brainFound()
    for (const kept of this.kept.splice(0)) this.tell(kept)
  }

  private heard(message: ToEdgeOf, body: Uint8Array | null): void {
    switch (message.type) {
      case 'seat':
        this.edge = message.edge
        return this.desks.seated(message.epoch)
      case 'moveSession':
        this.moved.push(message.session)
        return
      case 'turnedAway':
        this.turnedAway = message.why
        return
      case 'edges':
        for (const edge of this.desks.ways.others(message.edges, message.last)) {
          this.desks.fromBrain({ type: 'edgeGone', edge }, null)
        }
        return
      default:
        this.desks.fromBrain(message as ToDesks, body)
    }
  }

  /** The brain is gone, and with it what was on its way. */
  brainLost(): void {
    this.hasBrain = false
    this.toBrain.cut()
    this.fromBrain.cut()
    this.desks.brainLost()
  }

  /** Frames of one type since the last look at that type. */
  take<Type extends HubFrame['type']>(type: Type) {
    const found = this.sent.filter(({ frame }) => frame.type === type)
    for (const one of found) this.sent.splice(this.sent.indexOf(one), 1)
    return found as { session: number; frame: Extract<HubFrame, { type: Type }>; body: Uint8Array | undefined }[]
  }

  ask(fields: Partial<Submission> = {}): Answer {
    const plain = { tenant: 'tenant', kind: 'chat', model: 'm', stream: true, body: bytesOf('{"q":1}') } as const
    return this.desks.submit({ ...plain, ...fields })
  }

  join(models: string[], credits: number, fields: Partial<FrameOf<'hello'>> = {}): number {
    const session = this.desks.nextSession()
    const hello: FrameOf<'hello'> = {
      ...{ type: 'hello', version: protocolVersion, name: `scout-${session}`, instance: `instance-${session}` },
      ...{ agent: 'test', concurrency: 8, held: [] },
      offers: models.map((model) => ['chat', model, 'provider', 0, 0, null, null, '']),
      ...fields,
    }
    const { scoutEvents } = this.desks
    scoutEvents.joined({ session, operator: 'operator', address: '127.0.0.1', hello: helloOf(hello) })
    if (credits > 0) scoutEvents.credit(session, credits)
    return session
  }
}

export class EdgesBench {
  readonly system = new ManualSystem()
  edges!: Edges
  engine!: HubEngine
  readonly seats: EdgeSeat[] = []
  private readonly between = new Map<string, Way<ToPeer>>()
  private epoch = 3

  /** `disk`: of all brains; without it each begins with nothing. */
  constructor(
    count: number,
    private readonly disk: MemoryDisk | null = null,
  ) {
    this.startBrain()
    for (let at = 0; at < count; at++) this.addSeat()
  }

  private startBrain(): void {
    const { epoch, system } = this
    const onDefect = (defect: Error) => {
      throw defect
    }
    const log = { info() {}, error() {} }
    const shown = () => ({ add() {}, keepMetrics() {} })
    const awaited = this.seats.length
    const edges: Edges = new Edges({
      ...{ engine: () => engine, epoch, awaited, leave() {}, canCarry: fits, shown, log, network: null },
    })
    const engine: HubEngine = new HubEngine({
      ...{ store: memoryStore(this.disk ?? undefined), system, links: edges, onDefect, epoch, seed: 1, goneHoldMs },
      settings: { retryBaseMs: 50, bootGraceMs: 5_000 },
    })
    engine.start()
    if (awaited > 0) system.after(edgesGatherMs, () => edges.gathered())
    Object.assign(this, { edges, engine })
  }

  /** The brain dies, with all that was on its way to it or from it; nothing else does. */
  killBrain(): void {
    for (const seat of this.seats) seat.brainLost()
  }

  /** Another one starts, and every edge dials it. */
  nextBrain(): void {
    this.epoch++
    this.startBrain()
    for (const seat of this.seats) seat.dialBrain()
  }

  /** Another edge, which knows all others and is known to them. */
  addSeat(): EdgeSeat {
    const seat = new EdgeSeat(this)
    for (const other of this.seats) {
      this.join(seat, other)
      this.join(other, seat)
    }
    this.seats.push(seat)
    return seat
  }

  private join(from: EdgeSeat, to: EdgeSeat): void {
    const way = new Way<ToPeer>((message, body) => to.desks.fromPeer(from.edge, message, body))
    this.between.set(`${from.edge}>${to.edge}`, way)
    from.desks.ways.meet(to.edge, { send: way.send, end: () => {} })
  }

  /** Every direction of every link. */
  ways(): { deliver(count?: number): boolean }[] {
    return [...this.seats.flatMap(({ toBrain, fromBrain }) => [toBrain, fromBrain]), ...this.between.values()]
  }

  way(from: EdgeSeat, to: EdgeSeat): Way<ToPeer> {
    return this.between.get(`${from.edge}>${to.edge}`)!
  }

  /** The brain decides on what has arrived. */
  decide(): void {
    this.engine.flush()
    expect(violations(this.engine.core.state)).toEqual([])
  }

  /** Everything arrives everywhere, until nothing is on its way. */
  settle(): void {
    for (let moved = true; moved; ) {
      moved = false
      for (const { toBrain } of this.seats) moved = toBrain.deliver() || moved
      this.decide()
      for (const { fromBrain } of this.seats) moved = fromBrain.deliver() || moved
      for (const way of this.between.values()) moved = way.deliver() || moved
    }
  }

  /** An edge dies: what was on its way to it or from it is lost. */
  kill(seat: EdgeSeat): void {
    const hadBrain = !seat.toBrain.isCut
    for (const way of [seat.toBrain, seat.fromBrain]) way.cut()
    for (const [name, way] of this.between) {
      if (!name.split('>').includes(String(seat.edge))) continue
      way.cut()
      this.between.delete(name)
    }
    if (hadBrain) seat.brainEnd.ended('it was killed', false)
    this.seats.splice(this.seats.indexOf(seat), 1)
    this.decide()
  }
}
