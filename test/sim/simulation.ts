/**
 * One run of the whole system under one seed: hub, scouts, strangers, network, disk and clients are made as the
 * scenario says and run through its faults; then the faults stop until everything has ended. The first
 * broken invariant ends the run with a sentence.
 */
import { ChatUser } from './actors/clients.ts'
import type { SimHub } from './actors/front.ts'
import { Hub } from './actors/hub.ts'
import { Network } from './actors/network.ts'
import { Planner } from './actors/planners.ts'
import { HonestScout } from './actors/scouts.ts'
import { Stranger } from './actors/strangers.ts'
import { Broken } from './checks/broken.ts'
import { Checker } from './checks/invariants.ts'
import { checkRest, restMs } from './checks/liveness.ts'
import { SplitHub } from './processes/split-hub.ts'
import { type Scenario, scenarioOf } from './scenario.ts'
import { Trace } from './trace.ts'
import { isCheat, type PlayedScout } from './trust/trust-life.ts'
import { World } from './world.ts'

export interface Cast {
  world: World
  network: Network
  checker: Checker
  hub: SimHub
  scenario: Scenario
  scouts: HonestScout[]
  strangers: Stranger[]
  users: ChatUser[]
  planners: Planner[]
}

export interface Life {
  seed: bigint
  /** Hash of everything that happened. */
  digest: string
  simulatedMs: number
  /** What went wrong; null when nothing did. */
  failure: { invariant: number; what: string; atMs: number } | null
  /** How often trust did what, for who wants to know whether a life shows it; empty where nobody looks at answers. */
  trust: Readonly<Record<string, number>>
}

export const minuteMs = 60_000

type Say = (line: string) => void

/** Lives one life. `say` gets a line per event. `hasEdges`: of a hub of several processes. */
export function live(seed: bigint, durationMs: number, say: Say | null = null, hasEdges = false): Life {
  const trace = new Trace(null)
  const world = new World(seed, say === null ? trace : new Trace((line) => say(`${world.nowMs.toFixed(1)} ${line}`)))
  let failure: Life['failure'] = null
  let cast: Cast | null = null
  try {
    cast = castOf(world, scenarioOf(world, durationMs, hasEdges))
    const { checker, hub } = cast
    world.afterEvent = () => {
      hub.endTurn()
      checker.look()
    }
    weather(cast)
    world.run(durationMs)
    calm(cast)
    world.run(durationMs + restMs)
    checkRest(cast)
    checker.look()
  } catch (thrown) {
    // The first finding explains what was thrown after it.
    const error = cast?.checker.broken ?? thrown
    const isBroken = error instanceof Broken
    // Anything else that is thrown is a defect of the code under test, or of this simulation.
    const what = isBroken ? error.message : `0. a defect: ${(error as Error).stack}`
    failure = { invariant: isBroken ? error.invariant : 0, what, atMs: world.nowMs }
  }
  const trust = cast?.checker.trust.records.tally ?? {}
  return { seed, digest: world.trace.digest, simulatedMs: world.nowMs, failure, trust }
}

function castOf(world: World, scenario: Scenario): Cast {
  const { settings } = scenario
  world.turnMs = scenario.turnMs
  const network = new Network(world)
  network.refusals = scenario.weather.refusals
  network.unreadBytes = scenario.unreadBytes
  const checker: Checker = new Checker(world, () => hub.disk.disk, settings, scenario.trust)
  const made = [world, network, checker, scenario] as const
  const hub: SimHub = scenario.edges > 0 ? new SplitHub(...made) : new Hub(...made)
  const dice = world.dice('cast')
  const scouts = playedScouts(scenario).map((played, at) => {
    const { models, trust } = scenario
    // The first one has every model, so that each is offered by somebody.
    const offered = at === 0 || trust !== null ? models : models.filter(() => dice.chance(0.7))
    const own = trust !== null && isCheat(played.voice) ? [...offered, trust.cheatsModel] : offered
    return new HonestScout(world, network, checker, scenario, played, own)
  })
  const strangers: Stranger[] = []
  for (let at = 0; at + 1 < scenario.habits.length; at += 2) {
    const habits = new Set(scenario.habits.slice(at, at + 2))
    strangers.push(new Stranger(world, network, checker, scenario, habits, `x${at}`))
    if (habits.has('twin')) strangers.push(new Stranger(world, network, checker, scenario, habits, `x${at}b`))
  }
  const users = Array.from({ length: scenario.users }, (_, at) => new ChatUser(world, hub, checker, scenario, `u${at}`))
  const planners = Array.from({ length: scenario.planners }, (_, at) => {
    return new Planner(world, hub, checker, scenario, `p${at}`)
  })
  return { world, network, checker, hub, scenario, scouts, strangers, users, planners }
}

/** Scouts that keep to the protocol. */
function playedScouts({ scouts, trust }: Scenario): PlayedScout[] {
  if (trust !== null) return trust.scouts
  return Array.from({ length: scouts }, (_, at) => ({ name: `s${at}`, owner: `honest-s${at}`, voice: 'honest' }))
}

/** Lets every kind of fault come again and again until the calm. */
function weather({ world, network, hub, scouts, scenario }: Cast): void {
  const dice = world.dice('weather')
  const sky = network.ground
  const every = (meanMs: number, fault: () => void) => {
    if (meanMs === Number.POSITIVE_INFINITY) return
    const delayMs = dice.waitMs(meanMs)
    world.arm(sky, delayMs, () => {
      if (world.nowMs >= scenario.durationMs) return
      every(meanMs, fault)
      fault()
    })
  }
  const someone = () => (network.open.size === 0 ? undefined : dice.pick([...network.open]))
  const { weather: w } = scenario
  every(w.cutMs, () => someone()?.cut(dice.pick([[], [], ['hub'], ['scout']])))
  every(w.halfOpenMs, () => someone()?.freeze(true))
  every(w.partitionMs, () => {
    const connection = someone()
    if (connection === undefined) return
    connection.freeze(true)
    network.unreachable.add(connection.operator)
    world.arm(sky, dice.waitMs(15_000), () => {
      connection.freeze(false)
      network.unreachable.delete(connection.operator)
    })
  })
  every(w.stallMs, () => {
    const connection = someone()
    const way = dice.pick(['up', 'down'] as const)
    connection?.freeze(true, [way])
    world.arm(sky, dice.waitMs(10_000), () => connection?.freeze(false, [way]))
  })
  every(w.scoutCrashMs, () => dice.pick(scouts).crash())
  every(w.scoutDrainMs, () => dice.pick(scouts).drain())
  every(w.diskLossMs, () => {
    hub.disk.lose()
    world.arm(sky, dice.between(30_000, 4 * minuteMs), () => hub.disk.heal())
  })
  every(w.hubCrashMs, () => hub.crash())
  every(w.hubRestartMs, () => hub.restart())
  every(w.hubFreezeMs, () => hub.freeze(dice.between(2_000, 20_000)))
}

/** The faults stop, the strangers go, nobody asks for anything more. */
function calm({ network, hub, scouts, strangers, users, planners }: Cast): void {
  network.refusals = 0
  network.unreachable.clear()
  hub.calm()
  for (const stranger of strangers) stranger.leave()
  for (const scout of scouts) scout.calm()
  for (const user of users) user.leave()
  for (const planner of planners) planner.leave()
}
