/** Who is served when many wait: tenants by their weight, tasks of one tenant by their priority. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ModelEntry } from '../../../orchestrator/core/model/object-graph.ts'
import { Random } from '../../../orchestrator/core/model/random.ts'
import { bookFirstContent } from '../../../orchestrator/core/stats/records.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'
import '../../support/law/seeded-properties.ts'

/** Tenants with many waiting tasks each, and one scout that takes them one by one. */
class Queue {
  readonly bench = new CoreHarness({ creditMax: 256, readyTasksMax: 1_000, queueTimeoutMs: 60_000 })
  private readonly session = this.bench.join(['m'], 0, { concurrency: 256 })
  private readonly tenants = new Map<number, string>()

  add(tenant: string, weight: number, count: number): void {
    for (let i = 0; i < count; i++) this.tenants.set(this.bench.submit({ tenant, weight }), tenant)
  }

  /** How many tasks of each tenant are served next. */
  serve(count: number): Record<string, number> {
    const served: Record<string, number> = {}
    for (let i = 0; i < count; i++) {
      this.bench.credit(this.session, 1)
      const tenant = this.tenants.get(this.bench.grant().task)!
      served[tenant] = (served[tenant] ?? 0) + 1
    }
    return served
  }
}

describe('tenants that all wait', () => {
  test('are served in proportion to their weights', () => {
    const queue = new Queue()
    queue.add('gold', 3, 90)
    queue.add('plain', 1, 60)
    expect(queue.serve(40)).toEqual({ gold: 30, plain: 10 })
    expect(queue.serve(40)).toEqual({ gold: 30, plain: 10 })
  })

  test('may weigh less than one', () => {
    const queue = new Queue()
    queue.add('plain', 1, 60)
    queue.add('idle', 0.5, 60)
    expect(queue.serve(30)).toEqual({ plain: 20, idle: 10 })
  })

  test('with odd weights get their share over many rounds', () => {
    const queue = new Queue()
    queue.add('a', 2.5, 100)
    queue.add('b', 1, 100)
    queue.add('c', 0.3, 100)
    const served = queue.serve(114)
    expect(Math.abs(served.a! - 75)).toBeLessThanOrEqual(3)
    expect(Math.abs(served.b! - 30)).toBeLessThanOrEqual(2)
    expect(Math.abs(served.c! - 9)).toBeLessThanOrEqual(2)
  })

  test('keep their shares while tasks come as fast as they go', () => {
    const queue = new Queue()
    queue.add('gold', 3, 12)
    queue.add('plain', 1, 12)
    const total: Record<string, number> = { gold: 0, plain: 0 }
    for (let round = 0; round < 50; round++) {
      const served = queue.serve(4)
      for (const [tenant, count] of Object.entries(served)) {
        total[tenant]! += count
        queue.add(tenant, tenant === 'gold' ? 3 : 1, count)
      }
    }
    expect(total).toEqual({ gold: 150, plain: 50 })
  })

  test('gain nothing by leaving the queue and coming back', () => {
    const queue = new Queue()
    queue.add('steady', 1, 100)
    let visits = 0
    for (let round = 0; round < 30; round++) {
      queue.add('visitor', 1, 1)
      visits += queue.serve(2).visitor ?? 0
    }
    expect(visits).toBe(30)
  })

  test('are shares of turns, not of the hub: who is alone is served at once', () => {
    const queue = new Queue()
    queue.add('idle', 0.1, 20)
    expect(queue.serve(20)).toEqual({ idle: 20 })
  })
})

describe('inside one tenant', () => {
  test('the higher priority goes first, then the nearer deadline, then the earlier arrival', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 0, { concurrency: 8 })
    const specs = [
      [5, 9_000],
      [5, 4_000],
      [9, 9_000],
      [0, 1_000],
      [5, 4_000],
    ] as const
    const tasks = specs.map(([priority, deadlineMs]) => bench.submit({ priority, deadlineMs }))
    bench.credit(session, 5)
    expect(bench.take('grant').map(({ task }) => tasks.indexOf(task))).toEqual([2, 1, 4, 0, 3])
  })

  test('a high priority takes nothing from another tenant', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 0, { concurrency: 8 })
    for (let i = 0; i < 4; i++) bench.submit({ tenant: 'loud', priority: 9 })
    const quiet = Array.from({ length: 4 }, () => bench.submit({ tenant: 'quiet', priority: 0 }))
    bench.credit(session, 4)
    expect(bench.take('grant').filter(({ task }) => quiet.includes(task)).length).toBe(2)
  })
})

describe("the estimate of a model's 95th percentile", () => {
  test('comes to rest where one sample in twenty exceeds it, whatever their scale and shape', () => {
    const shapes: Record<string, (unit: number) => number> = {
      uniform: (unit) => unit,
      exponential: (unit) => -Math.log(1 - unit),
      twoHumps: (unit) => (unit < 0.8 ? 0.2 + unit / 4 : 2 + unit),
    }
    const anyScale = fc.double({ min: 100, max: 20_000, noNaN: true })
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(shapes)), anyScale, fc.nat(1_000_000), (shape, scaleMs, seed) => {
        const entry = { firstContentP95Ms: 0, firstContentSamples: 0 } as ModelEntry
        const random = new Random(seed)
        let exceeded = 0
        for (let sample = 0; sample < 8_000; sample++) {
          const ms = scaleMs * shapes[shape]!(random.unit())
          if (sample >= 3_000 && ms > entry.firstContentP95Ms) exceeded++
          bookFirstContent(entry, ms)
          expect(entry.firstContentP95Ms).toBeGreaterThanOrEqual(0)
        }
        expect(exceeded / 5_000).toBeGreaterThan(0.03)
        expect(exceeded / 5_000).toBeLessThan(0.07)
      }),
      { numRuns: 40 },
    )
  })

  test('follows a model that has become slower or faster', () => {
    const entry = { firstContentP95Ms: 0, firstContentSamples: 0 } as ModelEntry
    const feed = (ms: number, times: number) => {
      for (let i = 0; i < times; i++) bookFirstContent(entry, ms + (i % 20))
      return entry.firstContentP95Ms
    }
    expect(feed(500, 500)).toBeLessThan(600)
    expect(feed(2_000, 200)).toBeGreaterThan(1_900)
    expect(feed(500, 1_500)).toBeLessThan(600)
  })
})
