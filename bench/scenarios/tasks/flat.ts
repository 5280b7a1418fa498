/**
 * Does a task cost more when the fleet is large? Two hubs in one run: one stays at 100 scouts, the other's fleet grows;
 * at every size both take turns under the same load, and the ratio of their processor time per task is what counts.
 */

import type { HubUnderTest } from '../../fleet/hub.ts'
import { chatBodies } from '../../fleet/population.ts'
import { type Cell, median, type Result, round, type Scenario } from '../scenario.ts'
import { type Load, measure, onStage } from '../stage.ts'
import { warm } from './dispatch.ts'

const smallest = 100
const sizes = [1_000, 10_000, 16_000]

export const flat: Scenario = {
  name: 'flat',
  about: 'Cost per task as the fleet grows.',
  // So few in flight that each is alone on its scout's socket, in the small fleet too.
  defaults: { scouts: 16_000, inFlight: 64 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { inFlight, rounds, seconds, scouts, population } = options
      const { hub: small } = await stage.network(smallest)
      const large = await stage.hub()
      const fleet = await stage.fleet(scouts)
      const load = await stage.load()
      const costOf = (hub: HubUnderTest) => cpuUsPerTask(load, hub, chatBodies(population), { inFlight, seconds })
      await warm(load, small, small.target(chatBodies(population)), inFlight, say)
      const rows: Cell[][] = []
      const ratios: number[] = []
      for (const size of sizes.filter((one) => one < scouts).concat(scouts)) {
        await stage.staff(large, fleet, size - fleet.size)
        await warm(load, large, large.target(chatBodies(population)), inFlight, say)
        const pairs: [number, number][] = []
        for (let turn = 1; turn <= rounds; turn++) pairs.push([await costOf(small), await costOf(large)])
        const ratio = median(pairs.map(([few, many]) => many / few))
        ratios.push(ratio)
        const [few, many] = [0, 1].map((side) => round(median(pairs.map((pair) => pair[side]!))))
        rows.push([size, many!, few!, round(ratio)])
        say(`${size} scouts: ${many} us per task, ${few} us at ${smallest}: ${round(ratio)} x`)
      }
      // Against the small fleet in the same minutes: what the machine does meanwhile is in both.
      const atSize = rows.map(([size, , , ratio]) => ({ x: Number(size), y: Number(ratio), series: 'hub' }))
      const points = [{ x: smallest, y: 1, series: 'hub' }, ...atSize]
      const y = `cost / cost at ${smallest}`
      return {
        columns: ['scouts', 'hub us/task', `at ${smallest} scouts`, 'ratio'],
        rows,
        figures: { flatRatio: ratios.at(-1)! },
        notes: [`${inFlight} in flight; heartbeats of the fleet are in the cost.`],
        chart: { title: 'Cost of a task by size of the fleet', mark: 'line', x: 'scouts', y, points },
      }
    }),
}

async function cpuUsPerTask(
  load: Load,
  hub: HubUnderTest,
  bodies: string[],
  { inFlight, seconds }: { inFlight: number; seconds: number },
): Promise<number> {
  await load.call('closed', { target: hub.target(bodies), inFlight })
  await load.call('measure', { seconds: 1 })
  const { cpuUs } = await measure(load, hub, seconds)
  await load.call('end', null)
  return cpuUs
}
