/**
 * The same work on a hub of one process and on hubs of a brain and edges, which take turns in one run: processor time
 * of each kind of process per task and per streamed chunk, time added at a fixed rate, memory; and what is lost when an
 * edge or the brain is killed. What more cores would carry is derived from these figures in the notes.
 */
import { availableParallelism } from 'node:os'
import type { Fleet } from '../../fleet/fleet.ts'
import { HubOfProcesses } from '../../fleet/hub-of-processes.ts'
import { chatBodies } from '../../fleet/population.ts'
import { median, type Result, round, type Scenario } from '../scenario.ts'
import { type Load, measure, onStage, type Stage, timeAt, type Window } from '../stage.ts'
import { warm } from '../tasks/dispatch.ts'
import { type Outage, outage } from './outage.ts'

const edgeCounts = [0, 1, 2, 4, 8, 16]
const tokens = 500
const streams = 64
const warmSeconds = 1

type Hub = Awaited<ReturnType<Stage['hub']>> | HubOfProcesses

interface Contender {
  edges: number
  hub: Hub
  fleet: Fleet
  tasks: Part[]
  chunks: Part[]
  open: Window[]
}

/** One window, with what the brain alone cost of each unit. */
interface Part extends Window {
  brainUs: number
}

async function partOf({ hub }: Contender, load: Load, seconds: number, unit: 'done' | 'chunks'): Promise<Part> {
  const before = hub instanceof HubOfProcesses ? hub.costs().brain.cpuMs : 0
  const window = await measure(load, hub, seconds, unit)
  const after = hub instanceof HubOfProcesses ? hub.costs().brain.cpuMs : 0
  return { ...window, brainUs: ((after - before) * 1_000) / Math.max(1, window[unit]) }
}

export const cores: Scenario = {
  name: 'cores',
  about: 'A hub of one process, and of a brain with edges: what each process costs, and what is lost with one.',
  defaults: { scouts: 1_000, edges: 2, seconds: 4, rounds: 3 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const { scouts, rounds, seconds, inFlight, rate } = options
      const contenders: Contender[] = []
      for (const edges of edgeCounts.filter((count) => count <= Math.max(2, options.edges))) {
        const hub = edges === 0 ? await stage.hub() : await stage.hubOfProcesses(edges)
        const fleet = await stage.fleet(scouts)
        await stage.staff(hub, fleet, scouts, { tokens, tokensPerSecond: 0 })
        contenders.push({ edges, hub, fleet, tasks: [], chunks: [], open: [] })
      }
      const load = await stage.load()
      const chats = chatBodies(options.population)
      const streamed = chatBodies(options.population, { stream: true })
      for (const { hub } of contenders) await warm(load, hub, hub.target(chats), inFlight, say)
      for (let turn = 1; turn <= rounds; turn++) {
        for (const one of contenders) {
          await load.call('closed', { target: one.hub.target(chats), inFlight })
          await load.call('measure', { seconds: warmSeconds })
          one.tasks.push(await partOf(one, load, seconds, 'done'))
          await load.call('end', null)
          await load.call('streams', { target: one.hub.target(streamed), count: streams, spreadMs: 0 })
          await load.call('measure', { seconds: warmSeconds })
          one.chunks.push(await partOf(one, load, seconds, 'chunks'))
          await load.call('end', null)
          await load.call('open', { target: one.hub.target(chats), perSecond: rate })
          await load.call('measure', { seconds: warmSeconds })
          one.open.push(await measure(load, one.hub, seconds))
          await load.call('end', null)
          const [task, chunk] = [one.tasks, one.chunks].map((parts) => round(parts.at(-1)!.cpuUs))
          say(`round ${turn}/${rounds}, ${nameOf(one)}: ${task} us per task, ${chunk} us per chunk`)
        }
      }
      const last = contenders.at(-1)!
      const lost = []
      for (const part of ['edge', 'brain'] as const) {
        lost.push(await outage({ hub: last.hub as HubOfProcesses, fleet: last.fleet, load, options, part, say }))
      }
      return {
        columns: [
          ...['hub', 'tasks/s', 'us/task', 'brain us/task', 'us/chunk', 'brain us/chunk'],
          ...[`p50 ms at ${rate}/s`, 'p99 ms', 'MB per edge', 'MB of the rest'],
        ],
        rows: contenders.map(rowOf),
        figures: figuresOf(contenders, lost[1]!),
        notes: [
          `${scouts} scouts at each hub, ${inFlight} requests in flight, ${streams} streams of ${tokens} tokens at ` +
            `full speed, providers answer at once; ${availableParallelism()} cores for hubs, fleets and load together.`,
          ...lost.map(({ sentence }) => sentence),
          ...derived(contenders),
        ],
      }
    }),
}

function nameOf({ edges }: Contender): string {
  return edges === 0 ? 'one process' : `brain and ${edges} edge${edges > 1 ? 's' : ''}`
}

function of(windows: readonly Part[], key: 'perSecond' | 'cpuUs' | 'brainUs'): number {
  return median(windows.map((window) => window[key]))
}

function rowOf(one: Contender): (string | number)[] {
  const { hub, tasks, chunks, open, edges } = one
  const costs = hub instanceof HubOfProcesses ? hub.costs() : null
  const brain = (parts: Part[]) => (costs === null ? '' : round(of(parts, 'brainUs')))
  return [
    nameOf(one),
    Math.round(of(tasks, 'perSecond')),
    round(of(tasks, 'cpuUs')),
    brain(tasks),
    round(of(chunks, 'cpuUs')),
    brain(chunks),
    round(timeAt(open, 'added', 0.5)),
    round(timeAt(open, 'added', 0.99)),
    costs === null ? '' : Math.round(costs.edge.rssMb / edges),
    Math.round(costs === null ? hub.usage().rssMb : costs.brain.rssMb),
  ]
}

/** Ratios of neighbours in the same round, as everywhere. */
function figuresOf([whole, one, two]: readonly Contender[], brainKilled: Outage) {
  const ratio = (edges: Contender) => {
    return median(edges.tasks.map(({ cpuUs }, turn) => cpuUs / whole!.tasks[turn]!.cpuUs))
  }
  return {
    oneEdgeRatio: ratio(one!),
    twoEdgesRatio: ratio(two!),
    brainUs: of(two!.tasks, 'brainUs'),
    edgesAddedP50: timeAt(two!.open, 'added', 0.5),
    edgesChunkUs: of(two!.chunks, 'cpuUs'),
    brainGapSeconds: brainKilled.gapSeconds,
    brainDropped: brainKilled.dropped,
  }
}

const derivedCores = [4, 8, 16]

/** By arithmetic: nobody has measured these. */
function derived([, one, two]: readonly Contender[]): string[] {
  const brainUs = of(two!.tasks, 'brainUs')
  const local = of(one!.tasks, 'cpuUs') - of(one!.tasks, 'brainUs')
  const crossing = Math.max(0, 2 * (of(two!.tasks, 'cpuUs') - brainUs - local))
  const rates = derivedCores.map((count) => {
    const edges = count - 1
    const edgeUs = local + (crossing * (edges - 1)) / edges
    const rate = Math.min((edges * 1e6) / edgeUs, 1e6 / brainUs)
    return `${count} cores ${Math.round(rate / 1_000)},000`
  })
  return [
    'Derived, not measured: a task costs its edges ' +
      `e = ${round(local)} + ${round(crossing)} (N - 1) / N us with N edges (the second part is a crossing, twice ` +
      `what the second edge adds, for half of the tasks cross there), and the brain b = ${round(brainUs)} us. With ` +
      'N = cores - 1, each on a core of its own, that is min(N / e, 1 / b) tasks per second: ' +
      `${rates.join(', ')}.`,
  ]
}
