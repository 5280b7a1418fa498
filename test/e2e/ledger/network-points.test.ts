/** Points of a network of real hubs over real servers: a client at one of them, its answer from a scout of another. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { NatsBus } from '../../../orchestrator/cluster/bus/nats-bus.ts'
import { NatsLog } from '../../../orchestrator/cluster/journal/nats-log.ts'
import {
  intentStream,
  keyStream,
  ledgerStream,
  type StreamForm,
  useStream,
} from '../../../orchestrator/cluster/journal/streams.ts'
import type { Servers } from '../../../orchestrator/cluster/network.ts'
import { readReceipt } from '../../../orchestrator/ledger/receipts/receipt.ts'
import { realSystem } from '../../../shared/system.ts'
import { until } from '../../support/clocks/until.ts'
import { type NetworkedHub, networkedHub, shares } from '../../support/cluster/hub-network.ts'
import { networkOf, testHub } from '../../support/cluster/network.ts'
import { findNats, NatsServer } from '../../support/cluster/programs/nats-server.ts'
import { checkedLedger } from '../../support/ledger/calendar.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
const system = realSystem()
const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const duo = networkOf([alpha, beta])

async function hubs(): Promise<[NetworkedHub, NetworkedHub]> {
  const [server] = await NatsServer.withStreams(program, 1)
  onTestFinished(() => server!.remove())
  const connect = (name: string, prefix: string): Servers => {
    const bus = new NatsBus({ system, servers: [server!.address], isSecure: false, name, login: null })
    const logOf = (stream: StreamForm) => new NatsLog({ system, bus, copies: 1, stream })
    const own = { shared: logOf(intentStream(prefix)), keys: logOf(keyStream(prefix)) }
    return { bus, ...own, use: logOf(useStream(prefix)), ledger: logOf(ledgerStream(prefix)) }
  }
  return [networkedHub(alpha, duo, connect), networkedHub(beta, duo, connect)]
}

async function get<Shown>({ live }: NetworkedHub, path: string, key = live.adminKey): Promise<Shown> {
  const response = await fetch(`${live.baseURL}${path}`, { headers: { authorization: `Bearer ${key}` } })
  expect(response.status).toBe(200)
  return (await response.json()) as Shown
}

/** Receipts of a hub's chain so far. */
function receiptsOf({ live }: NetworkedHub) {
  const batches = live.hub.engine.ledger!.batchesAfter(0, 1_000)
  return batches.flatMap(({ leaves }) => leaves.map((leaf) => readReceipt(leaf)))
}

interface Earnings {
  network: { waiting: number; unacknowledged: number; hubs: { hub: string; waiting: number }[] }
}

interface HubList {
  network: { removed: string[] }
  data: { name: string; ledger: { state: string; batch: number; why: string | null } }[]
}

describe.skipIf(program === '')(`over NATS${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  test('a task between two hubs has two receipts, earns once, and every hub shows the same', async () => {
    const [a, b] = await hubs()
    await b.live.addScout({ name: 'worker', demo: { tokens: 40 } })
    await shares(a, b, 'demo-small')
    const ask = async (live: NetworkedHub['live']) => {
      const headers = { authorization: `Bearer ${live.clientKey}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ model: 'demo-small', messages: [{ role: 'user', content: 'hello' }] })
      const response = await fetch(`${live.baseURL}/chat/completions`, { method: 'POST', headers, body })
      return (await response.json()) as { id: string }
    }
    const { id } = await ask(a.live)
    await ask(b.live)
    await until('all receipts to be sealed', () => receiptsOf(a).length === 1 && receiptsOf(b).length === 2)
    const [asked] = receiptsOf(a)
    const served = receiptsOf(b).find(({ asker }) => asker !== '')!
    expect(asked).toMatchObject({ scout: 'hub:beta/beta', asker: '', home: 'beta', points: 0, flags: 512 })
    expect(served).toMatchObject({ asker: `alpha/${asked!.task}/1`, home: '', flags: 0 })
    expect(served.points).toBeGreaterThan(0)
    expect([asked!.promptUnits, asked!.answerUnits]).toEqual([served.promptUnits, served.answerUnits])
    const all = receiptsOf(b).reduce((sum, { points }) => sum + points, 0)
    const operator = served.scout.split('/')[0]!
    for (const hub of [a, b]) {
      let shown: Earnings | null = null
      let isAsking = false
      await until(`${hub.name} to count what was earned`, () => {
        if (!isAsking) {
          isAsking = true
          void get<Earnings>(hub, `/earnings?operator=${operator}`).then((next) => {
            shown = next
            isAsking = false
          })
        }
        return shown?.network.waiting === all
      })
      const hubs = [{ hub: 'beta', earned: 0, waiting: all, unacknowledged: 0 }]
      expect(shown).toMatchObject({ network: { unacknowledged: 0, hubs } })
      const { network, data } = await get<HubList>(hub, '/hubs')
      expect(network.removed).toEqual([])
      expect(data.map(({ ledger }) => [ledger.state, ledger.batch > 0])).toEqual([
        ['counted', true],
        ['counted', true],
      ])
    }
    const says = { asker: null, home: 'beta', points: 0, reasons: ['elsewhere'] }
    expect(await get(a, `/receipts/${id}`)).toMatchObject({ says })
    // Each hub's own file is checked as before.
    for (const [hub, receipts] of [
      [a, 1],
      [b, 2],
    ] as const) {
      const { live } = hub
      const headers = { authorization: `Bearer ${live.adminKey}` }
      const file = await (await fetch(`${live.baseURL}/receipts`, { headers })).text()
      expect(checkedLedger(file, live.hub.engine.ledger!.hub)).toMatchObject({ receipts })
    }
  })
})
