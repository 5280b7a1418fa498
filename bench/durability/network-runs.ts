/**
 * Kills hubs of a network in turn while clients post durable intents at all of them and scouts work on them: in every
 * other turn they stay away until others have their intents, else they come back at once. Then everything comes to its
 * end, and the databases of all hubs together are audited, as is what each hub shows.
 */
import { Database } from 'bun:sqlite'
import { takeoverMs } from '../../shared/limits/cluster/journal.ts'
import type { HttpLine } from './http-line.ts'
import { NetworkSite } from './network-site.ts'

export interface NetworkPlan {
  kills: number
  scouts: number
  clients: number
  /** Path of the program. */
  natsServer: string
  say?: (line: string) => void
}

export interface NetworkFigures {
  kills: number
  acknowledged: number
  /** Requests without an answer, and those that were told to come back. */
  broken: number
  deferred: number
  /** Acknowledged ids that no database has. */
  lost: number
  /** Acknowledged intents that no database has as done. */
  undone: number
  /** Intents that are done in two databases, tasks that were booked twice, and those with two settlements. */
  doubled: number
  /** Of those that were asked for, what some hub did not show as done. */
  unshown: number
}

const pauseMs = 25
const lifeMsMin = 500
const lifeMsMax = 2_500
const awayMsMax = 2_000
/** Until others have noticed, and have begun. */
const awayForGoodMs = takeoverMs + 4_000
const quietWithinMs = 240_000
const lookEveryMs = 200
const shownMax = 200
const scoutKnobs = {
  SCOUT_CONCURRENCY: '32',
  DEMO_FIRST_TOKEN_MS: '20',
  DEMO_TOKENS: '8',
  DEMO_TOKENS_PER_SECOND: '100',
}

export async function networkKillRuns(plan: NetworkPlan): Promise<NetworkFigures> {
  const { kills, scouts, clients: count, natsServer, say = () => {} } = plan
  const site = await NetworkSite.open(natsServer)
  try {
    for (let at = 0; at < scouts; at++) site.addScout(`scout-${at}`, at % site.hubs.length, scoutKnobs)
    const clients = new NetworkClients(site)
    clients.start(count)
    for (let round = 0; round < kills; round++) {
      await Bun.sleep(lifeMsMin + Math.random() * (lifeMsMax - lifeMsMin))
      const at = round % site.hubs.length
      const isForGood = Math.floor(round / site.hubs.length) % 2 === 0
      await site.kill(at)
      await Bun.sleep(isForGood ? awayForGoodMs : Math.random() * awayMsMax)
      await site.start(at)
      say(`kill ${round + 1}/${kills}: ${clients.acknowledged.size} acknowledged`)
    }
    await clients.stop()
    await quiet(site)
    const unshown = await notShown(site, [...clients.acknowledged])
    await site.stop()
    const { acknowledged, broken, deferred } = clients
    return { kills, acknowledged: acknowledged.size, broken, deferred, unshown, ...audited(site, acknowledged) }
  } finally {
    await site.close()
  }
}

/** Each posts at one hub until that fails, then at the next; what is acknowledged is kept for the audit. */
class NetworkClients {
  readonly acknowledged = new Set<string>()
  broken = 0
  deferred = 0
  private isRunning = true
  private loops: Promise<void>[] = []

  constructor(private readonly site: NetworkSite) {}

  start(count: number): void {
    this.loops = Array.from({ length: count }, (_, at) => this.live(at))
  }

  async stop(): Promise<void> {
    this.isRunning = false
    await Promise.all(this.loops)
  }

  private async live(first: number): Promise<void> {
    const lines = this.site.hubs.map((_, at) => this.site.line(at))
    const body = JSON.stringify({ model: 'demo-small', input: 'hello' })
    for (let at = first; this.isRunning; await Bun.sleep(pauseMs)) {
      const reply = await lines[at % lines.length]!.ask('POST', '/v1/intents', body).catch(() => null)
      if (reply?.status === 202) {
        this.acknowledged.add((JSON.parse(reply.body) as { id: string }).id)
        continue
      }
      if (reply === null) this.broken++
      else if (reply.status === 503 || reply.status === 429) this.deferred++
      else throw new Error(`a hub answered ${reply.status}: ${reply.body}`)
      at++
    }
    for (const line of lines) line.close()
  }
}

/** Resolves once no hub has an intent that is not over. */
async function quiet(site: NetworkSite): Promise<void> {
  const lines = site.hubs.map((_, at) => site.line(at))
  const endMs = performance.now() + quietWithinMs
  const isBusy = async (line: HttpLine) => {
    const { status, body } = await line.ask('GET', '/v1/intents?state=running&limit=1')
    return status !== 200 || (JSON.parse(body) as { data: unknown[] }).data.length > 0
  }
  // One that is on its way from one hub to another is seen at neither for a moment.
  for (let calm = 0; calm < 3; ) {
    const busy = await Promise.all(lines.map(isBusy))
    calm = busy.includes(true) ? 0 : calm + 1
    if (performance.now() > endMs) throw new Error(`not everything was over after ${quietWithinMs} ms`)
    await Bun.sleep(lookEveryMs)
  }
  for (const line of lines) line.close()
}

/** Of some of them, spread over all, what one hub or another does not show as done. */
async function notShown(site: NetworkSite, ids: readonly string[]): Promise<number> {
  const lines = site.hubs.map((_, at) => site.line(at))
  const every = Math.max(1, Math.floor(ids.length / shownMax))
  let unshown = 0
  for (const id of ids.filter((_, at) => at % every === 0)) {
    const replies = await Promise.all(lines.map((line) => line.ask('GET', `/v1/intents/${id}`)))
    const isDone = replies.every(({ body }) => (JSON.parse(body) as { state?: string }).state === 'done')
    if (!isDone) unshown++
  }
  for (const line of lines) line.close()
  return unshown
}

function audited(site: NetworkSite, acknowledged: ReadonlySet<string>) {
  /** By the id of an intent: in how many databases it is, and in how many it is done. */
  const seen = new Map<string, { there: number; done: number }>()
  const booked = new Map<number, number>()
  let doubled = 0
  for (const path of site.databases) {
    const db = new Database(path)
    for (const { id, state } of db.prepare<{ id: string; state: string }, []>('SELECT id, state FROM intent').all()) {
      const { there, done } = seen.get(id) ?? { there: 0, done: 0 }
      seen.set(id, { there: there + 1, done: done + (state === 'done' ? 1 : 0) })
    }
    for (const { task } of db.prepare<{ task: number }, []>('SELECT task FROM usage').all()) {
      booked.set(task, (booked.get(task) ?? 0) + 1)
    }
    doubled += db.prepare<{ n: number }, []>(settledTwice).get()!.n
    db.close()
  }
  for (const { done } of seen.values()) if (done > 1) doubled++
  for (const times of booked.values()) if (times > 1) doubled++
  const promised = [...acknowledged]
  const lost = promised.filter((id) => !seen.has(id)).length
  return { lost, undone: promised.filter((id) => (seen.get(id)?.done ?? 0) === 0).length, doubled }
}

const settledTwice = `SELECT count(*) AS n FROM (
    SELECT 1 FROM event WHERE type = 'task_settled'
    GROUP BY intent_seq, json_extract(data, '$.node') HAVING count(*) > 1
  )`
