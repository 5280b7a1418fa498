/**
 * A fleet that flaps: every second a share of the scouts loses its socket in the middle of whatever it does and dials
 * again. What does that cost the requests of the others, and does any request fail?
 */
import { chatBodies } from '../../fleet/population.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { type Cell, type Result, round, type Scenario } from '../scenario.ts'
import { measure, onStage, timeAt } from '../stage.ts'

const thinkMs = 20

export const churn: Scenario = {
  name: 'churn',
  about: 'Requests while a share of the fleet loses its socket each second.',
  defaults: { rate: 500 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, rate, seconds, churn: share } = options
      const { hub, fleet } = await stage.network(scouts, { thinkMs })
      const load = await stage.load()
      await load.call('open', { target: hub.target(chatBodies(options.population)), perSecond: rate })
      await load.call('measure', { seconds: warmUpMs / 1_000 })
      const rows: Cell[][] = []
      const window = async (name: string) => {
        const taken = await measure(load, hub, 2 * seconds)
        const times = [0.5, 0.99, 0.999].map((part) => round(timeAt([taken], 'added', part)))
        rows.push([name, Math.round(taken.perSecond), ...times, round(taken.cpuUs), taken.failed])
        say(`${name}: added p99 ${times[1]} ms, ${taken.failed} failed`)
      }
      await window('calm')
      await fleet.flap(scouts * share)
      await window('flapping')
      await fleet.flap(0)
      const connected = await fleet.connected()
      return {
        columns: ['fleet', 'tasks/s', 'added p50 ms', 'p99 ms', 'p99.9 ms', 'hub us/task', 'failed'],
        rows,
        figures: {},
        notes: [`${share * 100} % of ${scouts} scouts per second; ${connected} were connected at the end.`],
      }
    }),
}
