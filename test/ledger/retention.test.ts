/** Receipts are kept until thirty days after their season; what they came to is kept for good. */
import { describe, expect, test } from 'vitest'
import { earnedOf, mint } from '../../orchestrator/ledger/accounts/account.ts'
import { endOfSeason, receiptsKeptFrom, seasonAt, startOfSeason } from '../../orchestrator/ledger/seasons/season.ts'
import { forgottenBatchesPerTurn } from '../../shared/limits/ledger/ledger.ts'
import { checkedLedger } from '../support/ledger/calendar.ts'
import { KeptLedger } from '../support/ledger/kept-ledger.ts'
import { dayMs } from '../support/ledger/small-ledger.ts'

const worked = { scout: 'key_ant/ant', model: 'llama-3.1-8b-instant', tenant: 'client', units: 10_000 }
const hourMs = dayMs / 24

test('receipts are kept from the start of the oldest season that is not frozen, or not over for thirty days', () => {
  const at = (text: string) => Date.parse(`${text}Z`)
  const from = (text: string, states: Record<string, 'open' | 'closing' | 'closed' | 'paid'> = {}) => {
    const seasons = Object.entries(states).map(([season, state]) => ({ season, state }))
    return seasonAt(receiptsKeptFrom(seasons, at(text)))
  }
  expect(from('2026-06-30T23:59:59')).toBe('2026-05')
  expect(from('2026-07-01T00:00:00')).toBe('2026-06')
  expect(from('2026-07-01T00:00:00', { '2026-05': 'paid', '2026-06': 'open' })).toBe('2026-06')
  for (const state of ['open', 'closing'] as const) {
    expect(from('2026-07-01T00:00:00', { '2026-04': 'closed', '2026-05': state })).toBe('2026-05')
  }
})

describe('a ledger whose first season has been over for thirty days', () => {
  /** Work in two seasons, more batches than are looked at in a turn, and an event in between. */
  function lived() {
    const kept = new KeptLedger()
    const season = seasonAt(kept.system.wallMs())
    const tasks: number[] = []
    const gift = { type: 'transfer', why: 'grant', from: mint, to: earnedOf(season, 'key_ant'), points: 5 }
    kept.store.commit([{ write: 'askLedger', event: JSON.stringify(gift) }])
    for (let batch = 0; batch <= forgottenBatchesPerTurn; batch++) {
      tasks.push(kept.work(worked), kept.work({ ...worked, scout: 'key_bee/bee' }))
      kept.pass(hourMs)
    }
    kept.passUntil(endOfSeason(season) + dayMs)
    const later = kept.work(worked)
    kept.pass(hourMs)
    kept.passUntil(endOfSeason(season) + 30 * dayMs - 2 * hourMs)
    return { kept, season, tasks, later }
  }

  const proofOf = ({ ledger }: KeptLedger, task: number) => typeof ledger.receipt(task, null)

  test('forgets its receipts and keeps heads, events, sums, and receipts of later seasons', () => {
    const { kept, season, tasks, later } = lived()
    const before = kept.ledger.batchesAfter(0, 999)
    const sums = kept.ledger.conservation()
    const earnings = { operator: 'key_ant', from: 0, to: startOfSeason(season) / dayMs + 99, limit: 99 }
    const rows = kept.ledger.earnings(earnings)
    for (const task of [...tasks, later]) expect([task, proofOf(kept, task)]).toEqual([task, 'object'])
    expect(checkedLedger(kept.file(), kept.ledger.hub)).toMatchObject({ receipts: tasks.length + 1, books: {} })

    kept.pass(4 * hourMs)
    for (const task of tasks) expect([task, proofOf(kept, task)]).toEqual([task, 'undefined'])
    expect(proofOf(kept, later)).toBe('object')
    const after = kept.ledger.batchesAfter(0, before.length)
    expect(after.map(({ head, signature }) => [head, signature])).toEqual(
      before.map(({ head, signature }) => [head, signature]),
    )
    expect(checkedLedger(kept.file(), kept.ledger.hub)).toMatchObject({ first: 1, receipts: 1, events: 3, books: null })
    expect(kept.ledger.conservation()).toEqual(sums)
    expect(kept.ledger.earnings(earnings)).toEqual(rows)
  })

  test('goes on after a death with the balances it had, and forgets nothing twice', () => {
    const { kept } = lived()
    kept.pass(4 * hourMs)
    const sums = kept.ledger.conservation()
    const { forgotten } = kept.disk
    expect(forgotten).toBeGreaterThan(forgottenBatchesPerTurn)
    kept.start()
    expect([kept.ledger.conservation(), kept.store.forgottenUpTo()]).toEqual([sums, forgotten])
    kept.work(worked)
    kept.pass(2 * dayMs)
    expect(kept.disk.forgotten).toBe(forgotten)
    expect(kept.ledger.conservation().minted).toBeGreaterThan(sums.minted)
  })
})

test('a receipt that is not sealed yet is waited for by its client and by the operator of its scout alone', () => {
  const kept = new KeptLedger()
  const task = kept.work(worked)
  for (const owner of [null, 'client', 'key_ant'])
    expect([owner, kept.ledger.receipt(task, owner)]).toEqual([owner, 'waiting'])
  expect(kept.ledger.receipt(task, 'key_bee')).toBeUndefined()
  expect(kept.ledger.receipt(task + 1, null)).toBeUndefined()
  kept.pass(1)
  expect(kept.ledger.receipt(task, 'client')).toMatchObject({ index: 0 })
})
