/**
 * A compose file without its engine: each service runs as a process of this machine, as its image and the file would
 * have it run. A host of the file is a loopback address of its own, so that ports stay as they are; a volume is a
 * folder, and paths within containers become paths of those. What an image adds (environment, entry, health check) is
 * read from its Dockerfile; the bundles in it are run from their sources. Limits of containers are not enforced.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { Program } from '../../machine/programs.ts'
import { temporaryFolder } from '../../machine/temporary-folder.ts'

const root = join(import.meta.dirname, '../../../..')

interface Service {
  image: string
  build?: { dockerfile: string }
  command?: string
  environment?: Record<string, string>
  env_file?: { path: string; required: boolean }[]
  volumes?: string[]
  ports?: string[]
}

/** Sources of what the images have as bundles and executables. */
const sources: Record<string, string> = {
  'main.js': 'orchestrator/main.ts',
  'cluster.js': 'orchestrator/commands/cluster.ts',
  'key.js': 'orchestrator/commands/key.ts',
  'chasm-scout': 'scout/main.ts',
}

export class Composed {
  readonly text: string
  /** The folder of the file: paths in it begin here. */
  readonly folder = temporaryFolder()
  private readonly services: Record<string, Service>
  private readonly addresses = new Map<string, string>()
  private readonly volumes = new Map<string, string>()
  /** Temporary folders, which a container that is started anew has as they were. */
  private readonly scratch = new Map<string, string>()

  /** `nats`: the program that the image of that name has. */
  constructor(
    path: string,
    private readonly nats: string,
  ) {
    this.text = readFileSync(join(root, path), 'utf8')
    this.services = (Bun.YAML.parse(this.text) as { services: Record<string, Service> }).services
    // All of 127.0.0.0/8 is this machine; one part of it for each process, as tests run beside each other.
    const part = `127.${1 + (process.pid % 254)}.${Math.floor(process.pid / 254) % 254}`
    for (const [at, name] of Object.keys(this.services).entries()) this.addresses.set(name, `${part}.${at + 1}`)
  }

  get names(): string[] {
    return Object.keys(this.services)
  }

  /** Starts the service as it stands in the file. */
  up(name: string): Program {
    const { build, command } = this.service(name)
    const { entry, env } =
      build === undefined ? { entry: [this.nats, '--addr', this.address(name)], env: {} } : this.image(name)
    const words = command === undefined ? [] : command.trim().split(/\s+/)
    return this.start(name, [...entry, ...words], { ...env, ...this.environment(name) })
  }

  /** What `docker compose run` and `exec` do: another program in a container of the service. */
  run(name: string, words: readonly string[]): Program {
    const [program, ...rest] = words
    return this.start(name, [...runnable(program!), ...rest], { ...this.image(name).env, ...this.environment(name) })
  }

  /** What the image looks for to find its service healthy. */
  health(name: string): Program {
    const { health, env } = this.image(name)
    return this.start(name, health, { ...env, ...this.environment(name) })
  }

  /** Where the first published port of a service leads. */
  url(name: string): string {
    const [, , port] = this.service(name).ports![0]!.split(':')
    return `http://${this.address(name)}:${port}`
  }

  private service(name: string): Service {
    const service = this.services[name]
    if (service === undefined) throw new Error(`the file has no service ${name}`)
    return service
  }

  private address(name: string): string {
    return this.addresses.get(name)!
  }

  private image(name: string): { entry: string[]; health: string[]; env: Record<string, string> } {
    const text = readFileSync(join(root, this.service(name).build!.dockerfile), 'utf8')
    // What the last stage says; lines that go on are one.
    const stage = text
      .replaceAll(/\\\n\s*/g, ' ')
      .split(/^FROM /m)
      .at(-1)!
    const list = (pattern: RegExp) => JSON.parse(pattern.exec(stage)![1]!) as string[]
    const [program, ...words] = list(/^ENTRYPOINT (.*)$/m)
    const env = /^ENV (.*)$/m
      .exec(stage)![1]!
      .trim()
      .split(/\s+/)
      .map((word) => word.split('=') as [string, string])
    const [checker, ...checks] = list(/CMD (\[.*\])$/m)
    const entry = program === 'bun' ? runnable(words[0]!) : runnable(program!)
    const rest = program === 'bun' ? words.slice(1) : words
    const health = checker === 'bun' ? [process.execPath, ...checks] : [...runnable(checker!), ...checks]
    return { entry: [...entry, ...rest], health, env: Object.fromEntries(env.filter(([key]) => key !== 'PATH')) }
  }

  /** As the file and the `.env` files that it names have it. */
  private environment(name: string): Record<string, string> {
    const { environment = {}, env_file: files = [] } = this.service(name)
    const own = this.dotEnv('.env')
    const given = files.map(({ path }) => this.dotEnv(path))
    const put = (text: string) =>
      text.replaceAll(/\$\{(\w+):-(.*?)\}/g, (_, variable: string, otherwise: string) => own[variable] || otherwise)
    const set = Object.entries(environment).map(([key, value]): [string, string] => [key, put(value)])
    return { ...Object.assign({}, ...given), ...Object.fromEntries(set) }
  }

  private dotEnv(path: string): Record<string, string> {
    try {
      return parseEnv(readFileSync(join(this.folder, path), 'utf8')) as Record<string, string>
    } catch {
      return {}
    }
  }

  private start(name: string, command: readonly string[], env: Record<string, string>): Program {
    const outside = (text: string) => this.outside(name, text)
    const scratch = this.scratch.get(name) ?? temporaryFolder()
    this.scratch.set(name, scratch)
    const set = Object.entries(env).map(([key, value]): [string, string] => [key, outside(value)])
    const [program, ...words] = command
    return new Program([program!, ...words.map(outside)], scratch, { ...Object.fromEntries(set), TMPDIR: scratch })
  }

  /** A text of a container as this machine has it: hosts become addresses, mounted paths their folders. */
  private outside(name: string, text: string): string {
    const own = text.replaceAll(/\b(0\.0\.0\.0|127\.0\.0\.1)\b/g, this.address(name))
    const hosts = own.replaceAll(
      /\/\/([\w-]+):/g,
      (all, host: string) => `//${this.addresses.get(host) ?? all.slice(2, -1)}:`,
    )
    return (this.service(name).volumes ?? []).reduce((mounted, mount) => {
      const [source, target] = mount.split(':') as [string, string]
      const folder = this.volume(source)
      return mounted === target || mounted.startsWith(`${target}/`) ? folder + mounted.slice(target.length) : mounted
    }, hosts)
  }

  private volume(source: string): string {
    const known = this.volumes.get(source)
    if (known !== undefined) return known
    const folder = source.startsWith('.') ? join(this.folder, source) : temporaryFolder()
    mkdirSync(folder, { recursive: true })
    this.volumes.set(source, folder)
    return folder
  }
}

/** A program of an image, from its sources. */
function runnable(program: string): string[] {
  const source = sources[program]
  if (source === undefined) throw new Error(`nobody knows what ${program} is made of`)
  return [process.execPath, '--no-env-file', join(root, source)]
}
