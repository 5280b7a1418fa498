/**
 * What a seed's run is like: which faults occur and how often, how large the fleet is, how tight the hub's bounds
 * are. Every seed draws its own mix and leaves much out (swarm testing: Groce et al., 2012), because faults that always
 * come together hide each other. One run in ten has none.
 */
import { type CoreSettings, defaultCoreSettings } from '../../orchestrator/core/settings.ts'
import { dataBytesPerSecond } from '../../shared/limits/wire.ts'
import { type TrustLife, trustLifeOf } from './trust/trust-life.ts'
import type { Dice, World } from './world.ts'

/** Mean milliseconds between two faults of a kind; Infinity for never. */
interface Weather {
  cutMs: number
  halfOpenMs: number
  partitionMs: number
  stallMs: number
  scoutCrashMs: number
  scoutDrainMs: number
  hubCrashMs: number
  hubRestartMs: number
  /** The hub's process stands still for up to a time that scouts bear. */
  hubFreezeMs: number
  /** Chance that the hub dies at one of its next frames or commits instead of between two events. */
  midStepShare: number
  /** Share of commits that fail. */
  storeFaults: number
  /** The disk takes nothing for minutes. */
  diskLossMs: number
  refusals: number
}

export interface Scenario {
  durationMs: number
  /** Processes that hold sockets beside the one that decides; 0 for a hub of one process. */
  edges: number
  /** Those of this hub stand still for moments, take their time to start, and scouts are torn off as they settle. */
  isRough: boolean
  /** Between two looks of a busy loop at its sockets and clocks; 0 where each event has a turn of its own. */
  turnMs: number
  weather: Weather
  settings: CoreSettings
  scouts: number
  concurrency: number
  models: string[]
  users: number
  /** Mean pause of a user between two requests. */
  thinkMs: number
  /** Users of durable intents, and their mean pause. */
  planners: number
  planMs: number
  /** Characters of each request that joins a running scroll, beside its question. */
  bulkChars: number
  /** Of nodes that decide, those that end the process that decides them. */
  deadlyShare: number
  /** Of intents with an Idempotency-Key, those that are sent again after they were accepted. */
  repeatShare: number
  /** The most that a commit takes. */
  commitMs: number
  /** What the hub allows a scout: bytes of chunks and fragments per second. */
  dataBytesPerSecond: number
  /** Bytes that the hub's system takes in while the hub stands still and reads nothing. */
  unreadBytes: number
  /** Share of long answers, and the lines and characters of each. */
  long: { share: number; want: [lines: number, chars: number] | null }
  /** Share of provider calls that go wrong in one way or another. */
  providerTrouble: number
  habits: Habit[]
  /** null where nobody looks at answers. */
  trust: TrustLife | null
}

/** How strangers behave on the scouts' wire; each combines a few. */
const habits = [
  'late',
  'doubled',
  'forger',
  'thief',
  'gapper',
  'greedy',
  'flapper',
  'twin',
  'claimer',
  'junk',
  'mute',
  'liar',
  'deaf',
  'frozen',
] as const
/** What costs the hub memory or sums instead of breaking a rule; drawn apart, so that older seeds keep their lives. */
const greedyHabits = ['absurd', 'halfway', 'inventor'] as const
/** What shows only where much happens in one turn of the loop; drawn for such lives alone. */
const hastyHabits = ['restless'] as const
export type Habit = (typeof habits | typeof greedyHabits | typeof hastyHabits)[number]

const KiB = 1024
const longAnswer: [number, number] = [60, 15_000]
const wide = { dataBytesPerSecond, unreadBytes: 0, long: { share: 0.03, want: null } }
/**
 * In small what a large fleet is to a real hub: what waits for one that stood still is more than a scout may send at
 * once, and what waits in a network that stood still is less.
 */
const narrow = { dataBytesPerSecond: 128 * KiB, unreadBytes: 1_024 * KiB, long: { share: 0.3, want: longAnswer } }
const never = Number.POSITIVE_INFINITY
const minuteMs = 60_000

function habitsOf(world: World, dice: Dice, turnMs: number): Habit[] {
  const drawn: Habit[] = Array.from({ length: dice.pick([0, 0, 2, 4, 6]) }, () => dice.pick(habits))
  const apart = world.dice('greedy habits')
  if (apart.chance(0.5)) drawn.push(apart.pick(greedyHabits), apart.pick(greedyHabits))
  const hasty = world.dice('hasty habits')
  if (turnMs > 0 && hasty.chance(0.8)) drawn.push(hasty.pick(hastyHabits), hasty.pick(habits))
  return drawn
}

/** How coarse time is, and how slow the disk. */
function paceOf(world: World): Pick<Scenario, 'turnMs' | 'commitMs'> {
  const turns = world.dice('turns')
  const disk = world.dice('slow disk')
  return {
    turnMs: turns.chance(0.3) ? turns.pick([5, 25, 50]) : 0,
    commitMs: disk.chance(0.25) ? disk.pick([3, 30]) : 0,
  }
}

/** What durable intents are like beside their form. */
function plansOf(world: World, isCalm: boolean): Pick<Scenario, 'bulkChars' | 'deadlyShare' | 'repeatShare'> {
  return {
    bulkChars: world.dice('bulk').chance(0.12) ? 1_100_000 : 0,
    deadlyShare: !isCalm && world.dice('deadly').chance(0.1) ? 0.2 : 0,
    repeatShare: world.dice('repeats').chance(0.3) ? 0.3 : 0,
  }
}

/** Two of five, told by their number, so that those that were once fatal keep their lives. */
function isRough(seed: bigint): boolean {
  return seed % 5n > 2n
}

/**
 * Lives of a hub of several processes are of their own kind: one of these dies or stands still every other minute, and
 * turns are short, because a message takes some of them on its way. Nothing is audited in them.
 */
function withEdges(scenario: Scenario, dice: Dice, seed: bigint): Scenario {
  const hubFreezeMs = dice.chance(0.2) ? 2 * minuteMs : never
  const hubCrashMs = dice.pick([minuteMs / 3, minuteMs, 3 * minuteMs])
  const hubRestartMs = dice.pick([never, minuteMs])
  const weather = { ...scenario.weather, hubCrashMs, hubRestartMs, hubFreezeMs }
  const edges = dice.pick([1, 2, 2, 3])
  const plain = { ...scenario, weather, trust: null, edges, turnMs: Math.min(5, scenario.turnMs) }
  if (!isRough(seed)) return plain
  // One that says two contrary things in one breath, and breaks off.
  const habits: Habit[] = dice.chance(0.8) ? [...scenario.habits, 'restless', 'gapper'] : scenario.habits
  return { ...plain, habits, isRough: true, edges: Math.max(2, edges) }
}

export function scenarioOf(world: World, durationMs: number, hasEdges: boolean): Scenario {
  const scenario = ofOneProcess(world, durationMs)
  return hasEdges ? withEdges(scenario, world.dice('edges'), world.seed) : scenario
}

function ofOneProcess(world: World, durationMs: number): Scenario {
  const dice = world.dice('scenario')
  const isCalm = dice.chance(0.1)
  const sometimes = (share: number, leastMs: number, mostMs: number) =>
    !isCalm && dice.chance(share) ? dice.between(leastMs, mostMs) : never
  const weather: Weather = {
    cutMs: sometimes(0.5, minuteMs / 4, 3 * minuteMs),
    halfOpenMs: sometimes(0.4, minuteMs / 2, 3 * minuteMs),
    partitionMs: sometimes(0.4, minuteMs / 2, 3 * minuteMs),
    stallMs: sometimes(0.3, minuteMs / 2, 3 * minuteMs),
    scoutCrashMs: sometimes(0.4, minuteMs / 2, 4 * minuteMs),
    scoutDrainMs: sometimes(0.3, minuteMs, 4 * minuteMs),
    hubCrashMs: sometimes(0.5, minuteMs, 4 * minuteMs),
    hubRestartMs: sometimes(0.2, 2 * minuteMs, 5 * minuteMs),
    hubFreezeMs: sometimes(0.3, minuteMs, 4 * minuteMs),
    midStepShare: dice.pick([0.2, 0.8]),
    storeFaults: isCalm ? 0 : dice.pick([0, 0, 0.02, 0.2]),
    refusals: isCalm ? 0 : dice.pick([0, 0, 0.1]),
    diskLossMs: sometimes(0.3, 2 * minuteMs, 5 * minuteMs),
  }
  // Drawn apart, so that older seeds keep their lives.
  const wire = world.dice('wire').chance(0.3) ? narrow : wide
  const pace = paceOf(world)
  const settings: Partial<CoreSettings> = {}
  if (dice.chance(0.3)) Object.assign(settings, { readyTasksMax: 6, readyTasksPerTenantMax: 3, queueTimeoutMs: 15_000 })
  if (dice.chance(0.3)) Object.assign(settings, { hedgeSamplesMin: 5, hedgeAfterMinMs: 500 })
  if (dice.chance(0.3)) Object.assign(settings, { creditMax: 2, recordsMax: 3 })
  if (dice.chance(0.2)) Object.assign(settings, { attemptsMax: 2, returnsMax: 2 })
  const [scouts, concurrency] = [dice.between(1, 5), dice.pick([1, 2, 4])]
  const models = dice.pick([['a'], ['a', 'b'], ['a', 'b', 'c']])
  return {
    durationMs,
    edges: 0,
    isRough: false,
    weather,
    settings: { ...defaultCoreSettings, ...settings },
    scouts,
    concurrency,
    models,
    trust: trustLifeOf(world, models),
    users: dice.between(1, 5),
    thinkMs: dice.pick([3_000, 10_000, 30_000]),
    planners: dice.between(0, 2),
    planMs: dice.pick([20_000, 60_000]),
    ...pace,
    ...plansOf(world, isCalm),
    ...wire,
    providerTrouble: isCalm ? 0 : dice.pick([0, 0.1, 0.4]),
    habits: isCalm ? [] : habitsOf(world, dice, pace.turnMs),
  }
}
