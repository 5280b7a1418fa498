import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  answered,
  appeal,
  appealEndsMs,
  begin,
  type Dispute,
  giveUp,
  hearingOf,
  loserOf,
  newDispute,
  pass,
  rule,
  rulingEndsMs,
  sides,
  sizeOf,
  verdictOf,
  voted,
} from '../../../orchestrator/trust/disputes/dispute.ts'
import { disputeMoves, isDecided, nextState } from '../../../orchestrator/trust/disputes/states.ts'
import { type Abstention, majorityOf, type Vote } from '../../../orchestrator/trust/disputes/votes.ts'
import {
  appealSize,
  appealWindowMs,
  hearingMs,
  hearingSize,
  rulingWindowMs,
} from '../../../shared/limits/trust/disputes.ts'
import { disputeStates, groundKinds, verdicts } from '../../../shared/scouts/dispute-words.ts'
import '../../support/law/seeded-properties.ts'

const filed = {
  ...{ id: 'dsp_1', task: 7, tenant: 'key_client', operator: 'key_scout', scout: 'key_scout/ant', model: 'm' },
  ...{ reason: 'wrong' as const, comment: '', answeredMs: 0 },
}

const vote = (against: boolean | null): Vote => {
  const abstains: Abstention | null = against === null ? 'silent' : null
  return { against, abstains, why: '', shown: [1, 2, 3], failing: [] }
}

function heard(against: boolean): Dispute {
  const dispute = newDispute(filed, 0)
  begin(dispute, 1)
  answered(dispute, null, 2)
  for (let judge = 0; judge < majorityOf(hearingSize); judge++) voted(dispute, vote(against), 3)
  return dispute
}

const ruling = { verdict: 'upheld', why: 'It is wrong.' } as const
const appealedOf = (dispute: Dispute): Dispute => ({ ...dispute, appeal: { by: 'client', atMs: 5 } })

describe('the table of moves', () => {
  test('leads nowhere from the end, and everywhere else somewhere', () => {
    const moves = Object.keys(disputeMoves) as (keyof typeof disputeMoves)[]
    const from = (state: Dispute['state']) => moves.filter((move) => nextState(state, move) !== undefined)
    for (const state of disputeStates) expect(from(state).length > 0).toBe(state !== 'final')
    expect(disputeStates.filter(isDecided)).toEqual([...verdicts])
  })

  test.each([
    ['a second appeal', 'appealed', (one: Dispute) => appeal(one, 'client', 9)],
    ['an appeal before a verdict', 'judging', (one: Dispute) => appeal(one, 'client', 9)],
    ['answers after the verdict', 'rejected', (one: Dispute) => answered(one, null, 9)],
    ['a hearing after the end', 'final', (one: Dispute) => begin(one, 9)],
    ['an administrator before an appeal', 'rejected', (one: Dispute) => rule(one, ruling, 9)],
    ['an administrator while an appeal is heard', 'judging', (one: Dispute) => rule(appealedOf(one), ruling, 9)],
    ['an administrator after the end', 'final', (one: Dispute) => rule(appealedOf(one), ruling, 9)],
  ] as const)('has no place for %s', (_, state, act) => {
    expect(() => act({ ...heard(false), state })).toThrow(`in state ${state}`)
  })
})

describe('a hearing', () => {
  test('is decided by a majority, and its loser is known', () => {
    expect(heard(true)).toMatchObject({ state: 'upheld', hearings: [{ verdict: 'upheld' }] })
    expect(loserOf(heard(true))).toBe('scout')
    expect(heard(false)).toMatchObject({ state: 'rejected' })
    expect(loserOf(heard(false))).toBe('client')
  })

  test.each(groundKinds)('is decided at once where a text is %s', (ground) => {
    const dispute = newDispute(filed, 0)
    begin(dispute, 1)
    answered(dispute, ground, 2)
    expect(dispute).toMatchObject({ state: 'upheld', hearings: [{ ground, verdict: 'upheld', votes: [] }] })
  })

  test('ends in its time whatever happens', () => {
    for (const state of ['open', 'rerunning', 'judging', 'appealed'] as const) {
      const dispute: Dispute = { ...newDispute(filed, 0), state }
      expect(pass(dispute, hearingMs - 1)).toBe(false)
      expect(pass(dispute, hearingMs)).toBe(true)
      expect(dispute.state).toBe('undecided')
    }
  })

  test('may be appealed for its window, and stands afterwards', () => {
    const dispute = heard(true)
    expect(appealEndsMs(dispute)).toBe(3 + appealWindowMs)
    expect(pass(dispute, 2 + appealWindowMs)).toBe(false)
    expect(pass(dispute, 3 + appealWindowMs)).toBe(true)
    expect(dispute.state).toBe('final')
    expect(appealEndsMs(dispute)).toBeNull()
    expect(pass(dispute, Number.MAX_SAFE_INTEGER)).toBe(false)
  })
})

describe('an appeal', () => {
  function heardAgain(): Dispute {
    const dispute = heard(false)
    expect(sizeOf(dispute)).toBe(hearingSize)
    appeal(dispute, 'client', 10)
    expect(sizeOf(dispute)).toBe(appealSize)
    begin(dispute, 11)
    answered(dispute, null, 12)
    for (let judge = 0; judge < majorityOf(appealSize); judge++) voted(dispute, vote(true), 13)
    return dispute
  }

  test('is heard by more, cannot be appealed, and stands when no administrator decides otherwise', () => {
    const dispute = heardAgain()
    expect(dispute.state).toBe('upheld')
    expect([appealEndsMs(dispute), rulingEndsMs(dispute)]).toEqual([null, 13 + rulingWindowMs])
    expect(pass(dispute, 12 + rulingWindowMs)).toBe(false)
    expect(pass(dispute, 13 + rulingWindowMs)).toBe(true)
    expect([dispute.state, verdictOf(dispute), rulingEndsMs(dispute)]).toEqual(['final', 'upheld', null])
  })

  test('ends with the word of an administrator, whatever judges said', () => {
    const dispute = heardAgain()
    rule(dispute, { verdict: 'rejected', why: 'It holds.' }, 20)
    expect([dispute.state, verdictOf(dispute), loserOf(dispute)]).toEqual(['final', 'rejected', 'client'])
    expect(dispute.hearings.map(({ verdict }) => verdict)).toEqual(['rejected', 'upheld'])
    expect(() => rule(dispute, ruling, 21)).toThrow('in state final')
  })

  test('that decides nothing leaves the first verdict', () => {
    const dispute = heard(true)
    appeal(dispute, 'scout', 10)
    giveUp(dispute, 11)
    expect([dispute.state, verdictOf(dispute), loserOf(dispute)]).toEqual(['undecided', 'upheld', 'scout'])
  })
})

test('every course ends, with at most two hearings and in bounded time', () => {
  const step = fc.constantFrom('begin', 'answered', 'for', 'against', 'nothing', 'appeal', 'wait', 'rule')
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(...sides), (steps, side) => {
      const dispute = newDispute(filed, 0)
      let nowMs = 0
      for (const one of steps) {
        nowMs += 3_600_000
        const { state } = dispute
        if (one === 'wait') pass(dispute, nowMs)
        else if (one === 'begin' && (state === 'open' || state === 'appealed')) begin(dispute, nowMs)
        else if (one === 'answered' && state === 'rerunning') answered(dispute, null, nowMs)
        else if (one === 'appeal' && isDecided(state) && dispute.appeal === null) appeal(dispute, side, nowMs)
        else if (one === 'rule' && rulingEndsMs(dispute) !== null) rule(dispute, ruling, nowMs)
        else if (state === 'judging' && (one === 'for' || one === 'against' || one === 'nothing'))
          voted(dispute, vote(one === 'nothing' ? null : one === 'against'), nowMs)
      }
      for (let turn = 0; turn < 4 && dispute.state !== 'final'; turn++)
        pass(dispute, nowMs + (turn + 1) * appealWindowMs)
      expect(dispute.state).toBe('final')
      expect(dispute.hearings.length).toBeLessThanOrEqual(2)
      expect(dispute.hearings.every(({ verdict }) => verdict !== null)).toBe(true)
      expect(hearingOf(dispute).endsMs).toBeLessThanOrEqual(nowMs + hearingMs)
    }),
  )
})
