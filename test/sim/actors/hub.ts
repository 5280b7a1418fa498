/**
 * The hub as a process of the simulated world: the production engine over the production gateway, on a disk that
 * outlives it. It dies between two events, in the middle of a step, or around a commit, and comes back with the next
 * epoch. Everything that passes its edges is reported to the checker; a dead process emits nothing.
 */
import { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { Answer, Submission } from '../../../orchestrator/engine/ports/client.ts'
import type { ControlNode, Decision } from '../../../orchestrator/engine/ports/planner.ts'
import type { ScoutEvents } from '../../../orchestrator/engine/ports/scouts.ts'
import { FrameLinks } from '../../../orchestrator/gateway/frame-links.ts'
import { Gateway } from '../../../orchestrator/gateway/gateway.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { drainMs } from '../../../shared/limits/process.ts'
import type { Checker } from '../checks/invariants.ts'
import type { Scenario } from '../scenario.ts'
import { Claims } from '../trust/claims.ts'
import { HubTrust } from '../trust/hub-trust.ts'
import { type Dice, grainMs, InjectedDefect, isDeath, type Process, ProcessDied, type World } from '../world.ts'
import { type Spec, simPlanner } from './control-nodes.ts'
import type { Front, SimHub } from './front.ts'
import { accept, diskOf, simLedger, watchSteps } from './hub-parts.ts'
import { withoutIdleTicks } from './idle-ticks.ts'
import type { Connection, Network } from './network.ts'
import type { FaultyDisk } from './store-faults.ts'

/** Of its deaths in the middle of a step, those that are a defect of its own. */
const defectShare = 0.3
/** Of the reports of the scouts' edge, those that are a turn of their own; the others share one as chance has it. */
const aloneShare = 0.5
/** Reports that are turns of their own where each event of the world has one. */
const settling = new Set(['credit', 'settle', 'gone'])
/** Of the frames that may set off a defect, those that only the writer sends. */
const writtenFrames = new Set(['task', 'settled', 'welcome', 'cancel'])

/** Of its deaths, those after which its system still closes the sockets; after the others nobody says a word. */
const noisyDeathShare = 0.7

/** After the faults have stopped. */
const auditsGoOnMs = 60_000

/** The hub's own: the core's tick, the removal of what is old, what was served, the ledger, the look after sessions. */
const hubTimers = 5

export class Hub implements Front, SimHub {
  readonly disk: FaultyDisk
  engine!: HubEngine
  process!: Process
  private readonly trust: HubTrust
  private readonly claims: Claims
  /** False from its death to its next boot. */
  up = false
  /** Grows with each boot. */
  generation = 0
  /** Frames and commits until it dies in the middle of a step; 0 for never. */
  private fuse = 0
  /** Whether the fuse sets off a defect, over which the hub has to end itself. */
  private fuseIsDefect = false
  /** It met a defect, and has to end with this event. */
  private hasDefect = false
  private hasReported = false
  private gateway!: Gateway
  private readonly dice: Dice
  /** Chance of what comes first after it stood still. */
  private readonly awakenings: Dice
  /** When its sockets are read again after it stood still. */
  private readsAgainMs = 0
  /** Whoever has to know that the hub is gone: clients with open requests. */
  readonly mourners = new Set<() => void>()

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly checker: Checker,
    private readonly scenario: Scenario,
  ) {
    this.dice = world.dice('hub')
    this.awakenings = world.dice('awakenings')
    this.disk = diskOf(
      world,
      scenario,
      checker,
      () => this.up,
      (where) => this.burn(where),
    )
    this.trust = new HubTrust(scenario.trust, checker.trust)
    this.claims = new Claims(world, network.ground, checker.receipts, this)
    if (scenario.trust !== null) memoryStore(this.disk.disk).commit(scenario.trust.remembered)
    this.boot()
  }

  /** False also from a defect to its end. */
  get isSound(): boolean {
    return this.up && !this.hasDefect
  }

  front(): Front | null {
    return this.up ? this : null
  }

  submit(submission: Submission): Answer {
    return this.engine.submit(submission)
  }

  over(task: number): void {
    this.checker.ledger.over(task)
  }

  endTurn(): void {}

  readonly restTimers = hubTimers
  readonly countsWhatIsBooked = true

  leftOver(): null {
    return null
  }

  /** Of answers that have not arrived whole. */
  get bytesInFlight(): number {
    return this.gateway.bytesInFlight.held
  }

  boot(): void {
    if (this.up) return
    const { world, scenario } = this
    this.generation++
    this.up = true
    this.fuse = 0
    this.hasDefect = false
    this.hasReported = false
    world.trace.print?.(`hub ${this.generation} boots`)
    const process = world.process(`hub ${this.generation}`)
    const store = this.disk.open(() => process.alive)
    this.process = process
    const epoch = store.nextEpoch()
    const seed = process.dice.next32()
    const gateway = new Gateway({
      system: process,
      keys: () => ({ ok: false, flaw: 'keys are not part of this' }),
      connectionsMax: 1_000,
      settings: { dataBytesPerSecond: scenario.dataBytesPerSecond },
      onDefect: (error) => this.met(error),
    })
    const links = new FrameLinks(
      (session, frame, body) => {
        if (!process.alive) return
        this.burn('before a frame', writtenFrames.has(frame.type))
        this.checker.sent(session, frame, body)
        gateway.sendFrame(session, frame, body)
      },
      (session, why, detail) => process.alive && gateway.links.close(session, why, detail),
    )
    const engine = new HubEngine({
      system: withoutIdleTicks(world, process, () => this.engine),
      links,
      onDefect: (defect) => this.met(defect),
      store,
      epoch,
      settings: scenario.settings,
      seed,
      planner: { ...simPlanner, decide: (control) => this.decide(control) },
      ledger: simLedger,
    })
    this.engine = engine
    this.gateway = gateway
    watchSteps(engine, this.checker, () => this.hasDefect)
    this.checker.hubBoots(engine, process)
    engine.start()
    // It may have died of what it took up again.
    if (!process.alive) return
    this.checker.receipts.started(engine)
    this.trust.open(engine, process, store)
    this.claims.begins(engine)
    gateway.start(this.tapped(engine))
    this.network.door = (connection) => {
      accept(connection, gateway, process, (...how) => this.checker.hubCloses(...how))
      // The system takes a dial while the process stands still, and nobody reads what it brings.
      if (this.frozenForMs > 0) this.holdUntilAwake(connection)
    }
  }

  /** What some nodes ask for ends the process that decides them. */
  private decide(control: ControlNode): Decision {
    const { endsHub } = control.spec as Spec
    if (endsHub === null) return simPlanner.decide(control)
    this.checker.diesOf(endsHub)
    this.die()
    throw new ProcessDied()
  }

  /** An error that reached an edge of the hub: what is left of its death, or a defect. */
  private met(error: unknown): void {
    if (!isDeath(error)) this.checker.fail(0, `the hub met a defect: ${(error as Error).stack}`)
    this.hasReported = true
  }

  /** Dies now, or at one of its next frames or commits. */
  crash(): void {
    if (!this.up) return
    if (!this.dice.chance(this.scenario.weather.midStepShare)) return this.die()
    this.fuse = this.dice.between(1, 12)
    this.fuseIsDefect = this.dice.chance(defectShare)
  }

  /** Leaves in order: finishes what scouts work on, then comes back. */
  restart(): void {
    if (!this.up || this.engine.core.state.draining) return
    const { engine, gateway, process } = this
    // Steps the events that came before, so that all grants are known.
    engine.flush()
    gateway.announceDrain('the orchestrator is restarting')
    let over = false
    const stop = () => {
      if (over || !process.alive) return
      over = true
      engine.stop()
      void gateway.closeAll().then(() => {
        if (!process.alive) return
        this.bury(() => {})
        this.bootLater(this.dice.between(200, 3_000))
      })
    }
    process.after(drainMs, stop)
    this.checker.hubDrains(engine)
    void engine.drain().then(() => process.soon(stop))
  }

  /** Stands still: reads nothing and does nothing, and then everything at once. */
  freeze(forMs: number): void {
    const { process, world, network, checker } = this
    if (!this.up || process.frozenUntilMs > world.nowMs) return
    world.trace.print?.(`hub stands still for ${forMs} ms`)
    process.frozenUntilMs = world.nowMs + forMs
    // A loop that goes on may come by its timers first or by its sockets, and what has arrived is then all read.
    this.readsAgainMs = process.frozenUntilMs - (this.awakenings.chance(0.5) ? grainMs : 0)
    checker.standstill.begins(world.nowMs, forMs)
    for (const connection of [...network.open]) this.holdUntilAwake(connection)
  }

  private holdUntilAwake(connection: Connection): void {
    const { world, network } = this
    connection.hold(true)
    world.arm(network.ground, this.readsAgainMs - world.nowMs, () => connection.hold(false))
  }

  /** How long it stands still yet; nothing that a client does reaches it before. */
  get frozenForMs(): number {
    return this.up ? Math.max(0, this.process.frozenUntilMs - this.world.nowMs) : 0
  }

  /** From now on it lives. */
  calm(): void {
    this.disk.calm()
    this.fuse = 0
    this.claims.calm()
    this.boot()
    this.world.arm(this.network.ground, auditsGoOnMs, () => this.trust.end(this.up))
  }

  private die(): void {
    const isNoisy = this.dice.chance(noisyDeathShare)
    this.bury((connection) => {
      if (isNoisy) connection.cut(['hub'])
      else connection.freeze(true)
    })
    this.bootLater(this.dice.pick([200, 2_000, 10_000, 50_000]))
  }

  private bury(sever: (connection: Connection) => void): void {
    this.world.trace.print?.('hub is gone')
    this.up = false
    this.process.kill()
    this.claims.dies()
    this.network.door = null
    this.disk.settle()
    for (const connection of [...this.network.open]) sever(connection)
    this.checker.hubDies()
    for (const mourner of [...this.mourners]) mourner()
    this.mourners.clear()
  }

  private bootLater(delayMs: number): void {
    this.world.arm(this.network.ground, delayMs, () => this.boot())
  }

  /** Asks the hub for something; null when it died over it. */
  ask<T>(request: () => T): T | null {
    this.checker.looks.touched = true
    try {
      const answer = request()
      return this.up ? answer : null
    } catch (error) {
      if (isDeath(error)) return null
      throw error
    }
  }

  /** At this very point the hub may die. */
  private burn(where: string, maySetOff = true): void {
    this.checker.looks.touched = true
    if (this.hasDefect) this.checker.fail(24, `the hub acted after a defect, ${where}`)
    if (this.fuse === 0 || (this.fuseIsDefect && !maySetOff) || --this.fuse > 0) return
    if (this.fuseIsDefect) this.setOff(where)
    this.world.trace.print?.(`hub dies ${where}`)
    this.die()
    throw new ProcessDied()
  }

  /** Puts a defect in; after this event the hub must have reported it, and ends. */
  private setOff(where: string): never {
    const { generation, world } = this
    this.hasDefect = true
    this.checker.looks.failedIn(this.engine)
    this.checker.hubBreaks()
    world.trace.print?.(`hub meets a defect ${where}`)
    world.arm(this.network.ground, 0, () => {
      if (!this.up || this.generation !== generation) return
      if (!this.hasReported) this.checker.fail(24, `the hub met a defect ${where} and lived on`)
      this.die()
    })
    throw new InjectedDefect(`put in ${where}`)
  }

  /** Whether this report is a turn of its own; of those that settle something only a busy loop makes no turns. */
  private isAlone(name: string): boolean {
    return (this.world.turnMs === 0 && settling.has(name)) || this.dice.chance(aloneShare)
  }

  /** The engine, with the checker hearing everything first. */
  private tapped(engine: HubEngine): ScoutEvents {
    const { checker } = this
    const events = engine.scoutEvents
    const tap =
      (name: string) =>
      (...facts: never[]) => {
        // What these change is seen soon enough, and there are many of them.
        if (name !== 'heartbeat' && name !== 'chunk') checker.looks.touched = true
        this.world.trace.print?.(`hub <- ${shownFacts(name, facts)}`)
        const hear = (checker.ears as Record<string, ((...facts: never[]) => boolean | void) | undefined>)[name]
        const isJudged = hear?.(...facts) === true
        const act = events[name as keyof ScoutEvents] as (...facts: never[]) => void
        act.apply(events, facts)
        // What the checker expects of a report holds once it is stepped; others may share a turn with later ones.
        if (!isJudged && !this.isAlone(name)) return
        engine.flush()
        const after = (checker.afters as Record<string, ((...facts: never[]) => void) | undefined>)[name]
        after?.(...facts)
      }
    const names = [
      ...['joined', 'credit', 'offers', 'started', 'chunk', 'settle', 'broken', 'alive', 'heartbeat'],
      ...['draining', 'gone'],
    ]
    return Object.fromEntries(names.map((name) => [name, tap(name)])) as unknown as ScoutEvents
  }
}

/** A fact of the scouts' edge, for the trace. */
function shownFacts(name: string, facts: readonly unknown[]): string {
  const words = facts.map((fact) => {
    if (typeof fact !== 'object' || fact === null) return String(fact)
    if (fact instanceof Uint8Array) return `${fact.length} bytes`
    const { session, task, attempt, outcome, count } = fact as Record<string, unknown>
    return [session, task, attempt, outcome, count].filter((word) => word !== undefined).join('/')
  })
  return `${name} ${words.join(' ')}`
}
