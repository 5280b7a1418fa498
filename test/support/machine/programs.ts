/**
 * The product's programs as a person starts them: processes of their own with nothing but the given environment. What
 * they write can be waited for; whatever still runs when the test is over is killed.
 */
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Conditions } from '../clocks/conditions.ts'

type Script = 'orchestrator/main.ts' | 'orchestrator/supervisor.ts' | 'scout/main.ts'

export class Program {
  stdout = ''
  stderr = ''
  /** Resolves with the exit code once all it wrote has been read. */
  readonly exited: Promise<number>
  private readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  private readonly conditions = new Conditions()
  private hasEnded = false

  /** `folder` becomes its working directory, so that no `.env` of this one is read. */
  constructor(command: string[], folder: string, env: Record<string, string>) {
    this.child = Bun.spawn(command, {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const read = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      const decoder = new TextDecoder()
      for await (const bytes of stream) {
        take(decoder.decode(bytes, { stream: true }))
        this.conditions.changed()
      }
    }
    const out = read(this.child.stdout, (text) => {
      this.stdout += text
    })
    const err = read(this.child.stderr, (text) => {
      this.stderr += text
    })
    this.exited = Promise.all([this.child.exited, out, err]).then(([code]) => {
      this.hasEnded = true
      this.conditions.changed()
      return code
    })
    onTestFinished(() => this.child.kill('SIGKILL'))
  }

  get pid(): number {
    return this.child.pid
  }

  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGKILL'): void {
    this.child.kill(name)
  }

  /** What `pattern` finds in either stream, now or later: its first group, or all of it. */
  async wrote(pattern: RegExp): Promise<string> {
    const look = () => {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
      if (found === null && this.hasEnded) throw new Error(`it ended without ${pattern}: ${this.stdout}${this.stderr}`)
      return found ?? undefined
    }
    const found = await this.conditions.until(`${pattern}`, look)
    return found[1] ?? found[0]
  }
}

function pathOf(script: Script): string {
  return new URL(`../../../${script}`, import.meta.url).pathname
}

export function start(script: Script, folder: string, env: Record<string, string>): Program {
  return new Program([process.execPath, pathOf(script)], folder, env)
}

/** One command of the scout's command line, as `chasm-scout doctor`. */
export function startCommand(args: string[], folder: string, env: Record<string, string> = {}): Program {
  // Whatever this scout leaves for `status` to find stays in the test's own folder.
  return new Program([process.execPath, pathOf('scout/main.ts'), ...args], folder, {
    SCOUT_STATE_DIR: join(folder, 'state'),
    ...env,
  })
}

/** One of the scouts in docs/examples. */
export function startExample(name: string, folder: string, env: Record<string, string>): Program {
  const path = new URL(`../../../docs/examples/${name}`, import.meta.url).pathname
  return new Program([process.execPath, path], folder, { SCOUT_STATE_DIR: join(folder, 'state'), ...env })
}

/** A scout whose jitter always comes out small: it dials again within a fraction of a second. */
export function startEagerScout(folder: string, env: Record<string, string>): Program {
  return startEager('scout/main.ts', folder, env)
}

/** The same for another script, as a path in this repository. */
export function startEager(script: string, folder: string, env: Record<string, string>): Program {
  const path = new URL(`../../../${script}`, import.meta.url).pathname
  const code = `Math.random = () => 0.02; await import(${JSON.stringify(path)})`
  return new Program([process.execPath, '-e', code], folder, env)
}
