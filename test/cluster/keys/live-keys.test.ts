/** Keys of one hub at another one, over real servers and real sockets. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { NatsBus } from '../../../orchestrator/cluster/bus/nats-bus.ts'
import { NatsLog } from '../../../orchestrator/cluster/journal/nats-log.ts'
import { intentStream, keyStream, ledgerStream, useStream } from '../../../orchestrator/cluster/journal/streams.ts'
import type { Servers } from '../../../orchestrator/cluster/network.ts'
import { realSystem } from '../../../shared/system.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { type NetworkedHub, networkedHub } from '../../support/cluster/hub-network.ts'
import { networkOf, testHub } from '../../support/cluster/network.ts'
import { findNats, NatsServer } from '../../support/cluster/programs/nats-server.ts'
import { contentLine, dialRaw, knock } from '../../support/scout/raw-scout.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
const system = realSystem()
const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const duo = networkOf([alpha, beta])

async function hubs(): Promise<[NetworkedHub, NetworkedHub]> {
  const servers = await NatsServer.withStreams(program, 3)
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.remove()))))
  const connect =
    (at: number) =>
    (name: string, prefix: string): Servers => {
      const bus = new NatsBus({ system, servers: [servers[at]!.address], isSecure: false, name, login: null })
      const logOf = (stream: ReturnType<typeof keyStream>) => new NatsLog({ system, bus, copies: 3, stream })
      const own = { shared: logOf(intentStream(prefix)), keys: logOf(keyStream(prefix)) }
      return { bus, ...own, use: logOf(useStream(prefix)), ledger: logOf(ledgerStream(prefix)) }
    }
  return [networkedHub(alpha, duo, connect(0)), networkedHub(beta, duo, connect(1))]
}

describe.skipIf(program === '')(`over NATS${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  test('a key works elsewhere, and its sockets and streams end there when it is revoked at home', async () => {
    const [{ live: a }, { live: b }] = await hubs()
    const client = a.hub.keyring.issue('client', 'app')
    const operator = a.hub.keyring.issue('scout', 'box')
    await until('beta to know the keys', () => b.hub.keyring.verify(operator.key).ok)
    const scout = await dialRaw(b, { key: operator.key })
    scout.hello({ name: 'worker' })
    await scout.heard('welcome')
    scout.send({ type: 'credit', count: 2 })
    const asked = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }
    const answer = b.post('/v1/chat/completions', asked, {
      headers: { authorization: `Bearer ${client.key}`, 'content-type': 'application/json' },
    })
    const lease = await scout.heard('task')
    scout.chunk(lease, 0, 0, contentLine('begun'))
    const stream = await new StreamReader(await answer).content()
    a.hub.keyring.revoke(client.row.id)
    expect((await stream.over()).error).toMatchObject({ code: 'invalid_api_key' })
    await scout.heard('cancel')
    expect(scout.closed).toBeNull()
    a.hub.keyring.revoke(operator.row.id)
    expect((await scout.ended()).code).toBe(4501)
    expect(await knock(b, { key: operator.key })).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } })
  })

  test('a hub that does not know yet asks to be asked again, clients and scouts alike', async () => {
    const a = networkedHub(alpha, duo, (name) => {
      const bus = new NatsBus({ system, servers: ['127.0.0.1:1'], isSecure: false, name, login: null })
      const log = (prefix: string) => new NatsLog({ system, bus, copies: 1, stream: keyStream(prefix) })
      return { bus, shared: log('chasm.x'), keys: log('chasm.y'), use: log('chasm.z'), ledger: log('chasm.w') }
    })
    const { live } = a
    const elsewhere = live.hub.keyring.issue('client', 'gone')
    const { key } = live.hub.keyring.issue('scout', 'gone')
    // As if another hub had made them.
    live.hub.keyring.regenerate(elsewhere.row.id, 1)
    const headers = { authorization: `Bearer ${elsewhere.key}` }
    const response = await fetch(`${live.url}/v1/models`, { headers })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(((await response.json()) as { error: object }).error).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('still learning the keys'),
    })
    live.hub.keyring.regenerate(
      live.hub.keyring.list().find(({ role, name }) => role === 'scout' && name === 'gone')!.id,
      1,
    )
    expect(await knock(live, { key })).toMatchObject({ status: 503 })
  })
})
