/**
 * One hub under attack, as an attacker sees it: its port, a scout key and a client key of a stranger's own. Attacks
 * open their sockets, requests and processes through here, so that all of them end with the attack. Nothing leaves
 * loopback. `attack-process.ts` makes one for each attack.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep } from '../../load/calls.ts'
import { HttpConnection, requestBytes } from '../../load/http-connection.ts'
import { Stranger, type StrangerHello } from './stranger.ts'

export interface SiteOptions {
  port: number
  scoutKey: string
  clientKey: string
  /** Of another tenant, whom the attack may meet. */
  bystanderKey: string
  /** The hub's process and folder, for what its operator does. */
  hubPid: number
  dataDir: string
}

/** What has to hold besides the bounds of all attacks, as a sentence for each thing that did not. */
export type Check = () => string[] | Promise<string[]>

export interface Attack {
  name: string
  about: string
  /** It calls `site.begins()` when it is ready; what it did before is not measured. */
  prepares?: true
  /** What it leaves behind would weigh on the attacks after it. */
  leaves?: true
  /** The hub is killed once the attack has begun; this is done to its folder, and it is started again. */
  whileDown?(dataDir: string): void
  /** It is about the hub's log, which has to have filled its pipe in the end. */
  shouts?: true
  /** Begins; what it starts goes on until the site ends. */
  run(site: Site): Promise<Check | void>
}

export class Site {
  readonly port: number
  readonly options: SiteOptions
  readonly clientKey: string
  private readonly scoutKey: string
  private readonly ready = Promise.withResolvers<void>()
  private readonly ending = new AbortController()
  private readonly closers: (() => void)[] = []
  /** What became of the attack's requests: status or code, and how often. */
  readonly outcomes: Record<string, number> = {}

  constructor(options: SiteOptions) {
    const { port, scoutKey, clientKey } = options
    this.options = options
    this.port = port
    this.scoutKey = scoutKey
    this.clientKey = clientKey
  }

  /** The attack is prepared. */
  begins(): void {
    this.ready.resolve()
  }

  get begun(): Promise<void> {
    return this.ready.promise
  }

  get isOver(): boolean {
    return this.ending.signal.aborted
  }

  end(): void {
    this.ending.abort()
    for (const close of this.closers.splice(0)) close()
  }

  onEnd(close: () => void): void {
    if (this.isOver) close()
    else this.closers.push(close)
  }

  note(outcome: string, count = 1): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + count
  }

  /** A scout that has greeted and given its credits. */
  async stranger(hello: StrangerHello, key = this.scoutKey): Promise<Stranger> {
    const onClosed = (why: string) => void (this.isOver || this.note(why))
    const stranger = await Stranger.dial(`ws://127.0.0.1:${this.port}`, key, { onClosed, ...hello })
    this.onEnd(() => stranger.cut())
    return stranger
  }

  /** So many of them, named in order. */
  strangers(count: number, hello: (at: number) => StrangerHello): Promise<Stranger[]> {
    return Promise.all(Array.from({ length: count }, (_, at) => this.stranger(hello(at))))
  }

  /** Status and body of the answer; status 0 when there is none. */
  async ask(
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    key = this.clientKey,
  ): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        signal: this.ending.signal,
        ...(body !== undefined && { body }),
      })
      const text = await response.text()
      this.note(/"code":"(\w+)"/.exec(text)?.[1] ?? `status ${response.status}`)
      return { status: response.status, text }
    } catch {
      if (!this.isOver) this.note('connection lost')
      return { status: 0, text: '' }
    }
  }

  /** So many clients, each of which asks again as soon as it has its answer; a refused one waits a moment. */
  loop(clients: number, path: string, body: () => string | Uint8Array<ArrayBuffer>): void {
    const client = async () => {
      while (!this.isOver) {
        const { status } = await this.ask(path, body())
        if (status === 0 || status >= 400) await sleep(100)
      }
    }
    for (let at = 0; at < clients; at++) void client()
  }

  /** The same for one small request and at the least cost, so that many of them fit into the attack's time. */
  async fire(clients: number, path: string, body: string): Promise<void> {
    const [request] = requestBytes({ port: this.port, path, key: this.clientKey, bodies: [body] })
    for (let at = 0; at < clients && !this.isOver; at++) {
      const connection: HttpConnection = await HttpConnection.open(this.port, {
        head: (status) => this.note(`status ${status}`),
        body() {},
        end: () => void (this.isOver || connection.send(request!)),
        closed() {},
      })
      this.onEnd(() => connection.close())
      connection.send(request!)
    }
  }

  /** Does it so many times per second until the end. */
  every(perSecond: number, action: () => void): void {
    const tickMs = 20
    let owed = 0
    const timer = setInterval(() => {
      for (owed += (perSecond * tickMs) / 1_000; owed >= 1; owed--) action()
    }, tickMs)
    this.onEnd(() => clearInterval(timer))
  }

  /** A program of the product, at the same low priority as the attack. */
  spawn(command: string[], env: Record<string, string>): Bun.Subprocess {
    const child = Bun.spawn([process.execPath, ...command], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'ignore', 2],
    })
    this.onEnd(() => child.kill('SIGKILL'))
    return child
  }

  /** The product's own scout before one engine of an OpenAI-compatible kind; `offered` tells when it is connected. */
  scoutBefore(engineUrl: string, name: string, env: Record<string, string> = {}): Bun.Subprocess {
    const who = { ORCHESTRATOR_URL: `http://127.0.0.1:${this.port}`, SCOUT_KEY: this.scoutKey, SCOUT_NAME: name }
    const engine = { PROVIDERS: 'compatible', COMPATIBLE_URL: `${engineUrl}/v1` }
    const quiet = { LOG_LEVEL: 'error', SCOUT_STATE_DIR: join(tmpdir(), 'chasm-bench-scouts', name) }
    const scoutMain = new URL('../../../scout/main.ts', import.meta.url).pathname
    return this.spawn([scoutMain], { ...who, ...engine, ...quiet, SCOUT_CONCURRENCY: '16', ...env })
  }

  /** Resolves once the hub lists this model. */
  async offered(model: string): Promise<void> {
    const headers = { authorization: `Bearer ${this.clientKey}` }
    for (let at = 0; at < 200 && !this.isOver; at++) {
      const { ok } = await fetch(`http://127.0.0.1:${this.port}/v1/models/${model}`, { headers })
      if (ok) return
      await sleep(50)
    }
    throw new Error(`nobody offers ${model}`)
  }

  /** A bare connection; its failures are the attack's own business. */
  async connection(heard: (bytes: Buffer) => void = () => {}): Promise<Bun.Socket<undefined> | null> {
    const data = (_socket: unknown, bytes: Buffer) => heard(bytes)
    const handler = { data, error() {}, close: () => void (this.isOver || this.note('connection closed')) }
    const opened = Bun.connect({ hostname: '127.0.0.1', port: this.port, socket: handler }).catch(() => null)
    const socket = await opened
    if (socket !== null) this.onEnd(() => socket.terminate())
    return socket as Bun.Socket<undefined> | null
  }
}

/** The smallest chat for this model. */
export function chatFor(model: string, more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], ...more })
}
