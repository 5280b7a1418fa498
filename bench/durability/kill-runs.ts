/**
 * Kills a hub again and again, or one of its processes or scouts, while clients post durable intents and scouts work on
 * them, lets everything come to its end, and audits the database. Also measures how long a hub takes to serve again,
 * and what a deep queue does to that.
 */
import { audit, type Findings } from './audit.ts'
import { Clients } from './clients.ts'
import { Site, type SitePart, siteParts } from './site.ts'

export interface KillPlan {
  kills: number
  scouts: number
  clients: number
  /** Tasks of each intent, one after another. */
  steps: number
  /** With some, each of the parts of the site is killed in turns; without, the whole hub. */
  edges: number
}

export interface KillFigures extends Findings {
  kills: number
  acknowledged: number
  contradicted: number
  broken: number
  /** Of these, how many were what; nothing where the whole hub was killed. */
  killed: Partial<Record<SitePart, number>>
  /** From the start of each new process until it said that it is ready, sorted. With edges, from the kill. */
  readyMs: number[]
  /** From the start of each new process until a client had the next 202, sorted. */
  servingMs: number[]
  exitCode: number
}

/** Between a hub that serves and its death: long enough to lease, answer and settle, short enough to hit all of it. */
const lifeMsMin = 50
const lifeMsMax = 500
const quietWithinMs = 120_000
const lookEveryMs = 50
const scoutKnobs = {
  SCOUT_CONCURRENCY: '32',
  DEMO_FIRST_TOKEN_MS: '20',
  DEMO_TOKENS: '8',
  DEMO_TOKENS_PER_SECOND: '100',
}

export async function killRuns({ kills, scouts, clients: count, steps, edges }: KillPlan): Promise<KillFigures> {
  const site = await Site.open(edges)
  const killed: Partial<Record<SitePart, number>> = {}
  const turns: SitePart[] = []
  try {
    for (let at = 0; at < scouts; at++) await site.addScout(`scout-${at}`, scoutKnobs)
    const clients = new Clients()
    clients.start(
      Array.from({ length: count }, () => site.line()),
      steps,
    )
    const readyMs: number[] = []
    const servingMs: number[] = []
    for (let at = 0; at < kills; at++) {
      await clients.next()
      await Bun.sleep(lifeMsMin + Math.random() * (lifeMsMax - lifeMsMin))
      if (edges > 0) {
        const begin = performance.now()
        if (turns.length === 0) turns.push(...shuffled(siteParts))
        const part = turns.pop()!
        killed[part] = (killed[part] ?? 0) + 1
        readyMs.push(await site.killPart(part))
        await clients.next()
        servingMs.push(performance.now() - begin)
        continue
      }
      await site.kill()
      const begin = performance.now()
      const next = clients.next()
      readyMs.push(await site.start())
      await next
      servingMs.push(performance.now() - begin)
    }
    await clients.stop()
    await quiet(site)
    const exitCode = await site.stop()
    const { acknowledged, contradicted, broken } = clients
    const findings = audit(site.database, acknowledged.values())
    const times = { readyMs: sorted(readyMs), servingMs: sorted(servingMs) }
    return { kills, killed, acknowledged: acknowledged.size, contradicted, broken, ...times, exitCode, ...findings }
  } finally {
    await site.close()
  }
}

/** Queues tasks that nobody can do yet, kills the hub, and measures its return, `times` times. */
export async function returnWithQueue(queued: number, times: number): Promise<{ queued: number; servingMs: number[] }> {
  const site = await Site.open()
  try {
    const clients = new Clients()
    clients.start(
      Array.from({ length: 64 }, () => site.line()),
      1,
    )
    while (clients.acknowledged.size < queued) await clients.next()
    const servingMs: number[] = []
    for (let at = 0; at < times; at++) {
      await site.kill()
      const begin = performance.now()
      const next = clients.next()
      await site.start()
      await next
      servingMs.push(performance.now() - begin)
    }
    await clients.stop()
    return { queued: clients.acknowledged.size, servingMs: sorted(servingMs) }
  } finally {
    await site.close()
  }
}

/** Resolves once every intent is over. */
async function quiet(site: Site): Promise<void> {
  const line = site.line()
  const endMs = performance.now() + quietWithinMs
  for (;;) {
    const { body } = await line.ask('GET', '/v1/intents?state=running&limit=1')
    if ((JSON.parse(body) as { data: unknown[] }).data.length === 0) break
    if (performance.now() > endMs) throw new Error(`not everything was over after ${quietWithinMs} ms`)
    await Bun.sleep(lookEveryMs)
  }
  line.close()
}

function shuffled<One>(all: readonly One[]): One[] {
  return all
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

function sorted(times: number[]): number[] {
  return times.sort((a, b) => a - b)
}
