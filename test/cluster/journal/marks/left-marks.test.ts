import { describe, expect, test } from 'vitest'
import { LeftMarks } from '../../../../orchestrator/cluster/journal/left-marks.ts'
import type { Mark, Marked } from '../../../../orchestrator/cluster/journal/marks.ts'
import { markFreshMs, markRelookMs } from '../../../../shared/limits/cluster/journal.ts'

describe('marks that a hub has left', () => {
  const one: Mark = { name: '1-1', intents: ['int_1', 'int_2', 'int_3'] }
  const other: Mark = { name: '1-2', intents: ['int_3', 'int_4'] }
  const marked: Marked = { end: 9, marks: [one, other], isWhole: true }

  test('are looked at without what means nothing to them any more, and go with the last of it', () => {
    const left = new LeftMarks(() => 0)
    expect(left.due('alpha', marked)).toEqual(['int_1', 'int_2', 'int_3', 'int_4'])
    expect(left.over('alpha', marked, ['int_1', 'int_3', 'int_4'])).toEqual([other])
    const rest: Marked = { ...marked, marks: [one] }
    expect(left.due('alpha', rest)).toEqual(['int_2'])
    // Of the same name, of another hub.
    expect(left.due('beta', rest)).toEqual(['int_1', 'int_2', 'int_3'])
    expect(left.over('alpha', rest, ['int_2'])).toEqual([one])
  })

  test('are looked at more seldom once they stay for long', () => {
    let nowMs = 0
    const left = new LeftMarks(() => nowMs)
    const only: Marked = { ...marked, marks: [one] }
    const isDue = () => {
      const due = left.due('alpha', only).length > 0
      left.over('alpha', only, [])
      return due
    }
    const dueAt = [0, markFreshMs - 1, markFreshMs, markFreshMs + markRelookMs - 2, markFreshMs + markRelookMs - 1].map(
      (atMs) => {
        nowMs = atMs
        return isDue()
      },
    )
    expect(dueAt).toEqual([true, true, false, false, true])
  })
})
