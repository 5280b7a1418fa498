/**
 * A hub of several processes in the simulated world: a brain and its edges, and the supervisor that starts them again.
 * Any of them dies or stands still at any moment; links between them are delayed each by itself. The brain is on a disk
 * that outlives it, and is judged as a hub of one process is (`brain-taps.ts`); what arrives at scouts is judged by
 * `wire-checks.ts`.
 */
import { Edges } from '../../../orchestrator/brain/edges.ts'
import { leasesOf } from '../../../orchestrator/core/task/leases.ts'
import { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { ControlNode, Decision } from '../../../orchestrator/engine/ports/planner.ts'
import { fits } from '../../../orchestrator/gateway/frame-links.ts'
import type { Figures } from '../../../orchestrator/http/figures.ts'
import type { ToBrain, ToEdgeOf } from '../../../orchestrator/link/control.ts'
import { brainAwayMsMax, edgesGatherMs, goneHoldMs } from '../../../shared/limits/process.ts'
import { type Spec, simPlanner } from '../actors/control-nodes.ts'
import type { Front, SimHub } from '../actors/front.ts'
import { diskOf, simLedger, watchSteps } from '../actors/hub-parts.ts'
import { withoutIdleTicks } from '../actors/idle-ticks.ts'
import type { Network } from '../actors/network.ts'
import type { FaultyDisk } from '../actors/store-faults.ts'
import type { Checker } from '../checks/invariants.ts'
import type { Scenario } from '../scenario.ts'
import { type Dice, isDeath, type Process, ProcessDied, type World } from '../world.ts'
import { tapPort, tappedEdges } from './brain-taps.ts'
import { EdgeActor } from './edge-actor.ts'
import { Sockets } from './sockets.ts'
import { WireChecks } from './wire-checks.ts'

/** Reports of edges that are turns of their own at the brain; the others share one as chance has it. */
const aloneShare = 0.5
/** Of the processes that die, brains. */
const brainShare = 0.5
/** In rough lives: the longest that a process takes to start, and that an edge stands still for a moment. */
const startMsMax = 80
const standsMsMax = 600
/** Of the brains that die there, those that take an edge along. */
const bothShare = 0.3
/** For how long after a standstill or the absence of a brain edges may give up. */
const giveUpWithinMs = 20_000
/** The core's tick, the removal of what is old, what was served, the ledger, the balance of edges. */
const brainTimers = 5
/** Whatever chance brings about is moved again and again where scouts are so few. */
const balanceEveryMs = 20_000

export class SplitHub implements SimHub {
  readonly disk: FaultyDisk
  engine!: HubEngine
  process!: Process
  up = false
  generation = 0
  readonly mourners = new Set<() => void>()
  /** What an edge has used and not booked dies with it, and a brain does not ask edges what they have not booked. */
  readonly countsWhatIsBooked = false
  private edges!: Edges
  private readonly seats: EdgeActor[] = []
  private readonly sockets: Sockets
  private readonly wire: WireChecks
  private readonly dice: Dice
  /** Messages and commits until the brain dies in the middle of a step; 0 for never. */
  private fuse = 0
  private edgesMade = 0
  /** Tasks that ended in this event. */
  private readonly ended: number[] = []
  /** A process stood still, or there was no brain for long: until then edges may give up. */
  private mayGiveUpUntilMs = 0

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly checker: Checker,
    private readonly scenario: Scenario,
  ) {
    this.dice = world.dice('hub')
    this.sockets = new Sockets(world)
    const disk = () => this.disk.disk
    this.wire = new WireChecks(world, checker, disk, scenario.settings.creditMax)
    this.disk = diskOf(
      world,
      scenario,
      checker,
      () => this.up,
      (where) => this.burn(where),
    )
    network.door = (connection) => {
      const edge = this.someEdge()
      if (edge === null) connection.leave('hub', 1013, 'no edge listens')
      else edge.accept(connection)
    }
    this.boot()
  }

  // ------------------------------------------------------------ the brain

  private boot(): void {
    if (this.up) return
    const { world, scenario, checker } = this
    this.generation++
    this.up = true
    this.fuse = 0
    const process = world.process(`brain ${this.generation}`)
    this.process = process
    const store = this.disk.open(() => process.alive)
    const epoch = store.nextEpoch()
    const awaited = this.seats.length
    world.trace.print?.(`brain ${this.generation} boots, and waits for ${awaited} edges`)
    const log = {
      info: (_fields: object, message: string) => world.trace.print?.(`brain: ${message}`),
      error: (_fields: object, message: string) => world.trace.print?.(`brain: ${message}`),
    }
    const edges: Edges = new Edges({
      ...{ engine: () => engine, epoch, awaited, canCarry: fits, log, network: null },
      leave() {},
      shown: () => ({ add() {}, keepMetrics() {} }),
      balance: { share: 0.01, scoutsMin: 2 },
    })
    const parts = {
      ...{ checker, wire: this.wire, epoch },
      isAlive: () => process.alive,
      nowMs: () => world.nowMs,
      isAlone: () => world.turnMs === 0 && this.dice.chance(aloneShare),
      burn: (where: string) => this.burn(where),
      over: (task: number) => void this.ended.push(task),
    }
    const engine: HubEngine = new HubEngine({
      system: withoutIdleTicks(world, process, () => this.engine),
      links: tappedEdges(() => edges, parts),
      onDefect: (defect) => {
        if (!isDeath(defect)) checker.fail(0, `the brain met a defect: ${defect.stack}`)
      },
      // Not as long as a tick, by which the system knows one (`idle-ticks.ts`).
      ...{ store, epoch, goneHoldMs: goneHoldMs + 1 },
      settings: scenario.settings,
      seed: process.dice.next32(),
      planner: { ...simPlanner, decide: (control) => this.decide(control) },
      ledger: simLedger,
    })
    this.engine = engine
    this.edges = edges
    this.watchGone(engine)
    watchSteps(engine, checker, () => false)
    tapPort(engine, parts)
    this.wire.troubled()
    checker.hubBoots(engine, process)
    engine.start()
    // It may have died of what it took up again.
    if (!process.alive) return
    checker.receipts.started(engine)
    this.sockets.listen<ToBrain<Figures>, ToEdgeOf>('brain', process, (link) => edges.met(link))
    if (awaited > 0) process.after(edgesGatherMs, () => edges.gathered())
    this.later(scenario.isRough ? this.dice.between(0, startMsMax) : 0, () => this.startMissing())
    this.balanceLater(process, edges)
  }

  /** Some idle scouts are moved now and then. */
  private balanceLater(process: Process, edges: Edges): void {
    process.after(balanceEveryMs, () => {
      edges.balance()
      this.balanceLater(process, edges)
    })
  }

  /** Before the core learns that a session is gone. */
  private watchGone({ core }: HubEngine): void {
    const step = core.step.bind(core)
    core.step = (event, nowMs, out) => {
      if (event.type === 'scoutGone') {
        const attempts = [...core.state.tasks.values()].flatMap((task) => {
          const own = leasesOf(task).filter(({ session }) => session === event.session)
          return own.map(({ attempt }) => ({ task: task.id, attempt }))
        })
        this.wire.ends(event.session, attempts)
      }
      step(event, nowMs, out)
    }
  }

  /** What some nodes ask for ends the process that decides them. */
  private decide(control: ControlNode): Decision {
    const { endsHub } = control.spec as Spec
    if (endsHub === null) return simPlanner.decide(control)
    this.checker.diesOf(endsHub)
    this.brainDies()
    throw new ProcessDied()
  }

  private burn(where: string): void {
    this.checker.looks.touched = true
    if (this.fuse === 0 || --this.fuse > 0) return
    this.world.trace.print?.(`brain dies ${where}`)
    this.brainDies()
    throw new ProcessDied()
  }

  private brainDies(delayMs = this.dice.pick([30, 30, 400, 3_000, 8_000, 40_000])): void {
    const { world, process, checker } = this
    if (!this.up) return
    world.trace.print?.('brain is gone')
    this.up = false
    // Whoever is to give up finds out from the next brain.
    const isExcused = delayMs > brainAwayMsMax - 1_000 || this.world.nowMs <= this.mayGiveUpUntilMs
    if (isExcused) this.mayGiveUpWithin(delayMs)
    this.ended.length = 0
    process.kill()
    this.sockets.dies(process)
    this.disk.settle()
    checker.hubDies()
    this.wire.troubled()
    this.wire.receipts.brainDies()
    for (const mourner of [...this.mourners]) mourner()
    this.mourners.clear()
    world.arm(this.network.ground, delayMs, () => this.boot())
  }

  /** Makes room for another brain, as `restart-brain` has it do. */
  restart(): void {
    if (!this.up || this.process.frozenUntilMs > this.world.nowMs) return
    this.world.trace.print?.('brain leaves')
    this.edges.part()
    this.ask(() => this.engine.stop())
    this.brainDies(this.dice.between(50, 400))
  }

  // ------------------------------------------------------------ edges

  private someEdge(): EdgeActor | null {
    const up = this.seats.filter((edge) => edge.up)
    return up.length === 0 ? null : this.dice.pick(up)
  }

  private startMissing(): void {
    while (this.up && this.seats.length < this.scenario.edges) this.startEdge()
  }

  private startEdge(): void {
    const { world, network, checker, wire, sockets, scenario } = this
    const edge: EdgeActor = new EdgeActor({
      ...{ world, network, checker, wire, sockets, scenario },
      name: `${++this.edgesMade}`,
      ended: (gone, why) => this.edgeEnded(gone, why),
      silent: () => this.brainDies(),
      stumbles: (stumbling) => this.stumbles(stumbling),
    })
    this.seats.push(edge)
  }

  private edgeEnded(edge: EdgeActor, why: string | null): void {
    if (why !== null && this.world.nowMs > this.mayGiveUpUntilMs) this.checker.fail(56, `an edge gave up: ${why}`)
    this.seats.splice(this.seats.indexOf(edge), 1)
    this.wire.receipts.edgeDies()
    const delayMs = this.dice.pick([50, 500, 4_000])
    this.world.arm(this.network.ground, delayMs, () => {
      // Else it starts with the brain.
      if (this.up) this.startMissing()
    })
  }

  private mayGiveUpWithin(forMs: number): void {
    this.mayGiveUpUntilMs = Math.max(this.mayGiveUpUntilMs, this.world.nowMs + forMs + giveUpWithinMs)
  }

  // ------------------------------------------------------------ for the world

  front(): Front | null {
    return this.someEdge()
  }

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

  endTurn(): void {
    if (this.ended.length > 0) for (const task of this.ended.splice(0)) this.checker.ledger.over(task)
    for (const checks of [this.wire.quiet, this.wire.receipts]) checks.look(this.up ? this.engine : null)
  }

  crash(): void {
    const { dice, seats } = this
    const isMidStep = dice.chance(this.scenario.weather.midStepShare)
    const count = isMidStep ? dice.between(1, 12) : 0
    if (!dice.chance(brainShare) && seats.length > 0) return dice.pick(seats).crash(count)
    if (this.scenario.isRough && dice.chance(bothShare) && seats.length > 0) dice.pick(seats).crash(0)
    if (count > 0) this.fuse = count
    else this.brainDies()
  }

  /** In rough lives: this edge stands still for a moment behind what it has just asked, and the brain may die in it. */
  private stumbles(edge: EdgeActor): void {
    const { dice, wire } = this
    const forMs = dice.between(standsMsMax / 10, standsMsMax)
    this.later(dice.between(1, 10), () => {
      wire.troubled(forMs)
      edge.freeze(forMs)
    })
    if (dice.chance(brainShare)) this.later(dice.between(10, standsMsMax / 4), () => this.brainDies())
  }

  private later(delayMs: number, what: () => void): void {
    if (delayMs === 0) what()
    else this.world.arm(this.network.ground, delayMs, what)
  }

  freeze(forMs: number): void {
    const { dice, seats, world, process } = this
    this.mayGiveUpWithin(forMs)
    this.wire.troubled(forMs)
    if (dice.chance(0.5) && seats.length > 0) return dice.pick(seats).freeze(forMs)
    if (!this.up || process.frozenUntilMs > world.nowMs) return
    world.trace.print?.(`brain stands still for ${forMs} ms`)
    process.frozenUntilMs = world.nowMs + forMs
    this.checker.standstill.begins(world.nowMs, forMs)
  }

  calm(): void {
    this.disk.calm()
    this.fuse = 0
    for (const edge of this.seats) edge.calm()
    this.boot()
  }

  get bytesInFlight(): number {
    return this.seats.reduce((sum, edge) => sum + edge.bytesInFlight, 0)
  }

  /** And one for each link. */
  get restTimers(): number {
    return brainTimers + this.seats.length
  }

  leftOver(): string | null {
    this.wire.over()
    if (this.seats.length !== this.scenario.edges) return `${this.seats.length} edges are there`
    return this.seats.map((edge) => edge.leftOver()).find((one) => one !== null) ?? null
  }
}
