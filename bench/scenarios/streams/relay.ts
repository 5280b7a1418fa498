/**
 * How fast chunks pass from a scout's socket to a reader's event stream when nothing slows them down, against a relay
 * of the same server that only moves messages. Every token leaves in a turn of its own, as it would from a model, so
 * both sides relay one small message per token.
 */
import { chatBodies } from '../../fleet/population.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { barsBesideRaw, median, type Result, round, type Scenario } from '../scenario.ts'
import { measure, onStage, type Window } from '../stage.ts'

const tokens = 500
const streams = 64
const workers = 64
/** Between two turns of the same server, which is warm by then. */
const settleSeconds = 1

export const relay: Scenario = {
  name: 'relay',
  about: 'Chunks per second through the hub, against a relay without logic.',
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { rounds, seconds } = options
      const { hub } = await stage.network(workers, { tokens, tokensPerSecond: 0 })
      const raw = await stage.raw()
      const port = await raw.call('port', null)
      const worker = await stage.rawWorker()
      await worker.call('work', { port, count: workers, tokens })
      const load = await stage.load()
      const bodies = chatBodies(options.population, { stream: true })
      const rawTarget = { port, path: '/stream', key: 'none', bodies }
      const turnOf = async (server: Parameters<typeof measure>[1], target: typeof rawTarget, warm = settleSeconds) => {
        await load.call('streams', { target, count: streams, spreadMs: 0 })
        await load.call('measure', { seconds: warm })
        const window = await measure(load, server, seconds, 'chunks')
        await load.call('end', null)
        return window
      }
      await turnOf(raw, rawTarget, warmUpMs / 1_000)
      await turnOf(hub, hub.target(bodies), warmUpMs / 1_000)
      const raws: Window[] = []
      const hubs: Window[] = []
      for (let turn = 1; turn <= rounds; turn++) {
        raws.push(await turnOf(raw, rawTarget))
        hubs.push(await turnOf(hub, hub.target(bodies)))
        const [rawRate, hubRate] = [raws, hubs].map((windows) => Math.round(windows.at(-1)!.perSecond))
        say(`round ${turn}/${rounds}: raw ${rawRate} chunks/s, hub ${hubRate} chunks/s`)
      }
      const row = (name: string, windows: Window[]) => {
        const of = (key: 'perSecond' | 'cpuUs') => round(median(windows.map((window) => window[key])))
        const broken = windows.reduce((sum, { done, verdicts }) => sum + done - (verdicts.whole ?? 0), 0)
        return [name, of('perSecond'), of('cpuUs'), broken]
      }
      const rows = [row('raw relay', raws), row('hub', hubs)]
      return {
        columns: ['server', 'chunks/s', 'server us/chunk', 'streams not whole'],
        rows,
        figures: { relayRatio: median(hubs.map(({ perSecond }, turn) => perSecond / raws[turn]!.perSecond)) },
        notes: [`${streams} streams of ${tokens} tokens at full speed, one after the other on each connection.`],
        chart: {
          mark: 'bar',
          title: 'Chunks relayed per second',
          what: `${streams} streams at full speed; more is better`,
          groups: [{ heading: '', bars: barsBesideRaw(rows, 1) }],
        },
      }
    }),
}
