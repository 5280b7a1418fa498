/**
 * The other hubs of a network as a scout remembers them from one start to the next: a small file for each configured
 * hub in the folder of its state. What it holds is only where to dial; a file that is missing, damaged or cannot be
 * written costs nothing but the memory.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hubUrlCharsMax } from '../../shared/limits/cluster/roster.ts'
import { welcomeHubsMax } from '../../shared/limits/wire.ts'

const fileBytesMax = 16 * 1024

function pathOf(folder: string, home: string): string {
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16)
  return join(folder, `hubs-${name}.json`)
}

export function readKnownHubs(folder: string, home: string): string[] {
  try {
    const path = pathOf(folder, home)
    if (statSync(path).size > fileBytesMax) return []
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (!Array.isArray(value)) return []
    const isEndpoint = (one: unknown): one is string =>
      typeof one === 'string' && one.length <= 2 * hubUrlCharsMax && /^wss?:/.test(one) && URL.canParse(one)
    return value.filter(isEndpoint).slice(0, welcomeHubsMax)
  } catch {
    return []
  }
}

export function keepKnownHubs(folder: string, home: string, endpoints: readonly string[]): void {
  try {
    writeFileSync(pathOf(folder, home), JSON.stringify(endpoints.slice(0, welcomeHubsMax)), { mode: 0o600 })
  } catch {
    // An image may have no writable folder.
  }
}
