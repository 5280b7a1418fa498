/** What trust weighs in placement: a penalty for doubt, and work for the convicted only where nobody else offers it. */
import { describe, expect, test } from 'vitest'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

function pair(credits = 4) {
  const bench = new CoreHarness()
  const cheat = bench.join(['m'], credits, { scout: 'cheat/s', operator: 'cheat' })
  const honest = bench.join(['m'], credits, { scout: 'honest/s', operator: 'honest' })
  const mark = (trustMs: number, isConvicted = false, scout = 'cheat/s') =>
    bench.step({ type: 'trust', scout, model: 'm', state: 'watched', trustMs, isConvicted, isProven: false })
  /** Who gets the next tasks, one at a time. */
  const served = (times: number, model = 'm') =>
    Array.from({ length: times }, () => {
      bench.submit({ model })
      const grant = bench.grant()
      bench.settle(grant)
      bench.credit(grant.session, 1)
      return grant.session
    })
  return { bench, cheat, honest, mark, served }
}

describe('doubt', () => {
  test('costs a scout milliseconds in every comparison, and a mark of 0 nothing', () => {
    const { cheat, honest, mark, served } = pair()
    mark(60_000)
    expect(served(20).filter((session) => session === cheat).length).toBeLessThan(5)
    mark(0)
    mark(60_000, false, 'honest/s')
    expect(served(20).filter((session) => session === honest).length).toBeLessThan(5)
  })
  test('is a term of the cost that a grant carries', () => {
    const { bench, mark } = pair()
    mark(1_500)
    bench.submit({ routing: { ...defaultRouting, only: ['cheat/s'] } })
    expect(bench.grant().cost).toMatchObject({ trustMs: 1_500 })
  })
})

describe('who is convicted', () => {
  test('gets nothing while another one offers the model, however long tasks wait', () => {
    const { bench, cheat, honest, mark } = pair(1)
    mark(60_000, true)
    const first = bench.submit()
    expect(bench.grant()).toMatchObject({ session: honest, task: first })
    const second = bench.submit()
    bench.pass(2_000)
    expect(bench.take('grant')).toEqual([])
    bench.credit(honest, 1)
    expect(bench.grant()).toMatchObject({ session: honest, task: second })
    expect(cheat).not.toBe(honest)
  })
  test('gets nothing of what waits for the others when it is freed, but what names it', () => {
    const { bench, cheat, mark } = pair(1)
    mark(60_000, true)
    bench.submit()
    bench.take('grant')
    const waiting = ['m', 'auto'].map((model) => bench.submit({ model }))
    // All scouts look for what waits.
    bench.step({ type: 'storeTroubled', unsent: [] })
    bench.step({ type: 'storeRecovered' })
    expect(bench.take('grant')).toEqual([])
    const named = bench.submit({ routing: { ...defaultRouting, only: ['cheat/s'] } })
    expect(bench.grant()).toMatchObject({ session: cheat, task: named })
    expect(waiting.every((task) => bench.state.tasks.get(task)?.state === 'ready')).toBe(true)
  })
  test('serves as the last scout of the model, and what waited goes to it when the others leave', () => {
    const { bench, cheat, honest, mark } = pair(1)
    mark(60_000, true)
    bench.submit()
    bench.take('grant')
    const task = bench.submit()
    bench.step({ type: 'scoutGone', session: honest })
    expect(bench.take('grant').map(({ session }) => session)).toContain(cheat)
    expect(bench.state.tasks.get(task)).toBeDefined()
  })
  test('serves when all that offer the model are convicted', () => {
    const { bench, cheat, honest, mark } = pair(1)
    mark(60_000, true)
    bench.submit()
    bench.take('grant')
    bench.submit()
    mark(60_000, true, 'honest/s')
    expect(bench.grant()).toMatchObject({ session: cheat })
    expect(honest).toBeGreaterThan(0)
  })
  test('gets what names it', () => {
    const { bench, cheat, mark } = pair()
    mark(60_000, true)
    bench.submit({ routing: { ...defaultRouting, only: ['cheat/s'] } })
    expect(bench.grant()).toMatchObject({ session: cheat })
  })
  test('is so after it has dialled anew, and before it dialled at all', () => {
    const { bench, honest, mark, served } = pair()
    mark(60_000, true, 'late/s')
    mark(60_000, true)
    bench.step({ type: 'scoutGone', session: 1 })
    bench.join(['m'], 4, { scout: 'cheat/s', operator: 'cheat', instance: 'anew' })
    bench.join(['m'], 4, { scout: 'late/s', operator: 'late' })
    expect(new Set(served(20))).toEqual(new Set([honest]))
  })
  test('serves `auto` with its other models', () => {
    const bench = new CoreHarness()
    const cheat = bench.join(['m', 'other'], 4, { scout: 'cheat/s', operator: 'cheat' })
    bench.join(['m'], 0, { scout: 'honest/s', operator: 'honest' })
    const weighs = { trustMs: 60_000, isConvicted: true, isProven: false }
    bench.step({ type: 'trust', scout: 'cheat/s', model: 'm', state: 'convicted', ...weighs })
    bench.submit({ model: 'auto' })
    expect(bench.grant()).toMatchObject({ session: cheat, model: 'other' })
  })
  test('gets work again when the conviction ends', () => {
    const { bench, cheat, mark } = pair(1)
    mark(60_000, true)
    bench.submit()
    bench.take('grant')
    bench.submit()
    mark(0)
    expect(bench.grant()).toMatchObject({ session: cheat })
  })
})

describe('a client that asks for a trusted scout', () => {
  const trusted = { ...defaultRouting, requires: { isTrusted: true as const } }

  test('is served by none but those of whom audits say so, and waits for one', () => {
    const { bench, honest, mark } = pair()
    mark(500)
    const task = bench.submit({ routing: trusted })
    expect(bench.take('grant')).toEqual([])
    const weighs = { trustMs: 0, isConvicted: false, isProven: false }
    bench.step({ type: 'trust', scout: 'honest/s', model: 'm', state: 'trusted', ...weighs })
    expect(bench.grant()).toMatchObject({ session: honest, task })
    bench.step({ type: 'trust', scout: 'honest/s', model: 'm', state: 'watched', ...weighs })
    bench.submit({ routing: trusted })
    expect(bench.take('grant')).toEqual([])
  })
})
