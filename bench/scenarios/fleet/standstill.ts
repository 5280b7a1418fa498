/**
 * A process that stands still for a while, as when its machine is moved or its lid is closed: the hub in the middle of
 * chats and durable tasks, and a part of its scouts. What had to be done twice, who had to dial again, who waits in
 * vain? `hostile` runs it as one of its attacks.
 */
import { heartbeatMs } from '../../../shared/limits/wire.ts'
import type { HubUnderTest } from '../../fleet/hub.ts'
import { sleep } from '../../load/calls.ts'
import { type Cell, type Options, type Result, round, type Say, type Scenario } from '../scenario.ts'
import { onStage, type Stage } from '../stage.ts'

export const standstillName = 'standstill'

const scouts = 100
/** The first of them is the one that stands still. */
const processes = 5
/** Some answers are due while nobody reads them, and some after. */
const thinkMs = [25_000, 50_000]
const intents = 200
const chats = 100
/** From the fleet's arrival to the standstill: all scouts are about to be pinged next, which is the worst moment. */
const untilPingsMs = 4 * heartbeatMs
const patienceMs = 150_000
const pollMs = 100
/** What may be done twice. */
const againShareMax = 0.01

type Frozen = 'hub' | 'scouts'

interface Found {
  frozen: Frozen
  /** Attempts beyond one for each task. */
  again: number
  /** Welcomes beyond one for each scout. */
  dialled: number
  /** Milliseconds from the end of the standstill to the hub's first answer. */
  answeredMs: number
  chatsDone: number
  intentsDone: number
}

/** Everything that waits, and how it goes on. */
class Work {
  private readonly waiting: Promise<boolean>[]
  private readonly accepted: string[] = []

  private constructor(private readonly hub: HubUnderTest) {
    const ask = async (at: number) => (await this.request('/v1/chat/completions', bodyOf(at))).status === 200
    this.waiting = Array.from({ length: chats }, (_, at) => ask(at).catch(() => false))
  }

  static async begin(hub: HubUnderTest): Promise<Work> {
    const work = new Work(hub)
    const accept = async (at: number) => {
      const response = await work.request('/v1/intents', bodyOf(at))
      work.accepted.push(((await response.json()) as { id: string }).id)
    }
    await Promise.all(Array.from({ length: intents }, (_, at) => accept(at)))
    return work
  }

  /** Chats that were answered, and intents that are done, once all have come to an end. */
  async ended(): Promise<[number, number]> {
    const untilMs = performance.now() + patienceMs
    const answered = await Promise.all(this.waiting)
    let done = 0
    for (const id of this.accepted) {
      let state = 'running'
      while (state === 'running' && performance.now() < untilMs) {
        const response = await this.request(`/v1/intents/${id}`)
        state = ((await response.json()) as { state: string }).state
        if (state === 'running') await sleep(pollMs)
      }
      if (state === 'done') done++
    }
    return [answered.filter(Boolean).length, done]
  }

  private request(path: string, body?: string): Promise<Response> {
    const { port, key } = this.hub.target([])
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const asked = body === undefined ? {} : { method: 'POST', body }
    return fetch(`http://127.0.0.1:${port}${path}`, { headers, ...asked })
  }
}

function bodyOf(at: number): string {
  return JSON.stringify({ model: `bench-${at % 50}`, messages: [{ role: 'user', content: `Question ${at}` }] })
}

async function stoodStill(stage: Stage, frozen: Frozen, seconds: number): Promise<Found> {
  const hub = await stage.hub()
  const fleet = await stage.fleet(scouts)
  for (const ms of thinkMs) await stage.staff(hub, fleet, scouts / thinkMs.length, { thinkMs: ms, models: 50 })
  const pings = sleep(untilPingsMs)
  const work = await Work.begin(hub)
  while ((await hub.stats()).attempts < intents + chats) await sleep(pollMs)
  await pings
  const who = frozen === 'hub' ? hub : fleet
  who.freeze()
  await sleep(seconds * 1_000)
  who.thaw()
  const beganMs = performance.now()
  await fetch(`http://127.0.0.1:${hub.port}/healthz`)
  const answeredMs = performance.now() - beganMs
  const [chatsDone, intentsDone] = await work.ended()
  const { attempts } = await hub.stats()
  const again = attempts - intents - chats
  return { frozen, again, dialled: (await fleet.welcomes()) - scouts, answeredMs, chatsDone, intentsDone }
}

function missesOf({ frozen, again, dialled, chatsDone, intentsDone }: Found): string[] {
  const misses: string[] = []
  const miss = (text: string) => misses.push(`while the ${frozen} stood still: ${text}`)
  if (again > againShareMax * (intents + chats)) miss(`${again} of ${intents + chats} tasks were given out again`)
  if (chatsDone < chats) miss(`${chats - chatsDone} chats failed`)
  if (intentsDone < intents) miss(`${intents - intentsDone} intents were not done`)
  if (frozen === 'hub' && dialled > 0) miss(`${dialled} of ${scouts} scouts had to dial again`)
  return misses
}

/** Both at the same time, on hubs of their own: they do little but wait. */
export async function measureStandstill(options: Options, say: Say) {
  const seconds = standstillSeconds
  const stages = { ...options, processes }
  const both = (['hub', 'scouts'] as const).map((frozen) =>
    onStage(stages, say, (stage) => stoodStill(stage, frozen, seconds)),
  )
  const found = await Promise.all(both)
  for (const { frozen, again, dialled, chatsDone, intentsDone } of found) {
    say(`${frozen} stood still: ${again} again, ${dialled} dialled again, ${chatsDone} chats, ${intentsDone} intents`)
  }
  const notes = found.map(({ frozen, again, dialled, answeredMs }) => {
    const who = frozen === 'hub' ? 'hub' : `${scouts / processes} of ${scouts} scouts`
    const times = `${again} of ${intents + chats} tasks given out again, ${dialled} dials`
    return `${who} for ${seconds} s: ${times}, the hub answered after ${round(answeredMs)} ms`
  })
  return { found, notes, missed: found.flatMap(missesOf) }
}

const standstillSeconds = 20

export const standstill: Scenario = {
  name: standstillName,
  about: `A hub, and scouts, that stand still for ${standstillSeconds} s in the middle of their work.`,
  async run(options, say): Promise<Result> {
    const { found, notes, missed } = await measureStandstill(options, say)
    const rows = found.map(({ frozen, again, dialled, answeredMs, chatsDone, intentsDone }): Cell[] => {
      return [frozen, again, dialled, round(answeredMs), chatsDone, intentsDone]
    })
    const columns = ['who', 'tasks given out again', 'dials again', 'answered after ms', 'chats done', 'intents done']
    return { columns, rows, figures: {}, notes, missed }
  },
}
