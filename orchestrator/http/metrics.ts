/**
 * What Prometheus reads at `/metrics`: requests and their durations, reported by the request contexts, and the state of
 * the fleet and its tasks, read from the engine at each scrape. Labels come from the route table and from status
 * codes alone, so no caller can add a series. Served without a key: it holds counts, never names, keys or content.
 */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ByteAccount } from '../../shared/byte-account.ts'
import type { Engine, EngineStats } from '../engine/ports/client.ts'

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** Other methods, which a stranger could invent without end, share one label. */
const countedMethods = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH'])

/** What ended, until it is counted. */
interface Ended {
  route: string
  method: string
  status: number
  durationMs: number
  firstByteMs: number | null
}

/** Counting one by one, in between everything else, costs several times as much as counting many in a row. */
const countedAtOnce = 256

export class Metrics {
  private readonly registry = new Registry()
  private readonly requests: Counter<'method' | 'route' | 'status'>
  private readonly durations: Histogram<'route'>
  private readonly firstBytes: Histogram<'route'>
  private readonly uncounted: Ended[] = []
  /** As of this scrape: counting goes over the fleet. Null in a process that has no fleet to count. */
  private stats: EngineStats | null

  constructor(
    private readonly engine: Engine | null,
    bytesInFlight: ByteAccount,
    /** What other processes of this hub exported last. */
    private readonly ofOthers: () => unknown[][] = () => [],
  ) {
    this.stats = engine?.stats() ?? null
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry, prefix: 'chasm_' })
    this.requests = new Counter({
      name: 'chasm_http_requests_total',
      help: 'Requests answered; status 499 is a client that left.',
      labelNames: ['method', 'route', 'status'],
      registers,
    })
    this.durations = new Histogram({
      name: 'chasm_http_request_duration_seconds',
      help: 'From the arrival of a request to the end of its answer.',
      labelNames: ['route'],
      buckets: secondsBuckets,
      registers,
    })
    this.firstBytes = new Histogram({
      name: 'chasm_http_time_to_first_byte_seconds',
      help: 'From the arrival of a request to the first content of its answer.',
      labelNames: ['route'],
      buckets: secondsBuckets,
      registers,
    })
    if (engine !== null) watchEngine(() => this.stats!, registers)
    new Gauge({
      name: 'chasm_request_bytes_in_flight',
      help: 'Bytes of requests that are arriving or wait for their answer.',
      registers,
      collect() {
        this.set(bytesInFlight.held)
      },
    })
  }

  /** `firstByteMs`: from the arrival to the first content; null when there was none. */
  ended(route: string, method: string, status: number, durationMs: number, firstByteMs: number | null): void {
    this.uncounted.push({ route, method, status, durationMs, firstByteMs })
    if (this.uncounted.length >= countedAtOnce) this.count()
  }

  private count(): void {
    for (const { route, method, status, durationMs, firstByteMs } of this.uncounted) {
      this.requests.inc({ method: countedMethods.has(method) ? method : 'other', route, status }, 1)
      this.durations.observe({ route }, durationMs / 1000)
      if (firstByteMs !== null) this.firstBytes.observe({ route }, firstByteMs / 1000)
    }
    this.uncounted.length = 0
  }

  get contentType(): string {
    return this.registry.contentType
  }

  async text(): Promise<string> {
    const others = this.ofOthers()
    this.count()
    this.stats = this.engine?.stats() ?? null
    if (others.length === 0) return this.registry.metrics()
    return AggregatorRegistry.aggregate([await this.registry.getMetricsAsJSON(), ...others]).metrics()
  }

  /** Of this process alone, to be added to those of others. */
  exported(): Promise<unknown[]> {
    this.count()
    return this.registry.getMetricsAsJSON()
  }
}

function watchEngine(statsNow: () => EngineStats, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: (stats: EngineStats) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(statsNow()))
      },
    })
  gauge('chasm_scouts', 'Scouts connected.', (stats) => stats.scouts)
  gauge('chasm_tasks_queued', 'Tasks waiting for a scout.', (stats) => stats.tasksQueued)
  gauge('chasm_tasks_leased', 'Tasks in the hands of a scout.', (stats) => stats.tasksLeased)
  gauge('chasm_credits', 'Tasks the connected scouts could take at once.', (stats) => stats.creditsHeld)
  const counter = (name: string, help: string, read: (stats: EngineStats) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read(statsNow()))
      },
    })
  counter('chasm_attempts_total', 'Attempts begun.', (stats) => stats.attempts)
  gauge('chasm_answers_in_check', 'Long answers that wait to be checked.', (stats) => stats.answersInCheck)
  counter('chasm_stale_settlements_total', 'Results that came too late to count.', (stats) => stats.staleSettlements)
  counter(
    'chasm_usage_unbooked_total',
    'Rows of usage that the books did not take: booked before, or with a number that is none.',
    (stats) => stats.usageUnbooked,
  )
  counter(
    'chasm_usage_dropped_total',
    'Rows of usage given up because the store could not write for too long.',
    (stats) => stats.usageDropped,
  )
  new Counter({
    name: 'chasm_tasks_finished_total',
    help: 'Tasks that reached their end, by outcome.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset()
      for (const [outcome, count] of Object.entries(statsNow().tasksFinished)) this.inc({ outcome }, count)
    },
  })
}
