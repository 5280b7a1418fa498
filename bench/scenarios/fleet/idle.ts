/**
 * What an idle fleet costs: the hub's memory above that of a hub nobody has dialed, and its processor time for the
 * heartbeats. Memory is read after a collection, so that garbage of the connecting is not counted.
 */
import { heartbeatMs } from '../../../shared/limits/wire.ts'
import { sleep } from '../../load/calls.ts'
import { type Result, round, type Scenario } from '../scenario.ts'
import { onStage } from '../stage.ts'

const settleMs = 3_000
const watchMs = 12_000

export const idle: Scenario = {
  name: 'idle',
  about: 'Memory and processor time for a fleet that only waits.',
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, population } = options
      const hub = await stage.hub()
      const fleet = await stage.fleet(scouts)
      await sleep(settleMs)
      const empty = await hub.restingRssMb()
      await stage.staff(hub, fleet, scouts)
      await sleep(settleMs)
      const full = await hub.restingRssMb()
      const before = hub.usage().cpuMs
      say('watching the heartbeats')
      await sleep(watchMs)
      const share = (hub.usage().cpuMs - before) / watchMs
      const expansion = full - empty
      return {
        columns: ['scouts', 'empty hub MB', 'with them MB', 'growth MB', 'KB per scout', 'processor %'],
        rows: [[scouts, ...[empty, full, expansion, (expansion * 1_024) / scouts, share * 100].map(round)]],
        figures: { idleRss: (expansion * 10_000) / scouts },
        notes: [
          `Every scout offers ${population.offers} of ${population.models} models and answers a heartbeat every ` +
            `${heartbeatMs / 1_000} s.`,
        ],
      }
    }),
}
