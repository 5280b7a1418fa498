/**
 * A hub that the test plays on a bus: it signs with whatever identity it has, an authority's or none, and says whatever
 * the test wants, as a hub that serves and as one that asks. It keeps what comes back to it.
 */
import { summaryBytes } from '../../../orchestrator/cluster/presence/summary.ts'
import { type HubProcess, openMessage } from '../../../orchestrator/cluster/roster/message.ts'
import { MessageGate } from '../../../orchestrator/cluster/roster/message-gate.ts'
import type { RosterChain } from '../../../orchestrator/cluster/roster/roster-chain.ts'
import { type Batch, batchBytes, readBatch } from '../../../orchestrator/cluster/sharing/batch.ts'
import type { LocalFleet } from '../../../orchestrator/engine/ports/client.ts'
import { concurrencyMax } from '../../../shared/limits/wire.ts'
import { decodeFromHub, decodeFromScout, encode } from '../../../shared/protocol/codec.ts'
import { type FrameOf, type HubFrame, protocolVersion, type ScoutFrame } from '../../../shared/protocol/frames.ts'
import type { System } from '../../../shared/system.ts'
import { offerOf } from '../../../shared/task.ts'
import type { BusModel, ModelBus } from './model-bus.ts'
import type { TestHub } from './network.ts'

const credits = { scouts: 1_000_000, concurrency: 1_000_000, credits: 1_000_000, running: 0, queued: 0, intents: 0 }

export class FalseHub {
  readonly own: HubProcess
  /** What it was sent over its link, decoded, and whether that was ended. */
  readonly heard: ReturnType<typeof decodeFromHub>[] = []
  isEnded = false
  /** What it was sent over the link that it asks over, and whether that was ended; a hub that serves opens another. */
  readonly served: ReturnType<typeof decodeFromScout>[] = []
  isServed = false
  private readonly bus: ModelBus
  private readonly gate: MessageGate
  /** The start of each hub that was heard of. */
  private readonly others: Record<string, number> = {}
  private link = 0
  private seq = 0
  /** The link that it asks over, and what it has sent there. */
  private asking = { link: 0, seq: 0, used: 0 }
  private tasks = 0

  constructor(
    system: System,
    model: BusModel,
    hub: TestHub,
    chain: RosterChain,
    private readonly prefix: string,
  ) {
    this.own = { name: hub.name, boot: 4_000_000_000 }
    this.gate = new MessageGate(hub.identity, this.own, chain, () => system.nowMs())
    this.bus = model.connect()
    this.bus.subscribe(`${prefix}.presence.*`, (_, message) => this.meet(message))
    this.bus.subscribe(`${prefix}.to.${hub.name}.*`, (subject, message) => this.hear(subject, message))
  }

  /** The process that the hub of this name runs as; undefined before it was heard. */
  processOf(name: string): HubProcess | undefined {
    const boot = this.others[name]
    return boot === undefined ? undefined : { name, boot }
  }

  say(to: HubProcess | null, subject: string, payload: Uint8Array): void {
    this.bus.publish(subject, this.gate.seal(to, subject, payload))
  }

  /** That it is here, with scouts without number for these models. */
  tell(...models: string[]): void {
    this.claim({}, ...models)
  }

  /** The same with other numbers. */
  claim(claimed: Partial<LocalFleet>, ...models: string[]): void {
    const offers = models.map((model) => offerOf({ kind: 'chat', model, provider: 'none' }))
    const fleet: LocalFleet = {
      ...credits,
      ...claimed,
      models: offers.map((offer) => ({ offer, scouts: 1_000, idle: 1_000 })),
    }
    this.say(null, `${this.prefix}.presence.${this.own.name}`, summaryBytes(this.others, null, fleet, 0))
  }

  /** Offers itself as a scout to this hub, with these models, free of charge. */
  open(to: string, models: string[]): void {
    this.link++
    this.seq = 0
    this.isEnded = false
    const identity = { version: protocolVersion, name: this.own.name, instance: `i-${this.link}`, agent: 'false hub' }
    const offers = models.map((model): FrameOf<'hello'>['offers'][number] => ['chat', model, 'x', 0, 0, 0, 0, ''])
    this.send(to, { type: 'hello', ...identity, concurrency: concurrencyMax, offers, held: [] })
  }

  send(to: string, ...frames: ScoutFrame[]): void {
    this.sendRaw(to, ...frames.map((frame) => Uint8Array.from(encode(frame))))
  }

  sendRaw(to: string, ...frames: Uint8Array[]): void {
    const batch: Batch = { from: 'serves', link: this.link, seq: this.seq++, isLast: false, frames }
    this.say(this.processOf(to)!, `${this.prefix}.to.${to}.${this.own.name}`, batchBytes(batch))
  }

  /** As the hub that asks, over the link that this hub serves it over. */
  ask(of: string, ...frames: HubFrame[]): void {
    this.askRaw(of, ...frames.map((frame) => Uint8Array.from(encode(frame))))
  }

  askRaw(of: string, ...frames: Uint8Array[]): void {
    const { link, seq } = this.asking
    this.asking.seq++
    const batch: Batch = { from: 'asks', link, seq, isLast: false, frames }
    this.say(this.processOf(of)!, `${this.prefix}.to.${of}.${this.own.name}`, batchBytes(batch))
  }

  /** That it may be given credits without number. */
  welcome(of: string): void {
    const times = { heartbeatMs: 5_000, silenceMs: 28_000, leaseTtlMs: 30_000 }
    const terms = { version: protocolVersion, epoch: 1, scout: 'hub:x/x', ...times, creditMax: concurrencyMax }
    this.ask(of, { type: 'welcome', ...terms, held: [] })
  }

  /** Credits that it was granted over this link. */
  get granted(): number {
    return this.served.reduce((sum, frame) => sum + (frame.type === 'credit' ? frame.count : 0), 0)
  }

  /** As many tasks as it has credits, of those that it was granted since the last time. */
  useAll(of: string, model: string): void {
    const { granted } = this
    for (; this.asking.used < granted; this.asking.used++) this.ask(of, this.task(model))
  }

  /** Another chat with this model, which has time until the end of the test. */
  task(model: string): HubFrame {
    const body = Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }))
    const what = { kind: 'chat' as const, model, stream: true, ttlMs: 30_000, deadlineMs: 600_000, acks: [] }
    const head = { task: ++this.tasks, attempt: 1, nonce: new Uint8Array(16) }
    return { type: 'task', ...head, ...what, size: body.length, body }
  }

  private meet(message: Uint8Array): void {
    const head = openMessage(message)?.head
    if (head !== undefined) this.others[head.from.name] = head.from.boot
  }

  private hear(subject: string, message: Uint8Array): void {
    const believed = this.gate.receive(message, subject)
    const batch = typeof believed === 'string' ? null : readBatch(believed.payload)
    if (batch?.from === 'serves') this.take(batch)
    if (batch === null || batch.from !== 'asks' || batch.link !== this.link) return
    for (const frame of batch.frames) this.heard.push(decodeFromHub(Uint8Array.from(frame)))
    if (batch.isLast) this.isEnded = true
  }

  /** Of a hub that serves it: a link begins with the first batch. */
  private take({ link, seq, isLast, frames }: Batch): void {
    if (seq === 0 && !isLast) {
      this.asking = { link, seq: 0, used: 0 }
      this.served.length = 0
    }
    if (link !== this.asking.link) return
    this.isServed = !isLast
    for (const frame of frames) this.served.push(decodeFromScout(Uint8Array.from(frame)))
  }
}
