/**
 * What the page costs: how much of it a browser loads, its bundling, the drawing of a large run, and what a hub with a
 * fleet pays for many viewers, with and without chats beside them. Each figure has its bound.
 */
import { liveStreamsPerCallerMax, trafficSlotMs } from '../../../shared/limits/http.ts'
import { findChromium } from '../../../test/support/machine/chromium.ts'
import { chatBodies } from '../../fleet/population.ts'
import { sleep } from '../../load/calls.ts'
import { type Cell, median, type Result, round, type Say, type Scenario } from '../scenario.ts'
import { measure, onStage, type Stage, timeAt } from '../stage.ts'
import { warm } from '../tasks/dispatch.ts'
import { bundle, drawRun, firstLoad, verifySignature } from './page-costs.ts'

const viewers = 100
const watchMs = 10_000
const settleMs = 3_000
const runNodes = 1_044
const chatsPerSecond = 200
const thinkMs = 20

interface Bound {
  what: string
  unit: string
  most: number
}

const bounds = {
  weight: { what: 'first load in a browser', unit: 'KiB', most: 60 },
  requests: { what: 'requests of the first load', unit: '', most: 4 },
  shown: { what: 'first load until its heading is there', unit: 'ms', most: 500 },
  all: { what: 'all files, gzip', unit: 'KiB', most: 120 },
  bundling: { what: 'bundling, in its process', unit: 'ms', most: 1_000 },
  events: { what: `a run of ${runNodes} nodes: events and groups`, unit: 'ms', most: 300 },
  layout: { what: 'its layout', unit: 'ms', most: 100 },
  verify: { what: 'one signature of a wallet', unit: 'ms', most: 2 },
  watched: { what: `${viewers} viewers, of one core`, unit: '%', most: 1.5 },
  memory: { what: `memory for ${viewers} viewers`, unit: 'MB', most: 6 },
  unwatched: { what: 'charts that nobody watches, of one core', unit: '%', most: 0.1 },
  p99: { what: `p99 of chats beside ${viewers} viewers / without`, unit: 'x', most: 1.1 },
  drop: { what: 'from the end of a key to the end of its socket', unit: 'ms', most: 500 },
} satisfies Record<string, Bound>

type Figures = Partial<Record<keyof typeof bounds, number>>

export const dashboard: Scenario = {
  name: 'dashboard',
  about: 'The page: its weight, its bundling, many viewers of a large fleet, a large run.',
  defaults: { scouts: 10_000 },
  run: (options, say) =>
    onStage(options, say, async (stage): Promise<Result> => {
      const figures = { ...(await alone(options.rounds, say)), ...(await watch(stage)) }
      return resultOf(figures, options.scouts)
    }),
}

async function alone(rounds: number, say: Say): Promise<Figures> {
  const bundles = Array.from({ length: rounds }, bundle)
  say('the page was bundled')
  const runs = Array.from({ length: rounds }, () => drawRun(runNodes))
  const of = (figure: 'events' | 'layout') => median(runs.map((run) => run[figure]))
  const verify = await verifySignature(rounds)
  const chromium = await findChromium()
  const loaded = 'path' in chromium ? await firstLoad(chromium.path, rounds) : null
  return {
    ...(loaded && { weight: loaded.weight, requests: loaded.requests, shown: loaded.ms }),
    ...{ all: bundles[0]!.all, bundling: median(bundles.map(({ ms }) => ms)) },
    ...{ events: of('events'), layout: of('layout'), verify },
  }
}

function resultOf(figures: Figures, scouts: number): Result {
  const known = (Object.entries(bounds) as [keyof Figures, Bound][]).flatMap(([name, bound]) => {
    const measured = figures[name]
    return measured === undefined ? [] : [{ ...bound, measured }]
  })
  const rows: Cell[][] = known.map(({ what, unit, measured, most }) => [what, unit, round(measured), most])
  const missed = known
    .filter(({ measured, most }) => measured > most)
    .map(({ what, unit, measured, most }) => `${what}: ${round(measured)} ${unit}, at most ${most}`)
  const notes = [
    `The hub has ${scouts} scouts. Viewers watch the topics of the overview, each over a stream of its own; one is an`,
    `administrator. Chats: ${chatsPerSecond} a second, providers take ${thinkMs} ms.`,
  ]
  return { columns: ['what', 'unit', 'measured', 'at most'], rows, figures: {}, notes, missed }
}

/** What viewers cost a hub: windows with and without them in turns, first idle, then beside chats. */
async function watch(stage: Stage): Promise<Figures> {
  const { options, say } = stage
  const { hub } = await stage.network(options.scouts, { thinkMs })
  await sleep(settleMs)
  const drop = await dropMs(hub.port, await hub.adminKey())
  const unwatched = ((await hub.statsUs()) / 1_000 / trafficSlotMs) * 100
  const idleMb = await hub.restingRssMb()
  const cpuShare = async () => {
    const before = hub.usage().cpuMs
    await sleep(watchMs)
    return ((hub.usage().cpuMs - before) / watchMs) * 100
  }
  const extra: number[] = []
  let memory = 0
  for (let turn = 1; turn <= options.rounds; turn++) {
    const without = await cpuShare()
    const leave = await beginWatching(hub)
    await sleep(settleMs)
    const beside = await cpuShare()
    memory = (await hub.restingRssMb()) - idleMb
    leave()
    extra.push(beside - without)
    say(`round ${turn}/${options.rounds}: ${round(without)} % of a core without viewers, ${round(beside)} % with`)
    await sleep(settleMs)
  }
  const p99 = await chatsBeside(stage, hub)
  return { watched: median(extra), memory, unwatched, p99, drop }
}

type Hub = Awaited<ReturnType<Stage['hub']>>

/** How much slower the slowest chats are beside viewers. */
async function chatsBeside(stage: Stage, hub: Hub): Promise<number> {
  const { rounds, seconds, population, inFlight } = stage.options
  const load = await stage.load()
  const target = hub.target(chatBodies(population))
  await warm(load, hub, target, inFlight, stage.say)
  await load.call('open', { target, perSecond: chatsPerSecond })
  await load.call('measure', { seconds: 2 })
  const ratios: number[] = []
  for (let turn = 1; turn <= rounds; turn++) {
    const without = timeAt([await measure(load, hub, seconds)], 'added', 0.99)
    const leave = await beginWatching(hub)
    const beside = timeAt([await measure(load, hub, seconds)], 'added', 0.99)
    leave()
    ratios.push(beside / without)
    stage.say(`round ${turn}/${rounds}: p99 ${round(without)} ms without viewers, ${round(beside)} ms with`)
    await sleep(settleMs)
  }
  return median(ratios)
}

/** Resolves when all watch; what it resolves with ends them. */
async function beginWatching(hub: Hub): Promise<() => void> {
  const abort = new AbortController()
  const keys = [await hub.adminKey()]
  while (keys.length * liveStreamsPerCallerMax < viewers) keys.push((await hub.strangersKeys()).clientKey)
  const streams = keys.flatMap((key, at) =>
    Array.from({ length: liveStreamsPerCallerMax }, () => view(hub.port, key, at === 0, abort.signal)),
  )
  await Promise.all(streams)
  return () => abort.abort()
}

async function view(port: number, key: string, isAdmin: boolean, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, accept: 'text/event-stream' }
  const topics = `hub,traffic,mine${isAdmin ? ',attention' : ''}`
  const response = await fetch(`http://127.0.0.1:${port}/v1/live?topics=${topics}`, { headers, signal })
  if (response.status !== 200) throw new Error(`a viewer was answered with ${response.status}`)
  void drain(response, signal)
}

async function drain(response: Response, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of response.body!);
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** From the revocation of a scout's key to the end of the socket that it opened. */
async function dropMs(port: number, adminKey: string): Promise<number> {
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
  const base = `http://127.0.0.1:${port}`
  const body = JSON.stringify({ role: 'scout', name: 'dropped' })
  const made = await fetch(`${base}/v1/admin/keys`, { method: 'POST', headers, body })
  const { id, key } = (await made.json()) as { id: string; key: string }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/scout`, {
    headers: { authorization: `Bearer ${key}` },
  } as never)
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = reject
  })
  const ended = new Promise<void>((resolve) => {
    socket.onclose = () => resolve()
  })
  const beganMs = performance.now()
  await fetch(`${base}/v1/admin/keys/${id}`, { method: 'DELETE', headers })
  await ended
  return performance.now() - beganMs
}
