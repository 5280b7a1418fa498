/** Tasks that end whoever takes them: they take no more scouts than their tenant's share. */
import { describe, expect, test } from 'vitest'
import { reconnectWindowMs } from '../../../shared/limits/wire.ts'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'

const tenant = 'poisoner'

/** A fleet in which every scout that is given a task of the poisoner is lost; returns how many were. */
function poison(bench: CoreHarness, grants: readonly Grant[], mine: ReadonlySet<number>): number {
  let lost = 0
  for (const { session, task } of grants) {
    if (!mine.has(task)) continue
    bench.gone(session)
    lost++
  }
  return lost
}

describe('tasks that end their scouts', () => {
  test('end few once it shows, and none while the last has not had time to come back', () => {
    const bench = new CoreHarness({ queueTimeoutMs: 120_000 })
    for (let at = 0; at < 60; at++) bench.join(['m'], 1)
    const mine = new Set<number>()
    for (let at = 0; at < 10; at++) mine.add(bench.submit({ tenant, deadlineMs: 300_000 }))
    expect(poison(bench, bench.take('grant'), mine)).toBe(10)
    for (let at = 0; at < 100; at++) mine.add(bench.submit({ tenant, deadlineMs: 300_000 }))
    let lost = 0
    for (let passedMs = 0; passedMs < reconnectWindowMs - 1_000; passedMs += 200) {
      bench.pass(200)
      lost += poison(bench, bench.take('grant'), mine)
    }
    expect(lost).toBe(0)
    for (let passedMs = 0; passedMs < 2 * reconnectWindowMs; passedMs += 200) {
      bench.pass(200)
      lost += poison(bench, bench.take('grant'), mine)
    }
    expect(lost).toBeGreaterThan(0)
    expect(lost).toBeLessThanOrEqual(6)
    // Somebody else notices nothing of it.
    const task = bench.submit({ tenant: 'bystander' })
    expect(bench.grant().task).toBe(task)
  })

  test('wait aside within the bound of their tenant', () => {
    const bench = new CoreHarness({ readyTasksPerTenantMax: 5 })
    for (let at = 0; at < 20; at++) bench.join(['m'], 1)
    const mine = new Set(Array.from({ length: 10 }, () => bench.submit({ tenant })))
    poison(bench, bench.take('grant'), mine)
    bench.pass(1_000)
    const tasks = Array.from({ length: 8 }, () => bench.submit({ tenant }))
    expect(bench.take('finished').filter(({ task }) => tasks.includes(task)).length).toBeGreaterThanOrEqual(3)
    expect(bench.state.suspects.get(tenant)!.aside.size).toBeGreaterThanOrEqual(5)
    bench.pass(bench.settings.queueTimeoutMs + 1_000)
    expect(bench.state.suspects.get(tenant)!.aside.size).toBe(0)
  })

  test('a tenant that only had bad luck is like any other after an answer', () => {
    const bench = new CoreHarness()
    const sessions = Array.from({ length: 30 }, () => bench.join(['m'], 1))
    const first = bench.submit({ tenant })
    const kept = bench.grant()
    for (let at = 0; at < 20; at++) bench.submit({ tenant })
    // The network of most fails in one moment.
    for (const { session } of bench.take('grant')) bench.gone(session)
    expect(sessions.length).toBe(30)
    bench.settle(kept)
    expect(bench.ended(first).fault).toBeNull()
    bench.pass(200)
    expect(bench.state.leases).toBe(9)
  })

  test('all is forgotten a while after the last loss', () => {
    const bench = new CoreHarness()
    for (let at = 0; at < 5; at++) bench.join(['m'], 1)
    for (let at = 0; at < 5; at++) bench.submit({ tenant, deadlineMs: 1_000 })
    for (const { session } of bench.take('grant')) bench.gone(session)
    expect(bench.state.suspects.size).toBe(1)
    bench.pass(61_000)
    expect(bench.state.suspects.size).toBe(0)
  })

  test('a scout that announces that it leaves, or is replaced by its own process, says nothing about a tenant', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, { scout: 'operator/s', instance: 'i' })
    bench.submit({ tenant })
    bench.join(['m'], 0, { scout: 'operator/s', instance: 'i' })
    const other = bench.join(['m'], 1)
    bench.pass(1_000)
    bench.step({ type: 'scoutDraining', session: other })
    bench.gone(other)
    expect(session).toBe(1)
    expect(bench.state.suspects.size).toBe(0)
  })

  test('a third scout is not taken for a task that has lost two before the second could be back', () => {
    const bench = new CoreHarness({ attemptsMax: 5 })
    for (let at = 0; at < 5; at++) bench.join(['m'], 1)
    bench.submit({ deadlineMs: 120_000 })
    bench.gone(bench.grant().session)
    bench.pass(bench.settings.retryBaseMs + 50)
    bench.gone(bench.grant().session)
    bench.pass(reconnectWindowMs - 50)
    expect(bench.take('grant')).toEqual([])
    bench.pass(bench.settings.retryCapMs + 100)
    expect(bench.take('grant')).toHaveLength(1)
  })
})
