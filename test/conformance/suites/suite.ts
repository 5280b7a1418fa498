/** What a suite of strangers' checks says of the hub, in one form, whatever its report looks like. */
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..', '..')

export interface SuiteCheck {
  id: string
  name: string
  /** The API that it is about. */
  group: string
  /** `absent`: what it is about is not there. `open`: undecided, because the model did not do what would show it. */
  outcome: 'pass' | 'fail' | 'absent' | 'open'
  /** Why not. */
  reason: string
}

export interface SuiteResult {
  suite: string
  version: string
  checks: SuiteCheck[]
}

/** Where a suite is that npm has installed, and which version of it. */
export async function installed(name: string): Promise<{ folder: string; version: string }> {
  const folder = join(root, 'node_modules', name)
  const { version } = (await Bun.file(join(folder, 'package.json')).json()) as { version: string }
  return { folder, version }
}

/** Which version of a program is installed, as it says itself; empty when there is none. */
export function programVersion({ name, variable }: { name: string; variable: string }): string {
  const path = process.env[variable] ?? Bun.which(name)
  if (path === null) return ''
  const { stdout } = Bun.spawnSync([path, '--version'], { stderr: 'ignore' })
  return /\d+(?:\.\d+)+/.exec(stdout.toString())?.[0] ?? ''
}

/** Runs a suite to its end, whatever its exit code says: its report tells more. Gives back what it wrote. */
export async function runSuite(script: string, args: string[], env: Record<string, string>): Promise<string> {
  const node = Bun.which('node') ?? process.execPath
  const child = Bun.spawn([node, script, ...args], {
    env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  await child.exited
  return out + err
}
