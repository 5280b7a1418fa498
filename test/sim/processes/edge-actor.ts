/**
 * An edge as a process of the simulated world: the production mesh and desks over the production gateway, on links and
 * a network that are simulated. It dies between two events or at one of its next frames, and never comes back: another
 * one takes its place. What it sends to scouts is reported before it leaves.
 */

import { Mesh } from '../../../orchestrator/edge/mesh.ts'
import type { Answer, Submission } from '../../../orchestrator/engine/ports/client.ts'
import type { ScoutEvents } from '../../../orchestrator/engine/ports/scouts.ts'
import { FrameLinks, fits } from '../../../orchestrator/gateway/frame-links.ts'
import { Gateway } from '../../../orchestrator/gateway/gateway.ts'
import type { Figures } from '../../../orchestrator/http/figures.ts'
import type { ToBrain, ToEdgeOf, ToPeer } from '../../../orchestrator/link/control.ts'
import type { Front } from '../actors/front.ts'
import { accept } from '../actors/hub-parts.ts'
import type { Connection, Network } from '../actors/network.ts'
import type { Checker } from '../checks/invariants.ts'
import type { Scenario } from '../scenario.ts'
import { isDeath, type Process, ProcessDied, type World } from '../world.ts'
import type { Sockets } from './sockets.ts'
import type { WireChecks } from './wire-checks.ts'

/** In rough lives, of settlements and of what clients ask. */
const tornShare = 0.05
const stumblesShare = 0.03

interface EdgeParts {
  world: World
  network: Network
  checker: Checker
  wire: WireChecks
  sockets: Sockets
  scenario: Scenario
  name: string
  /** `why`: it ended itself, null when it was killed. */
  ended: (edge: EdgeActor, why: string | null) => void
  /** The brain does not answer it. */
  silent: () => void
  /** In rough lives: it has asked for something, and is to stand still. */
  stumbles: (edge: EdgeActor) => void
}

export class EdgeActor implements Front {
  readonly generation = 1
  readonly process: Process
  readonly mourners = new Set<() => void>()
  readonly mesh: Mesh
  private readonly gateway: Gateway
  private readonly connections = new Set<Connection>()
  private readonly bySession = new Map<number, Connection>()
  isListening = false
  /** Frames until it dies; 0 for never. */
  private fuse = 0

  constructor(private readonly parts: EdgeParts) {
    const { world, checker, wire, sockets, scenario, name } = parts
    const process = world.process(`edge ${name}`)
    this.process = process
    const met = (error: unknown) => {
      if (!isDeath(error)) checker.fail(0, `an edge met a defect: ${(error as Error).stack}`)
    }
    this.gateway = new Gateway({
      system: process,
      keys: () => ({ ok: false, flaw: 'keys are not part of this' }),
      connectionsMax: 1_000,
      settings: { dataBytesPerSecond: scenario.dataBytesPerSecond },
      onDefect: met,
      nextSession: () => this.mesh.desks.nextSession(),
    })
    const links = new FrameLinks(
      (session, frame, body) => {
        if (!process.alive) return
        this.burn()
        wire.sent(session, frame, this.mesh.desks.ways.epoch)
        this.gateway.sendFrame(session, frame, body)
      },
      (session, why, detail) => process.alive && this.gateway.links.close(session, why, detail),
    )
    this.mesh = new Mesh({
      ...{ system: process, links, canCarry: fits, onDefect: met, path: name },
      ...{ countsWork: true, costsPoints: true, showsAnswers: false },
      dialBrain: (end) => sockets.dial<ToEdgeOf, ToBrain<Figures>>('brain', process, end),
      dialPeer: (path, end) => sockets.dial<ToPeer, ToPeer>(path, process, end),
      port: () => (this.isListening ? 1 : null),
      seated: () => this.listen(),
      seatFailed: met,
      accepted() {},
      takenOver() {},
      network() {},
      silent: () => parts.silent(),
      move: (session) => this.gateway.move(session, 'there is more room elsewhere'),
      // Hubs of several processes do not leave here.
      drain() {},
      stop() {},
      end: (why) => this.die(why),
      log: { warn: (_fields, message) => world.trace.print?.(`edge ${name}: ${message}`) },
    })
    sockets.listen<ToPeer, ToPeer>(name, process, (link) => this.mesh.dialed(link))
    this.mesh.brain.dial()
  }

  get up(): boolean {
    return this.process.alive && this.isListening
  }

  get isSound(): boolean {
    return this.up
  }

  get frozenForMs(): number {
    return Math.max(0, this.process.frozenUntilMs - this.parts.world.nowMs)
  }

  get bytesInFlight(): number {
    return this.gateway.bytesInFlight.held
  }

  private listen(): void {
    this.parts.world.trace.print?.(`edge ${this.parts.name} listens`)
    this.isListening = true
    this.gateway.start(this.parts.wire.tapped(this.torn(this.mesh.desks.scoutEvents)))
    this.mesh.brain.send({ type: 'edgeReady', port: 1 })
  }

  /** In rough lives some connections end right behind what has just been settled over them. */
  private torn(events: ScoutEvents): ScoutEvents {
    if (!this.parts.scenario.isRough) return events
    const { dice } = this.process
    const settle = events.settle.bind(events)
    events.settle = (session, settlement, body) => {
      settle(session, settlement, body)
      if (dice.chance(tornShare)) this.bySession.get(session)?.cut([], 1)
    }
    return events
  }

  /** A scout has dialed it. */
  accept(connection: Connection): void {
    const { checker } = this.parts
    this.connections.add(connection)
    const session = accept(connection, this.gateway, this.process, (_session, operator, code, reason) => {
      checker.closed(operator, code, reason)
    })
    this.bySession.set(session, connection)
    // The system takes a dial while the process stands still, and nobody reads what it brings.
    if (this.frozenForMs > 0) this.holdUntilAwake(connection)
  }

  submit(submission: Submission): Answer {
    const { scenario, wire, stumbles } = this.parts
    if (scenario.isRough && this.process.dice.chance(stumblesShare)) stumbles(this)
    return wire.asked(this.mesh.desks.submit(submission))
  }

  ask<T>(request: () => T): T | null {
    try {
      const answer = request()
      return this.up ? answer : null
    } catch (error) {
      if (isDeath(error)) return null
      throw error
    }
  }

  /** The brain decides that. */
  over(): void {}

  freeze(forMs: number): void {
    const { world } = this.parts
    if (!this.process.alive || this.frozenForMs > 0) return
    world.trace.print?.(`edge ${this.parts.name} stands still for ${forMs} ms`)
    this.process.frozenUntilMs = world.nowMs + forMs
    for (const connection of this.connections) this.holdUntilAwake(connection)
  }

  private holdUntilAwake(connection: Connection): void {
    const { world, network } = this.parts
    connection.hold(true)
    world.arm(network.ground, this.frozenForMs, () => connection.hold(false))
  }

  /** Dies now, or at one of its next frames. */
  crash(frames: number): void {
    if (frames === 0) this.die(null)
    else this.fuse = frames
  }

  calm(): void {
    this.fuse = 0
  }

  private burn(): void {
    if (this.fuse === 0 || --this.fuse > 0) return
    this.die(null)
    throw new ProcessDied()
  }

  private die(why: string | null): void {
    const { world, name, ended, wire, sockets } = this.parts
    if (!this.process.alive) return
    world.trace.print?.(`edge ${name} is gone: ${why ?? 'killed'}`)
    this.process.kill()
    sockets.dies(this.process)
    wire.troubled()
    for (const connection of this.connections) connection.cut(['hub'])
    for (const mourner of [...this.mourners]) mourner()
    this.mourners.clear()
    ended(this, why)
  }

  /** What is still kept here although everything has ended, in words; null for nothing. */
  leftOver(): string | null {
    const { openTasks, openSessions, checks } = this.mesh.desks as unknown as Inside
    const work = openSessions.present().flatMap((session) => session.work)
    if (openTasks.present().length > 0) return `an edge keeps task ${openTasks.present()[0]!.submitted.task}`
    if (work.length > 0) return `an edge waits for the verdict on task ${work[0]!.task}`
    return checks.size > 0 ? `${checks.size} answers are in check at an edge` : null
  }
}

/** What of the desks' insides shows what they keep. */
interface Inside {
  openTasks: { present(): { submitted: { task: number } }[] }
  openSessions: { present(): { work: { task: number }[] }[] }
  checks: { size: number }
}
