/**
 * Many answers streaming at once at the speed of a model: tokens per second through the hub, how much later the first
 * token comes than the provider had it, how much the hub stretches the time between tokens, and whether every stream
 * arrives whole, in order and unaltered.
 */
import { chatBodies } from '../../fleet/population.ts'
import type { Verdict } from '../../load/sse-check.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { type Result, round, type Scenario } from '../scenario.ts'
import { measure, onStage, timeAt, type Window } from '../stage.ts'

const tokensPerSecond = 50
const spreadMs = 3_000
/** Shorter than a window, so that streams end, and are judged, in every one. */
const streamSeconds = 4

export const stream: Scenario = {
  name: 'stream',
  about: 'Concurrent event streams at the speed of a model.',
  defaults: { inFlight: 1_000, seconds: 6 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, inFlight, rounds, seconds } = options
      const { hub } = await stage.network(scouts, { tokensPerSecond, tokens: streamSeconds * tokensPerSecond })
      const load = await stage.load()
      const target = hub.target(chatBodies(options.population, { stream: true }))
      await load.call('streams', { target, count: inFlight, spreadMs })
      await load.call('measure', { seconds: warmUpMs / 1_000 })
      const windows: Window[] = []
      for (let turn = 1; turn <= rounds; turn++) {
        const window = await measure(load, hub, seconds, 'chunks')
        windows.push(window)
        const p99 = round(timeAt([window], 'gapAdded', 0.99))
        say(`round ${turn}/${rounds}: ${Math.round(window.perSecond)} tokens/s, added between tokens p99 ${p99} ms`)
      }
      const verdicts: Partial<Record<Verdict, number>> = {}
      for (const window of windows) {
        for (const [verdict, count] of Object.entries(window.verdicts)) {
          verdicts[verdict as Verdict] = (verdicts[verdict as Verdict] ?? 0) + count
        }
      }
      const { whole = 0, ...broken } = verdicts
      const brokenCount = Object.values(broken).reduce((sum, count) => sum + count, 0)
      const times = (which: 'firstAdded' | 'gapAdded') =>
        [0.5, 0.99, 0.999].map((share) => round(timeAt(windows, which, share)))
      const tokens = windows.reduce((sum, window) => sum + window.perSecond, 0) / windows.length
      const cpuUs = windows.reduce((sum, window) => sum + window.cpuUs, 0) / windows.length
      return {
        columns: ['time added', 'p50 ms', 'p99 ms', 'p99.9 ms'],
        rows: [
          ['to the first token', ...times('firstAdded')],
          ['between tokens', ...times('gapAdded')],
        ],
        figures: { gapP99: times('gapAdded')[1]!, streamsBroken: brokenCount },
        notes: [
          `${inFlight} streams at ${tokensPerSecond} tokens/s over ${scouts} scouts: ${Math.round(tokens)} tokens/s, ` +
            `${round(cpuUs)} us of the hub per token.`,
          `${whole} streams ended whole, in order and with the right hash; ${brokenCount} did not ` +
            `(${JSON.stringify(broken)}).`,
        ],
      }
    }),
}
