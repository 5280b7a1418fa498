/**
 * Readers that ask for long streams and read nothing, and scouts that stop reading: what they cost the hub in memory
 * and everybody else in time. Each stalled answer is far larger than any buffer on its way.
 */

import type { HubUnderTest } from '../../fleet/hub.ts'
import { chatBodies } from '../../fleet/population.ts'
import { sleep } from '../../load/calls.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { type Cell, type Result, round, type Say, type Scenario } from '../scenario.ts'
import { measure, onStage, timeAt } from '../stage.ts'

/** Together more than the system's own buffers below each connection, some 4 MB, can take. */
const tokens = 2_000
const tokenBytes = 8_192
const restMaxSeconds = 60
const fleetMax = 2_000
/** In a row: a single one may be the fleet's turn to compute. */
const calmSecondsMin = 3

export const slow: Scenario = {
  name: 'slow',
  about: 'Stalled readers and stalled scouts: memory, and the time of the others.',
  defaults: { inFlight: 1_000, rate: 500 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { inFlight, rate, seconds, population } = options
      const scouts = Math.min(fleetMax, options.scouts)
      const { hub } = await stage.network(scouts, { tokens, tokenBytes, tokensPerSecond: 0 })
      // Stops reading later on: a part of the fleet that only it is made of.
      const frozen = await stage.fleet(scouts / 10)
      await stage.staff(hub, frozen, scouts / 10, { tokens: 10 })
      const load = await stage.load()
      const stalled = await stage.load()
      await load.call('open', { target: hub.target(chatBodies(population)), perSecond: rate })
      await load.call('measure', { seconds: warmUpMs / 1_000 })
      const rows: Cell[][] = []
      const p99s: number[] = []
      const rss: number[] = []
      const window = async (name: string) => {
        const taken = await measure(load, hub, seconds)
        const p99 = timeAt([taken], 'latency', 0.99)
        p99s.push(p99)
        rss.push(taken.rssMb)
        rows.push([name, Math.round(taken.perSecond), round(timeAt([taken], 'latency', 0.5)), round(p99)])
        rows.at(-1)!.push(round(taken.rssMb), taken.failed)
        say(`${name}: p99 ${round(p99)} ms, hub ${round(taken.rssMb)} MB`)
      }
      const calm = hub.usage().cpuMs
      await window('nobody stalls')
      const calmShare = (hub.usage().cpuMs - calm) / (seconds * 1_000)
      const target = hub.target(chatBodies(population, { stream: true }))
      await stalled.call('stall', { target, count: inFlight })
      say(`${inFlight} readers stall`)
      await atRest(hub, calmShare, say)
      // What came late meanwhile is not caused by the stalled readers.
      await load.call('measure', { seconds: 3 })
      await window('readers stall')
      frozen.freeze()
      await window('readers and scouts stall')
      return {
        columns: ['while', 'others/s', 'others p50 ms', 'others p99 ms', 'hub MB', 'others failed'],
        rows,
        figures: { slowGrowth: rss[1]! - rss[0]!, slowP99: Math.max(0, (p99s[1]! / p99s[0]! - 1) * 100) },
        notes: [
          `${inFlight} readers stall before an answer of ${(tokens * tokenBytes) / 1e6} MB; ` +
            `${scouts / 10} of ${scouts} scouts are frozen.`,
        ],
      }
    }),
}

/** Waits until what stalled readers can be sent has been sent: the hub is as busy again as before. */
async function atRest(hub: HubUnderTest, calmShare: number, say: Say): Promise<void> {
  let calmSeconds = 0
  for (let second = 1; second <= restMaxSeconds; second++) {
    const before = hub.usage().cpuMs
    await sleep(1_000)
    const share = (hub.usage().cpuMs - before) / 1_000
    calmSeconds = share <= 1.3 * calmShare + 0.05 ? calmSeconds + 1 : 0
    if (calmSeconds === calmSecondsMin) return say(`their buffers are full after ${second} s`)
  }
  say(`the hub is still busy after ${restMaxSeconds} s`)
}
