/**
 * The hub under measurement, seen from a scenario: start it on a fresh data folder, kill it, bring it back on the same
 * folder and port, ask what it has cost. The process itself is `hub-process.ts`.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child, profileFlags, programPath, type Usage } from '../load/child.ts'
import type { CollectionLog } from '../load/collections.ts'
import type { Target } from '../load/http-connection.ts'
import type { Heap, HubCalls } from './hub-process.ts'

export class HubUnderTest {
  private readonly dataDir = mkdtempSync(join(tmpdir(), 'chasm-bench-hub-'))
  private child!: Child<HubCalls>
  private keys = { clientKey: '', scoutKey: '' }
  port = 0

  private constructor(
    private readonly flags: string[],
    private readonly collections: CollectionLog | null,
  ) {}

  /** `profileDir` makes it write a processor profile there when it ends; `collections` receives its collections. */
  static async start(profileDir: string | null, collections: CollectionLog | null = null): Promise<HubUnderTest> {
    const hub = new HubUnderTest(profileFlags(profileDir), collections)
    await hub.open()
    return hub
  }

  private async open(): Promise<void> {
    this.child = await Child.start<HubCalls>(programPath('fleet/hub-process.ts'), this.flags, this.collections)
    const { port, keys } = await this.child.call('open', { port: this.port, dataDir: this.dataDir })
    this.port = port
    this.keys = keys ?? this.keys
  }

  get scoutKey(): string {
    return this.keys.scoutKey
  }

  target(bodies: string[], path = '/v1/chat/completions'): Target {
    return { port: this.port, path, key: this.keys.clientKey, bodies }
  }

  /** Keys of another operator and another tenant. */
  strangersKeys(): Promise<{ scoutKey: string; clientKey: string }> {
    return this.child.call('strangersKeys', null)
  }

  usage(): Usage {
    return this.child.usage()
  }

  stats() {
    return this.child.call('stats', null)
  }

  /** The JavaScript heap now, and the longest stall of the event loop since the last call. */
  memory(): Promise<{ heapMb: number; stallMs: number }> {
    return this.child.call('memory', null)
  }

  /** The heap by type, after a full collection. */
  heap(): Promise<Heap> {
    return this.child.call('heap', null)
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.child.pid}/fd`).length
  }

  /** Memory after a full collection. */
  async restingRssMb(): Promise<number> {
    await this.child.call('collect', null)
    return this.usage().rssMb
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    this.child.signal('SIGKILL')
    await this.child.end()
  }

  /** From now on it neither reads nor writes, but its sockets stay open. */
  freeze(): void {
    this.child.signal('SIGSTOP')
  }

  /** The same hub again: same folder, same port. */
  async restart(): Promise<void> {
    await this.open()
  }

  async close(): Promise<void> {
    await this.child.end()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}
