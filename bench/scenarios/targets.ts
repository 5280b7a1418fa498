/**
 * The figures the project holds itself to: what each is, its floor and its aim. Scenarios measure them by name, the
 * summary and the report say which of them hold.
 */

interface Target {
  what: string
  unit: string
  floor: number
  aim: number
  /** Whether a good figure is a small or a large one. */
  better: 'less' | 'more'
}

export const targets = {
  idleRss: { what: 'Hub memory for 10,000 idle scouts', unit: 'MB', floor: 60, aim: 30, better: 'less' },
  connectRatio: {
    what: 'Time to connect 10,000 scouts, authenticated and offering / raw upgrades',
    unit: 'x',
    floor: 2.5,
    aim: 1.5,
    better: 'less',
  },
  dispatchRatio: {
    what: 'Tasks/s at 10,000 scouts, 200 in flight / raw HTTP echo of the same server',
    unit: 'x',
    floor: 0.5,
    aim: 0.7,
    better: 'more',
  },
  hubCpu: { what: 'Hub processor time per task', unit: 'us', floor: 75, aim: 45, better: 'less' },
  flatRatio: { what: 'Cost per task at 16,000 scouts / at 100', unit: 'x', floor: 1.3, aim: 1.1, better: 'less' },
  addedP50: { what: 'Time added at 1,000 requests/s, p50', unit: 'ms', floor: 1.5, aim: 0.7, better: 'less' },
  addedP99: { what: 'Time added at 1,000 requests/s, p99', unit: 'ms', floor: 10, aim: 4, better: 'less' },
  gapP99: {
    what: 'Time added between tokens, 1,000 streams at 50 tokens/s, p99',
    unit: 'ms',
    floor: 60,
    aim: 25,
    better: 'less',
  },
  streamsBroken: { what: 'Streams lost, reordered or altered', unit: '', floor: 0, aim: 0, better: 'less' },
  relayRatio: {
    what: 'Relayed chunks/s / raw websocket-to-SSE relay',
    unit: 'x',
    floor: 0.5,
    aim: 0.75,
    better: 'more',
  },
  stormSeconds: {
    what: 'After kill -9 of the hub, until 99 % of 10,000 scouts are back',
    unit: 's',
    floor: 30,
    aim: 20,
    better: 'less',
  },
  oneEdgeRatio: {
    what: 'Processor time per task, brain and one edge / one process',
    unit: 'x',
    floor: 1.1,
    aim: 1,
    better: 'less',
  },
  twoEdgesRatio: {
    what: 'Processor time per task, brain and two edges / one process',
    unit: 'x',
    floor: 1.35,
    aim: 1.2,
    better: 'less',
  },
  brainUs: { what: 'Processor time of the brain per task, two edges', unit: 'us', floor: 16, aim: 10, better: 'less' },
  edgesAddedP50: {
    what: 'Time added at 1,000 requests/s with two edges, p50',
    unit: 'ms',
    floor: 1.5,
    aim: 1,
    better: 'less',
  },
  edgesChunkUs: { what: 'Processor time per chunk across edges', unit: 'us', floor: 15, aim: 12, better: 'less' },
  brainGapSeconds: {
    what: 'After kill -9 of the brain, until tasks flow again',
    unit: 's',
    floor: 3,
    aim: 1,
    better: 'less',
  },
  brainDropped: {
    what: 'Scouts that lose their socket when the brain is killed (kill -9)',
    unit: '',
    floor: 0,
    aim: 0,
    better: 'less',
  },
  edgeStormSeconds: {
    what: 'After kill -9 of an edge, until 99 % of the fleet is there',
    unit: 's',
    floor: 20,
    aim: 15,
    better: 'less',
  },
  peerCostRatio: {
    what: 'Processor time of both hubs for a task that another hub serves / of one that serves it itself',
    unit: 'x',
    floor: 2.2,
    aim: 2,
    better: 'less',
  },
  peerAddedP50: { what: 'Time that another hub adds to a task, p50', unit: 'ms', floor: 4, aim: 2, better: 'less' },
  networkCostRatio: {
    what: 'Processor time per task of three hubs of a network that share nothing / of three by themselves',
    unit: 'x',
    floor: 1.05,
    aim: 1.02,
    better: 'less',
  },
  presenceShare: {
    what: 'Processor of an idle hub of three beyond that of one by itself',
    unit: '%',
    floor: 1,
    aim: 0.5,
    better: 'less',
  },
  presenceMb: {
    what: 'Presence of 50 hubs with 1,000 models each, received by one (computed)',
    unit: 'MB/s',
    floor: 2,
    aim: 1,
    better: 'less',
  },
  overloadRatio: {
    what: 'p99 of an overloaded hub in a network / by itself',
    unit: 'x',
    floor: 0.5,
    aim: 0.25,
    better: 'less',
  },
  journaledRate: {
    what: 'Durable intents accepted/s in a network of three servers, 64 clients',
    unit: '/s',
    floor: 2_000,
    aim: 3_000,
    better: 'more',
  },
  journaledP99: {
    what: 'Durable intents of a network, p99 of acceptance at 2,000/s',
    unit: 'ms',
    floor: 100,
    aim: 60,
    better: 'less',
  },
  takeoverSeconds: {
    what: 'After kill -9 of a hub, until another has its 10,000 open intents',
    unit: 's',
    floor: 20,
    aim: 18,
    better: 'less',
  },
  slowGrowth: { what: 'Hub memory for 1,000 stalled readers', unit: 'MB', floor: 350, aim: 150, better: 'less' },
  slowP99: { what: 'p99 of the others beside 1,000 stalled readers', unit: '%', floor: 20, aim: 10, better: 'less' },
  durableRate: {
    what: 'Durable intents accepted/s, 64 clients, each on disk',
    unit: '/s',
    floor: 5_000,
    aim: 5_000,
    better: 'more',
  },
  durableP99: { what: 'Durable intents, p99 of acceptance', unit: 'ms', floor: 40, aim: 40, better: 'less' },
  memorySlope: {
    what: 'Hub memory gained under steady load, second half of 10 minutes',
    unit: 'MB/min',
    floor: 1,
    aim: 0.2,
    better: 'less',
  },
  soakSlope: {
    what: 'Hub memory gained with 1 % of 200 scouts flapping each second, after 15 minutes',
    unit: 'MB/h',
    floor: 5,
    aim: 5,
    better: 'less',
  },
  hostileRatio: {
    what: 'p99 of honest chats beside the worst attack / without',
    unit: 'x',
    floor: 2,
    aim: 2,
    better: 'less',
  },
  hostileTurn: { what: 'Longest turn of the loop under attack', unit: 'ms', floor: 50, aim: 50, better: 'less' },
  hostileRss: { what: 'Most hub memory under attack', unit: 'MB', floor: 600, aim: 600, better: 'less' },
  collectionPause: { what: 'Longest collection pause under load', unit: 'ms', floor: 25, aim: 20, better: 'less' },
  scoutRestRss: { what: 'Memory of one scout process at rest', unit: 'MB', floor: 40, aim: 35, better: 'less' },
  scoutRss: { what: 'Memory of one scout process after 200 tasks', unit: 'MB', floor: 50, aim: 45, better: 'less' },
  scoutLargeRss: {
    what: 'Most memory of one scout process during a request of 4 MiB',
    unit: 'MB',
    floor: 50,
    aim: 48,
    better: 'less',
  },
} as const satisfies Record<string, Target>

export type FigureId = keyof typeof targets

export type Standing = 'aim' | 'floor' | 'missed'

export function standing(id: FigureId, value: number): Standing {
  const { floor, aim, better }: Target = targets[id]
  const reaches = (limit: number) => (better === 'less' ? value <= limit : value >= limit)
  return reaches(aim) ? 'aim' : reaches(floor) ? 'floor' : 'missed'
}

/** A limit as it stands in a table. */
export function limitText(id: FigureId, which: 'floor' | 'aim'): string {
  const { better, unit, [which]: limit }: Target = targets[id]
  return `${better === 'less' ? '<=' : '>='} ${limit.toLocaleString('en')} ${unit}`.trim()
}

/** How many times a peer's tasks per second the hub wants to reach: floor and aim, by the peer's name. */
const peerTargets: Record<string, [floor: number, aim: number]> = {
  'ws-json': [1.2, 1.6],
  nats: [1.3, 2],
  webhook: [1.6, 2.5],
  jetstream: [2.2, 4],
  bullmq: [4, 6],
  'socket-io': [1.1, 1.6],
}

/** What is wanted against this peer and whether it holds; empty when nothing is. */
export function peerStanding(peer: string, ratio: number | null): string {
  const wanted = peerTargets[peer]
  if (wanted === undefined || ratio === null) return ''
  const [floor, aim] = wanted
  return `>= ${floor}, aim ${aim}: ${ratio >= aim ? 'aim reached' : ratio >= floor ? 'floor held' : 'MISSED'}`
}
