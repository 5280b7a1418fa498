import { describe, expect, test } from 'vitest'
import { appealFlaw, type Counted, filingFlaw } from '../../../orchestrator/trust/disputes/quotas.ts'
import {
  disputesCountedMs,
  disputesPerClientMin,
  disputesPerDayMin,
  lostMax,
  lostPauseMs,
  openPerClientMax,
  openPerOwnerMax,
} from '../../../shared/limits/trust/disputes.ts'

const nowMs = 100 * 86_400_000
const none = { nowMs, ownTasks: 0, settledTasks: 0 }
const me = { tenant: 'me', operator: 'them' }

function one(changes: Partial<Counted> = {}): Counted {
  const old = nowMs - 86_400_000 * 2
  return { ...me, filedMs: old, isOpen: false, loser: null, endedMs: old, appeal: null, ...changes }
}

const times = (count: number, changes: Partial<Counted> = {}) => Array.from({ length: count }, () => one(changes))

describe('a client', () => {
  test('has a few disputes under way at once', () => {
    expect(filingFlaw(times(openPerClientMax - 1, { isOpen: true }), me, none)).toBeNull()
    expect(filingFlaw(times(openPerClientMax, { isOpen: true }), me, none)).toBe('client_open')
    expect(filingFlaw(times(openPerClientMax, { isOpen: true, tenant: 'other' }), me, none)).toBeNull()
  })

  test('has so many in a month, and more with more tasks of its own', () => {
    const many = times(disputesPerClientMin)
    expect(filingFlaw(many.slice(1), me, none)).toBeNull()
    expect(filingFlaw(many, me, none)).toBe('client_month')
    expect(filingFlaw(many, me, { ...none, ownTasks: 99 })).toBe('client_month')
    expect(filingFlaw(many, me, { ...none, ownTasks: 100 })).toBeNull()
    expect(filingFlaw(times(99, { filedMs: nowMs - disputesCountedMs }), me, none)).toBeNull()
  })

  test('pays for those that are rejected: they count twice', () => {
    const lost = times(2, { loser: 'client' })
    expect(filingFlaw([...lost, ...times(disputesPerClientMin - 4)], me, none)).toBe('client_month')
    expect(filingFlaw([...times(2, { loser: 'scout' }), ...times(disputesPerClientMin - 4)], me, none)).toBeNull()
  })

  test('waits when it keeps losing, and may try again after a while', () => {
    const enough = { ...none, ownTasks: 100_000 }
    const lost = times(lostMax, { loser: 'client', endedMs: nowMs - 5 })
    expect(filingFlaw(lost, me, enough)).toBe('client_lost')
    expect(filingFlaw(lost, me, { ...enough, nowMs: nowMs + lostPauseMs })).toBeNull()
    expect(filingFlaw([...times(3, { loser: 'scout' }), ...lost], me, enough)).toBeNull()
  })
})

test('the scouts of one owner are not buried in disputes of many clients', () => {
  const flood = Array.from({ length: openPerOwnerMax }, (_, at) => one({ tenant: `c${at}`, isOpen: true }))
  expect(filingFlaw(flood, me, none)).toBe('owner_open')
  expect(filingFlaw(flood, { ...me, operator: 'else' }, none)).toBeNull()
})

test('all clients together make a bounded share of the tasks', () => {
  const today = Array.from({ length: disputesPerDayMin }, (_, at) =>
    one({ tenant: `c${at}`, operator: `o${at}`, filedMs: nowMs }),
  )
  expect(filingFlaw(today.slice(1), me, none)).toBeNull()
  expect(filingFlaw(today, me, none)).toBe('day')
  expect(filingFlaw(today, me, { ...none, settledTasks: 100_000 })).toBeNull()
})

test('an owner whose appeals fail waits, and so does its dispute for everybody else', () => {
  const appeal = { by: 'scout' as const, atMs: nowMs - 86_400_001 }
  const lost = times(lostMax, { loser: 'scout', appeal, endedMs: nowMs - 5 })
  expect(appealFlaw(lost, me, 'scout', none)).toBe('owner_lost')
  expect(appealFlaw(lost, me, 'client', none)).toBeNull()
  expect(appealFlaw(times(lostMax, { loser: 'scout' }), me, 'scout', none)).toBeNull()
})
