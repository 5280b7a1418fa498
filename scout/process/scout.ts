/**
 * One whole scout: a link and an executor over a catalog of providers. `process.ts` runs one per process; tests and the
 * fleet simulator run many, with their own clock, sockets and providers.
 */
import type { AnswerKey } from '../../shared/answers/answer-keys.ts'
import { drainMs } from '../../shared/limits/process.ts'
import { handBackMs } from '../../shared/limits/scout.ts'
import { bodyBytesMax, concurrencyMax, dataBytesPerSecond } from '../../shared/limits/wire.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { Hello, WorkFrame } from '../core/session.ts'
import { Link, type LinkHandler } from '../link/link.ts'
import type { Dial } from '../link/socket.ts'
import type { Log } from '../log.ts'
import { type Catalog, OfferAnnouncement } from '../offers/catalog.ts'
import { StandingKeeper } from '../status/standing.ts'
import type { ScoutStatus } from '../status/status.ts'
import { Executor } from '../tasks/executor.ts'

export const agentVersion = '0.1.0'
const agent = `chasm-scout/${agentVersion}`
const instanceBytes = 8

export interface ScoutSettings {
  /** The operator's name for this scout. */
  name: string
  /** Tasks at once; cut to `concurrencyMax`. */
  concurrency: number
  /** The largest request that is taken; `bodyBytesMax` when it is left out. */
  requestBytesMax?: number
  /** Bytes of chunks and fragments that the hub allows per second; the protocol's when it is left out. */
  dataBytesPerSecond?: number
  /** Taken out of error texts, beside what looks like a secret; none when absent. */
  secrets?: readonly string[]
  /** With which answers are signed; absent where they are not. */
  signingKey?: AnswerKey | undefined
}

export interface ScoutPorts {
  system: System
  dial: Dial
  catalog: Catalog
  log: Log
  /** A session has begun; called for each. */
  welcomed?(frame: FrameOf<'welcome'>): void
  /** The end. `refused` when the hub refuses this scout for good; `reason` is a sentence for the operator. */
  stopped?(refused: boolean, reason: string): void
}

export class Scout implements LinkHandler {
  private readonly instance: string
  private readonly concurrency: number
  private readonly link: Link
  private readonly executor: Executor
  private readonly announcement: OfferAnnouncement
  private readonly standing = new StandingKeeper()
  private readonly beganMs: number
  private connectedAtMs: number | null = null
  /** Why there is no session; empty until there is a reason. */
  private waitingFor = ''
  /** Whether the hub of this session has sent `hubDrain`; only the first one is logged. */
  private hubLeaves = false
  private timers: Timer[] = []

  constructor(
    private readonly settings: ScoutSettings,
    private readonly ports: ScoutPorts,
  ) {
    const { system, dial, catalog, log } = ports
    this.beganMs = system.nowMs()
    this.instance = Buffer.from(system.randomBytes(instanceBytes)).toString('hex')
    this.concurrency = Math.min(concurrencyMax, settings.concurrency)
    this.link = new Link(system, dial, this, log, settings.dataBytesPerSecond ?? dataBytesPerSecond)
    const bounds = { concurrency: this.concurrency, requestBytesMax: settings.requestBytesMax ?? bodyBytesMax }
    const { signingKey, secrets } = settings
    this.executor = new Executor(system, this.link, catalog, log, { ...bounds, signingKey }, secrets)
    this.announcement = new OfferAnnouncement(system, this.link, catalog, bounds)
    catalog.watch(() => this.announcement.update())
  }

  /** Dials, and from then on keeps dialing until it is drained or refused for good. */
  start(): void {
    this.link.start()
  }

  /** Ends in order: what runs is finished or handed back, then `stopped` is called, at the latest after `drainMs`. */
  drain(reason: string): void {
    if (this.timers.length > 0) return
    this.link.drain(reason)
    if (this.link.phase !== 'draining') return
    this.timers = [
      this.ports.system.after(drainMs - handBackMs, () => this.executor.handBack()),
      this.ports.system.after(drainMs, () => this.link.leave()),
    ]
    this.executor.drain(() => this.link.leave())
  }

  /** The state of this scout at this moment. */
  status(): ScoutStatus {
    const { executor, standing, connectedAtMs } = this
    const { outcomes, promptTokens, answerTokens } = executor.tally
    const nowMs = this.ports.system.nowMs()
    return {
      name: this.settings.name,
      phase: this.link.phase,
      runningMs: Math.floor(nowMs - this.beganMs),
      connectedMs: connectedAtMs === null ? null : Math.floor(nowMs - connectedAtMs),
      waiting: this.waitingFor,
      offers: this.ports.catalog.offers().map(({ model, provider }) => ({ model, provider })),
      concurrency: this.concurrency,
      inFlight: executor.inFlight,
      outcomes: { ...outcomes },
      promptTokens,
      answerTokens,
      standing: standing.latest,
      standingAgeMs: standing.latest === null ? 0 : Math.floor(nowMs - standing.heardMs),
    }
  }

  // ---------------------------------------------------------------- what the link reports

  hello(): Hello {
    const { instance, concurrency } = this
    const held = this.executor.held()
    const { name, signingKey } = this.settings
    const hello = { name, instance, agent, concurrency, offers: this.announcement.forHello(), held }
    return signingKey === undefined ? hello : { ...hello, publicKey: signingKey.publicKey }
  }

  welcomed(frame: FrameOf<'welcome'>): void {
    this.connectedAtMs = this.ports.system.nowMs()
    this.waitingFor = ''
    this.hubLeaves = false
    const count = this.ports.catalog.offers().length
    const models = count === 1 ? '1 model' : `${count} models`
    this.ports.log.info({ scout: frame.scout }, `Connected as ${this.settings.name}, offering ${models}`)
    this.executor.welcomed(frame)
    this.announcement.update()
    this.ports.welcomed?.(frame)
  }

  work(frame: WorkFrame): void {
    if (frame.type === 'standing') return this.stand(frame)
    if (frame.type === 'hubDrain' && !this.hubLeaves) {
      this.hubLeaves = true
      this.ports.log.info({}, 'The orchestrator is leaving; finishing what runs here')
    }
    this.executor.work(frame)
  }

  private stand({ type: _, ...standing }: FrameOf<'standing'>): void {
    const news = this.standing.hear(standing, this.ports.system.nowMs())
    if (news !== null) this.ports.log.info({ standing }, news)
  }

  lost(): void {
    this.connectedAtMs = null
    this.executor.lost()
  }

  waiting(delayMs: number, reason: string): void {
    this.waitingFor = reason
    this.ports.log.warn({}, `Not connected: ${reason}; dialing again in ${(delayMs / 1_000).toFixed(1)} s`)
  }

  stopped(refused: boolean, reason: string): void {
    for (const timer of this.timers) timer.cancel()
    this.executor.end()
    this.announcement.end()
    this.ports.stopped?.(refused, reason)
  }
}
