/**
 * Durable intents: how many are accepted per second when each 202 waits until the intent is on the disk, how long that
 * takes, and how fast a small fleet works them off meanwhile.
 */
import { chatBodies } from '../../fleet/population.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { median, type Result, round, type Scenario } from '../scenario.ts'
import { measure, onStage, timeAt, type Window } from '../stage.ts'

const clients = 64
const fleetMax = 1_000
const tokens = 16

export const durable: Scenario = {
  name: 'durable',
  about: 'Durable intents accepted per second, each on disk first.',
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { rounds, seconds, population } = options
      // The hub asks for durable answers as streams, to keep what has come of them.
      const { hub } = await stage.network(Math.min(fleetMax, options.scouts), { tokens, tokensPerSecond: 0 })
      const load = await stage.load()
      const bodies = chatBodies(population).map((body) => {
        const { model, messages } = JSON.parse(body)
        return JSON.stringify({ model, messages })
      })
      await load.call('closed', { target: hub.target(bodies, '/v1/intents'), inFlight: clients })
      await load.call('measure', { seconds: warmUpMs / 1_000 })
      const windows: Window[] = []
      const ends: number[] = []
      for (let turn = 1; turn <= rounds; turn++) {
        // What was handed out and is not out any more.
        const finished = async () => {
          const { attempts, tasksLeased } = await hub.stats()
          return attempts - tasksLeased
        }
        const before = await finished()
        const window = await measure(load, hub, seconds)
        windows.push(window)
        ends.push(((await finished()) - before) / window.seconds)
        const [accepted, ended] = [window.perSecond, ends.at(-1)!].map(Math.round)
        say(`round ${turn}/${rounds}: ${accepted} accepted/s, ${ended} finished/s, ${window.failed} refused`)
      }
      await load.call('end', null)
      const of = (key: 'perSecond' | 'cpuUs' | 'failed') => round(median(windows.map((window) => window[key])))
      const [p50, p99] = [0.5, 0.99].map((share) => round(timeAt(windows, 'latency', share)))
      return {
        columns: ['accepted/s', 'finished/s', 'hub us/intent', 'accept p50 ms', 'accept p99 ms', 'refused'],
        rows: [[of('perSecond'), round(median(ends)), of('cpuUs'), p50!, p99!, of('failed')]],
        figures: { durableRate: of('perSecond'), durableP99: p99! },
        notes: [`${clients} clients, one task per intent; the hub also hands the tasks out and books them.`],
      }
    }),
}
