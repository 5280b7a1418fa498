/**
 * The edges as the brain has them: a seat for each that has dialed in, with its link, the numbers it was given and the
 * sessions it holds. It passes on what they report, finds the edge that a message is for, and lets the core know of all
 * that ends with an edge. Those that outlived the last brain are taken over together (`returning.ts`).
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { balanceLooks } from '../../shared/limits/process.ts'
import type { AwayEdges, HubEngine } from '../engine/engine.ts'
import { blockOf, NumberBlocks } from '../engine/numbers.ts'
import type { FromScouts, ToClients, ToScouts } from '../engine/ports/brain.ts'
import type { EdgesNetwork } from '../engine/ports/network/network-state.ts'
import type { AttemptEvents, AttemptLinks, TaskGrant } from '../engine/ports/scouts.ts'
import type { ScoutDesk } from '../engine/scout-desk.ts'
import type { serveHub } from '../http/server.ts'
import { atBrain, linkVersion, type NumberKind, type ToEdgeOf } from '../link/control.ts'
import { deliver, isAttempt, isFromScouts } from '../link/messages.ts'
import type { EdgeBefore } from '../link/presented.ts'
import type { LinkEnd } from '../link/unix-socket.ts'
import { type BalanceRules, surplusOf, usualBalance } from './balance.ts'
import { HeldTexts } from './held-texts.ts'
import { nothingYet, type Returning, takeOver } from './returning.ts'
import { type EdgeLink, type FromEdge, isIdle, newSeat, noteBlock, type Seat, upTo } from './seat.ts'

interface EdgesParts {
  engine: () => HubEngine
  epoch: number
  /** Edges that outlived the last brain. */
  awaited: number
  balance?: BalanceRules
  /** The command that restarts the brain was given. */
  leave: () => void
  /** Whether a frame can hold this task. */
  canCarry: (grant: TaskGrant, request: Uint8Array) => boolean
  /** The network that the hub belongs to; null for a hub by itself. */
  network: EdgesNetwork | null
  /** Where what edges have counted is shown. */
  shown: () => Pick<ReturnType<typeof serveHub>, 'add' | 'keepMetrics'>
  log: { info(fields: object, message: string): void; error(fields: object, message: string): void }
}

/** Edges that one brain can number; the numbers of others are never theirs. */
const edgesPerEpoch = 65_536

const edgeLost = fault('hub_overloaded', 'A part of the orchestrator was lost with this request: send it again.', {
  retryAfterMs: 1_000,
})
const stopped = fault('hub_draining', 'The orchestrator stopped before the answer was complete. Send it again.')

export class Edges implements AwayEdges {
  private readonly seats = new Map<number, Seat>()
  private readonly sessionBlocks: NumberBlocks
  private readonly taskSeats = new Map<number, Seat>()
  readonly texts = new HeldTexts()
  /** Null for sessions of this process. */
  private readonly sessionSeats = new Map<number, Seat | null>()
  /** The desk of sessions that stand for other hubs, which are in this process; null for a hub by itself. */
  private own: ScoutDesk | null = null
  private lastEdge: number
  /** Edges that are gone: nothing that they bring counts any more. */
  private readonly gone = new Set<number>()
  /** Those that outlived the last brain are not all taken over. */
  private isGathering: boolean
  /** At which clients reach the edges; null before the first listens. */
  port: number | null = null
  private isStopping = false
  private hasParted = false

  constructor(private readonly parts: EdgesParts) {
    this.sessionBlocks = new NumberBlocks(parts.epoch)
    this.lastEdge = parts.epoch * edgesPerEpoch
    this.isGathering = parts.awaited > 0
  }

  /** Edges that are there. */
  get size(): number {
    return this.seats.size
  }

  /** What they measured last, for one page of all. */
  metrics(): unknown[][] {
    return [...this.seats.values()].map((seat) => seat.metrics)
  }

  /** What this key has open at all of them. */
  openOf(key: string): { scouts: number; streams: number } {
    const sum = { scouts: 0, streams: 0 }
    for (const { open } of this.seats.values()) {
      sum.scouts += open.get(key)?.scouts ?? 0
      sum.streams += open.get(key)?.streams ?? 0
    }
    return sum
  }

  tellAll(message: ToEdgeOf): void {
    for (const { link } of this.seats.values()) link.send(message)
  }

  // ------------------------------------------------------------ from an edge

  /** A process has dialed in. */
  met(link: EdgeLink): LinkEnd<FromEdge> {
    let seat: Seat | 'turnedAway' | null = null
    return {
      receive: (message, body) => {
        // What follows its hello must not end the link before the edge has heard why.
        if (seat === 'turnedAway') return
        if (seat !== null) this.receive(seat, message, body)
        else if (message.type === 'edgeHello') seat = this.greet(link, message) ?? 'turnedAway'
        else if (message.type === 'leave') this.parts.leave()
        else link.end('it did not say who it is')
      },
      ended: (why) => {
        if (seat !== null && seat !== 'turnedAway') this.ended(seat, why)
      },
    }
  }

  private greet(link: EdgeLink, { version, path, before }: Extract<FromEdge, { type: 'edgeHello' }>): Seat | null {
    const flaw = version === linkVersion ? this.flawOf(before) : 'it is of another version of this program'
    if (flaw === null) return this.seat(link, path, before)
    link.send({ type: 'turnedAway', why: flaw })
    return null
  }

  /** Why this brain does not go on with an edge; null where it does. */
  private flawOf(before: EdgeBefore | null): string | null {
    if (before === null) return null
    if (this.gone.has(before.edge) || this.seats.has(before.edge)) return 'it was given up, and its work with it'
    if (this.isStopping) return 'the orchestrator stops'
    // Where the other ends of its attempts are, they have been given up.
    return this.isGathering ? null : 'it came too late'
  }

  private seat(link: EdgeLink, path: string, before: EdgeBefore | null): Seat {
    const edge = before?.edge ?? ++this.lastEdge
    const { epoch } = this.parts
    const isNew = before === null
    const returning = isNew && !this.isGathering ? null : nothingYet<FromEdge>(isNew)
    const seat = newSeat({ edge, link, path, returning }, epoch)
    const peers = [...this.seats.values()].map((other) => ({ edge: other.edge, path: other.path }))
    this.seats.set(edge, seat)
    link.send({ type: 'seat', edge, epoch, pid: process.pid, peers })
    const { network } = this.parts
    if (network !== null) link.send({ type: 'network', state: network.state() })
    this.texts.met(seat)
    if (before !== null) {
      this.port = before.port
      for (const from of before.tasks) this.taskSeats.set(blockOf(from), seat)
      for (const from of before.sessions) this.sessionSeats.set(blockOf(from), seat)
      return seat
    }
    for (const kind of ['tasks', 'sessions'] as const) for (let two = 0; two < 2; two++) this.giveNumbers(seat, kind)
    return seat
  }

  private giveNumbers(seat: Seat, kind: NumberKind): void {
    const isTasks = kind === 'tasks'
    const from = isTasks ? this.parts.engine().taskBlocks.take() : this.sessionBlocks.take()
    noteBlock<Seat | null>(isTasks ? this.taskSeats : this.sessionSeats, from, seat)
    seat.link.send({ type: 'numbers', kind, from })
  }

  private receive(seat: Seat, message: FromEdge, body: Uint8Array | null): void {
    if (seat.returning !== null) return this.gather(seat.returning, message, body)
    const { carrier, port } = this.parts.engine()
    if (isAttempt(message)) return deliver(message, body, this.holders, carrier)
    switch (message.type) {
      case 'wantNumbers':
        return this.giveNumbers(seat, message.kind)
      case 'edgeReady':
        this.port = message.port
        return this.parts.log.info({ edge: seat.edge }, 'an edge listens')
      case 'begin': {
        const { refused, rates } = this.parts.engine().begin(message.key)
        return seat.link.send({ type: 'begun', request: message.request, refused, rates: rates() })
      }
      case 'figures':
        return this.noteFigures(seat, message)
      case 'answerSettled':
      case 'answerKept':
        return this.parts.engine().saw(message)
      case 'heldTexts':
        return this.texts.told(seat, message)
      case 'keyMet':
        return this.parts.network?.keyMet(message.id, message.print)
      case 'edgeHello':
      case 'leave':
      case 'presentSession':
      case 'presentTask':
      case 'presented':
        return seat.link.end('it said twice who it is')
      default:
        if (!isFromScouts(message)) return port.fromClients(this.texts.seen(message))
        this.noteSession(seat, message)
        port.fromScouts(message)
    }
  }

  /** Of an edge that comes back: what it presents, and what it goes on with. */
  private gather(returning: Returning<FromEdge>, message: FromEdge, body: Uint8Array | null): void {
    switch (message.type) {
      case 'presentSession':
        return void returning.sessions.push(message.session)
      case 'presentTask':
        return void returning.tasks.push(message.task)
      case 'presented':
        returning.isWhole = true
        return this.takeOverIfWhole()
      default:
        returning.later.push({ message, body })
    }
  }

  private takeOverIfWhole(): void {
    const back = [...this.seats.values()].filter(({ returning }) => returning!.isWhole && !returning!.isNew)
    if (back.length >= this.parts.awaited) this.gathered()
  }

  /** All are there, or have had their time. */
  gathered(): void {
    if (!this.isGathering) return
    this.isGathering = false
    for (const { edge, link, returning } of [...this.seats.values()]) {
      if (returning!.isWhole) continue
      this.seats.delete(edge)
      link.send({ type: 'turnedAway', why: 'it came too late' })
    }
    this.takeOver([...this.seats.values()])
    this.tellAll({ type: 'edges', edges: [...this.seats.keys()], last: this.lastEdge })
  }

  private takeOver(seats: Seat[]): void {
    const { engine, log } = this.parts
    const places = seats.map((seat) => {
      const { returning, link, sessions } = seat
      for (const { submitted } of returning!.tasks) this.texts.asks(submitted.tenant)
      seat.returning = null
      const send = (message: ToEdgeOf) => link.send(message)
      return { seat, returning: returning!, send, joined: (session: number) => void sessions.add(session) }
    })
    const taken = takeOver(engine(), places)
    log.info({ edges: places.length, ...taken }, 'edges go on with this brain')
    for (const { seat, returning } of places) {
      for (const { message, body } of returning.later) this.receive(seat, message, body)
    }
  }

  private noteFigures(seat: Seat, { figures, open }: Extract<FromEdge, { type: 'figures' }>): void {
    seat.metrics = figures.metrics
    this.parts.shown().add(figures)
    for (const [key, scouts, streams] of open) {
      if (scouts + streams === 0) seat.open.delete(key)
      else seat.open.set(key, { scouts, streams })
    }
  }

  private noteSession(seat: Seat, message: FromScouts): void {
    if (message.type === 'joined') seat.sessions.add(message.greeting.session)
    else if (message.type === 'gone') seat.sessions.delete(message.session)
  }

  /** Its scouts dial again, and its clients are gone with it. */
  private ended(seat: Seat, why: string): void {
    if (this.hasParted) return
    const { log, engine } = this.parts
    if (!this.isStopping) log.error({ edge: seat.edge, sessions: seat.sessions.size }, `an edge is gone: ${why}`)
    this.seats.delete(seat.edge)
    this.texts.gone(seat)
    this.gone.add(seat.edge)
    const { port } = engine()
    for (const session of seat.sessions) port.fromScouts({ type: 'gone', session, isForsaken: false })
    this.cancelTasks((of) => of === seat, edgeLost)
    engine().flush()
    engine().forgetCharges((task) => this.taskSeats.get(blockOf(task)) === seat)
    this.parts.shown().keepMetrics(seat.metrics)
    for (const seats of [this.taskSeats, this.sessionSeats]) {
      for (const [block, of] of seats) if (of === seat) seats.delete(block)
    }
    this.tellAll({ type: 'edgeGone', edge: seat.edge })
    this.own?.carrierGone()
  }

  /** Ends what the clients of edges still wait for, and then the edges. */
  stop(): void {
    this.isStopping = true
    this.cancelTasks(() => true, stopped)
    this.parts.engine().flush()
    this.tellAll({ type: 'stop' })
  }

  /** Leaves the edges to another brain. */
  part(): void {
    this.hasParted = true
    for (const { link } of this.seats.values()) link.end('another brain comes')
  }

  private cancelTasks(isMeant: (seat: Seat) => boolean, cause: Fault): void {
    const { core, port } = this.parts.engine()
    // Also what was submitted in this very turn.
    port.flush()
    const tasks: number[] = []
    for (const { id, intent } of core.state.tasks.values()) {
      const seat = intent === null ? this.taskSeats.get(blockOf(id)) : undefined
      if (seat !== undefined && isMeant(seat)) tasks.push(id)
    }
    for (const task of tasks) port.fromClients({ type: 'cancel', task, fault: cause })
  }

  /** Has some idle scouts of the fullest edge dial again, where the edges differ too much. */
  balance(): void {
    if (this.isGathering || this.isStopping) return
    const seats = [...this.seats.values()]
    const counts = seats.map(({ sessions }) => sessions.size)
    const surplus = surplusOf(counts, this.parts.balance ?? usualBalance)
    if (surplus !== null) this.move(seats[surplus.at]!, surplus.count)
  }

  private move(seat: Seat, wanted: number): void {
    const { core, port } = this.parts.engine()
    let left = wanted
    for (const session of [...upTo(seat.sessions, wanted * balanceLooks)]) {
      if (left === 0) return
      seat.sessions.delete(session)
      if (isIdle(core.state, session)) {
        left--
        // As if it were lost: nothing is granted to it any more, and its models are waited for.
        port.fromScouts({ type: 'gone', session, isForsaken: false })
        seat.link.send({ type: 'moveSession', session })
      } else seat.sessions.add(session)
    }
  }

  // ------------------------------------------------------------ to an edge

  toClients(message: ToClients): boolean {
    const seat = this.taskSeats.get(blockOf(message.task))
    if (seat === undefined) return false
    if (message.type === 'grant' || message.type === 'resume') this.tellPlace(seat, message.session)
    if (message.type === 'grant') this.parts.engine().noteTrust(message)
    seat.link.send(message)
    return true
  }

  /** Before an edge hears of a session it hears which edge holds it. */
  private tellPlace(seat: Seat, session: number): void {
    const block = blockOf(session)
    const holder = this.sessionSeats.get(block)
    if (holder === undefined || holder === seat || seat.told.has(block)) return
    seat.told.add(block)
    seat.link.send({ type: 'sessionsAt', block, edge: holder === null ? atBrain : holder.edge })
  }

  toScouts(message: ToScouts): void {
    // A cancel goes the way of the task that it is about, which it would overtake, unless nobody is there any more.
    const carrier = message.type === 'cancelAttempt' ? this.taskSeats.get(blockOf(message.task)) : undefined
    const isThere = carrier !== undefined && this.seats.has(carrier.edge)
    const seat = isThere ? carrier : this.sessionSeats.get(blockOf(message.session))
    if (seat === null) this.own?.receive(message)
    else seat?.link.send(message)
  }

  /** For answers that the brain carries itself. */
  readonly holders: AttemptLinks = {
    task: (session, grant, request) => {
      if (!this.parts.canCarry(grant, request)) return false
      this.holderOf(session)?.task(session, grant, request)
      return true
    },
    cancel: (session, task, attempt, reason) => this.holderOf(session)?.cancel(session, task, attempt, reason),
    flow: (session, task, attempt, paused) => this.holderOf(session)?.flow(session, task, attempt, paused),
    resumed: (session, task, attempt, nextChunk) => {
      this.holderOf(session)?.resumed(session, task, attempt, nextChunk)
    },
  }

  private holderOf(session: number): Seat['holder'] | ScoutDesk | null | undefined {
    const seat = this.sessionSeats.get(blockOf(session))
    return seat === null ? this.own : seat?.holder
  }

  // ------------------------------------------------------------ a network of hubs

  /** Sessions of this process report to this desk. */
  host(desk: ScoutDesk): void {
    this.own = desk
  }

  /** The first number of another block, for sessions of this process. */
  ownSessions(): number {
    const from = this.sessionBlocks.take()
    noteBlock<Seat | null>(this.sessionSeats, from, null)
    return from
  }

  /** Who carries the answer of a task: an edge, or this process. */
  carrierOf(task: number): AttemptEvents {
    return this.taskSeats.get(blockOf(task))?.carrier ?? this.parts.engine().carrier
  }
}
