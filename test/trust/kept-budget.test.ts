/**
 * The budget of audits over restarts: a hub that ends, or dies, goes on with what was asked of the day before, and asks
 * for nothing of which the store does not know.
 */
import { describe, expect, test } from 'vitest'
import type { AuditedEngine } from '../../orchestrator/engine/ports/trust/witness.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { KeptBudget } from '../../orchestrator/trust/desk/kept-budget.ts'
import { defaultTrustSettings, type TrustParts, type TrustSettings } from '../../orchestrator/trust/desk/parts.ts'
import { newRecord, type TrustRecord } from '../../orchestrator/trust/standing/record.ts'
import { auditsAhead, auditsPerDayMin } from '../../shared/limits/trust/audits.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

const hourMs = 3_600_000
const suspect: TrustRecord = { ...newRecord('t/s', 'm', 't', 0), state: 'confirming', doubt: 99 }

/** A store that outlives hubs, and commits when it is told to. */
class Disk {
  readonly store = memoryStore()
  readonly system = new ManualSystem()
  private waiting: (() => void)[] = []
  private readonly life = { isOver: false }

  start(money: TrustSettings['money'] = null): KeptBudget {
    this.waiting = []
    const keep: TrustParts['keep'] = (write, then) =>
      void this.waiting.push(() => {
        this.store.commit([write])
        then?.()
      })
    const engine = {} as AuditedEngine
    const { store, system } = this
    return new KeptBudget({ system, engine, store, keep, settings: { ...defaultTrustSettings, money } }, this.life)
  }

  commit(): void {
    for (const one of this.waiting.splice(0)) one()
  }

  /** Asks for as much as there may be, look by look. Returns how much that was. */
  use(budget: KeptBudget, looks = 1_000): number {
    let asked = 0
    for (let look = 0; look < looks; look++) {
      budget.tick()
      this.commit()
      for (; budget.allows(suspect); asked++) budget.noteAsked()
    }
    return asked
  }
}

describe('what audits cost', () => {
  // One micro-dollar for a unit of a prompt, two for one of an answer: 400 bytes that allow 50 units cost 200 at most.
  const costOf = (_model: string, prompt: number, answer: number) => prompt + 2 * answer
  const money = { perDay: 10_000, costOf }
  const begin = '{"max_tokens":50,"q":"'
  const request = Buffer.from(`${begin}${'x'.repeat(400 - begin.length - 2)}"}`)

  /** Asks for as much as there is money for, each answered with so many bytes. Returns how much that was. */
  function spend(disk: Disk, budget: KeptBudget, answerBytes: number | null, looks = 300): number {
    let asked = 0
    for (let look = 0; look < looks; look++) {
      budget.tick()
      disk.commit()
      for (let bill = budget.bill('m', request); bill !== null; bill = budget.bill('m', request)) {
        budget.settle(bill, answerBytes)
        if (++asked >= 1_000) return asked
      }
    }
    return asked
  }

  test('is what was said, and no more than there is for a day', () => {
    const disk = new Disk()
    const budget = disk.start(money)
    expect(spend(disk, budget, 80)).toBe(Math.floor((10_000 - 200) / 140) + 1)
    expect(budget.money()).toMatchObject({ perDay: 10_000, spent: 71 * 140 })
    expect(budget.allows(suspect)).toBe(true)
    disk.system.pass(25 * hourMs)
    expect(budget.money()).toMatchObject({ spent: 0 })
  })

  test('is nothing of what was given to nobody, and all of an answer that is longer than was thought', () => {
    const disk = new Disk()
    const budget = disk.start(money)
    expect(spend(disk, budget, null)).toBe(1_000)
    expect(budget.money()).toMatchObject({ spent: 0 })
    budget.tick()
    disk.commit()
    budget.settle(budget.bill('m', request)!, 40_000)
    expect(budget.money()).toMatchObject({ spent: 20_100 })
    expect(budget.bill('m', request)).toBeNull()
    expect(budget.allows(suspect)).toBe(false)
  })

  test('leaves the last of it to what decides', () => {
    const disk = new Disk()
    const budget = disk.start(money)
    spend(disk, budget, 80)
    const routine: TrustRecord = { ...suspect, state: 'trusted', doubt: 0 }
    expect([budget.allows(routine), budget.allows(suspect)]).toEqual([false, true])
  })

  test('never passes its bound, however often the hub dies, and is known after an end to the last of it', () => {
    const dying = new Disk()
    let asked = 0
    for (let death = 0; death < 60; death++) asked += spend(dying, dying.start(money), 200, 1)
    expect(asked).toBeGreaterThan(5)
    expect(asked).toBeLessThanOrEqual(50)
    const ending = new Disk()
    const before = ending.start(money)
    const used = spend(ending, before, 200, 3)
    before.stop()
    ending.commit()
    expect(ending.start(money).money()).toMatchObject({ spent: used * 200 })
  })

  test('is kept for who had no bound before, and goes on without one', () => {
    const disk = new Disk()
    disk.use(disk.start(), 2)
    const bounded = disk.start(money)
    expect(spend(disk, bounded, 200)).toBe(50)
    expect(disk.start().bill('m', request)).not.toBeNull()
  })

  test('of one large request is found by it, though the store knew of less', () => {
    const disk = new Disk()
    const budget = disk.start(money)
    const large = Buffer.from(JSON.stringify({ max_tokens: 1, q: 'x'.repeat(20_000) }))
    budget.tick()
    disk.commit()
    expect(budget.bill('m', large)).toBeNull()
    budget.tick()
    disk.commit()
    expect(budget.bill('m', large)).not.toBeNull()
  })
})

describe('what audits asked for', () => {
  test('is known after an end, to the last one', () => {
    const disk = new Disk()
    const before = disk.start()
    const used = disk.use(before, 3)
    before.stop()
    disk.commit()
    const after = disk.start()
    expect(after.counts().audits).toBe(used)
    expect(used + disk.use(after)).toBe(auditsPerDayMin)
  })

  test('never passes the bound of the day, however often the hub dies', () => {
    const disk = new Disk()
    let asked = 0
    for (let death = 0; death < 40; death++) asked += disk.use(disk.start(), 1)
    expect(asked).toBeGreaterThan(auditsPerDayMin / 2)
    expect(asked).toBeLessThanOrEqual(auditsPerDayMin)
    expect(disk.use(disk.start())).toBe(0)
  })

  test('is known of tasks that were settled, so that a large network goes on with its own bound', () => {
    const disk = new Disk()
    const before = disk.start()
    before.noteSettled(10_000)
    disk.use(before)
    before.stop()
    disk.commit()
    const after = disk.start()
    expect(after.counts()).toEqual({ audits: 500, settled: 10_000 })
    after.noteSettled(1_000)
    expect(disk.use(after)).toBe(50)
  })

  test('is forgotten a day later, in the hub that asked and in one that was started since', () => {
    const disk = new Disk()
    expect(disk.use(disk.start())).toBe(auditsPerDayMin)
    disk.system.pass(23 * hourMs)
    expect(disk.start().counts().audits).toBeGreaterThanOrEqual(auditsPerDayMin)
    disk.system.pass(2 * hourMs)
    expect(disk.use(disk.start())).toBe(auditsPerDayMin)
  })
})

test('nothing is asked for before the store knows of it, nor on what it knew of another hour', () => {
  const disk = new Disk()
  const budget = disk.start()
  budget.tick()
  expect(budget.allows(suspect)).toBe(false)
  disk.commit()
  expect(budget.allows(suspect, auditsAhead)).toBe(true)
  expect(budget.allows(suspect, auditsAhead + 1)).toBe(false)
  disk.system.pass(hourMs)
  expect(budget.allows(suspect)).toBe(false)
  budget.tick()
  disk.commit()
  expect(budget.allows(suspect)).toBe(true)
})
