/**
 * What the charts are made of: every request is counted once, as it ends, and every two seconds the counts and the
 * state of the fleet go into three rings, fine and short to coarse and long. It costs the same whether anybody looks,
 * and a fixed amount of memory. The quarters of the longest are kept by the engine and taken up by the next process;
 * the one in which a hub starts holds what came since. `history.ts` gives out the rings, `topics.ts` the newest slot.
 */
import { trafficSlotMs } from '../../../shared/limits/http.ts'
import type { System, Timer } from '../../../shared/system.ts'
import type { Engine, EngineStats } from '../../engine/ports/client.ts'
import { type LatencyCounts, LatencySketch } from './latency-sketch.ts'
import { historySpans, Ring, type Sample, type Span, sampleOf } from './ring.ts'

/** Whose slots outlast the process. */
const keptSpan = '30d'

/** Requests that have ended, as a process that shows no charts counts them for the one that does. */
export interface TrafficCounts {
  requests: number
  clientErrors: number
  hubErrors: number
  firstContent: LatencyCounts
}

/** A slot that is being filled. */
class Slot {
  requests = 0
  clientErrors = 0
  hubErrors = 0
  tokens = 0
  readonly firstContent = new LatencySketch()

  count(status: number, firstContentMs: number | null): void {
    this.requests++
    if (status >= 500) this.hubErrors++
    else if (status >= 400) this.clientErrors++
    if (firstContentMs !== null) this.firstContent.add(firstContentMs)
  }

  add({ requests, clientErrors, hubErrors, firstContent }: TrafficCounts): void {
    this.requests += requests
    this.clientErrors += clientErrors
    this.hubErrors += hubErrors
    this.firstContent.addCounted(firstContent)
  }

  /** Takes in all that the other one has. */
  addAll({ requests, clientErrors, hubErrors, tokens, firstContent }: Slot): void {
    this.requests += requests
    this.clientErrors += clientErrors
    this.hubErrors += hubErrors
    this.tokens += tokens
    this.firstContent.addAll(firstContent)
  }

  clear(): void {
    this.requests = 0
    this.clientErrors = 0
    this.hubErrors = 0
    this.tokens = 0
    this.firstContent.clear()
  }
}

interface Level {
  ring: Ring
  slot: Slot
  /** The number of the slot that is being filled. */
  number: number
}

type State = Pick<Sample, 'queued' | 'leased' | 'scouts'>

export class Traffic {
  private readonly levels: Record<Span, Level>
  /** What every request passes. */
  private readonly finest: Level
  /** Whose slots are made of finer ones, each of a whole number of them. */
  private readonly coarser: readonly Level[]
  private timer: Timer | null = null
  /** Used so far, when the last slot was closed. */
  private tokens: number
  /** The newest slot and when it began, milliseconds since 1970; null before the first. */
  newest: { atMs: number; sample: Sample } | null = null

  constructor(
    /** Null where slots are not closed, but their counts taken. */
    private readonly engine: Pick<Engine, 'stats' | 'history' | 'keepHistory'> | null,
    private readonly system: System,
  ) {
    const wallMs = system.wallMs()
    const level = (span: Span): Level => {
      const { stepMs, slots } = historySpans[span]
      return { ring: new Ring(stepMs, slots), slot: new Slot(), number: Math.floor(wallMs / stepMs) }
    }
    this.levels = { '10m': level('10m'), '24h': level('24h'), '30d': level('30d') }
    const { '10m': finest, ...coarser } = this.levels
    this.finest = finest
    this.coarser = Object.values(coarser)
    if (engine !== null) this.takeUp(engine)
    this.tokens = engine === null ? 0 : tokensOf(engine.stats())
  }

  /** A request for an answer has ended. `firstContentMs`: from its arrival; null when there was no content. */
  count(status: number, firstContentMs: number | null): void {
    this.finest.slot.count(status, firstContentMs)
  }

  /** What was counted since the last time. */
  take(): TrafficCounts {
    const { slot } = this.finest
    const { requests, clientErrors, hubErrors, firstContent } = slot
    const counts = { requests, clientErrors, hubErrors, firstContent: firstContent.counted() }
    slot.clear()
    return counts
  }

  /** Requests that have ended in another process. */
  add(counts: TrafficCounts): void {
    this.finest.slot.add(counts)
  }

  start(): void {
    this.timer = this.system.after(trafficSlotMs, () => this.tick())
  }

  stop(): void {
    this.timer?.cancel()
  }

  get bytes(): number {
    return Object.values(this.levels).reduce((sum, { ring }) => sum + ring.bytes, 0)
  }

  /** What earlier processes kept. A row that cannot be read is passed over: charts are worth no failed start. */
  private takeUp(engine: Pick<Engine, 'history'>): void {
    const { ring, number } = this.levels[keptSpan]
    for (const { slot, sample } of engine.history(number - historySpans[keptSpan].slots)) {
      const kept = sampleOf(sample)
      if (slot < number && kept !== null) ring.put(slot, kept)
    }
  }

  /** The slots of a span that are over. */
  history(span: Span) {
    const { ring } = this.levels[span]
    const lastSlot = Math.floor(this.system.wallMs() / ring.stepMs) - 1
    return { stepMs: ring.stepMs, ...ring.read(lastSlot) }
  }

  private tick(): void {
    this.timer = this.system.after(trafficSlotMs, () => this.tick())
    const stats = this.engine!.stats()
    const { tasksQueued: queued, tasksLeased: leased, scouts } = stats
    const wallMs = this.system.wallMs()
    const tokens = tokensOf(stats)
    this.finest.slot.tokens += tokens - this.tokens
    this.tokens = tokens
    // Whatever ends a coarser slot ends the finest one, too.
    if (!this.isOver(this.finest, wallMs)) return
    const state = { queued, leased, scouts }
    for (const level of this.coarser) {
      level.slot.addAll(this.finest.slot)
      if (this.isOver(level, wallMs)) this.close(level, wallMs, state)
    }
    this.close(this.finest, wallMs, state)
  }

  /** Whether another slot has begun. */
  private isOver({ ring, number }: Level, wallMs: number): boolean {
    return Math.floor(wallMs / ring.stepMs) !== number
  }

  private close(level: Level, wallMs: number, state: State): void {
    const { ring, slot } = level
    const perSecond = (count: number) => (count * 1_000) / ring.stepMs
    const sample: Sample = {
      requests: perSecond(slot.requests),
      client_errors: perSecond(slot.clientErrors),
      hub_errors: perSecond(slot.hubErrors),
      tokens: perSecond(slot.tokens),
      first_content_p50: slot.firstContent.quantile(0.5),
      first_content_p95: slot.firstContent.quantile(0.95),
      ...state,
    }
    ring.put(level.number, sample)
    if (ring.stepMs === trafficSlotMs) this.newest = { atMs: level.number * ring.stepMs, sample }
    if (level === this.levels[keptSpan]) {
      this.engine!.keepHistory({ slot: level.number, sample: JSON.stringify(sample) })
    }
    slot.clear()
    level.number = Math.floor(wallMs / ring.stepMs)
  }
}

/** Read and written, of all kinds of tasks. */
function tokensOf({ used }: EngineStats): number {
  return Object.values(used).reduce(
    (sum, { promptTokens, completionTokens }) => sum + promptTokens + completionTokens,
    0,
  )
}
