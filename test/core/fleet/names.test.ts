/** What is kept under a stranger's text: bounded per scout, per owner and in all, whatever names are sent. */
import { describe, expect, test } from 'vitest'
import { Core } from '../../../orchestrator/core/core.ts'
import type { Effect } from '../../../orchestrator/core/events.ts'
import { violations } from '../../../orchestrator/core/invariants.ts'
import type { ModelEntry } from '../../../orchestrator/core/model/object-graph.ts'
import { defaultCoreSettings } from '../../../orchestrator/core/settings.ts'
import { offersMax } from '../../../shared/limits/wire.ts'
import { CoreHarness, countingNonces, offersOf } from '../../support/hub/core-harness.ts'

function freshNames(change: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `n${change}.${at}`)
}

describe('names without end', () => {
  test('of one scout that changes its offers take no more than its operator may have', () => {
    const settings = { ...defaultCoreSettings, modelsPerOwnerMax: 300 }
    const core = new Core({ settings, seed: 1, nowMs: 0, makeNonce: countingNonces() })
    const out: Effect[] = []
    const who = { scout: 'op/s', operator: 'op', instance: 'i', concurrency: 1, held: [] }
    core.step({ type: 'scoutJoined', session: 1, ...who, offers: offersOf('kept') }, 0, out)
    for (let change = 1; change <= 1_000; change++) {
      const offers = offersOf('kept', ...freshNames(change, 200))
      core.step({ type: 'scoutOffers', session: 1, concurrency: 1, offers }, change * 8, out)
      expect(core.state.index.entries.size).toBeLessThanOrEqual(301)
      if (change % 500 === 0) expect(violations(core.state)).toEqual([])
    }
    // What was offered all the time is still the same model.
    expect(core.state.index.entry('chat', 'kept')).toMatchObject({ firstSeenMs: 0, offerers: 1 })
    expect([...core.state.index.offerClasses()]).toHaveLength(1)
    // Its grace over, nothing of the others is left.
    core.step({ type: 'scoutOffers', session: 1, concurrency: 1, offers: offersOf('kept') }, 8_100, out)
    core.step({ type: 'tick' }, 8_200 + defaultCoreSettings.modelGraceMs, out)
    expect([...core.state.index.entries.keys()].sort()).toEqual(['chat\tauto', 'chat\tkept'])
    expect(core.state.wheel.armed).toBe(0)
  })

  test('are taken up at a rate, once an operator has brought in as many as it may have', () => {
    const bench = new CoreHarness({ modelsPerOwnerMax: 500, newModelsPerSecond: 10 })
    const session = bench.join(['kept'], 1)
    const made = () => [...bench.state.index.entries.values()].filter(({ model }) => model.startsWith('n'))
    const change = (at: number) =>
      bench.step({ type: 'scoutOffers', session, concurrency: 1, offers: offersOf('kept', ...freshNames(at, 200)) })
    const seen = new Set<ModelEntry>()
    for (let at = 0; at < 120; at++) {
      change(at)
      for (const entry of made()) seen.add(entry)
    }
    expect(seen.size).toBe(499)
    // What is known already costs nothing, and time brings more.
    expect(bench.state.index.entry('chat', 'kept')?.offerers).toBe(1)
    bench.pass(3_000)
    change(120)
    for (const entry of made()) seen.add(entry)
    expect(seen.size).toBe(499 + 30)
    const other = bench.join(freshNames(999, 50), 0, { operator: 'other', scout: 'other/s' })
    expect(bench.state.roster.bySession.get(other)!.klass.offers).toHaveLength(50)
  })

  test('of one operator leave room for another', () => {
    const bench = new CoreHarness({ modelsPerOwnerMax: 8, modelsMax: 12 })
    for (let at = 0; at < 5; at++) bench.join(freshNames(at, 4), 0, { operator: 'greedy', scout: `greedy/s${at}` })
    const honest = bench.join(freshNames(9, 4), 0, { operator: 'honest', scout: 'honest/s' })
    const listed = [...bench.state.index.entries.values()].filter(({ model }) => model !== 'auto')
    expect(listed).toHaveLength(12)
    expect(bench.state.roster.bySession.get(honest)!.klass.offers.map(({ model }) => model)).toEqual(freshNames(9, 4))
    // There is none for a third, until somebody goes: then the oldest that nobody needs makes room.
    const late = bench.join(['late'], 1, { operator: 'late', scout: 'late/s' })
    expect(bench.state.roster.bySession.get(late)!.klass.offers).toEqual([])
    bench.gone(honest)
    bench.step({ type: 'scoutOffers', session: late, concurrency: 1, offers: offersOf('late') })
    expect(bench.state.index.entry('chat', 'late')?.offerers).toBe(1)
    expect(bench.state.index.entry('chat', 'n9.0')).toBeUndefined()
  })

  test('one that is waited for is never forgotten to make room', () => {
    const bench = new CoreHarness({ modelsPerOwnerMax: 2 })
    bench.gone(bench.join(['m'], 0))
    bench.submit()
    bench.join(['x', 'y'], 1)
    expect(bench.state.index.entry('chat', 'm')?.queued).toBe(1)
    expect(bench.state.index.entry('chat', 'y')).toBeUndefined()
  })

  test('that only clients ask for are few once nobody waits', () => {
    const bench = new CoreHarness({ modelsPerOwnerMax: 10, bootGraceMs: 60_000 })
    for (let at = 0; at < 50; at++) {
      const task = bench.submit({ model: `asked ${at}` })
      bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: '' } })
    }
    expect(bench.state.index.entries.size).toBe(10)
  })

  test("a scout may offer what only clients had named, which is its operator's from then on", () => {
    const bench = new CoreHarness({ bootGraceMs: 60_000 })
    bench.submit()
    expect(bench.state.index.entry('chat', 'm')?.owner).toBe('')
    bench.join(['m'], 1)
    expect(bench.state.index.entry('chat', 'm')?.owner).toBe('operator')
    expect(bench.take('grant')).toHaveLength(1)
  })

  test('ways to offer one model go with the last scout that offers it so', () => {
    const bench = new CoreHarness()
    bench.join(['m'])
    const session = bench.join(['m'])
    for (let change = 0; change < 40; change++) {
      const offers = offersOf('m').map((offer) => ({ ...offer, about: `text ${change}` }))
      bench.step({ type: 'scoutOffers', session, concurrency: 1, offers })
    }
    const { variants } = bench.state.index.entry('chat', 'm')!
    expect(variants.map(({ offer }) => offer.about)).toEqual(['', 'text 39'])
  })

  test('with a speed each leave so many in the record as a scout may offer models', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m 0'], 1)
    const changes = offersMax + 20
    for (let change = 0; change < changes; change++) {
      bench.submit({ model: `m ${change}` })
      bench.settle(bench.grant())
      bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: offersOf(`m ${change + 1}`) })
      bench.credit(session, 1)
    }
    const { speeds } = bench.state.roster.bySession.get(session)!.record
    expect(speeds?.size).toBe(offersMax)
    expect(speeds?.has(`chat\tm ${changes - 1}`)).toBe(true)
  })

  test('with a pause each leave so many pauses as a scout may offer models', () => {
    const bench = new CoreHarness()
    const session = bench.join(['kept', 'm 0'], 1)
    bench.submit({ model: 'kept', deadlineMs: 100 })
    bench.settle(bench.grant(), 'failed', 'provider_rate_limited', 3_000_000)
    bench.pass(200)
    for (let change = 0; change < offersMax + 20; change++) {
      bench.credit(session, 1)
      bench.submit({ model: `m ${change}`, deadlineMs: 60 })
      bench.settle(bench.grant(), 'failed', 'provider_rate_limited', 3_000_000)
      bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: offersOf('kept', `m ${change + 1}`) })
      bench.pass(100)
    }
    const { pauses } = bench.state.roster.bySession.get(session)!
    expect(pauses?.size).toBe(offersMax)
    expect(pauses?.has('kept')).toBe(true)
  })
})

describe('records of scouts under fresh names', () => {
  test('push out those of their own operator, not those of others', () => {
    const bench = new CoreHarness({ recordsMax: 10, recordsPerOperatorMax: 4 })
    bench.gone(bench.join(['m'], 0, { scout: 'honest/s', operator: 'honest' }))
    for (let at = 0; at < 50; at++) {
      bench.gone(bench.join(['m'], 0, { scout: `greedy/${at}`, operator: 'greedy' }))
    }
    const kept = ['honest/s', 'greedy/46', 'greedy/47', 'greedy/48', 'greedy/49']
    expect([...bench.state.roster.records.keys()]).toEqual(kept)
  })

  test('weigh as much as they have names in them', () => {
    const bench = new CoreHarness({ recordsMax: 20, recordsPerOperatorMax: 8 })
    for (let at = 0; at < 5; at++) {
      const session = bench.join(['m', 'x'], 2, { scout: `operator/${at}` })
      for (const model of ['m', 'x']) {
        bench.submit({ model })
        bench.settle(bench.grant())
      }
      bench.gone(session)
    }
    // One for itself, two for the speeds, and its counts are noted only with a heartbeat.
    expect([...bench.state.roster.records.keys()]).toEqual(['operator/3', 'operator/4'])
  })
})
