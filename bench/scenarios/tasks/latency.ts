/**
 * How long a request takes beyond what its provider took, at a fixed rate that does not wait for answers. Times count
 * from the moment a request was due, so a hub that stalls is charged for everybody who came meanwhile. The added time
 * holds both edges, the scout's own code and the sockets between.
 */
import { chatBodies } from '../../fleet/population.ts'
import { type Bar, median, type Result, round, type Scenario } from '../scenario.ts'
import { measure, onStage, timeAt, type Window } from '../stage.ts'
import { warm } from './dispatch.ts'

const thinkMs = 20
const warmSeconds = 3
const shares = [0.5, 0.99, 0.999]

export const latency: Scenario = {
  name: 'latency',
  about: 'Time the hub adds to a request at a fixed rate.',
  defaults: { rate: 1_000 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, rate, rounds, seconds } = options
      const { hub } = await stage.network(scouts, { thinkMs })
      const load = await stage.load()
      const target = hub.target(chatBodies(options.population))
      await warm(load, hub, target, options.inFlight, say)
      await load.call('open', { target, perSecond: rate })
      await load.call('measure', { seconds: warmSeconds })
      const windows: Window[] = []
      for (let turn = 1; turn <= rounds; turn++) {
        const window = await measure(load, hub, seconds)
        windows.push(window)
        const [p50, p99] = shares.map((share) => round(timeAt([window], 'added', share)))
        say(`round ${turn}/${rounds}: ${Math.round(window.perSecond)}/s, added p50 ${p50} ms, p99 ${p99} ms`)
      }
      const rows = (['latency', 'added', 'late'] as const).map((which) => {
        const name = { latency: 'whole request', added: 'added by the hub', late: 'generator late' }[which]
        return [name, ...shares.map((share) => round(median(windows.map((window) => timeAt([window], which, share)))))]
      })
      const added = rows[1]!
      const bars = shares.map((share, i): Bar => {
        return { name: `p${share * 100}`, value: Number(added[i + 1]), kind: 'ours' }
      })
      return {
        columns: ['time', 'p50 ms', 'p99 ms', 'p99.9 ms'],
        rows,
        figures: { addedP50: Number(added[1]), addedP99: Number(added[2]) },
        notes: [
          `${rate} requests/s, ${scouts} scouts connected, providers take ${thinkMs} ms.`,
          `Failed: ${windows.reduce((sum, { failed }) => sum + failed, 0)}.`,
          'A request counts from when it was due; one that left within a timer tick (1.5 ms) of it, from when it left.',
        ],
        chart: {
          mark: 'bar',
          title: 'Time added by the hub',
          what: `milliseconds, at ${rate} requests/s; less is better`,
          groups: [{ heading: '', bars }],
        },
      }
    }),
}
