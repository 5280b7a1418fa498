/**
 * Brings the peers' packages onto the machine when they are first needed, and says which peers cannot run here and how
 * to change that. The packages and their lock live in `bench/peers`, so that nobody who only uses the project
 * ever downloads them.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { brokerVersions, missingBroker } from './broker.ts'
import type { Peer } from './catalogue.ts'

const folder = join(import.meta.dir, '..')
const stamp = join(folder, 'node_modules', '.package-lock.json')
/** Peers that need nothing but the runtimes. */
const selfContained = ['chasm', 'raw-http', 'raw-ws', 'webhook']

/** Installs what the lock names, unless that has been done since it last changed. A sentence when it cannot be done. */
export function installPackages(print: (line: string) => void): string | null {
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs) return null
  const npm = Bun.which('npm')
  if (npm === null) return 'npm is not in PATH; it comes with Node.js 20 or newer'
  print("Installing the peers' packages into bench/peers (once) ...")
  const { exitCode, stderr } = Bun.spawnSync([npm, 'ci', '--no-audit', '--no-fund'], { cwd: folder })
  if (exitCode === 0) return null
  const why = /npm error (?!code)(.+)/.exec(stderr.toString())?.[1] ?? `npm ended with ${exitCode}`
  return `their packages cannot be installed: ${why}`
}

/** Why this peer cannot run here, or null. `packagesFlaw` as from `installPackages`. */
export function missingFor(peer: Peer, packagesFlaw: string | null): string | null {
  const runtimes = [peer.server.runtime, peer.worker?.runtime]
  if (runtimes.includes('node') && Bun.which('node') === null) return 'needs node in PATH: install Node.js 20 or newer'
  if (peer.broker !== null) {
    const missing = missingBroker(peer.broker)
    if (missing !== null) return missing
  }
  return selfContained.includes(peer.name) ? null : packagesFlaw
}

/** What stands behind the figures, by name. */
export async function versions(): Promise<Record<string, string>> {
  const found: Record<string, string> = { bun: Bun.version, ...brokerVersions() }
  const node = Bun.which('node')
  if (node !== null) found.node = Bun.spawnSync([node, '--version']).stdout.toString().trim().slice(1)
  const { dependencies } = (await Bun.file(join(folder, 'package.json')).json()) as Versions
  return { ...found, ...dependencies }
}

interface Versions {
  dependencies: Record<string, string>
}
