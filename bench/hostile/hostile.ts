/**
 * Each attack at rates that are allowed, beside honest scouts and chats: what it does to the others' time, to the
 * longest turn of the hub's loop and to its memory. A hub that an attack ends, freezes or fills up is replaced by a new
 * one for the next. Attacks run in this process, honest scouts and the load in others. A missed bound ends the command
 * with 1.
 */
import type { HubUnderTest } from '../fleet/hub.ts'
import { chatBodies } from '../fleet/population.ts'
import { sleep } from '../load/calls.ts'
import { Histogram } from '../load/histogram.ts'
import { warmUpMs } from '../load/warm-up.ts'
import { type Cell, type Options, type Result, round, type Say, type Scenario } from '../scenarios/scenario.ts'
import { type Load, Stage } from '../scenarios/stage.ts'
import { answerAttacks } from './answers.ts'
import { bodyAttacks } from './bodies.ts'
import { connectionAttacks } from './connections.ts'
import { frameAttacks } from './frames.ts'
import { nameAttacks } from './names.ts'
import { patternAttacks } from './patterns.ts'
import { scrollAttacks } from './scrolls.ts'
import { type Attack, Site } from './site.ts'

const attacks: readonly Attack[] = [
  ...answerAttacks,
  ...nameAttacks,
  ...bodyAttacks,
  ...frameAttacks,
  ...scrollAttacks,
  ...patternAttacks,
  ...connectionAttacks,
]
export const attackNames = attacks.map(({ name }) => name)

const thinkMs = 20
/** What has to hold under every attack. */
const bounds = { ratio: 2, turnMs: 50, rssMb: 600 }
/** A hub that takes more is ended, for the sake of the machine. */
const rssMbMax = 2_000
const rssEveryMs = 50
/** A hub that does not answer for so long counts as frozen. */
const frozenMs = 15_000
const restMs = 3_000
/** After a window: requests that were due in it and are answered late count as well. */
const lateSeconds = 1

/** Honest scouts and clients around one hub. */
class Ground {
  private constructor(
    private readonly stage: Stage,
    readonly hub: HubUnderTest,
    readonly load: Load,
    readonly keys: { scoutKey: string; clientKey: string },
  ) {}

  static async open(options: Options, say: Say): Promise<Ground> {
    const stage = new Stage(options, say)
    const { hub } = await stage.network(options.scouts, { thinkMs })
    const load = await stage.load()
    await load.call('open', { target: hub.target(chatBodies(options.population)), perSecond: options.rate })
    await load.call('measure', { seconds: warmUpMs / 1_000 })
    return new Ground(stage, hub, load, await hub.strangersKeys())
  }

  close(): Promise<void> {
    return this.stage.close()
  }
}

interface Found {
  p99Ms: number
  turnMs: number
  rssMb: number
  failed: number
  /** Why the hub can serve no other attack; empty when it can. */
  ruin: string
}

/** One window of the honest load, and what the hub did meanwhile. */
async function look(ground: Ground, seconds: number): Promise<Found> {
  const { hub, load } = ground
  let rssMb = 0
  let ruin = ''
  const watch = setInterval(() => {
    try {
      rssMb = Math.max(rssMb, hub.usage().rssMb)
    } catch {
      ruin ||= 'the hub ended'
    }
    if (rssMb > rssMbMax && ruin === '') {
      ruin = `the hub took ${round(rssMb)} MB and was ended`
      void hub.kill()
    }
  }, rssEveryMs)
  await within(hub.memory()).catch(() => null)
  const sample = await load.call('measure', { seconds })
  const beganMs = performance.now()
  const memory = await within(hub.memory()).catch(() => null)
  const late = await load.call('measure', { seconds: lateSeconds })
  clearInterval(watch)
  if (memory === null) ruin ||= performance.now() - beganMs >= frozenMs ? 'the hub was frozen' : 'the hub ended'
  const answered = Histogram.merged([sample.latency, late.latency])
  // Nobody was answered at all.
  const p99Ms = answered.count === 0 ? Number.POSITIVE_INFINITY : answered.at(0.99)
  const turnMs = memory?.stallMs ?? Number.POSITIVE_INFINITY
  return { p99Ms, turnMs, rssMb, failed: sample.failed + late.failed, ruin }
}

function within<T>(promise: Promise<T>): Promise<T | null> {
  return Promise.race([promise, sleep(frozenMs).then(() => null)])
}

/** The sentences of the bounds that did not hold. */
function missesOf({ name }: Attack, calm: Found, under: Found): string[] {
  const misses: string[] = []
  if (under.ruin !== '') misses.push(under.ruin)
  const ratio = under.p99Ms / calm.p99Ms
  if (!(ratio <= bounds.ratio)) misses.push(`honest p99 is ${round(ratio)} x, wanted <= ${bounds.ratio} x`)
  if (under.turnMs > bounds.turnMs) misses.push(`a turn took ${round(under.turnMs)} ms, wanted <= ${bounds.turnMs} ms`)
  if (under.rssMb > bounds.rssMb) misses.push(`memory was ${round(under.rssMb)} MB, wanted <= ${bounds.rssMb} MB`)
  return misses.map((miss) => `${name}: ${miss}`)
}

async function strike(ground: Ground, attack: Attack, seconds: number, say: Say): Promise<[Found, Found]> {
  const calm = await look(ground, seconds)
  const site = new Site({ port: ground.hub.port, ...ground.keys })
  try {
    attack.run(site).catch((error: Error) => site.note(error.message))
    const under = await look(ground, seconds)
    const outcomes = Object.entries(site.outcomes).map(([outcome, count]) => `${count} ${outcome}`)
    const figures = `p99 ${round(calm.p99Ms)} -> ${round(under.p99Ms)} ms, turn ${round(under.turnMs)} ms`
    say(`${attack.name}: ${figures}, ${round(under.rssMb)} MB ${under.ruin} (${outcomes.join(', ')})`)
    return [calm, under]
  } finally {
    site.end()
  }
}

export const hostile: Scenario = {
  name: 'hostile',
  about: 'Attacks at allowed rates beside honest scouts and chats.',
  defaults: { scouts: 200, rate: 100, seconds: 6 },
  async run(options, say): Promise<Result> {
    const chosen = attacks.filter(({ name }) => options.attacks.length === 0 || options.attacks.includes(name))
    const rows: Cell[][] = []
    const missed: string[] = []
    const worst = { hostileRatio: 0, hostileTurn: 0, hostileRss: 0 }
    let ground: Ground | null = null
    try {
      for (const attack of chosen) {
        ground ??= await Ground.open(options, say)
        const [calm, under] = await strike(ground, attack, options.seconds, say)
        const { p99Ms, turnMs, rssMb, failed, ruin } = under
        const misses = missesOf(attack, calm, under)
        missed.push(...misses)
        worst.hostileRatio = Math.max(worst.hostileRatio, p99Ms / calm.p99Ms)
        worst.hostileTurn = Math.max(worst.hostileTurn, turnMs)
        worst.hostileRss = Math.max(worst.hostileRss, rssMb)
        const times = [calm.p99Ms, p99Ms, p99Ms / calm.p99Ms, calm.turnMs, turnMs, rssMb].map(round)
        rows.push([attack.name, attack.about, ...times, failed, misses.length === 0 ? 'holds' : ruin || 'missed'])
        // What an attack leaves behind belongs to it and not to the next one.
        if (ruin !== '' || misses.length > 0) {
          await ground.close()
          ground = null
        } else await sleep(restMs)
      }
    } finally {
      await ground?.close()
    }
    return {
      columns: ['attack', 'what', 'calm p99 ms', 'p99 ms', 'x', 'calm turn ms', 'turn ms', 'MB', 'failed', 'bounds'],
      rows,
      figures: chosen.length === attacks.length ? worst : {},
      missed,
      notes: [
        `${options.scouts} honest scouts, ${options.rate} chats/s with ${thinkMs} ms at the provider; ` +
          `${options.seconds} s without and with each attack.`,
        'Turns of the loop are measured on a machine that hub, fleet, load and attacker share.',
      ],
    }
  },
}
