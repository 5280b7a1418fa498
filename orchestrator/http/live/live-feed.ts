/**
 * Who watches which topic, and what of it is new for them. A topic is composed at most once a second, only while it is
 * watched, and serialised once for all of its watchers; for a watcher that does not read, the newest replaces what was
 * not sent, so that it holds one frame of each topic however long it stalls. `live.ts` makes streams of watchers.
 */
import { liveEveryMs, liveStreamsMax, liveStreamsPerCallerMax, topicBytesMax } from '../../../shared/limits/http.ts'
import type { System, Timer } from '../../../shared/system.ts'

/** What a topic says now, JSON of one object; `tenant` only where each tenant has its own. */
export type Composer = (tenant: string) => object

interface Topic {
  name: string
  tenant: string
  watchers: Set<Watcher>
  /** The newest frame; null before the first. */
  frame: Uint8Array | null
  text: string
}

export class Watcher {
  private readonly unsent = new Map<Topic, Uint8Array>()
  private wake: (() => void) | null = null

  constructor(readonly caller: string) {}

  give(topic: Topic, frame: Uint8Array): void {
    this.unsent.set(topic, frame)
    this.stir()
  }

  take(): Uint8Array | null {
    if (this.unsent.size === 0) return null
    const frames = [...this.unsent.values()]
    this.unsent.clear()
    return frames.length === 1 ? frames[0]! : Buffer.concat(frames)
  }

  onReadable(wake: () => void): void {
    if (this.unsent.size > 0) wake()
    else this.wake = wake
  }

  get framesHeld(): number {
    return this.unsent.size
  }

  stir(): void {
    const { wake } = this
    this.wake = null
    wake?.()
  }
}

export class LiveFeed {
  private readonly topics = new Map<string, Topic>()
  private readonly byCaller = new Map<string, number>()
  private watching = 0
  private timer: Timer | null = null
  /** Topics composed since the start. */
  compositions = 0

  constructor(
    private readonly system: Pick<System, 'after'>,
    private readonly composers: Readonly<Record<string, { compose: Composer; isOfTenant: boolean }>>,
  ) {}

  /** What the topic says now, for a caller that does not watch. */
  now(name: string, tenant: string): object {
    return this.composers[name]!.compose(tenant)
  }

  /** Null when there are as many watchers as there may be. What is known comes at once. */
  watch(names: readonly string[], caller: string, tenant: string): Watcher | null {
    const own = this.byCaller.get(caller) ?? 0
    if (this.watching >= liveStreamsMax || own >= liveStreamsPerCallerMax) return null
    this.watching++
    this.byCaller.set(caller, own + 1)
    const watcher = new Watcher(caller)
    for (const name of names) {
      const topic = this.topicOf(name, tenant)
      topic.watchers.add(watcher)
      if (topic.frame === null) this.compose(topic)
      else watcher.give(topic, topic.frame)
    }
    this.timer ??= this.system.after(liveEveryMs, () => this.tick())
    return watcher
  }

  /** Once for each watcher. */
  leave(watcher: Watcher): void {
    this.watching--
    const own = this.byCaller.get(watcher.caller)! - 1
    if (own === 0) this.byCaller.delete(watcher.caller)
    else this.byCaller.set(watcher.caller, own)
    for (const [key, topic] of this.topics) {
      topic.watchers.delete(watcher)
      if (topic.watchers.size === 0) this.topics.delete(key)
    }
    watcher.stir()
    if (this.watching > 0) return
    this.timer?.cancel()
    this.timer = null
  }

  stop(): void {
    this.timer?.cancel()
  }

  private topicOf(name: string, tenant: string): Topic {
    const own = this.composers[name]!.isOfTenant ? tenant : ''
    const key = `${name}\t${own}`
    let topic = this.topics.get(key)
    if (topic === undefined) {
      topic = { name, tenant: own, watchers: new Set(), frame: null, text: '' }
      this.topics.set(key, topic)
    }
    return topic
  }

  private tick(): void {
    this.timer = this.system.after(liveEveryMs, () => this.tick())
    for (const topic of this.topics.values()) this.compose(topic)
  }

  /** What says the same as before is not sent again. */
  private compose(topic: Topic): void {
    this.compositions++
    const text = JSON.stringify(this.composers[topic.name]!.compose(topic.tenant))
    if (text === topic.text) return
    topic.text = text
    topic.frame = Buffer.from(`event: ${topic.name}\ndata: ${text}\n\n`)
    if (topic.frame.length > topicBytesMax) throw new Error(`topic ${topic.name} has ${topic.frame.length} bytes`)
    for (const watcher of topic.watchers) watcher.give(topic, topic.frame)
  }
}
