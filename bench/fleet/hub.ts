/**
 * The hub under measurement, seen from a scenario: start it on a fresh data folder, kill it, bring it back on the same
 * folder and port, ask what it has cost. The process itself is `hub-process.ts`.
 */
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anonymousMbOfPid, Child, profileFlags, programPath, type Usage } from '../load/child.ts'
import type { CollectionLog } from '../load/collections.ts'
import type { Target } from '../load/http-connection.ts'
import type { Heap, HubCalls, Kinds, Opening } from './hub-process.ts'
import type { Turns } from './turn-watch.ts'

/** What a pipe holds on Linux. */
const pipeBytes = 65_536

export class HubUnderTest {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'chasm-bench-hub-'))
  private child!: Child<HubCalls>
  private keys = { clientKey: '', scoutKey: '' }
  port = 0

  private constructor(
    private readonly flags: string[],
    private readonly collections: CollectionLog | null,
    /** Where its log goes when nobody is to read it; null for a silent one. */
    private readonly unread: UnreadPipe | null,
    private readonly how: Pick<Opening, 'servers' | 'receipts'> = { servers: [], receipts: null },
  ) {}

  /** One of a network; `prepare` puts its identity and the roster into its folder. */
  static async startInNetwork(
    profileDir: string | null,
    servers: readonly string[],
    prepare: (dataDir: string) => void,
  ): Promise<HubUnderTest> {
    const hub = new HubUnderTest(profileFlags(profileDir), null, null, { servers, receipts: null })
    prepare(hub.dataDir)
    await hub.open()
    return hub
  }

  /** `profileDir` makes it write a processor profile there when it ends; `collections` receives its collections. */
  static async start(
    profileDir: string | null,
    collections: CollectionLog | null = null,
    receipts: Opening['receipts'] = null,
  ): Promise<HubUnderTest> {
    const hub = new HubUnderTest(profileFlags(profileDir), collections, null, { servers: [], receipts })
    await hub.open()
    return hub
  }

  /** One that logs without end, into a pipe that nobody reads. */
  static async startUnread(profileDir: string | null): Promise<HubUnderTest> {
    const hub = new HubUnderTest(profileFlags(profileDir), null, new UnreadPipe())
    await hub.open()
    return hub
  }

  private async open(): Promise<void> {
    const { flags, collections, dataDir, unread, how, port: before } = this
    this.child = await Child.start<HubCalls>(programPath('fleet/hub-process.ts'), flags, collections, unread?.fd)
    const { port, keys } = await this.child.call('open', { port: before, dataDir, logs: unread !== null, ...how })
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

  /** A new one each time. */
  adminKey(): Promise<string> {
    return this.child.call('adminKey', null)
  }

  /** Microseconds of one look at the counts. */
  statsUs(): Promise<number> {
    return this.child.call('statsUs', null)
  }

  get pid(): number {
    return this.child.pid
  }

  usage(): Usage {
    return this.child.usage()
  }

  stats() {
    return this.child.call('stats', null)
  }

  /** Durable intents that are under way there. */
  openIntents(): Promise<number> {
    return this.child.call('openIntents', null)
  }

  /** What each other hub of its network lets it have of a model now. */
  creditsOfOthers(model: string): Promise<{ hub: string; credits: number }[]> {
    return this.child.call('creditsOfOthers', model)
  }

  /** The JavaScript heap now, and the longest turns of the loop since the last call. */
  memory(): Promise<Turns & { heapMb: number }> {
    return this.child.call('memory', null)
  }

  /** The heap by type, after a full collection. */
  heap(): Promise<Heap> {
    return this.child.call('heap', null)
  }

  /** What it holds by kind, and how much of its resident memory is its own and no file's. */
  async kinds(): Promise<Kinds & { anonymousMb: number }> {
    const kinds = await this.child.call('kinds', null)
    return { ...kinds, anonymousMb: anonymousMbOfPid(this.child.pid) }
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

  thaw(): void {
    this.child.signal('SIGCONT')
  }

  /** It writes thousands of lines a second from now on. */
  shout(): void {
    this.child.signal('SIGUSR2')
  }

  /** Whether its log has filled the pipe that nobody reads. */
  isLogFull(): boolean {
    return this.unread?.isFull() === true
  }

  /** The same hub again: same folder, same port. */
  async restart(): Promise<void> {
    await this.open()
  }

  async close(): Promise<void> {
    await this.child.end()
    this.unread?.close()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** A pipe that stays open and is not read. */
class UnreadPipe {
  private readonly folder = mkdtempSync(join(tmpdir(), 'chasm-bench-log-'))
  private readonly path = join(this.folder, 'log')
  readonly fd: number

  constructor() {
    const made = Bun.spawnSync(['mkfifo', this.path])
    if (made.exitCode !== 0) throw new Error(`mkfifo made no pipe: ${made.stderr.toString().trim()}`)
    // Open in both directions, so that it neither waits for a reader nor breaks without one.
    this.fd = openSync(this.path, constants.O_RDWR)
  }

  /** Reads what it holds, which makes room. */
  isFull(): boolean {
    const reader = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return readSync(reader, Buffer.alloc(pipeBytes)) > 0.9 * pipeBytes
    } catch {
      return false
    } finally {
      closeSync(reader)
    }
  }

  close(): void {
    closeSync(this.fd)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
