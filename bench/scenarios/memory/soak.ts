/**
 * What hours of everything at once leave behind: whole and streamed chats, intents and scrolls, each with another
 * prompt, while scouts lose their sockets and come back. Every minute shows memory by kind, descriptors, tasks,
 * failures and the longest stall; the heap by type at both ends shows what stays. At the end load and fleet leave, so
 * that what the hub keeps without them is measured too.
 */
import { loadavg } from 'node:os'
import type { HubUnderTest } from '../../fleet/hub.ts'
import type { Heap } from '../../fleet/hub-process.ts'
import { changingBodies } from '../../fleet/population.ts'
import { sleep } from '../../load/calls.ts'
import { numberMark } from '../../load/http-connection.ts'
import { warmUpMs } from '../../load/warm-up.ts'
import { type Cell, type Result, round, type Scenario } from '../scenario.ts'
import { type Load, onStage } from '../stage.ts'
import { chartOf, type MemorySample, secondHalf, slopeOf } from './memory-series.ts'

const promptCharsMax = 4_000
const answerBytes = 2_000
const tokens = 50
const thinkMs = 20
/** Of the rate of whole chats. */
const intentShare = 0.1
/** Until then caches, records and compiled code are still filling. */
const settledMinutes = 15
/** A shorter run says nothing about hours. */
const minutesForFigures = 2 * settledMinutes
/** Longer than the hub holds a model open whose scouts have left. */
const restMs = 70_000
const typesShown = 12
/** The load takes its window in parts, so that a minute never waits for one lost connection. */
const loads = ['whole chats', 'streams', 'intents'] as const

const columns = [
  'minute',
  'RSS MB',
  'own MB',
  'heap MB',
  'capacity MB',
  'extra MB',
  'native MB',
  'committed MB',
  'descriptors',
  'tasks open',
  'chats',
  'streams',
  'intents',
  'stall ms',
  'failures',
]

export const soak: Scenario = {
  name: 'soak',
  about: 'Memory of the hub over a long run of chats, streams, intents and scrolls with scouts that come and go.',
  defaults: { scouts: 200, rate: 40, minutes: 35, inFlight: 20 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, rate, minutes, inFlight, churn } = options
      const hub = await stage.hub()
      const fleet = await stage.fleet(scouts)
      await stage.staff(hub, fleet, scouts, { thinkMs, answerBytes, tokens })
      const running = await Promise.all(loads.map(() => stage.load()))
      const [whole, streams, intents] = running as [Load, Load, Load]
      const models = options.population
      const chats = changingBodies(models, promptCharsMax)
      await whole.call('open', { target: hub.target(chats), perSecond: rate })
      const streamed = chats.map((body) => JSON.stringify({ ...JSON.parse(body), stream: true }))
      await streams.call('streams', { target: hub.target(streamed), count: inFlight, spreadMs: 1_000 })
      const durable = hub.target(intentBodies(models.models), '/v1/intents')
      await intents.call('open', { target: durable, perSecond: rate * intentShare })
      await fleet.flap(scouts * churn)
      await sleep(warmUpMs)
      const before = await hub.heap()
      await hub.memory()

      const rows: Cell[][] = []
      const samples: MemorySample[] = []
      let longestMs = 0
      for (let minute = 1; minute <= minutes; minute++) {
        const windows = await Promise.all(running.map((load) => load.call('measure', { seconds: 60 })))
        const { rssMb, heapMb, stallMs, anonymousMb, capacityMb, extraMb, nativeMb, committedMb } = await memoryOf(hub)
        const codes = windows.flatMap(({ codes }) => Object.entries(codes)).map(([code, count]) => `${count} ${code}`)
        const { whole: unbroken = 0, ...broken } = windows[1]!.verdicts
        for (const [verdict, count] of Object.entries(broken)) codes.push(`${count} streams ${verdict}`)
        const { tasksQueued, tasksLeased } = await hub.stats()
        samples.push({ minute, rssMb, heapMb, nativeMb, capacityMb })
        longestMs = Math.max(longestMs, stallMs)
        const done = [windows[0]!.done, unbroken, windows[2]!.done]
        const now = [hub.descriptors(), tasksQueued + tasksLeased]
        const kinds = [rssMb, anonymousMb, heapMb, capacityMb, extraMb, nativeMb, committedMb].map(round)
        rows.push([minute, ...kinds, ...now, ...done, round(stallMs), codes.join(', ')])
        say(`minute ${minute}: ${kinds.join(' / ')} MB, load ${round(loadavg()[0]!)}, ${codes.join(', ')}`)
      }
      const after = await hub.heap()
      await fleet.flap(0)
      for (const load of running) await load.call('end', null)
      await fleet.close()
      say(`everybody leaves; ${restMs / 1_000} s of rest`)
      await sleep(restMs)
      const alone = await hub.heap()
      const settled = settledPart(samples, minutes)
      const perHour = (of: (sample: MemorySample) => number) => 60 * slopeOf(settled, of)
      const rssSlope = perHour(({ rssMb }) => rssMb)
      const heapSlope = perHour(({ heapMb }) => heapMb)
      const nativeSlope = perHour(({ nativeMb = 0 }) => nativeMb)
      const besideSlope = perHour(({ rssMb, capacityMb = 0 }) => rssMb - capacityMb)
      return {
        columns,
        rows,
        figures: minutes >= minutesForFigures ? { soakSlope: rssSlope } : {},
        notes: [
          `From minute ${settled[0]?.minute} on, MB per hour: resident memory ${round(rssSlope)}, without what the ` +
            `collector has reserved ${round(besideSlope)}, heap ${round(heapSlope)}, native beside it ` +
            `${round(nativeSlope)}. Longest stall of the loop ${round(longestMs)} ms.`,
          `After a full collection, heap: ${round(before.heapMb)} MB at the start, ${round(after.heapMb)} MB at the ` +
            `end, ${round(alone.heapMb)} MB when all had left (${round(hub.usage().rssMb)} MB resident).`,
          `Native then: ${[before, after, alone].map(({ nativeMb }) => round(nativeMb)).join(', ')} MB; the ` +
            `allocator keeps ${[before, after, alone].map(({ committedMb }) => round(committedMb)).join(', ')} MB.`,
          ...typeNotes(before, after, alone),
          `${scouts} scouts, ${round(scouts * churn)} of them flap each second; ${rate} whole chats/s, ` +
            `${inFlight} streams at a time, ${round(rate * intentShare)} intents/s, half of them scrolls.`,
        ],
        chart: chartOf('Hub memory while scouts come and go', samples),
      }
    }),
}

/** What the hub holds, and its longest stall since the last look. */
async function memoryOf(hub: HubUnderTest) {
  const { heapMb, stallMs } = await hub.memory()
  const { rssMb } = hub.usage()
  const kinds = await hub.kinds()
  // The look itself takes a while.
  await hub.memory()
  return { rssMb, heapMb, stallMs, ...kinds }
}

function settledPart(samples: readonly MemorySample[], minutes: number): MemorySample[] {
  if (minutes < minutesForFigures) return secondHalf(samples)
  return samples.filter(({ minute }) => minute > settledMinutes)
}

/** Single tasks and scrolls in turns, each with another prompt. */
function intentBodies(models: number): string[] {
  return Array.from({ length: models }, (_, at) => {
    const model = `bench-${at}`
    const prompt = `${numberMark} Tell me why the sky is blue.`
    if (at % 2 === 0) return JSON.stringify({ model, messages: [{ role: 'user', content: prompt }] })
    const node = (id: string, text: string) => ({ id, model, prompt: text })
    const nodes = [node('one', prompt), node('two', 'And the sea?'), node('sum', 'Sum up: {{nodes.one}} {{nodes.two}}')]
    return JSON.stringify({ scroll: { nodes } })
  })
}

/** The types of which most more objects are there than at the start, the most first. */
function typeNotes(before: Heap, after: Heap, alone: Heap): string[] {
  const grown = Object.entries(after.types)
    .map(([type, count]) => ({ type, count, was: before.types[type] ?? 0, rest: alone.types[type] ?? 0 }))
    .sort((a, b) => b.count - b.was - (a.count - a.was))
  return grown.slice(0, typesShown).map(({ type, was, count, rest }) => {
    return `Objects of type ${type}: ${was} at the start, ${count} at the end, ${rest} when all had left.`
  })
}
