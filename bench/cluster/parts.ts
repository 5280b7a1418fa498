/**
 * The parts of `cluster`, each of which compares two things in one run: hubs that are idle, one that is overloaded,
 * tasks that another hub serves, hubs that share nothing, and durable intents whose hub is killed.
 */
import { summaryBytes } from '../../orchestrator/cluster/presence/summary.ts'
import { envelopeBytesMax } from '../../orchestrator/cluster/roster/message.ts'
import { presenceMs } from '../../shared/limits/cluster/presence.ts'
import type { HubUnderTest } from '../fleet/hub.ts'
import { chatBodies } from '../fleet/population.ts'
import { sleep } from '../load/calls.ts'
import { warmUpMs } from '../load/warm-up.ts'
import { median } from '../scenarios/scenario.ts'
import { type Load, measure, type Stage, timeAt, type Window } from '../scenarios/stage.ts'
import { closedRound, warm } from '../scenarios/tasks/dispatch.ts'
import { type Hubs, lends, serversMs, together } from './hubs.ts'

type Server = Parameters<typeof measure>[1]
type Target = ReturnType<HubUnderTest['target']>

const warmSeconds = 1
const idleSeconds = 10

/** Shares of a core, in percent: an idle hub by itself, and an idle hub of the network. */
export async function idleShares(alone: HubUnderTest, { alpha }: Hubs): Promise<{ alone: number; ofNetwork: number }> {
  // Until the first of everything is over.
  await sleep(warmUpMs)
  const before = [alone, alpha].map((hub) => hub.usage().cpuMs)
  await sleep(idleSeconds * 1_000)
  const shares = [alone, alpha].map((hub, at) => (hub.usage().cpuMs - before[at]!) / (idleSeconds * 10))
  return { alone: shares[0]!, ofNetwork: shares[1]! }
}

const manyHubs = 50
const manyModels = 1_000

/** Megabytes a second that each of many hubs gets from the others, by the summaries that they would send. */
export function presenceOfMany(): number {
  const heard = Object.fromEntries(Array.from({ length: manyHubs }, (_, at) => [`hub-${at}`, 1_764_000_000 + at]))
  const models = Array.from({ length: manyModels }, (_, at) => ({
    offer: { kind: 'chat' as const, model: `provider/some-model-${at}-instruct`, contextTokens: 131_072 },
    ...{ scouts: 20, idle: 40 },
  }))
  const counts = { scouts: 2_000, concurrency: 8_000, credits: 4_000, running: 4_000, queued: 0, intents: 10_000 }
  const fleet = { ...counts, models } as Parameters<typeof summaryBytes>[2]
  const bytes = summaryBytes(heard, 'x'.repeat(43), fleet, 1_000).length + envelopeBytesMax
  return ((manyHubs - 1) * bytes) / (presenceMs / 1_000) / 1e6
}

async function openWindow(load: Load, server: Server, target: Target, perSecond: number, seconds: number) {
  await load.call('open', { target, perSecond })
  await load.call('measure', { seconds: warmSeconds })
  const window = await measure(load, server, seconds)
  await load.call('end', null)
  return window
}

const slowThinkMs = 100
/** Of the hub that gets more than its own scouts can do, and of each other one. */
const fewScouts = 8
const manyScouts = 100
const overload = 1.5

/** p99 in milliseconds of a hub that gets half as much again as its own scouts can do. */
export async function overloaded(
  stage: Stage,
  alone: HubUnderTest,
  { alpha, beta, gamma }: Hubs,
  load: Load,
): Promise<{ alone: number; ofNetwork: number }> {
  const { population, seconds } = stage.options
  const fleets = []
  for (const [hub, scouts] of [
    [alone, fewScouts],
    [alpha, fewScouts],
    [beta, manyScouts],
    [gamma, manyScouts],
  ] as const) {
    const fleet = await stage.fleet(scouts)
    await stage.staff(hub, fleet, scouts, { thinkMs: slowThinkMs, models: 1, offers: 1 })
    fleets.push(fleet)
  }
  await lends(alpha, 'bench-0', 1, 'beta', 'gamma')
  const perSecond = Math.round((fewScouts * population.concurrency * 1_000 * overload) / slowThinkMs)
  const bodies = chatBodies({ ...population, models: 1 })
  const p99 = []
  for (const hub of [alone, alpha]) {
    // The runtime compiles the hub's code, at a rate that its own scouts can do.
    await openWindow(load, hub, hub.target(bodies), perSecond / 3, warmUpMs / 1_000)
    const window = await openWindow(load, hub, hub.target(bodies), perSecond, seconds)
    p99.push(timeAt([window], 'latency', 0.99))
    stage.say(`${hub === alone ? 'by itself' : 'with the others'}: p99 ${p99.at(-1)!.toFixed(0)} ms at ${perSecond}/s`)
  }
  for (const fleet of fleets) await fleet.close()
  return { alone: p99[0]!, ofNetwork: p99[1]! }
}

export interface Served {
  home: Window[]
  peer: Window[]
  homeOpen: Window[]
  peerOpen: Window[]
  /** Processor time of the NATS servers for a task of a peer. */
  serverUs: number
}

/** The same work asked of the hub whose scouts do it, and of one that has none. */
export async function servedByPeer(stage: Stage, hubs: Hubs, load: Load, openRate: number): Promise<Served> {
  const { scouts, inFlight, rounds, seconds, population } = stage.options
  const { alpha, beta } = hubs
  await stage.staff(beta, await stage.fleet(scouts), scouts)
  await lends(alpha, 'bench-0', inFlight, 'beta')
  const bodies = chatBodies(population)
  const [home, peer] = [beta, alpha].map((hub) => hub.target(bodies)) as [Target, Target]
  const both = together(alpha, beta)
  await warm(load, beta, home, inFlight, stage.say)
  await warm(load, both, peer, inFlight, stage.say)
  const found: Served = { home: [], peer: [], homeOpen: [], peerOpen: [], serverUs: 0 }
  const serverUs = []
  for (let turn = 1; turn <= rounds; turn++) {
    found.home.push(await closedRound(load, beta, home, stage.options))
    const beforeMs = serversMs(hubs)
    const window = await closedRound(load, both, peer, stage.options)
    // The second before the window is of the same load.
    serverUs.push(((serversMs(hubs) - beforeMs) * 1_000) / (window.perSecond * (seconds + warmSeconds)))
    found.peer.push(window)
    found.homeOpen.push(await openWindow(load, beta, home, openRate, seconds))
    found.peerOpen.push(await openWindow(load, both, peer, openRate, seconds))
    const [one, two] = [found.home, found.peer].map((windows) => windows.at(-1)!.cpuUs.toFixed(0))
    stage.say(`round ${turn}/${rounds}: ${one} us at home, ${two} us by a peer`)
  }
  found.serverUs = median(serverUs)
  return found
}

/**
 * Costs of a task, in rounds: of three hubs, each by itself, and of three of a network, that have scouts of their own.
 * Three are loaded at once in either case, so that they share the cores alike.
 */
export async function shareNothing(
  stage: Stage,
  singles: readonly HubUnderTest[],
  { alpha, beta, gamma }: Hubs,
  load: Load,
): Promise<{ alone: number[]; ofNetwork: number[] }> {
  const { scouts, inFlight, rounds, population } = stage.options
  const network = [alpha, beta, gamma]
  for (const hub of [...singles, alpha, gamma]) await stage.staff(hub, await stage.fleet(scouts), scouts)
  const loads = [load, await stage.load(), await stage.load()]
  const bodies = chatBodies(population)
  // What some of them did before was not this.
  for (const hub of [...singles, ...network]) await warm(load, hub, hub.target(bodies), inFlight, stage.say)
  const costOf = async (hubs: readonly HubUnderTest[]) => {
    const windows = await Promise.all(
      hubs.map((hub, at) => closedRound(loads[at]!, hub, hub.target(bodies), stage.options)),
    )
    const done = windows.reduce((sum, window) => sum + window.done, 0)
    return windows.reduce((sum, window) => sum + window.cpuUs * window.done, 0) / done
  }
  const found: { alone: number[]; ofNetwork: number[] } = { alone: [], ofNetwork: [] }
  for (let turn = 1; turn <= rounds; turn++) {
    found.alone.push(await costOf(singles))
    found.ofNetwork.push(await costOf(network))
    const [one, two] = [found.alone, found.ofNetwork].map((costs) => costs.at(-1)!.toFixed(0))
    stage.say(`round ${turn}/${rounds}: ${one} us of three by themselves, ${two} us of three of a network`)
  }
  return found
}

const clients = 64
/** So many a second have to be accepted in time, by a hub that is killed once it has this many. */
const acceptRate = 2_000
const openIntents = 10_000
const warmRate = 100
const pollMs = 50
const settleMs = 3_000
const patienceMs = 120_000

export interface Durable {
  windows: Window[]
  atRate: Window
  open: number
  taken: number
  takeoverSeconds: number
}

/**
 * Intents that nobody can answer: those that one hub accepts at a rate, which is killed with them, and as many as
 * another one accepts.
 */
export async function durable(stage: Stage, { alpha, beta, gamma }: Hubs, load: Load): Promise<Durable> {
  const { rounds, seconds, population } = stage.options
  const bodies = chatBodies({ ...population, models: 1 }).map((body) => {
    return JSON.stringify({ model: 'offered-by-nobody', messages: JSON.parse(body).messages })
  })
  const [most, killed] = [alpha, gamma].map((hub) => hub.target(bodies, '/v1/intents')) as [Target, Target]
  await openWindow(load, gamma, killed, warmRate, warmUpMs / 1_000)
  const atRate = await openWindow(load, gamma, killed, acceptRate, openIntents / acceptRate - warmSeconds)
  await load.call('closed', { target: most, inFlight: clients })
  await load.call('measure', { seconds: warmUpMs / 1_000 })
  const windows: Window[] = []
  for (let turn = 1; turn <= rounds; turn++) {
    windows.push(await measure(load, alpha, seconds))
    stage.say(`round ${turn}/${rounds}: ${windows.at(-1)!.perSecond.toFixed(0)} accepted/s`)
  }
  await load.call('end', null)
  // Until nothing is under way: what was not acknowledged may be lost.
  await sleep(settleMs)
  const open = await gamma.openIntents()
  const others = async () => (await alpha.openIntents()) + (await beta.openIntents())
  const before = await others()
  await gamma.kill()
  const killedMs = performance.now()
  let taken = 0
  while (taken < open && performance.now() - killedMs < patienceMs) {
    await sleep(pollMs)
    taken = (await others()) - before
  }
  const takeoverSeconds = (performance.now() - killedMs) / 1_000
  stage.say(`${taken} of ${open} open intents taken ${takeoverSeconds.toFixed(1)} s after the kill`)
  return { windows, atRate, open, taken, takeoverSeconds }
}
