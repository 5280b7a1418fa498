/**
 * `npm start`: one supervisor of two processes, the orchestrator and one local scout, for a person who wants to see the
 * whole on one machine. It starts the orchestrator, waits until it listens, hands the scout its address and key, prints
 * the banner, restarts a scout that dies and an orchestrator that met a defect, and drains both on a signal. What the
 * two do is theirs: it speaks with them only through `ready` and `connected`, signals and exit codes, and reads no
 * configuration but the log level.
 */

import { fullJitterMs } from '../shared/backoff.ts'
import { loadEnvFile } from '../shared/env-file.ts'
import {
  defectCode,
  defectsInRowMax,
  drainHeadStartMs,
  drainKillMs,
  signalEchoMs,
  startNoticeMs,
} from '../shared/limits/process.ts'
import { reconnectBaseMs, reconnectCapMs } from '../shared/limits/wire.ts'
import { realSystem, type System, type Timer } from '../shared/system.ts'
import { banner, type Connected, isConnected, isReady, type Ready } from './banner.ts'
import { isBelowNpm, watchParent } from './process-end.ts'

type Part = 'orchestrator' | 'scout'

export interface Options {
  /** The command line of each part. */
  commands: Record<Part, string[]>
  env: Record<string, string | undefined>
  system: System
  /** The banner: the one thing that goes to stdout. */
  print(text: string): void
  /** One calm line for a person. */
  say(line: string): void
}

/**
 * - `starting`: the orchestrator does not listen yet. - `joining`: the first scout has not connected yet.
 * - `running`: the banner is out. - `draining`: both were told to stop, or one ended and the other was.
 * - `ended`: both are gone.
 */
type Phase = 'starting' | 'joining' | 'running' | 'draining' | 'ended'

const legalMoves: Record<Phase, readonly Phase[]> = {
  starting: ['joining', 'draining'],
  joining: ['running', 'draining'],
  running: ['draining'],
  draining: ['ended'],
  ended: [],
}

type Purpose = Part | 'restart' | 'recover' | 'headStart' | 'kill'

/** How this process ends when a child left no code of its own, or was not given the time to. */
const failureCode = 1

export class Supervisor {
  readonly #options: Options
  readonly #ended = Promise.withResolvers<number>()
  readonly #children: Partial<Record<Part, Bun.Subprocess>> = {}
  readonly #timers = new Map<Purpose, Timer>()
  /** Who was asked to drain. */
  readonly #told = new Set<Part>()
  #phase: Phase = 'starting'
  #ready: Ready | null = null
  /** Scouts that died since one was last connected. */
  #scoutDeaths = 0
  /** Defects of the orchestrator since one last listened. */
  #defects = 0
  #drainSinceMs = 0
  /** What `run` resolves with once both children are gone. */
  #exitCode = 0

  constructor(options: Options) {
    this.#options = options
  }

  /** Starts the orchestrator. Resolves with the exit code when everything is over. */
  run(): Promise<number> {
    this.#start('orchestrator', {})
    return this.#ended.promise
  }

  /** What SIGINT and SIGTERM mean: the first drains both, a later one ends them at once. */
  signal(): void {
    if (this.#phase === 'ended') return
    if (this.#phase !== 'draining') {
      this.#options.say('Stopping; what is in flight may finish. Ctrl-C once more stops at once.')
      this.#drain(0)
    } else if (this.#options.system.nowMs() - this.#drainSinceMs >= signalEchoMs) {
      this.#kill('Stopped at once; what was unfinished is lost.')
    }
  }

  #move(to: Phase): void {
    if (!legalMoves[this.#phase].includes(to)) throw new Error(`supervisor cannot go from ${this.#phase} to ${to}`)
    this.#phase = to
  }

  #later(purpose: Purpose, delayMs: number, callback: () => void): void {
    this.#timers.get(purpose)?.cancel()
    this.#timers.set(purpose, this.#options.system.after(delayMs, callback))
  }

  #start(part: Part, env: Record<string, string>): void {
    this.#children[part] = Bun.spawn(this.#options.commands[part], {
      env: { ...this.#options.env, LOG_LEVEL: this.#options.env.LOG_LEVEL || 'warn', ...env },
      // Logs of both go to stderr, so that stdout holds the banner alone.
      stdio: ['ignore', 2, 2],
      // Its own process group: a Ctrl-C in the terminal reaches this process only, which ends the two in order.
      detached: true,
      ipc: (message: unknown) => this.#heard(part, message),
      onExit: (_child, exitCode, signal) => this.#exited(part, exitCode, signal),
    })
    const what = part === 'orchestrator' ? 'the orchestrator to listen' : 'the scout to connect'
    this.#later(part, startNoticeMs, () => {
      this.#options.say(`Still waiting for ${what}. LOG_LEVEL=debug npm start shows what it does; Ctrl-C stops.`)
    })
  }

  #heard(part: Part, message: unknown): void {
    if (part === 'orchestrator' && this.#phase === 'starting' && isReady(message)) {
      this.#timers.get(part)?.cancel()
      this.#move('joining')
      this.#ready = message
      this.#startScout(message)
    } else if (part === 'orchestrator' && isReady(message)) this.#orchestratorIsBack(message)
    if (part === 'scout' && isConnected(message)) this.#scoutConnected(message)
  }

  /** It listens again; the scout dials anew by itself as long as the address is the same. */
  #orchestratorIsBack(message: Ready): void {
    if (this.#phase === 'draining' || this.#phase === 'ended') return
    this.#timers.get('orchestrator')?.cancel()
    this.#options.say('The orchestrator is back.')
    this.#defects = 0
    const isElsewhere = message.url !== this.#ready?.url
    this.#ready = message
    if (isElsewhere) this.#children.scout?.kill('SIGTERM')
  }

  #startScout({ url, scoutKey }: Ready): void {
    this.#start('scout', { ORCHESTRATOR_URL: url, SCOUT_KEY: scoutKey })
  }

  #scoutConnected(connected: Connected): void {
    this.#timers.get('scout')?.cancel()
    if (this.#phase === 'joining' && this.#ready !== null) {
      this.#move('running')
      this.#options.print(banner(this.#ready, connected))
    } else if (this.#phase === 'running' && this.#scoutDeaths > 0) this.#options.say('The scout is back.')
    this.#scoutDeaths = 0
  }

  #exited(part: Part, code: number | null, signal: number | string | null): void {
    delete this.#children[part]
    this.#timers.get(part)?.cancel()
    const how = signal === null ? `with code ${code}` : `by signal ${signal}`
    if (this.#phase === 'draining') this.#exitedInDrain(part, signal === null ? code : null)
    else if (part === 'scout') this.#scoutDied(signal === null ? code : null, how)
    else if (code === defectCode && this.#ready !== null && this.#defects < defectsInRowMax) this.#recover()
    else {
      // Whoever exits before it listens has said why itself; only a death by signal leaves something to say.
      const spokeForItself = this.#phase === 'starting' && signal === null
      if (!spokeForItself) this.#options.say(`The orchestrator ended ${how}; stopping. Start again with: npm start`)
      this.#drain(signal === null ? (code ?? failureCode) : failureCode)
    }
  }

  /** The orchestrator ended itself over a defect after it had listened; its next start goes on from the store. */
  #recover(): void {
    const { say, system } = this.#options
    const delayMs = fullJitterMs(this.#defects++, reconnectBaseMs, reconnectCapMs, system.random())
    say(`The orchestrator met a defect; it starts again in ${(delayMs / 1000).toFixed(1)} s.`)
    this.#later('recover', delayMs, () => this.#start('orchestrator', {}))
  }

  /** `code` is null when a signal ended it. */
  #scoutDied(code: number | null, how: string): void {
    const { say, system } = this.#options
    const ready = this.#ready
    // A scout that gives up before it ever connected has said what to mend; another would only say it again.
    if (ready === null || (this.#phase === 'joining' && code !== null && code !== 0)) {
      this.#drain(code ?? failureCode)
      return
    }
    const delayMs = fullJitterMs(this.#scoutDeaths++, reconnectBaseMs, reconnectCapMs, system.random())
    say(`The scout ended ${how}; another starts in ${(delayMs / 1000).toFixed(1)} s.`)
    this.#later('restart', delayMs, () => this.#startScout(ready))
  }

  /** A child that knew no better than to die of the signal has drained too. */
  #exitedInDrain(part: Part, code: number | null): void {
    if (part === 'orchestrator') this.#exitCode ||= code ?? 0
    else this.#tell('orchestrator')
    this.#endWhenAlone()
  }

  #drain(exitCode: number): void {
    this.#move('draining')
    this.#exitCode = exitCode
    this.#drainSinceMs = this.#options.system.nowMs()
    this.#timers.get('restart')?.cancel()
    this.#timers.get('recover')?.cancel()
    if (this.#children.scout === undefined) this.#tell('orchestrator')
    else {
      this.#tell('scout')
      // A head start and no more: both drains share one deadline, and a hub that went on accepting until the scout is
      // gone would only collect requests that nobody will answer.
      this.#later('headStart', drainHeadStartMs, () => this.#tell('orchestrator'))
    }
    this.#later('kill', drainKillMs, () => this.#kill('Stopping took too long and was cut short.'))
    this.#endWhenAlone()
  }

  /** Once each: to the children as well, a second signal means at once. */
  #tell(part: Part): void {
    if (this.#told.has(part)) return
    this.#told.add(part)
    this.#children[part]?.kill('SIGTERM')
  }

  #kill(why: string): void {
    this.#options.say(why)
    this.#exitCode ||= failureCode
    for (const child of Object.values(this.#children)) child.kill('SIGKILL')
  }

  #endWhenAlone(): void {
    if (this.#children.scout !== undefined || this.#children.orchestrator !== undefined) return
    this.#move('ended')
    for (const timer of this.#timers.values()) timer.cancel()
    this.#ended.resolve(this.#exitCode)
  }
}

if (import.meta.main) {
  const startedBy = process.ppid
  // Its children read it too, and say what is wrong with it.
  loadEnvFile(process.cwd(), process.env)
  const bun = [process.execPath, '--no-env-file']
  const supervisor = new Supervisor({
    commands: {
      orchestrator: [...bun, `${import.meta.dir}/main.ts`],
      scout: [...bun, `${import.meta.dir}/../scout/main.ts`],
    },
    env: process.env,
    system: realSystem(),
    print: (text) => process.stdout.write(text),
    say: (line) => process.stderr.write(`${line}\n`),
  })
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => supervisor.signal())
  if (isBelowNpm(process.env)) {
    const onGone = () => supervisor.signal()
    watchParent({ system: realSystem(), parent: startedBy, parentOf: () => process.ppid, onGone })
  }
  process.exit(await supervisor.run())
}
