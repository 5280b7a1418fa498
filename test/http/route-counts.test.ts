/** Requests are counted in plain numbers; a scrape shows of them what the metrics library would have counted. */
import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { RouteCounts } from '../../orchestrator/http/route-counts.ts'
import '../support/law/seeded-properties.ts'

const bounds = [0.005, 0.1, 1, 60]

interface Shown {
  labels: object
  value: number
  metricName?: string
}

function sorted(samples: readonly Shown[]): string[] {
  return samples.map(({ labels, value, metricName }) => {
    const names = Object.entries(labels).toSorted(([one], [other]) => one.localeCompare(other))
    return `${metricName} ${JSON.stringify(names)} ${value}`
  })
}

test('durations show the same buckets, sum and count as the library makes of them', async () => {
  const route = fc.constantFrom('/a', '/b')
  // Whole milliseconds and the bounds themselves, which belong to their bucket.
  const ms = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.constantFrom(...bounds.map((bound) => bound * 1_000)))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(route, ms), { maxLength: 30 }), async (ended) => {
      const registers = [new Registry()]
      const library = new Histogram({ name: 'took', help: '-', labelNames: ['route'], buckets: bounds, registers })
      const counts = new RouteCounts(bounds)
      for (const [name, tookMs] of ended) {
        library.observe({ route: name }, tookMs / 1_000)
        counts.ended(name, 'GET', 200, tookMs, null)
      }
      const { values } = await library.get()
      expect(sorted(counts.samples('took', 'durations'))).toEqual(sorted(values))
      expect(counts.samples('first', 'firstBytes')).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test('outcomes are counted by route, method and status', () => {
  const counts = new RouteCounts(bounds)
  counts.ended('/a', 'GET', 200, 1, null)
  counts.ended('/a', 'POST', 200, 1, 1)
  counts.ended('/a', 'GET', 200, 1, null)
  counts.ended('/b', 'GET', 404, 1, null)
  expect([...counts.outcomes()]).toEqual([
    { labels: { method: 'GET', route: '/a', status: 200 }, count: 2 },
    { labels: { method: 'POST', route: '/a', status: 200 }, count: 1 },
    { labels: { method: 'GET', route: '/b', status: 404 }, count: 1 },
  ])
})
