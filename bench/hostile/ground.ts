/**
 * The ground of one attack after the other: a hub whose log nobody reads, honest scouts, honest chats at a constant
 * rate. It looks at what they feel in a window, and strikes: a window without the attack, right behind it one with it,
 * and one without it again, so that whatever else the machine does weighs on all. `hostile.ts` opens it and judges.
 */
import type { Fleet } from '../fleet/fleet.ts'
import type { HubUnderTest } from '../fleet/hub.ts'
import { chatBodies } from '../fleet/population.ts'
import { waitedMs } from '../fleet/turn-watch.ts'
import { sleep } from '../load/calls.ts'
import { Child, programPath } from '../load/child.ts'
import { Histogram } from '../load/histogram.ts'
import { warmUpMs } from '../load/warm-up.ts'
import { type Options, round, type Say } from '../scenarios/scenario.ts'
import { type Load, Stage } from '../scenarios/stage.ts'
import type { AttackCalls, Outcome } from './attack-process.ts'
import type { LongTurn } from './long-turn.ts'
import type { Attack, SiteOptions } from './site/site.ts'

export const thinkMs = 20
/** A window without an attack: a thousand chats, of which ten are behind the percentile. Two attacks share one. */
export const calmSeconds = 5
/** Before a window in which nothing of an attack may be left. */
const restMs = 1_500
/** A hub that takes more is ended, for the sake of the machine. */
const rssMbMax = 2_000
const rssEveryMs = 50
/** A hub that does not answer for so long counts as frozen. */
const frozenMs = 15_000
/** After a window: requests that were due in it and are answered late count as well. */
const lateSeconds = 1
/** A fleet that is not back by then after a restart ends the bench. */
const returnSecondsMax = 60

/** What the honest side saw in one window. */
export interface Found {
  p99Ms: number
  /** The longest turn of the hub's loop, and the longest stall with what the machine made it wait. */
  turnMs: number
  stallMs: number
  longTurn: LongTurn
  /** Of one processor, what the hub's process took. */
  hubShare: number
  /** Of the window, what hub, fleet and load waited for a processor: what the machine adds to the times. */
  waitShares: number[]
  rssMb: number
  done: number
  failed: number
  codes: Record<string, number>
  /** Why the hub can serve no other attack; empty when it can. */
  ruin: string
}

export interface Strike {
  /** The better of the windows before and behind the attack: one that something disturbed would loosen the bound. */
  calm: Found
  under: Found
  outcome: Outcome
}

export class Ground {
  /** The window behind the last attack. */
  private calm: Found | null = null

  private constructor(
    private readonly options: Options,
    private readonly stage: Stage,
    private readonly hub: HubUnderTest,
    private readonly fleet: Fleet,
    private readonly load: Load,
    private readonly site: Omit<SiteOptions, 'hubPid' | 'port'>,
  ) {}

  static async open(options: Options, say: Say): Promise<Ground> {
    const stage = new Stage(options, say)
    const hub = await stage.unreadHub()
    const fleet = await stage.fleet(options.scouts)
    await stage.staff(hub, fleet, options.scouts, { thinkMs })
    const load = await stage.load()
    const { scoutKey, clientKey } = await hub.strangersKeys()
    const { clientKey: bystanderKey } = await hub.strangersKeys()
    const site = { scoutKey, clientKey, bystanderKey, dataDir: hub.dataDir }
    const ground = new Ground(options, stage, hub, fleet, load, site)
    await ground.openLoad()
    await load.call('measure', { seconds: warmUpMs / 1_000 })
    return ground
  }

  close(): Promise<void> {
    return this.stage.close()
  }

  get hubPid(): number {
    return this.hub.pid
  }

  async strike(attack: Attack, seconds: number): Promise<Strike> {
    const before = this.calm ?? (await this.look(calmSeconds))
    const { under, outcome } = await this.suffer(attack, seconds)
    this.calm = null
    // What an attack leaves behind belongs to it.
    if (under.ruin !== '' || attack.leaves || attack.whileDown) return { calm: before, under, outcome }
    await sleep(restMs)
    const behind = await this.look(calmSeconds)
    this.calm = behind
    return { calm: behind.p99Ms < before.p99Ms ? behind : before, under, outcome }
  }

  private async suffer(attack: Attack, seconds: number): Promise<Omit<Strike, 'calm'>> {
    const attacker = await Child.start<AttackCalls>(programPath('hostile/attack-process.ts'))
    try {
      const { port, pid: hubPid } = this.hub
      await attacker.call('begin', { name: attack.name, options: { ...this.site, port, hubPid } })
      if (attack.whileDown !== undefined) await this.damage(attack.whileDown)
      const under = await this.look(seconds)
      const outcome = await attacker.call('end', null)
      if (attack.shouts && !this.hub.isLogFull()) outcome.misses.push('the log had not filled its pipe')
      return { under, outcome }
    } finally {
      await attacker.end()
    }
  }

  private openLoad(): Promise<void> {
    const { options, hub, load } = this
    return load.call('open', { target: hub.target(chatBodies(options.population)), perSecond: options.rate })
  }

  /** The hub is killed, something happens to its folder, and it comes back; so does everybody else. */
  private async damage(whileDown: (dataDir: string) => void): Promise<void> {
    const { hub, fleet, load } = this
    await load.call('end', null)
    await hub.kill()
    whileDown(hub.dataDir)
    await hub.restart()
    await fleet.returned(1, returnSecondsMax, () => {})
    await this.openLoad()
    await load.call('measure', { seconds: warmUpMs / 1_000 })
  }

  private hubCpuMs(): number {
    try {
      return this.hub.usage().cpuMs
    } catch {
      // It has ended, which its own check tells.
      return 0
    }
  }

  /** One window of the honest load, and what the hub did meanwhile. */
  private async look(seconds: number): Promise<Found> {
    const { hub, load } = this
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
    const startedMs = performance.now()
    const startedCpuMs = this.hubCpuMs()
    const waitedBefore = this.waited()
    const sample = await load.call('measure', { seconds })
    const tookMs = performance.now() - startedMs
    const hubShare = (this.hubCpuMs() - startedCpuMs) / tookMs
    const waitShares = this.waited().map((ms, at) => (ms - waitedBefore[at]!) / tookMs)
    const beganMs = performance.now()
    const memory = await within(hub.memory()).catch(() => null)
    const late = await load.call('measure', { seconds: lateSeconds })
    clearInterval(watch)
    if (memory === null) ruin ||= performance.now() - beganMs >= frozenMs ? 'the hub was frozen' : 'the hub ended'
    const answered = Histogram.merged([sample.latency, late.latency])
    // Nobody was answered at all.
    const p99Ms = answered.count === 0 ? Number.POSITIVE_INFINITY : answered.at(0.99)
    const never = Number.POSITIVE_INFINITY
    const { turnMs, stallMs, turnEndedMs } = memory ?? { turnMs: never, stallMs: never, turnEndedMs: 0 }
    const longTurn = { tookMs: turnMs, endedMs: turnEndedMs }
    const codes = { ...sample.codes }
    for (const [code, count] of Object.entries(late.codes)) codes[code] = (codes[code] ?? 0) + count
    const [done, failed] = [sample.done + late.done, sample.failed + late.failed]
    return { p99Ms, turnMs, stallMs, longTurn, hubShare, waitShares, rssMb, done, failed, codes, ruin }
  }

  /** What the main threads of hub, fleet and load have waited for a processor so far. */
  private waited(): number[] {
    const fleetMs = this.fleet.pids.map((pid) => waitedMs(pid))
    return [waitedMs(this.hub.pid), Math.max(...fleetMs), waitedMs(this.load.pid)]
  }
}

function within<T>(promise: Promise<T>): Promise<T | null> {
  return Promise.race([promise, sleep(frozenMs).then(() => null)])
}
