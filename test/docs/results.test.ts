import { expect, test } from 'vitest'
import { type Kept, newest, type PeerRun } from '../../bench/report/results.ts'

const machine = { processor: 'one', cores: 2, memoryGb: 8, system: 'linux', bun: '1' }
const empty = { columns: [], rows: [], figures: {}, notes: [] }

function kept(scenario: string, measuredAt: string): Kept {
  const options = {} as Kept['options']
  return { scenario, about: '', measuredAt, seconds: 1, command: '', machine, options, result: empty }
}

function peers(takenAt: string): PeerRun {
  return { takenAt, versions: {}, rows: [], skipped: {} }
}

test('what was published stays until the same is measured again', () => {
  const before = { peers: peers('2026-02-01'), scenarios: [kept('flat', '2026-02-01'), kept('storm', '2026-02-01')] }
  const measured = { peers: null, scenarios: [kept('storm', '2026-03-01'), kept('idle', '2026-03-01')] }
  const { peers: run, scenarios } = newest(before, measured)
  expect(run?.takenAt).toBe('2026-02-01')
  const dates = Object.fromEntries(scenarios.map(({ scenario, measuredAt }) => [scenario, measuredAt]))
  expect(dates).toEqual({ flat: '2026-02-01', storm: '2026-03-01', idle: '2026-03-01' })
})

test('results from before what is published take nobody’s place', () => {
  const before = { peers: peers('2026-02-01'), scenarios: [kept('flat', '2026-02-01')] }
  const measured = { peers: peers('2026-01-01'), scenarios: [kept('flat', '2026-01-01')] }
  expect(newest(before, measured)).toEqual(before)
})
