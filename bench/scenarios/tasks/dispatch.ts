/**
 * How many tasks go through `POST /v1/chat/completions`, not streamed: closed loop with a fixed number in flight and
 * open loop at a fixed rate, against a bare HTTP echo of the same server, which takes its turns in the same run.
 */

import { chatBodies } from '../../fleet/population.ts'
import type { Target } from '../../load/http-connection.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { barsBesideRaw, type Cell, median, type Result, round, type Say, type Scenario } from '../scenario.ts'
import { type Load, measure, onStage, timeAt, type Window } from '../stage.ts'

type Server = Parameters<typeof measure>[1]

const warmSeconds = 1
const warmTasks = 40_000
const warmSecondsMax = 15

/** Loads the server for a second, measures one window, and ends the load. */
export async function closedRound(
  load: Load,
  server: Server,
  target: Target,
  { inFlight, seconds }: { inFlight: number; seconds: number },
): Promise<Window> {
  await load.call('closed', { target, inFlight })
  await load.call('measure', { seconds: warmSeconds })
  const window = await measure(load, server, seconds)
  await load.call('end', null)
  return window
}

/** Until the runtime has compiled the hub's code: its first tasks cost several times what later ones cost. */
export async function warm(load: Load, hub: Server, target: Target, inFlight: number, say: Say): Promise<void> {
  await load.call('closed', { target, inFlight })
  let done = 0
  let cost = 0
  for (let second = 1; second <= warmSecondsMax && (done < warmTasks || second * 1_000 <= warmUpMs); second++) {
    const window = await measure(load, hub, 1)
    done += window.done
    cost = window.cpuUs
  }
  say(`warm after ${done} tasks: ${round(cost)} us each`)
  await load.call('end', null)
}

function row(name: string, loop: string, windows: Window[]): Cell[] {
  const of = (key: 'perSecond' | 'cpuUs' | 'rssMb' | 'failed') => round(median(windows.map((window) => window[key])))
  const times = [0.5, 0.99].map((share) => round(timeAt(windows, 'latency', share)))
  return [name, loop, of('perSecond'), of('cpuUs'), ...times, of('rssMb'), of('failed')]
}

export const dispatch: Scenario = {
  name: 'dispatch',
  about: 'Tasks per second and their cost, against a bare HTTP echo.',
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, inFlight, rounds, rate, seconds } = options
      const { hub, fleet } = await stage.network(scouts)
      const load = await stage.load()
      const raw = await stage.raw()
      const bodies = chatBodies(options.population)
      const rawTarget = { port: await raw.call('port', null), path: '/echo', key: 'none', bodies }
      const target = hub.target(bodies)
      await warm(load, hub, target, inFlight, say)
      const raws: Window[] = []
      const hubs: Window[] = []
      const fleetUs: number[] = []
      for (let turn = 1; turn <= rounds; turn++) {
        raws.push(await closedRound(load, raw, rawTarget, options))
        const before = fleet.cpuMs()
        hubs.push(await closedRound(load, hub, target, options))
        const { perSecond } = hubs.at(-1)!
        fleetUs.push(((fleet.cpuMs() - before) * 1_000) / (perSecond * (seconds + warmSeconds)))
        const [rawRate, hubRate] = [raws, hubs].map((windows) => Math.round(windows.at(-1)!.perSecond))
        say(`round ${turn}/${rounds}: raw ${rawRate}/s, hub ${hubRate}/s, ${round(hubs.at(-1)!.cpuUs)} us each`)
      }
      await load.call('open', { target, perSecond: rate })
      await load.call('measure', { seconds: warmSeconds })
      const open = await measure(load, hub, seconds)
      const rows = [
        row('raw HTTP echo', `${inFlight} in flight`, raws),
        row('hub', `${inFlight} in flight`, hubs),
        row('hub', `${rate}/s`, [open]),
      ]
      const figures = {
        dispatchRatio: median(hubs.map(({ perSecond }, turn) => perSecond / raws[turn]!.perSecond)),
        hubCpu: median(hubs.map(({ cpuUs }) => cpuUs)),
      }
      return {
        columns: ['server', 'load', 'tasks/s', 'server us/task', 'p50 ms', 'p99 ms', 'server MB', 'failed'],
        rows,
        figures,
        notes: [
          'The raw echo shares the machine with the load generator alone, the hub also with the whole fleet,',
          `which costs about ${round(median(fleetUs))} us per task.`,
        ],
        chart: {
          mark: 'bar',
          title: 'Tasks per second',
          what: `${inFlight} in flight, ${scouts} scouts; more is better`,
          groups: [{ heading: '', bars: barsBesideRaw(rows.slice(0, 2), 2) }],
        },
      }
    }),
}
