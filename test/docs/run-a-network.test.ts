/**
 * The commands of docs/operations/run-a-network.md, run by a shell as they stand: with keys, passwords and addresses of
 * this machine in the places of the guide's, and with a folder for each of its three machines.
 */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { realSystem } from '../../shared/system.ts'
import { findNats, freePorts } from '../support/cluster/programs/nats-server.ts'
import { Program } from '../support/machine/programs.ts'
import { selfSigned } from '../support/machine/self-signed.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const found = await findNats()
const nats = 'path' in found ? found.path : ''
const root = join(import.meta.dirname, '../..')
const guide = readFileSync(join(root, 'docs/operations/run-a-network.md'), 'utf8')
const adminKey = 'an-admin-key-for-tests-of-forty-letters-'
const password = 'a-password'
const system = realSystem()

/** The guide's block of commands that has this in it. */
function block(part: string): string {
  const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]!)
  const fitting = blocks.filter((one) => one.includes(part))
  if (fitting.length !== 1) throw new Error(`${fitting.length} blocks of the guide have "${part}"`)
  return fitting[0]!
}

/** Three machines of the guide, which are this one, with one working folder. */
function machines() {
  const folder = temporaryFolder()
  for (const name of ['package.json', 'node_modules', 'orchestrator', 'shared']) {
    symlinkSync(join(root, name), join(folder, name))
  }
  for (const [name, text] of [
    ['server.pem', selfSigned.cert],
    ['server-key.pem', selfSigned.key],
  ] as const) {
    writeFileSync(join(folder, name), text)
  }
  const ports = freePorts(9)
  const all = ['alpha', 'beta', 'gamma'].map((name, at) => {
    const dataDir = temporaryFolder()
    const streams = temporaryFolder()
    const port = ports[at]!
    const env = {
      ...{ PATH: `${join(root, 'node_modules/.bin')}:${dirname(nats)}:${process.env.PATH}`, HOME: folder },
      ...{ DATA_DIR: dataDir, PORT: String(port), ADMIN_KEY: adminKey, LOG_LEVEL: 'info', NATS_PASSWORD: password },
      NODE_EXTRA_CA_CERTS: join(folder, 'server.pem'),
    }
    /** In the place of the guide's first machine; the others follow in their order. */
    const here = (commands: string) =>
      commands
        .replace(/10\.0\.0\.(\d):(4|6)222/g, (_, number: string, kind: string) => {
          return `127.0.0.1:${ports[(kind === '4' ? 3 : 6) + ((Number(number) - 1 + at) % 3)]!}`
        })
        .replace('--addr 10.0.0.1 --port 4222', `--addr 127.0.0.1 --port ${ports[3 + at]!}`)
        .replace('/var/lib/nats', streams)
        .replace('nats-1', `nats-${at + 1}`)
        .replace('CLUSTER_PASSWORD=…', `CLUSTER_PASSWORD=${password}`)
    const shell = (commands: string) => new Program(['sh', '-ec', here(commands)], folder, env)
    /** One command that goes on, in the shell's place, so that a signal reaches it. */
    const start = (command: string) => shell(`exec env ${command}`)
    const run = async (commands: string) => {
      const program = shell(commands)
      expect([await program.exited, program.stderr]).toEqual([0, expect.any(String)])
      return program.stdout.trim()
    }
    return { name, url: `http://127.0.0.1:${port}`, start, run }
  })
  return { folder, all: all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]] }
}

/** Names of the hubs that the hub at this address has here, once they are these. */
async function sees(url: string, names: readonly string[]): Promise<void> {
  const headers = { authorization: `Bearer ${adminKey}` }
  for (;;) {
    const list = await fetch(`${url}/v1/hubs`, { headers }).then((response) => response.json())
    const { data } = list as { data: { name: string; state: string }[] }
    const here = data.filter(({ state }) => state === 'here').map(({ name }) => name)
    if (here.join() === names.join()) return
    await new Promise<void>((resolve) => system.after(100, resolve))
  }
}

describe.skipIf(nats === '')(`the guide to networks${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  test('leads from one hub to three and back to two, and to a database that was lost', async () => {
    const { folder, all } = machines()
    const [alpha, beta, gamma] = all
    expect(await alpha.run(block('-- init '))).toContain('epoch 1')
    const keys = [await beta.run(block('-- identity')), await gamma.run(block('-- identity'))] as const
    const adding = block('-- propose add').replace('KEY_OF_BETA', keys[0]).replace('KEY_OF_GAMMA', keys[1])
    expect(await alpha.run(adding)).toContain('epoch 3')
    for (const epoch of [2, 3]) expect(existsSync(join(folder, `roster-epoch-${epoch}.json`))).toBe(true)
    expect(await beta.run('npm run -s cluster -- verify roster-epoch-3.json')).toContain('epoch 3')
    // The servers first, as the guide has them.
    const servers = all.map(({ start }) => start(block('nats-server --addr')))
    await Promise.all(servers.map((server) => server.wrote(/Server is ready/)))
    const hubs = all.map(({ start }) => start(block('npm run orchestrator')))
    await Promise.all(hubs.map((hub) => hub.wrote(/intents are kept by the servers between hubs/)))
    for (const { url } of all) await sees(url, ['alpha', 'beta', 'gamma'])
    expect(await alpha.run(block('-- propose remove'))).toContain('Proposal of epoch 4')
    expect(await beta.run(block('-- sign '))).toContain('epoch 4')
    await hubs[2]!.wrote(/this hub was removed from the roster/)
    for (const { url } of [alpha, beta]) await sees(url, ['alpha', 'beta'])
    for (const hub of hubs) hub.signal('SIGTERM')
    await Promise.all(hubs.map(({ exited }) => exited))
    await beta.run(block('-- rebuild'))
  })
})
