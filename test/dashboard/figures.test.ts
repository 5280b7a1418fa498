/** Numbers, times and sums as the page shows them. */
import { describe, expect, test } from 'vitest'
import { everyDay, sumsBy, total, type UsageRow } from '../../orchestrator/dashboard/page/pages/usage-sums.ts'
import { ago, dollars, dollarsBeside, milliseconds, shownDay } from '../../orchestrator/dashboard/page/state/format.ts'

describe('a figure', () => {
  test.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_700, '1 min 0 s'],
    [119_700, '2 min 0 s'],
    [125_000, '2 min 5 s'],
  ])('of %d ms never says 60 of a unit', (ms, text) => {
    expect(milliseconds(ms)).toBe(text)
  })

  test.each([
    [0, '$0'],
    [40, '< $0.0001'],
    [4_100, '$0.0041'],
    [345_678_900, '$345.68'],
    [12_345_678_900, '$12,346'],
  ])('of %d millionths of a dollar has the digits that say something', (micro, text) => {
    expect(dollars(micro)).toBe(text)
  })

  test('has in a column as many digits as its neighbours', () => {
    expect([0, 4_100, 120_000].map(dollarsBeside(120_000))).toEqual(['$0.0000', '$0.0041', '$0.1200'])
    expect([0, 4_100, 1_200_000].map(dollarsBeside(1_200_000))).toEqual(['$0.00', '$0.00', '$1.20'])
  })

  test.each([
    [59.9, '59 s ago'],
    [3_599, '59 min ago'],
    [86_399, '23 h ago'],
    [200_000, '2 d ago'],
  ])('of %d s ago has passed whole', (seconds, text) => {
    expect(ago(0, seconds * 1_000)).toBe(text)
  })

  test('of a day of UTC is that day wherever its reader is', () => {
    const before = process.env.TZ
    process.env.TZ = 'America/Los_Angeles'
    try {
      expect(shownDay('2026-11-29')).toMatch(/29/)
    } finally {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    }
  })
})

describe('sums of usage', () => {
  const row = (day: string, key: string, model: string, micro: number): UsageRow => ({
    ...{ start: `${day}T00:00:00.000Z`, account: `of-${key}`, key, model, requests: 1, failed: 0 },
    ...{ prompt_tokens: 10, completion_tokens: 5, micro_dollars: micro, estimated: 0 },
  })
  const rows = [row('2026-11-29', 'a', 'x', 7), row('2026-11-27', 'b', 'x', 9), row('2026-11-27', 'a', 'y', 1)]

  test('are the same by whatever they are made', () => {
    for (const group of ['day', 'key', 'model', 'account'] as const) {
      const sums = sumsBy(rows, group)
      expect(sums.reduce((sum, { micro_dollars: micro }) => sum + micro, 0)).toBe(total(rows).micro_dollars)
    }
    expect(sumsBy(rows, 'day').map(({ name }) => name)).toEqual(['2026-11-29', '2026-11-27'])
    expect(sumsBy(rows, 'key').map(({ name }) => name)).toEqual(['b', 'a'])
  })

  test('have every day up to today, also those without any', () => {
    const days = everyDay(rows, 4, Date.parse('2026-11-30T12:00:00Z'))
    expect(days.map(({ name, micro_dollars: micro }) => [name, micro])).toEqual([
      ['2026-11-27', 10],
      ['2026-11-28', 0],
      ['2026-11-29', 7],
      ['2026-11-30', 0],
    ])
  })
})
