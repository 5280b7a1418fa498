import { describe, expect, test } from 'vitest'
import { dayMs, firstDay, nextFirstDay } from '../../orchestrator/tenants/periods.ts'
import { budgetFault, rateFault, shownAmount } from '../../orchestrator/tenants/wording.ts'

const dayAt = (text: string) => Date.parse(`${text}T00:00:00Z`) / dayMs

describe('periods', () => {
  test.each([
    ['2026-11-28', '2026-11-23', '2026-11-30', '2026-11-01', '2026-12-01'],
    ['2026-11-30', '2026-11-30', '2026-12-07', '2026-11-01', '2026-12-01'],
    ['2026-12-31', '2026-12-28', '2027-01-04', '2026-12-01', '2027-01-01'],
    ['2028-02-29', '2028-02-28', '2028-03-06', '2028-02-01', '2028-03-01'],
    ['1970-01-01', '1969-12-29', '1970-01-05', '1970-01-01', '1970-02-01'],
  ])('of %s: weeks begin on Monday, months on the first', (date, week, nextWeek, month, nextMonth) => {
    const day = dayAt(date)
    expect(firstDay('day', day)).toBe(day)
    expect(nextFirstDay('day', day)).toBe(day + 1)
    expect([firstDay('week', day), nextFirstDay('week', day)]).toEqual([dayAt(week), dayAt(nextWeek)])
    expect([firstDay('month', day), nextFirstDay('month', day)]).toEqual([dayAt(month), dayAt(nextMonth)])
  })
})

describe('what a key hears', () => {
  const nowMs = Date.parse('2026-11-28T23:59:00Z')
  const day = dayAt('2026-11-28')

  test('names the budget that bound, whose it is, and when it resets', () => {
    expect(budgetFault('key', { per: 'day', unit: 'micro_dollars', amount: 5_000_000 }, day, nowMs)).toEqual({
      code: 'budget_exceeded',
      message: 'This key has used its $5 for today; it resets at 00:00 UTC.',
      retryAfterMs: 60_000,
    })
    expect(budgetFault('account', { per: 'week', unit: 'tokens', amount: 1_000_000 }, day, nowMs).message).toBe(
      'This account has used its 1,000,000 tokens for this week; it resets on Monday, 2026-11-30 at 00:00 UTC.',
    )
  })

  test('and the rate, with how long to wait', () => {
    expect(rateFault('key', 'requests', 6_000, 1_001)).toEqual({
      code: 'rate_limited',
      message: 'This key may use 6,000 requests a minute: wait 2 s.',
      retryAfterMs: 1_001,
    })
  })

  test.each([
    [5_000_000, '$5'],
    [250_000, '$0.25'],
    [1_200_000, '$1.20'],
    [1, '$0.000001'],
    [1_234_500_000, '$1,234.50'],
    [0, '$0'],
  ])('%d millionths of a dollar as %s', (amount, text) => expect(shownAmount(amount, 'micro_dollars')).toBe(text))

  test('one token is one', () => expect(shownAmount(1, 'tokens')).toBe('1 token'))
})
