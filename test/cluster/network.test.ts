import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { keepChain } from '../../orchestrator/cluster/hub-files.ts'
import { openNetwork } from '../../orchestrator/cluster/network.ts'
import { removing } from '../../orchestrator/cluster/roster/proposal.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { realSystem } from '../../shared/system.ts'
import { patienceMs } from '../support/clocks/until.ts'
import { folderOf, good, networkOf, signedByAll, type TestHub, testHub } from '../support/cluster/network.ts'
import { findNats, NatsServer } from '../support/cluster/programs/nats-server.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { start } from '../support/machine/programs.ts'
import { selfSigned } from '../support/machine/self-signed.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
const [alpha, beta, gamma] = [testHub('alpha', 1), testHub('beta', 2), testHub('gamma', 3)]
const trio = networkOf([alpha, beta, gamma])
const log = { info() {}, warn() {}, error() {} }

async function servers(): Promise<string[]> {
  const all = await NatsServer.cluster(program, 3)
  onTestFinished(async () => void (await Promise.all(all.map((server) => server.remove()))))
  return all.map(({ address }) => address)
}

function hubOf(hub: TestHub, addresses: readonly string[]): { live: LiveHub; dataDir: string } {
  const dataDir = folderOf(hub, trio)
  const settings = { dataDir, servers: addresses, isSecure: false, login: null, roster: null }
  const live = new LiveHub({
    network: good(openNetwork(settings, { system: realSystem(), log, copies: memoryStore() })),
  })
  onTestFinished(() => live.close())
  return { live, dataDir }
}

interface HubList {
  network: { standing: string; epoch: number } | null
  data: { name: string; state: string; models: { id: string }[]; is_self: boolean }[]
}

async function hubsSeenBy({ url, adminKey }: LiveHub): Promise<HubList> {
  const response = await fetch(`${url}/v1/hubs`, { headers: { authorization: `Bearer ${adminKey}` } })
  expect(response.status).toBe(200)
  return (await response.json()) as HubList
}

/** Resolves with the list once it is so; looks again and again, and is looking no more then. */
async function seen(live: LiveHub, what: string, met: (list: HubList) => boolean): Promise<HubList> {
  const lastMs = performance.now() + patienceMs
  for (;;) {
    const list = await hubsSeenBy(live)
    if (met(list)) return list
    if (performance.now() > lastMs) throw new Error(`waited ${patienceMs} ms in vain for ${what}`)
  }
}

describe.skipIf(program === '')(`three hubs over NATS${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  test('list each other and their models, and cut off whom they remove', async () => {
    const addresses = await servers()
    const hubs = [alpha, beta, gamma].map((hub, at) => hubOf(hub, [addresses[at]!]))
    const [a, b, c] = hubs as [(typeof hubs)[0], (typeof hubs)[0], (typeof hubs)[0]]
    await c.live.addScout({ name: 'worker' })
    const areHere = ({ data }: HubList) => data.length === 3 && data.every(({ state }) => state === 'here')
    for (const { live } of hubs) await seen(live, 'all hubs to be here', areHere)
    const list = await seen(a.live, "gamma's models", ({ data }) => (data[2]?.models.length ?? 0) > 0)
    expect(list.data.map(({ name, is_self }) => [name, is_self])).toEqual([
      ['alpha', true],
      ['beta', false],
      ['gamma', false],
    ])
    expect(list.data[2]!.models.map(({ id }) => id)).toContain('demo-small')
    const shrunk = good(trio.extended(signedByAll(good(removing(trio, 'gamma')), [alpha, beta]).next))
    expect(keepChain(a.dataDir, shrunk)).toBeNull()
    const isCut = ({ data, network }: HubList) => network?.epoch === 4 && data.length === 2
    for (const { live } of [a, b]) await seen(live, 'gamma to be cut off', isCut)
    await seen(c.live, 'gamma to know it', ({ network }) => network?.standing === 'removed')
  })

  test('are one program each, which names its hub and its network in clear sentences', async () => {
    const [address] = await servers()
    const folder = temporaryFolder()
    const env = { PORT: '0', CLUSTER_URL: `nats://${address}`, DATA_DIR: join(folder, 'data') }
    const bare = start('orchestrator/main.ts', folder, env)
    expect(await bare.exited).toBe(1)
    expect(bare.stderr).toMatch(/^\S+hub\.key does not exist: make this hub's identity with .*\n$/)
    const hub = start('orchestrator/main.ts', folder, { ...env, DATA_DIR: folderOf(alpha, trio) })
    await hub.wrote(/connected to the servers between hubs/)
    hub.signal('SIGTERM')
    expect(await hub.exited).toBe(0)
  })

  test('speak TLS where they are told to, with servers whose certificate is trusted and no others', async () => {
    const folder = temporaryFolder()
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
    writeFileSync(cert, selfSigned.cert)
    writeFileSync(key, selfSigned.key)
    const secure = await NatsServer.start(program, '--tls', '--tlscert', cert, '--tlskey', key)
    const plain = await NatsServer.start(program)
    onTestFinished(async () => void (await Promise.all([secure.remove(), plain.remove()])))
    const hub = (address: string, trusted: Record<string, string>) => {
      const env = { PORT: '0', CLUSTER_URL: `tls://${address}`, DATA_DIR: folderOf(alpha, trio), ...trusted }
      return start('orchestrator/main.ts', folder, env)
    }
    const trusting = { NODE_EXTRA_CA_CERTS: cert }
    await hub(secure.address, trusting).wrote(/connected to the servers between hubs/)
    expect(await hub(secure.address, {}).wrote(/"why":"([^"]+)/)).toMatch(/certificate/)
    expect(await hub(plain.address, trusting).wrote(/"why":"([^"]+)/)).toMatch(/could be reached/)
  })
})

test('a hub by itself loads nothing of networks but its identity, and lists no hubs', async () => {
  const folder = temporaryFolder()
  const main = join(import.meta.dirname, '../../orchestrator/main.ts')
  const code = `await import(${JSON.stringify(main)}); console.log(JSON.stringify(Object.keys(require.cache)))`
  const child = Bun.spawnSync([process.execPath, '-e', code], { cwd: folder, env: { PATH: process.env.PATH } })
  const loaded = JSON.parse(child.stdout.toString()) as string[]
  expect(loaded).toContain(main)
  const identity = /orchestrator\/cluster\/(identity-file|whole-file|roster\/identity)\.ts$/
  expect(loaded.filter((path) => /nats|orchestrator\/cluster/.test(path) && !identity.test(path))).toEqual([])
  const live = new LiveHub()
  onTestFinished(() => live.close())
  expect(await hubsSeenBy(live)).toEqual({ object: 'list', network: null, data: [] })
  expect(existsSync(join(folder, 'data'))).toBe(false)
})
