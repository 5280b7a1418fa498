/**
 * The network of `compose.cluster.yaml` without containers: its own first lines as commands, the very arguments of its
 * servers and the very environment of its hubs. Only names, ports and folders of containers become those of this machine.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findNats, freePorts } from '../support/cluster/nats-server.ts'
import { Program } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const root = join(import.meta.dirname, '..', '..')
const text = readFileSync(join(root, 'compose.cluster.yaml'), 'utf8')
const { services } = Bun.YAML.parse(text) as {
  services: Record<string, { command?: string; environment?: Record<string, string> }>
}
const names = Object.keys(services)
const servers = names.filter((name) => name.startsWith('nats-'))
const hubs = names.filter((name) => services[name]!.environment?.CLUSTER_URL !== undefined)
const found = await findNats()
const program = 'path' in found ? found.path : ''
const modelsMs = 200

/** The machine that containers would have: a port for each port of theirs, a folder for each of theirs. */
class Site {
  private readonly folder = temporaryFolder()
  private readonly ports = new Map<string, number>()

  constructor() {
    const used = [...servers.flatMap((name) => [`${name}:4222`, `${name}:6222`]), ...hubs.map((name) => `${name}:8080`)]
    const free = freePorts(used.length)
    for (const [at, address] of used.entries()) this.ports.set(address, free[at]!)
  }

  portOf(name: string, port: number): number {
    return this.ports.get(`${name}:${port}`)!
  }

  dataOf(name: string): string {
    const path = join(this.folder, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  /** A text of the file as it has to be here. `name`: the container that it is for. */
  here(name: string, of: string): string {
    let said = of.replaceAll('/roster/', `${this.dataOf('roster')}/`).replaceAll('/data', this.dataOf(name))
    said = said.replaceAll('//0.0.0.0:6222', `//127.0.0.1:${this.portOf(name, 6222)}`)
    for (const [address, port] of this.ports) said = said.replaceAll(`//${address}`, `//127.0.0.1:${port}`)
    return said
  }

  /** What a container of this hub runs: a command of the image. */
  run(name: string, script: string, ...args: string[]): { code: number; out: string } {
    const path = join(root, 'orchestrator/commands', script)
    const env = { PATH: process.env.PATH, ...this.environmentOf(name) }
    const child = Bun.spawnSync([process.execPath, path, ...args], { cwd: this.folder, env })
    return { code: child.exitCode, out: child.stdout.toString().trim() }
  }

  environmentOf(name: string): Record<string, string> {
    const given = Object.entries(services[name]!.environment!).map(([variable, value]) => {
      // As the engine fills in what nobody sets.
      return [variable, this.here(name, value.replace(/\$\{\w+:-(\w*)\}/, '$1'))]
    })
    return { ...Object.fromEntries(given), DATA_DIR: this.dataOf(name), PORT: String(this.portOf(name, 8080)) }
  }

  start(name: string): Program {
    const folder = this.dataOf(name)
    const { command } = services[name]!
    if (command === undefined) {
      return new Program([process.execPath, join(root, 'orchestrator/main.ts')], folder, this.environmentOf(name))
    }
    const args = this.here(name, command).trim().split(/\s+/)
    return new Program([program, '--addr', '127.0.0.1', '--port', String(this.portOf(name, 4222)), ...args], folder, {})
  }

  url(name: string): string {
    return `http://127.0.0.1:${this.portOf(name, 8080)}`
  }
}

/** The commands of its first lines: on which hub, which command, with which words. */
function commandsOf(first: string): { hub: string; script: string; args: string[] }[] {
  const joined = first.replace(/\\\n#\s+/g, ' ')
  const form =
    /^# {3}docker compose -f compose\.cluster\.yaml (?:run .*?--entrypoint bun|exec) (\w+) (?:bun )?(\w+\.js) (.*)$/gm
  return [...joined.matchAll(form)].map(([, hub, script, rest]) => {
    // What stands behind a wide gap is for people.
    const args = rest!.split(/ {4,}/)[0]!.trim().split(' ')
    return { hub: hub!, script: script!.replace('.js', '.ts'), args }
  })
}

describe.skipIf(program === '')(`compose.cluster.yaml${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  test('is a network when its first lines are done: a key and a scout of one hub serve clients of another', async () => {
    const site = new Site()
    const keys = new Map<string, string>()
    const done = (hub: string, script: string, args: string[]) => {
      const words = args.map((word) => site.here(hub, keys.get(word) ?? word))
      const { code, out } = site.run(hub, script, ...words)
      expect(code, `${script} ${words.join(' ')}`).toBe(0)
      return out
    }
    const commands = commandsOf(text.slice(0, text.indexOf('\nname:')))
    expect(commands.map(({ args }) => args[0])).toEqual(['init', 'identity', 'propose', 'propose', 'scout'])
    const scoutKey = commands.pop()!
    for (const { hub, script, args } of commands) {
      const out = done(hub, script, args)
      if (args[0] !== 'identity') continue
      keys.set(`KEY_OF_${hub.toUpperCase()}`, out)
      keys.set('KEY_OF_GAMMA', done('gamma', script, args))
    }
    for (const name of servers) site.start(name)
    const running = hubs.map((name) => site.start(name))
    await Promise.all(running.map((hub) => hub.wrote(/connected to the servers between hubs/)))
    const key = /chasm_scout_\w+/.exec(done(scoutKey.hub, scoutKey.script, scoutKey.args))![0]
    const clientKey = /chasm_client_\w+/.exec(done('beta', 'key.ts', ['client', 'app']))![0]
    const scout = new Program([process.execPath, join(root, 'scout/main.ts')], site.dataOf('scout'), {
      ...services['scout-gamma']!.environment!,
      ...{
        ORCHESTRATOR_URL: site.url('gamma'),
        SCOUT_KEY: key,
        PROVIDERS: 'demo',
        SCOUT_STATE_DIR: site.dataOf('scout'),
      },
    })
    onTestFinished(() => scout.signal('SIGKILL'))
    const ask = (path: string, body?: object) =>
      fetch(`${site.url('alpha')}/v1/${path}`, {
        headers: { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json' },
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      })
    for (;;) {
      const models = await ask('models')
      if (models.status === 200 && (await models.text()).includes('demo-small')) break
      await Bun.sleep(modelsMs)
    }
    const answer = await ask('chat/completions', {
      model: 'demo-small',
      messages: [{ role: 'user', content: 'hello' }],
    })
    expect(answer.status).toBe(200)
    expect(((await answer.json()) as { chasm: { scout: string } }).chasm.scout).toBe('hub:gamma/gamma')
  }, 180_000)
})
