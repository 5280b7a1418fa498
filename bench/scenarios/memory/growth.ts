/**
 * What minutes of steady load leave behind: chats at a constant rate, each with another prompt and prompts and answers
 * of many lengths. Every minute shows the hub's resident memory and heap, its longest collection pause and the longest
 * stall of its event loop; a hub that keeps nothing of settled tasks has a slope of zero over the second half.
 */
import { changingBodies } from '../../fleet/population.ts'
import { CollectionLog } from '../../load/collections.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { type Cell, type Result, round, type Scenario } from '../scenario.ts'
import { measure, onStage } from '../stage.ts'
import { chartOf, type MemorySample, secondHalf, slopeOf } from './memory-series.ts'

const promptCharsMax = 14_000
const answerBytes = 14_000
/** Shorter runs are divided into this many windows, longer ones into minutes. */
const windowsMin = 6
/** A shorter run says nothing about growth: kept settlements and caches are still filling. */
const minutesForFigures = 10

export const growth: Scenario = {
  name: 'growth',
  about: 'Memory and collection pauses of the hub over minutes of steady load.',
  defaults: { scouts: 1_000, rate: 500 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, rate, minutes } = options
      const collections = new CollectionLog()
      const hub = await stage.hub(collections)
      const fleet = await stage.fleet(scouts)
      await stage.staff(hub, fleet, scouts, { answerBytes })
      const load = await stage.load()
      const bodies = changingBodies(options.population, promptCharsMax)
      await load.call('open', { target: hub.target(bodies), perSecond: rate })
      await load.call('measure', { seconds: warmUpMs / 1_000 })
      const restingBefore = await hub.restingRssMb()
      // The forced collection is not counted.
      await load.call('measure', { seconds: 1 })
      await hub.memory()
      collections.take()

      const seconds = Math.min(60, (minutes * 60) / windowsMin)
      const windows = Math.max(1, Math.round((minutes * 60) / seconds))
      const rows: Cell[][] = []
      const samples: MemorySample[] = []
      const longest = { pauseMs: 0, stallMs: 0 }
      for (let window = 1; window <= windows; window++) {
        const { perSecond, cpuUs, rssMb, failed } = await measure(load, hub, seconds)
        const { heapMb, stallMs, turnMs } = await hub.memory()
        const { pauses, longestMs: pauseMs } = collections.take()
        const minute = round((window * seconds) / 60)
        samples.push({ minute, rssMb, heapMb })
        longest.pauseMs = Math.max(longest.pauseMs, pauseMs)
        longest.stallMs = Math.max(longest.stallMs, stallMs)
        const costs = [perSecond, cpuUs, rssMb, heapMb].map(round)
        rows.push([minute, ...costs, pauses, ...[pauseMs, stallMs, turnMs].map(round), failed])
        say(`minute ${minute}: ${round(rssMb)} MB resident, heap ${round(heapMb)} MB, pause ${round(pauseMs)} ms`)
      }
      await load.call('end', null)
      const restingAfter = await hub.restingRssMb()
      const half = secondHalf(samples)
      const rssSlope = slopeOf(half, ({ rssMb }) => rssMb)
      const heapSlope = slopeOf(half, ({ heapMb }) => heapMb)
      const figures = { memorySlope: rssSlope, collectionPause: longest.pauseMs }
      return {
        columns: [
          'minute',
          'tasks/s',
          'hub us/task',
          'RSS MB',
          'heap MB',
          'pauses',
          'longest ms',
          'stall ms',
          'turn ms',
          'failed',
        ],
        rows,
        figures: minutes >= minutesForFigures ? figures : {},
        notes: [
          `Over the second half, MB per minute: resident memory ${round(rssSlope)}, heap ${round(heapSlope)}.`,
          `Longest collection pause ${round(longest.pauseMs)} ms, longest loop stall ${round(longest.stallMs)} ms.`,
          `After a full collection: ${round(restingBefore)} MB resident before, ${round(restingAfter)} MB after.`,
          'A stall is by the clock; a turn is without the time in which the loop waited for a processor.',
          `${rate} requests/s, ${scouts} scouts, prompts up to ${promptCharsMax} characters, answers ${answerBytes}.`,
        ],
        chart: chartOf('Hub memory under steady load', samples),
      }
    }),
}
