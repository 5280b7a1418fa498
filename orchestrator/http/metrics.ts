/**
 * What Prometheus reads at `/metrics`: requests and their durations, reported by the request contexts, and the state of
 * the fleet and its tasks, read from the engine at each scrape. Labels come from the hub's own tables and from status
 * codes alone, so no caller can add a series. Served without a key: it holds counts, never names, keys or content.
 */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import type { ByteAccount } from '../../shared/byte-account.ts'
import { taskKinds } from '../../shared/task.ts'
import type { Engine, EngineStats, HubNetwork } from '../engine/ports/client.ts'
import type { DisputeCounts } from '../engine/ports/trust/disputes.ts'
import { RouteCounts } from './route-counts.ts'

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** Other methods, which a stranger could invent without end, share one label. */
const countedMethods = new Set(['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH'])

interface MetricsParts {
  bytesInFlight: ByteAccount
  /** The network of this hub; null for a hub by itself. */
  network?: HubNetwork | null
  /** What other processes of this hub exported last. */
  ofOthers?: (() => unknown[][]) | undefined
  /** Where no engine tells. */
  answersHeld?: (() => AnswersHeld) | undefined
}

/** What is held of answers for their checks, and for who judges them. */
export type AnswersHeld = Pick<EngineStats, 'answersInCheck' | 'watchedBytes'>

export class Metrics {
  private readonly registry = new Registry()
  private readonly counts = new RouteCounts(secondsBuckets)
  /** As of this scrape: counting goes over the fleet. Null in a process that has no fleet to count. */
  private stats: EngineStats | null
  /** What processes that have ended had counted, and the work of adding to it. */
  private ofEnded: unknown[] = []
  private keeping = Promise.resolve()
  private readonly ofOthers: () => unknown[][]

  constructor(
    private readonly engine: Engine | null,
    { bytesInFlight, network = null, ofOthers = () => [], answersHeld }: MetricsParts,
  ) {
    this.ofOthers = ofOthers
    this.stats = engine?.stats() ?? null
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry, prefix: 'chasm_' })
    const { counts } = this
    new Counter({
      name: 'chasm_http_requests_total',
      help: 'Requests answered; status 499 is a client that left.',
      labelNames: ['method', 'route', 'status'],
      registers,
      collect() {
        this.reset()
        for (const { labels, count } of counts.outcomes()) this.inc(labels, count)
      },
    })
    this.histogram(
      'chasm_http_request_duration_seconds',
      'From the arrival of a request to the end of its answer.',
      'durations',
    )
    this.histogram(
      'chasm_http_time_to_first_byte_seconds',
      'From the arrival of a request to the first content of its answer.',
      'firstBytes',
    )
    if (engine !== null) watchEngine(() => this.stats!, registers)
    if (engine !== null) watchDisputes(engine, registers)
    if (engine !== null) watchSignatures(engine, registers)
    if (engine !== null) watchNetwork(network, registers)
    watchHeld(answersHeld ?? (() => this.stats!), registers)
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
    this.counts.ended(route, countedMethods.has(method) ? method : 'other', status, durationMs, firstByteMs)
  }

  /** Its values are counted here, and given to the library as those of one of its own histograms. */
  private histogram(name: string, help: string, of: 'durations' | 'firstBytes'): void {
    const { counts } = this
    const shown = {
      name,
      help,
      type: 'histogram',
      // The sum is what all processes of a hub have counted.
      get: () => {
        return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: counts.samples(name, of) })
      },
    }
    this.registry.registerMetric(shown as unknown as Metric)
  }

  get contentType(): string {
    return this.registry.contentType
  }

  async text(): Promise<string> {
    const others = [...this.ofOthers(), this.ofEnded].filter(({ length }) => length > 0)
    this.stats = this.engine?.stats() ?? null
    if (others.length === 0) return this.registry.metrics()
    return AggregatorRegistry.aggregate([await this.registry.getMetricsAsJSON(), ...others]).metrics()
  }

  /** Of this process alone, to be added to those of others. */
  exported(): Promise<unknown[]> {
    return this.registry.getMetricsAsJSON()
  }

  /** Of a process that has ended: what it counted must not be taken back. What it measured of itself is gone. */
  keep(exported: readonly unknown[]): void {
    const counted = exported.filter((metric) => ['counter', 'histogram'].includes((metric as { type: string }).type))
    this.keeping = this.keeping.then(async () => {
      this.ofEnded = await AggregatorRegistry.aggregate([this.ofEnded, counted]).getMetricsAsJSON()
    })
  }
}

function watchHeld(heldNow: () => AnswersHeld, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: (held: AnswersHeld) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(heldNow()))
      },
    })
  gauge('chasm_answers_in_check', 'Long answers that wait to be checked.', (held) => held.answersInCheck)
  gauge('chasm_watched_bytes', 'Bytes of answers kept to be looked at.', (held) => held.watchedBytes)
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
  watchUsage(statsNow, registers)
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

function watchSignatures(engine: Pick<Engine, 'ledger'>, registers: Registry[]): void {
  new Counter({
    name: 'chasm_answer_signatures_total',
    help: 'Signatures of scouts over their answers: good, bad, of no known key, or not checked.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset()
      const seen = engine.ledger?.signaturesSeen() ?? {}
      for (const [outcome, count] of Object.entries(seen)) this.inc({ outcome }, count)
    },
  })
}

function watchDisputes(engine: Pick<Engine, 'disputes'>, registers: Registry[]): void {
  const read = (name: string, help: string, label: string, counts: (of: DisputeCounts) => DisputeCounts['votes']) =>
    new Counter({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset()
        const now = engine.disputes?.counts()
        for (const [value, count] of Object.entries(now ? counts(now) : {})) this.inc({ [label]: value }, count)
      },
    })
  read('chasm_disputes_total', 'Disputes that were filed, and those that a limit refused.', 'outcome', (of) => {
    return { filed: of.filed, refused: of.refused }
  })
  read('chasm_dispute_verdicts_total', 'Disputes that ended, by verdict.', 'verdict', ({ verdicts }) => verdicts)
  read('chasm_dispute_votes_total', 'Judges that were asked, by what they said.', 'vote', ({ votes }) => votes)
  read('chasm_dispute_tasks_total', 'Requests that disputes made.', 'kind', ({ tasks }) => ({ chat: tasks }))
  new Gauge({
    name: 'chasm_disputes_open',
    help: 'Disputes that are not final, by state.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset()
      for (const [state, count] of Object.entries(engine.disputes?.counts().open ?? {})) this.set({ state }, count)
    },
  })
}

function watchNetwork(network: HubNetwork | null, registers: Registry[]): void {
  new Gauge({
    name: 'chasm_hubs',
    help: 'Other hubs of the network that are here.',
    registers,
    collect() {
      this.set(network?.counts().here ?? 0)
    },
  })
  new Counter({
    name: 'chasm_hub_messages_dropped_total',
    help: 'Messages between hubs that did not count, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of Object.entries(network?.counts().dropped ?? {})) this.inc({ reason }, count)
    },
  })
}

/** Tokens and money of all keys together: who used them is in the usage of accounts, which needs a key. */
function watchUsage(statsNow: () => EngineStats, registers: Registry[]): void {
  const read = (name: string, help: string, labelNames: string[], all: (stats: EngineStats) => Labelled[]) =>
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const [labels, count] of all(statsNow())) this.inc(labels, count)
      },
    })
  const byKind = ({ used }: EngineStats, of: (totals: EngineStats['used']['chat']) => number) =>
    taskKinds.map((kind): Labelled => [{ kind }, of(used[kind])])
  read('chasm_tokens_total', 'Tokens charged, by kind of task and type of token.', ['kind', 'type'], ({ used }) =>
    taskKinds.flatMap((kind): Labelled[] => [
      [{ kind, type: 'prompt' }, used[kind].promptTokens],
      [{ kind, type: 'completion' }, used[kind].completionTokens],
    ]),
  )
  read('chasm_cost_micro_dollars_total', 'Millionths of a dollar charged, by kind of task.', ['kind'], (stats) =>
    byKind(stats, ({ microDollars }) => microDollars),
  )
  read('chasm_usage_estimated_total', 'Charged tasks whose tokens no provider counted.', ['kind'], (stats) =>
    byKind(stats, ({ estimated }) => estimated),
  )
  read('chasm_limits_reached_total', 'Requests that a limit of their key stopped.', ['limit'], ({ stopped }) =>
    Object.entries(stopped).map(([limit, count]) => [{ limit }, count]),
  )
}

type Labelled = [labels: Record<string, string>, count: number]
