/** What the charts' rings hold: rates, quantiles and the state of the fleet, in memory of a fixed size. */
import { beforeEach, describe, expect, test } from 'vitest'
import { LatencySketch } from '../../../orchestrator/http/live/latency-sketch.ts'
import { Traffic } from '../../../orchestrator/http/live/traffic.ts'
import { minuteSlotMs, quarterSlotMs, trafficSlotMs } from '../../../shared/limits/http.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { FakeEngine } from '../../support/hub/fake-engine.ts'

let system: ManualSystem
let traffic: Traffic
let engine: FakeEngine

beforeEach(() => {
  system = new ManualSystem()
  engine = new FakeEngine()
  traffic = new Traffic(engine, system)
  traffic.start()
})

describe('the rings', () => {
  test('hold rates by second, errors by whose they are, and quantiles of the first content', () => {
    for (let at = 0; at < 10; at++) traffic.count(200, 100)
    traffic.count(404, null)
    traffic.count(503, null)
    system.pass(trafficSlotMs)
    const { series } = traffic.history('10m')
    const newest = Object.fromEntries(Object.entries(series).map(([name, values]) => [name, values.at(-1)]))
    expect(newest).toMatchObject({ requests: 6, client_errors: 0.5, hub_errors: 0.5, scouts: 3 })
    expect(newest.first_content_p50).toBeGreaterThan(80)
    expect(newest.first_content_p50).toBeLessThan(125)
    expect(traffic.newest?.sample.requests).toBe(6)
  })

  test('hold the tokens that were charged meanwhile, and not those from before', () => {
    const { used, ...stats } = engine.stats()
    const chat = {
      ...used.chat,
      promptTokens: used.chat.promptTokens + 30,
      completionTokens: used.chat.completionTokens + 10,
    }
    engine.stats = () => ({ ...stats, used: { ...used, chat } })
    system.pass(trafficSlotMs)
    system.pass(trafficSlotMs)
    expect(traffic.history('10m').series.tokens.slice(-2)).toEqual([20, 0])
  })

  test('are null where nothing ran, and zero where nothing was asked', () => {
    system.pass(trafficSlotMs)
    const { series, stepMs, start } = traffic.history('10m')
    expect(series.requests.slice(-2)).toEqual([null, 0])
    expect(series.first_content_p50.at(-1)).toBeNull()
    expect(start + series.requests.length * stepMs).toBeLessThanOrEqual(system.wallMs())
  })

  test('put the same requests into minutes and quarters, which outlast the finest', () => {
    for (let at = 0; at < 60; at++) traffic.count(200, 10)
    for (let ms = 0; ms < minuteSlotMs; ms += trafficSlotMs) system.pass(trafficSlotMs)
    expect(traffic.history('24h').series.requests.at(-1)).toBe(1)
    for (let ms = 0; ms < minuteSlotMs * 11; ms += trafficSlotMs) system.pass(trafficSlotMs)
    expect(traffic.history('10m').series.requests.every((value) => value === 0 || value === null)).toBe(true)
    expect(Math.max(...traffic.history('24h').series.requests.map((value) => value ?? 0))).toBe(1)
  })

  test('keep the quarters of an hour in the store, from which the next process takes them up', () => {
    for (let at = 0; at < 900; at++) traffic.count(200, 10)
    for (let ms = 0; ms < quarterSlotMs; ms += trafficSlotMs) system.pass(trafficSlotMs)
    expect(traffic.history('30d').series.requests.at(-1)).toBe(1)
    engine.keepHistory({ slot: Math.floor(system.wallMs() / quarterSlotMs) - 3, sample: 'no JSON' })
    engine.keepHistory({ slot: Math.floor(system.wallMs() / quarterSlotMs) - 2, sample: '{"requests":7,"scouts":"x"}' })
    const next = new Traffic(engine, system)
    const { series } = next.history('30d')
    expect(series.requests.slice(-3)).toEqual([null, 7, 1])
    expect(series.scouts.slice(-3)).toEqual([null, null, 3])
    expect(next.history('24h').series.requests.every((value) => value === null)).toBe(true)
  })

  test('take half a MiB at most, whatever was counted', () => {
    expect(traffic.bytes).toBeLessThan(512 * 1024)
  })
})

describe('quantiles', () => {
  test('are within a class of the truth, from a millisecond to more than a minute', () => {
    const sketch = new LatencySketch()
    for (let ms = 1; ms <= 1_000; ms++) sketch.add(ms)
    expect(sketch.quantile(0.5)! / 500).toBeGreaterThan(1 / 1.2)
    expect(sketch.quantile(0.5)! / 500).toBeLessThan(1.2)
    expect(sketch.quantile(0.95)! / 950).toBeLessThan(1.2)
    sketch.clear()
    expect(sketch.quantile(0.5)).toBeNull()
    for (const ms of [0, -1, 1e9]) sketch.add(ms)
    expect(sketch.quantile(1)).toBeGreaterThan(60_000)
  })
})
