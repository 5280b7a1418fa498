/**
 * What `kill -9` of a hub costs its network: hubs are killed in turn while clients post durable intents to them, and
 * what was acknowledged is looked for at another hub until it is done there. `npm run bench:kill-hubs [-- --rounds 30
 * --intents 200]`. Ends with 1 when anything that was acknowledged is lost, not done, or settled more than once.
 */
import { parseArgs } from 'node:util'
import type { HubUnderTest } from '../fleet/hub.ts'
import { chatBodies } from '../fleet/population.ts'
import { sleep } from '../load/calls.ts'
import { optionsOf } from '../options.ts'
import { onStage } from '../scenarios/stage.ts'
import { lends, openHubs } from './hubs.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, intents: { type: 'string', default: '200' } },
})
const rounds = Number(values.rounds)
const intents = Number(values.intents)
const clients = 16
const scouts = 20
const thinkMs = 200
/** From the first intent of a round to the kill: some are accepted, some under way, some done by then. */
const lifeMsMin = 200
const lifeMsMax = 1_500
const pollMs = 250
const patienceMs = 90_000

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const options = optionsOf({ names: [], given: new Map() }, {})

await onStage(
  { ...options, scouts },
  () => {},
  async (stage) => {
    const network = await openHubs(stage)
    const hubs = [network.alpha, network.beta, network.gamma]
    const names = ['alpha', 'beta', 'gamma']
    for (const hub of hubs) await stage.staff(hub, await stage.fleet(scouts), scouts, { thinkMs, models: 1, offers: 1 })
    const { key } = hubs[0]!.target([])
    const ask = (hub: HubUnderTest, path: string, init: RequestInit = {}) =>
      fetch(`http://127.0.0.1:${hub.port}/v1/${path}`, {
        ...init,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      })
    for (const hub of hubs) while ((await ask(hub, 'models')).status !== 200) await sleep(pollMs)
    const [chat] = chatBodies({ ...options.population, models: 1 })
    const { model, messages } = JSON.parse(chat!)
    const body = JSON.stringify({ model, messages })
    const totals = { acknowledged: 0, undone: 0, doubled: 0 }
    const tookMs: number[] = []

    /** The ids that were acknowledged before the hub was killed. */
    async function posted(hub: HubUnderTest): Promise<string[]> {
      const ids: string[] = []
      let left = intents
      const post = async () => {
        while (left-- > 0) {
          const answer = await ask(hub, 'intents', { method: 'POST', body }).catch(() => null)
          if (answer === null) return
          const shown = (await answer.json().catch(() => null)) as { id?: string } | null
          if (answer.status === 202 && shown?.id !== undefined) ids.push(shown.id)
        }
      }
      const all = Promise.all(Array.from({ length: clients }, post))
      await sleep(lifeMsMin + Math.random() * (lifeMsMax - lifeMsMin))
      await hub.kill()
      await all
      return ids
    }

    /** How often its one task was settled, once it is done; null when it is not. */
    async function settled(hub: HubUnderTest, id: string): Promise<number | null> {
      const shown = (await (await ask(hub, `intents/${id}`)).json()) as { state?: string }
      if (shown.state !== 'done') return null
      const events = await (await ask(hub, `intents/${id}/events`)).text()
      return events.split('\n').filter((line) => line === 'event: task_settled').length
    }

    for (let round = 1; round <= rounds; round++) {
      const at = (round - 1) % hubs.length
      const [victim, reader] = [hubs[at]!, hubs[(at + 2) % hubs.length]!]
      const ids = await posted(victim)
      const killedMs = performance.now()
      let open = ids
      while (open.length > 0 && performance.now() - killedMs < patienceMs) {
        const counts = await Promise.all(open.map((id) => settled(reader, id).catch(() => null)))
        totals.doubled += counts.filter((count) => count !== null && count !== 1).length
        open = open.filter((_, index) => counts[index] === null)
        if (open.length > 0) await sleep(pollMs)
      }
      tookMs.push(performance.now() - killedMs)
      totals.acknowledged += ids.length
      totals.undone += open.length
      say(
        `round ${round}/${rounds}: ${names[at]} killed, ${ids.length} acknowledged, all done ${seconds(tookMs.at(-1)!)} later`,
      )
      await victim.restart()
      for (const hub of hubs) await lends(hub, 'bench-0', 1, ...names.filter((_, other) => hubs[other] !== hub))
    }
    tookMs.sort((one, other) => one - other)
    say(`hubs killed                  ${rounds}`)
    say(`intents acknowledged         ${totals.acknowledged}`)
    say(`acknowledged and not done    ${totals.undone}`)
    say(`settled not exactly once     ${totals.doubled}`)
    say(
      `all done after the kill      ${[0, 0.5, 1].map((share) => seconds(tookMs[Math.floor((tookMs.length - 1) * share)]!)).join(' / ')} (least, median, most)`,
    )
    if (totals.undone + totals.doubled > 0) process.exitCode = 1
  },
)

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
