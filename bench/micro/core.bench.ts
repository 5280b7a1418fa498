/**
 * How much the core can take, alone: events per second with 100,000 tasks on or waiting for 10,000 scouts, each of
 * which offers 50 of 200 models, and what one placement costs in fleets of 100, 1,000 and 10,000 scouts.
 * `bun bench/micro/core.bench.ts`; the fleets take turns in every round, and medians over the rounds are shown.
 */
import { Core } from '../../orchestrator/core/core.ts'
import type { Effect, Event } from '../../orchestrator/core/events.ts'
import { Random } from '../../orchestrator/core/model/random.ts'
import { defaultRouting } from '../../orchestrator/core/model/routing-options.ts'
import { defaultCoreSettings } from '../../orchestrator/core/settings.ts'
import { type Offer, offerOf } from '../../shared/task.ts'

const modelCount = 200
const offersPerScout = 50
const scoutsInLoad = 10_000
const tasksInLoad = 100_000
const tenants = 100
const rounds = 20
const ticksPerRound = 10
const placementsPerRound = 2_000

/** An attempt under way, as its scout remembers it. */
interface Run {
  session: number
  task: number
  attempt: number
  nonce: Uint8Array
}

/** A fleet and its clients; counts what it feeds the core. */
class Stage {
  readonly core: Core
  /** Every attempt under way. */
  readonly runs: Run[] = []
  /** Those of them that have not begun. */
  private fresh: Run[] = []
  events = 0
  private readonly random = new Random(11)
  private readonly models = Array.from({ length: modelCount }, (_, i) => `vendor/model-${i}-instruct`)
  private readonly out: Effect[] = []
  private nowMs = 1_000
  private nextTask = 1
  private nonces = 0

  constructor(
    readonly scouts: number,
    private readonly concurrency: number,
  ) {
    const many = Number.MAX_SAFE_INTEGER
    const settings = { ...defaultCoreSettings, readyTasksMax: many, readyTasksPerTenantMax: many }
    const makeNonce = () => new Uint8Array(16).fill(this.nonces++)
    this.core = new Core({ settings, seed: 1, nowMs: this.nowMs, makeNonce })
    for (let session = 1; session <= scouts; session++) this.join(session)
  }

  private join(session: number): void {
    const chosen = new Set<string>()
    while (chosen.size < offersPerScout) chosen.add(this.models[this.random.below(modelCount)]!)
    const offers: Offer[] = [...chosen].map((model) => offerOf({ kind: 'chat', model, provider: 'p' }))
    const scout = `operator-${session % 500}/scout-${session}`
    const who = { scout, operator: `operator-${session % 500}`, instance: `i${session}` }
    this.step({ type: 'scoutJoined', session, ...who, concurrency: this.concurrency, offers, held: [] })
    this.step({ type: 'credit', session, count: this.concurrency })
  }

  private step(event: Event): void {
    const { out } = this
    out.length = 0
    this.core.step(event, this.nowMs, out)
    this.events++
    for (const effect of out) {
      if (effect.type !== 'grant') continue
      const { session, task, attempt, nonce } = effect
      const run = { session, task, attempt, nonce }
      this.runs.push(run)
      this.fresh.push(run)
    }
  }

  submit(): void {
    this.step({
      type: 'submit',
      task: this.nextTask++,
      tenant: `tenant-${this.random.below(tenants)}`,
      weight: 1,
      priority: 5,
      kind: 'chat',
      model: this.models[this.random.below(modelCount)]!,
      stream: true,
      promptBytes: 2_000,
      deadlineMs: 600_000,
      routing: defaultRouting,
    })
  }

  private anyRun(): Run {
    return this.runs[this.random.below(this.runs.length)]!
  }

  /** What was granted since the last time is begun. */
  begin(): void {
    const { fresh } = this
    this.fresh = []
    for (const { session, task, attempt } of fresh) {
      this.step({ type: 'started', session, task, attempt, provider: 'p' })
      this.step({ type: 'contentBegan', task, attempt })
    }
  }

  /** One attempt ends well, and its scout asks for another. */
  settle(at: number): void {
    const { session, task, attempt, nonce } = this.runs[at]!
    const last = this.runs.pop()!
    if (at < this.runs.length) this.runs[at] = last
    this.step({
      type: 'settle',
      session,
      task,
      attempt,
      nonce,
      outcome: 'done',
      fault: null,
      tokens: 200,
      provider: '',
      credits: 0,
    })
    this.step({ type: 'credit', session, count: 1 })
  }

  /** What a fleet does between two ticks, when answers take ten seconds. */
  runTick(): void {
    const share = Math.round(tasksInLoad / 10_000) * 50
    for (let times = 0; times < share; times++) {
      this.submit()
      for (let pieces = 0; pieces < 3; pieces++) {
        const { session, task, attempt } = this.anyRun()
        this.step({ type: 'renewed', session, task, attempt })
      }
      this.settle(this.random.below(this.runs.length))
    }
    this.begin()
    for (let beats = 0; beats < this.scouts / 200; beats++) {
      this.step({ type: 'heartbeat', session: 1 + this.random.below(this.scouts) })
    }
    this.nowMs += 50
    this.step({ type: 'tick' })
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** With room for every task, or with room for four of five, so that the others wait. */
function measureLoad(name: string, concurrency: number): void {
  const stage = new Stage(scoutsInLoad, concurrency)
  for (let task = 0; task < tasksInLoad; task++) stage.submit()
  stage.begin()
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = stage.events
    const startMs = performance.now()
    for (let tick = 0; tick < ticksPerRound; tick++) stage.runTick()
    rates.push(((stage.events - before) * 1000) / (performance.now() - startMs))
  }
  const { leases, queued } = stage.core.state
  print(`| ${name} | ${leases} | ${queued} | ${Math.round(median(rates))} |`)
}

function measurePlacement(): void {
  const stages = [100, 1_000, 10_000].map((scouts) => new Stage(scouts, 64))
  const costs: number[][] = stages.map(() => [])
  for (let round = 0; round < rounds + 5; round++) {
    for (const [i, stage] of stages.entries()) {
      const startMs = performance.now()
      for (let times = 0; times < placementsPerRound; times++) stage.submit()
      const ns = ((performance.now() - startMs) * 1e6) / placementsPerRound
      if (stage.runs.length !== placementsPerRound) throw new Error('not every task found a scout')
      stage.begin()
      while (stage.runs.length > 0) stage.settle(stage.runs.length - 1)
      if (round >= 5) costs[i]!.push(ns)
    }
  }
  const medians = costs.map(median)
  print('\n| scouts | ns per placement | ratio |\n|--:|--:|--:|')
  for (const [i, { scouts }] of stages.entries()) {
    print(`| ${scouts} | ${Math.round(medians[i]!)} | ${(medians[i]! / medians[0]!).toFixed(2)} |`)
  }
}

print(`| ${scoutsInLoad} scouts | tasks on scouts | waiting | events per second |\n|---|--:|--:|--:|`)
measureLoad('with room', 16)
measureLoad('full', 8)
measurePlacement()
