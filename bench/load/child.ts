/**
 * One process of the bench, seen from the process that started it: calls with typed parameters and answers, what it
 * has cost so far in processor time and memory, and its end. The other end of the line is `calls.ts`.
 */
import { readFileSync } from 'node:fs'
import type { Ask, Calls, Reply } from './calls.ts'
import { type CollectionLog, collectionLogEnv } from './collections.ts'

export interface Usage {
  cpuMs: number
  rssMb: number
}

/** Clock ticks of /proc/<pid>/stat per second; fixed by Linux's interface. */
const ticksPerSecond = 100

export class Child<C extends Calls> {
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>()
  private readonly up = Promise.withResolvers<void>()
  private readonly process: Bun.Subprocess
  private asked = 0

  private constructor(
    private readonly program: string,
    private readonly flags: string[],
    collections: CollectionLog | null,
    stderr: number,
  ) {
    this.process = Bun.spawn([process.execPath, ...flags, program], {
      stdio: ['ignore', 2, collections === null ? stderr : 'pipe'],
      env: collections === null ? process.env : { ...process.env, ...collectionLogEnv },
      ipc: (message: Reply) => this.received(message),
      onExit: (_child, code, signal) => this.ended(`${code ?? signal}`),
    })
    if (collections !== null) void this.readCollections(collections)
  }

  /**
   * Starts a program of the bench; resolves once it takes calls. `flags` are the runtime's; its collections are logged
   * into `collections` when that is given, else its standard error goes to the descriptor `stderr`.
   */
  static async start<C extends Calls>(
    program: string,
    flags: string[] = [],
    collections: CollectionLog | null = null,
    stderr = 2,
  ): Promise<Child<C>> {
    const child = new Child<C>(program, flags, collections, stderr)
    await child.up.promise
    return child
  }

  get pid(): number {
    return this.process.pid
  }

  call<N extends keyof C & string>(name: N, params: Parameters<C[N]>[0]): Promise<Awaited<ReturnType<C[N]>>> {
    const answer = Promise.withResolvers<unknown>()
    const ask: Ask = { id: ++this.asked, name, params }
    this.waiting.set(ask.id, answer)
    this.process.send(ask)
    return answer.promise as Promise<Awaited<ReturnType<C[N]>>>
  }

  usage(): Usage {
    return { cpuMs: cpuMsOfPid(this.pid), rssMb: rssOfPid(this.pid).rssMb }
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name)
  }

  /** Ends the process, at once unless it has a profile to write; resolves when it is gone. */
  async end(): Promise<void> {
    this.process.kill(this.flags.length > 0 ? 'SIGTERM' : 'SIGKILL')
    await this.process.exited
  }

  private async readCollections(collections: CollectionLog): Promise<void> {
    const decoder = new TextDecoder()
    for await (const bytes of this.process.stderr as ReadableStream<Uint8Array>) {
      process.stderr.write(collections.push(decoder.decode(bytes, { stream: true })))
    }
  }

  private received(reply: Reply): void {
    if ('up' in reply) return this.up.resolve()
    const answer = this.waiting.get(reply.id)
    this.waiting.delete(reply.id)
    if ('error' in reply) answer?.reject(new Error(reply.error))
    else answer?.resolve(reply.result)
  }

  private ended(how: string): void {
    const error = new Error(`${this.program.replace(/^.*\//, '')} ended (${how})`)
    this.up.reject(error)
    for (const answer of this.waiting.values()) answer.reject(error)
    this.waiting.clear()
  }
}

/** Processor time a process has taken since it began. */
export function cpuMsOfPid(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold spaces; user and system time are the 12th and 13th fields behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return (ticks * 1_000) / ticksPerSecond
}

/** Memory of a process now, and the most it ever had. */
export function rssOfPid(pid: number): { rssMb: number; peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (field: RegExp) => Number(field.exec(status)?.[1] ?? 0) / 1024
  return { rssMb: read(/VmRSS:\s+(\d+)/), peakMb: read(/VmHWM:\s+(\d+)/) }
}

/** The part of its resident memory that is no file's. */
export function anonymousMbOfPid(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

/** The runtime's flags for a process that leaves its processor profile in this folder. */
export function profileFlags(dir: string | null): string[] {
  return dir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${dir}`]
}

/** The path of a program of the bench, from the folder that holds them all. */
export function programPath(path: string): string {
  return new URL(`../${path}`, import.meta.url).pathname
}
