/**
 * A hub of several processes: starts the brain, then the edges, which all listen on one port; restarts what dies,
 * loudly and after a growing delay, and a brain at once, for which the edges wait; passes the end on in order. What the
 * processes do is theirs: it speaks with them through their first message, signals and exit codes. `main.ts` becomes
 * this when HUB_EDGES asks for it.
 */
import { fullJitterMs } from '../shared/backoff.ts'
import { defectsInRowMax, drainKillMs, leftCode, signalEchoMs } from '../shared/limits/process.ts'
import { reconnectBaseMs, reconnectCapMs } from '../shared/limits/wire.ts'
import type { System, Timer } from '../shared/system.ts'
import { isReady, type Ready } from './banner.ts'

interface HubProcessesOptions {
  /** The command line of each part; of a brain, for which so many edges wait. */
  commands: { brain: (awaited: number) => string[]; edge: string[] }
  /** Edges, one at least. */
  edges: number
  /** As configured; 0 is any, which the first edge chooses for all. */
  port: number
  /** The address of the page, given the port. */
  pageAt: (port: number) => string
  env: Record<string, string | undefined>
  system: System
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void }
  /** The brain and the first edge are there. Called once. */
  onReady: (ready: Ready) => void
}

/**
 * - `starting`: no edge listens yet. - `running`. - `recovering`: the brain is gone, and edges wait for another one.
 * - `stopping`: the brain was told to leave. - `ended`: no process is left.
 */
type Phase = 'starting' | 'running' | 'recovering' | 'stopping' | 'ended'

const legalMoves: Record<Phase, readonly Phase[]> = {
  starting: ['running', 'stopping'],
  running: ['recovering', 'stopping'],
  recovering: ['running', 'stopping'],
  stopping: ['ended'],
  ended: [],
}

/** What the parts say of themselves once they are ready. */
type Said =
  | { part: 'brain'; keys: Omit<Ready, 'url'> }
  | { part: 'edge'; url: string }
  /** This brain does not answer it any more. */
  | { part: 'edge'; silent: number }

const failureCode = 1

export class HubProcesses {
  private phase: Phase = 'starting'
  private brain: Bun.Subprocess | null = null
  private readonly edges: (Bun.Subprocess | null)[]
  private readonly timers = new Map<string, Timer>()
  private readonly end = Promise.withResolvers<number>()
  private keys: Omit<Ready, 'url'> | null = null
  private url: string | null = null
  private port: number
  /** Edges may dial it. */
  private isBrainReady = false
  /** Deaths in a row: of brains that had no edge yet, and of each edge before it listened. */
  private brainDeaths = 0
  private readonly edgeDeaths: number[]
  private stoppedMs = 0
  private exitCode = 0

  constructor(private readonly options: HubProcessesOptions) {
    this.port = options.port
    this.edges = new Array<null>(options.edges).fill(null)
    this.edgeDeaths = new Array<number>(options.edges).fill(0)
  }

  /** Resolves with the exit code when everything is over. */
  run(): Promise<number> {
    this.startBrain()
    return this.end.promise
  }

  /** The first one lets everything end in order, a later one at once. */
  signal(): void {
    const { system } = this.options
    if (this.phase === 'ended') return
    if (this.phase !== 'stopping') this.stop(0)
    else if (system.nowMs() - this.stoppedMs >= signalEchoMs) this.kill()
  }

  private move(to: Phase): void {
    if (!legalMoves[this.phase].includes(to)) throw new Error(`hub processes cannot go from ${this.phase} to ${to}`)
    this.phase = to
  }

  // ------------------------------------------------------------ starting

  private startBrain(): void {
    const { commands } = this.options
    const awaited = this.edges.filter((edge) => edge !== null).length
    this.brain = this.spawn(commands.brain(awaited), {}, (code, signal) => this.brainEnded(code, signal))
  }

  private startEdge(at: number): void {
    const { commands, env } = this.options
    const port = { ...env, PORT: String(this.port) }
    this.edges[at] = this.spawn(commands.edge, port, (code, signal) => this.edgeEnded(at, code, signal), at)
  }

  private spawn(
    command: string[],
    env: Record<string, string | undefined>,
    ended: (code: number | null, signal: number | string | null) => void,
    at = 0,
  ): Bun.Subprocess {
    return Bun.spawn(command, {
      env: { ...this.options.env, ...env },
      stdio: ['ignore', 2, 2],
      // Its own process group: a Ctrl-C in the terminal reaches this process only, which ends the others in order.
      detached: true,
      ipc: (message: unknown) => this.heard(message, at),
      onExit: (_child, code, signal) => ended(signal === null ? code : null, signal),
    })
  }

  private heard(message: unknown, at: number): void {
    const said = saidBy(message)
    if (said === null || this.phase === 'stopping') return
    if (said.part === 'brain') {
      this.keys ??= said.keys
      this.isBrainReady = true
      if (this.phase === 'recovering') this.move('running')
      return this.startMissing()
    }
    if ('silent' in said) return this.endSilent(said.silent)
    this.edgeDeaths[at] = 0
    // Also of one that has taken over what the edges had.
    this.brainDeaths = 0
    if (this.port === 0) {
      this.port = Number(new URL(said.url).port)
      this.startMissing()
    }
    if (this.phase === 'starting') this.move('running')
    if (this.url !== null) return
    this.url = said.url
    const { scoutKey, clientKey, loginUrl } = this.keys!
    const login = loginUrl === undefined ? {} : { loginUrl: this.options.pageAt(this.port) + loginUrl }
    const keys = { scoutKey, ...(clientKey !== undefined && { clientKey }), ...login }
    this.options.onReady({ type: 'ready', url: said.url, ...keys })
  }

  /** The first one alone, where it chooses the port of all. */
  private startMissing(): void {
    const edges = this.port === 0 ? this.edges.slice(0, 1) : this.edges
    for (const [at, edge] of edges.entries()) if (edge === null) this.startEdge(at)
  }

  // ------------------------------------------------------------ deaths

  /** It stands still, or is stopped: nothing but its end lets another one take its place. */
  private endSilent(pid: number): void {
    if (this.brain?.pid !== pid) return
    this.options.log.error({ pid }, 'the brain does not answer, and is ended')
    this.brain.kill('SIGKILL')
  }

  private edgeEnded(at: number, code: number | null, signal: number | string | null): void {
    this.edges[at] = null
    if (this.phase === 'stopping') return this.endWhenAlone()
    // Whoever exits by itself before it listens has said why.
    if (this.phase === 'starting' && code !== null) return this.stop(code || failureCode)
    this.again(`edge-${at}`, this.edgeDeaths[at]!++, { edge: at, code, signal }, 'an edge ended', () => {
      // Else it starts with the brain.
      if (this.isBrainReady && this.edges[at] === null) this.startEdge(at)
    })
  }

  private brainEnded(code: number | null, signal: number | string | null): void {
    this.brain = null
    this.isBrainReady = false
    if (this.phase === 'stopping') {
      this.exitCode ||= code ?? failureCode
      return this.endWhenAlone()
    }
    if (this.phase === 'starting' || this.brainDeaths >= defectsInRowMax) return this.stop(code || failureCode)
    if (this.phase === 'running') this.move('recovering')
    if (code === leftCode) return this.startBrain()
    this.options.log.error({ code, signal }, 'the brain ended; its edges wait for another one')
    // Clients wait: only one that dies again and again is started later.
    if (this.brainDeaths++ === 0) return this.startBrain()
    this.again('brain', this.brainDeaths - 1, {}, 'the brain starts again', () => this.startBrain())
  }

  private again(name: string, deaths: number, fields: object, what: string, start: () => void): void {
    const { system, log } = this.options
    const delayMs = fullJitterMs(deaths, reconnectBaseMs, reconnectCapMs, system.random())
    log.error(fields, `${what}: in ${(delayMs / 1000).toFixed(1)} s`)
    this.timers.get(name)?.cancel()
    this.timers.set(name, system.after(delayMs, start))
  }

  // ------------------------------------------------------------ the end

  private stop(exitCode: number): void {
    this.move('stopping')
    this.exitCode = exitCode
    this.stoppedMs = this.options.system.nowMs()
    for (const timer of this.timers.values()) timer.cancel()
    this.timers.set(
      'kill',
      this.options.system.after(drainKillMs, () => this.kill()),
    )
    // It tells the edges. Without it they have nobody to wait for.
    if (this.brain !== null) this.brain.kill('SIGTERM')
    else for (const edge of this.edges) edge?.kill('SIGKILL')
    this.endWhenAlone()
  }

  private kill(): void {
    this.exitCode ||= failureCode
    for (const child of [this.brain, ...this.edges]) child?.kill('SIGKILL')
  }

  private endWhenAlone(): void {
    if (this.phase === 'ended') return
    if (this.brain === null) for (const edge of this.edges) edge?.kill('SIGKILL')
    if (this.brain !== null || this.edges.some((edge) => edge !== null)) return
    this.move('ended')
    for (const timer of this.timers.values()) timer.cancel()
    this.end.resolve(this.exitCode)
  }
}

/** What a part reports once it is ready; null for anything else. */
function saidBy(message: unknown): Said | null {
  if (typeof message !== 'object' || message === null || !('part' in message)) return null
  if (message.part === 'edge' && 'silent' in message && typeof message.silent === 'number') {
    return { part: 'edge', silent: message.silent }
  }
  if (message.part === 'edge' && 'url' in message && typeof message.url === 'string') {
    return { part: 'edge', url: message.url }
  }
  const ready = { ...message, url: '' }
  return message.part === 'brain' && isReady(ready) ? { part: 'brain', keys: ready } : null
}
