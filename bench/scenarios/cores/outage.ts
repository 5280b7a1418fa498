/**
 * One process of a hub is killed under a load that does not wait: what was lost, and for how long nobody was answered.
 */
import type { Fleet } from '../../fleet/fleet.ts'
import type { HubOfProcesses } from '../../fleet/hub-of-processes.ts'
import { chatBodies } from '../../fleet/population.ts'
import { type Options, round, type Say } from '../scenario.ts'
import type { Load } from '../stage.ts'

const perSecond = 300
const warmMs = 2_000
const watchMs = 8_000
const probes = 16
const backWithinSeconds = 90

interface Scene {
  hub: HubOfProcesses
  fleet: Fleet
  load: Load
  options: Options
  part: 'edge' | 'brain'
  say: Say
}

export interface Outage {
  sentence: string
  /** Scouts that lost their socket. */
  dropped: number
  gapSeconds: number
}

export async function outage(scene: Scene): Promise<Outage> {
  const { hub, fleet, load, options, part, say } = scene
  const target = hub.target(chatBodies(options.population))
  const before = await fleet.dropped()
  await load.call('open', { target, perSecond })
  await Bun.sleep(warmMs)
  const watch = new Watch(`http://127.0.0.1:${target.port}${target.path}`, target.key, target.bodies[0]!)
  const window = load.call('measure', { seconds: watchMs / 1_000 })
  await Bun.sleep(watchMs / 8)
  const killedMs = performance.now()
  await hub.kill(part)
  const { failed, done, codes } = await window
  const gapMs = await watch.end(killedMs)
  await load.call('end', null)
  const back = await fleet.returned(1, backWithinSeconds, () => {})
  const dropped = (await fleet.dropped()) - before
  const gapSeconds = gapMs / 1_000
  const who = part === 'edge' ? 'one of the edges' : 'the brain'
  const how = failed > 0 ? ` (${JSON.stringify(codes)})` : ''
  const seconds = watchMs / 1_000
  const again = dropped > 0 ? `, the last came back ${round(back)} s after that` : ''
  const sentence =
    `Killed under ${perSecond} requests/s, ${who}: of ${done + failed} requests ${failed} failed${how} within ` +
    `${seconds} s, nobody was answered for ${round(gapSeconds)} s, ${dropped} of ${fleet.size} scouts lost their ` +
    `socket${again}.`
  say(sentence)
  return { sentence, dropped, gapSeconds }
}

/** Asks all the time, over connections of their own, and notes when an answer came. */
class Watch {
  private readonly answeredMs: number[] = []
  private isOver = false
  private readonly loops: Promise<void>[]

  constructor(url: string, key: string, body: string) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', connection: 'close' }
    this.loops = Array.from({ length: probes }, async () => {
      while (!this.isOver) {
        const response = await fetch(url, { method: 'POST', headers, body }).catch(() => null)
        if (response?.status === 200) this.answeredMs.push(performance.now())
        await response?.text().catch(() => '')
        await Bun.sleep(5)
      }
    })
  }

  /** The longest time without an answer since then. */
  async end(sinceMs: number): Promise<number> {
    this.isOver = true
    await Promise.all(this.loops)
    const times = [sinceMs, ...this.answeredMs.filter((ms) => ms > sinceMs), performance.now()].sort((a, b) => a - b)
    return Math.max(...times.slice(1).map((ms, at) => ms - times[at]!))
  }
}
