import { describe, expect, test } from 'vitest'
import { earnedOf, escrowOf, heldOf, takenOf } from '../../orchestrator/ledger/accounts/account.ts'
import { violationsOf } from '../../orchestrator/ledger/accounts/balances.ts'
import { unpaidSentence } from '../../orchestrator/ledger/accounts/earnings.ts'
import type { LedgerEvent } from '../../orchestrator/ledger/accounts/events.ts'
import { auditedTrust, simpleTrust, type TrustView } from '../../orchestrator/ledger/accounts/trust-port.ts'
import { lookThrough, untrustedOf } from '../../orchestrator/ledger/accounts/untrusted.ts'
import { consequenceOf } from '../../orchestrator/ledger/accounts/verdicts.ts'
import { eventsDue } from '../../orchestrator/ledger/accounts/vesting.ts'
import { flagBits } from '../../orchestrator/ledger/points/zero-rules.ts'
import { excessOf } from '../../orchestrator/ledger/seasons/concentration.ts'
import { endOfSeason, moveDue, readSeason, seasonOfDay } from '../../orchestrator/ledger/seasons/season.ts'
import { statementCsv, statementJson, statementOf } from '../../orchestrator/ledger/statement.ts'
import { unpaidCharsMax } from '../../shared/limits/ledger/ledger.ts'
import { burningText } from '../../shared/scouts/standing.ts'
import { atOnce } from '../../shared/turn-lane.ts'
import { dayMs, mayDay, mayMs, receiptOf, SmallLedger } from '../support/ledger/small-ledger.ts'

const escrow = escrowOf(mayDay, 'key_ant/ant', 'llama-3.1-8b-instant')
const may = earnedOf('2026-05', 'key_ant')
const june = earnedOf('2026-06', 'key_ant')
const hourMs = 3_600_000

interface Asked {
  nowMs: number
  isTrusted?: boolean
  convictedMs?: number | null
  ownerSinceMs?: number | null
}

function due(ledger: SmallLedger, asked: Asked): LedgerEvent[] {
  const { nowMs, isTrusted = true, convictedMs = null, ownerSinceMs = 0 } = asked
  const trust = { isTrusted: () => isTrusted, convictedMs: () => convictedMs }
  return atOnce(eventsDue(ledger.projector, { nowMs, trust, ownerSinceMs: () => ownerSinceMs, eventsMax: 9 }))
}

function withReceipt(): SmallLedger {
  const ledger = new SmallLedger()
  ledger.seal([receiptOf(1)])
  return ledger
}

describe('escrow vests', () => {
  const vestMs = mayMs + dayMs + 72 * hourMs

  test('72 hours after its day, whole, for a trusted scout of an owner who is no newcomer', () => {
    const ledger = withReceipt()
    expect(due(ledger, { nowMs: vestMs - 1 })).toEqual([])
    const events = due(ledger, { nowMs: vestMs })
    expect(events).toEqual([{ type: 'transfer', why: 'vest', from: escrow, to: may, points: 920 }])
    ledger.seal(events)
    expect(ledger.projector.balances.of(may)).toBe(920)
    expect(due(ledger, { nowMs: vestMs })).toEqual([])
  })

  test('not while its scout is not trusted, nor within a week of its owner, nor for an owner that is unknown', () => {
    const ledger = withReceipt()
    expect(due(ledger, { nowMs: vestMs, isTrusted: false })).toEqual([])
    expect(due(ledger, { nowMs: vestMs, ownerSinceMs: null })).toEqual([])
    expect(due(ledger, { nowMs: vestMs, ownerSinceMs: vestMs - 7 * dayMs + 1 })).toEqual([])
    expect(due(ledger, { nowMs: vestMs, ownerSinceMs: vestMs - 7 * dayMs })).toHaveLength(1)
  })

  test('into the season of its day until that is frozen, then into the present one', () => {
    const ledger = withReceipt()
    const closedMs = endOfSeason('2026-05') + 7 * dayMs
    ledger.seal(due(ledger, { nowMs: closedMs }))
    expect(due(ledger, { nowMs: closedMs - 1 })).toMatchObject([{ to: may }])
    ledger.seal(due(ledger, { nowMs: closedMs }))
    expect(ledger.projector.seasons.get('2026-05')?.state).toBe('closed')
    expect(due(ledger, { nowMs: closedMs })).toMatchObject([{ to: june }])
  })
})

describe('escrow of a scout that was convicted', () => {
  const vestMs = mayMs + dayMs + 72 * hourMs
  const convictedMs = mayMs + 20 * hourMs
  const burnsMs = convictedMs + 7 * dayMs

  test('waits for seven days, though it be trusted again, and is burnt whatever its owner is', () => {
    const ledger = withReceipt()
    for (const nowMs of [vestMs, burnsMs - 1]) expect(due(ledger, { nowMs, convictedMs })).toEqual([])
    const events = due(ledger, { nowMs: burnsMs, convictedMs, ownerSinceMs: null, isTrusted: false })
    const burning = { type: 'transfer', why: 'clawback', from: escrow, to: 'burn', points: 920, note: 'convicted' }
    expect(events).toEqual([burning])
    ledger.seal(events)
    expect(violationsOf(ledger.projector.balances)).toEqual([])
    expect([ledger.projector.balances.totals.escrow, ledger.projector.balances.of('burn')]).toEqual([0, 920])
    expect(due(ledger, { nowMs: burnsMs, convictedMs })).toEqual([])
  })

  test('vests as before once it is cleared', () => {
    const ledger = withReceipt()
    expect(due(ledger, { nowMs: vestMs, convictedMs })).toEqual([])
    expect(due(ledger, { nowMs: vestMs, convictedMs: null })).toMatchObject([{ why: 'vest' }])
  })

  test('is untouched where it was earned on a later day', () => {
    const ledger = withReceipt()
    expect(due(ledger, { nowMs: burnsMs + 9 * dayMs, convictedMs: mayMs - 1 })).toMatchObject([{ why: 'vest' }])
  })

  test('is told to its operator with the day on which it is burnt', () => {
    const ledger = withReceipt()
    ledger.seal([receiptOf(2, { scout: 'key_ant/bee' })])
    const convicted = (scout: string) => (scout === 'key_ant/bee' ? convictedMs : null)
    const found = atOnce(lookThrough(ledger.projector, { isTrusted: () => false, convictedMs: convicted }))
    expect(found.get('key_ant')).toEqual({ points: 1_840, untrusted: 1_840, convicted: 920, burnsMs })
    expect(burningText(1_920, '8 May, 20:00')).toBe(
      '1,920 of the points that wait are of a scout that was convicted: they are burnt from 8 May, 20:00 on, ' +
        'unless an appeal clears it before.',
    )
  })
})

test('without a trust part a scout is trusted after ten paid tasks on two days', () => {
  const trustOf = (paidTasks: number, days: number) => simpleTrust(() => ({ paidTasks, days }))
  expect([trustOf(10, 2), trustOf(9, 2), trustOf(10, 1)].map((trust) => trust.isTrusted('a/b', 'm'))).toEqual([
    ...[true, false, false],
  ])
  expect(trustOf(0, 0).isConvicted('a/b', 'm')).toBe(false)
})

test('where audits have consequences they say who is trusted, but for scouts of other hubs', () => {
  const viewOf = (is: boolean): TrustView => ({
    isTrusted: () => is,
    isConvicted: () => is,
    convictedMs: () => +is || null,
  })
  const [yes, no] = [viewOf(true), viewOf(false)]
  const asked = (trust: TrustView) => ['key/own', 'hub:far/far'].map((scout) => trust.isTrusted(scout, 'm'))
  expect([asked(auditedTrust(yes, no)), asked(auditedTrust(no, yes))]).toEqual([
    ...[
      [true, false],
      [false, true],
    ],
  ])
  expect(auditedTrust(yes, no).isConvicted('key/own', 'm')).toBe(true)
  expect(auditedTrust(no, yes).isConvicted('key/own', 'm')).toBe(false)
  const times = ['key/own', 'hub:far/far'].map((scout) => auditedTrust(yes, no).convictedMs(scout, 'm'))
  expect(times).toEqual([1, null])
})

describe('points that wait', () => {
  const looked = (ledger: SmallLedger, trusted: (scout: string) => boolean) =>
    atOnce(lookThrough(ledger.projector, { isTrusted: trusted, convictedMs: () => null }))

  test('are told apart by whether their scout is trusted with its model', () => {
    const ledger = withReceipt()
    ledger.seal([receiptOf(2, { scout: 'key_ant/bee' }), receiptOf(3, { scout: 'key_cow/cow' })])
    const found = looked(ledger, (scout) => scout !== 'key_ant/bee')
    expect(found.get('key_ant')).toMatchObject({ points: 1_840, untrusted: 920, convicted: 0, burnsMs: null })
    expect(found.get('key_cow')).toMatchObject({ points: 920, untrusted: 0 })
    expect(untrustedOf(found.get('key_ant'), 1_840)).toBe(920)
    expect(untrustedOf(found.get('key_cow'), 5_000)).toBe(0)
  })

  test('of a newcomer wait for trust, and what came since waits for what all of the rest did', () => {
    const ledger = withReceipt()
    const found = looked(ledger, () => false)
    expect(untrustedOf(found.get('key_ant'), 5_000)).toBe(5_000)
    expect(untrustedOf(found.get('key_new'), 70)).toBe(70)
    ledger.seal(due(ledger, { nowMs: mayMs + dayMs + 72 * hourMs }))
    // All of it is earned: nobody who has earned is a newcomer.
    expect(untrustedOf(looked(ledger, () => false).get('key_ant'), 70)).toBe(0)
    expect(untrustedOf({ points: 9, untrusted: 8, convicted: 0, burnsMs: null }, 3)).toBe(3)
  })
})

describe('a verdict', () => {
  const judged = (ledger: SmallLedger, what: 'hold' | 'release' | 'clawback', task = 1, id = 'd1') => {
    const consequence = consequenceOf(ledger.projector, { id, do: what }, [receiptOf(task)], mayMs)
    if (consequence.events.length > 0) ledger.seal(consequence.events)
    return consequence
  }
  const held = heldOf('d1', 1)
  const of = ({ projector }: SmallLedger, account: string) => projector.balances.of(account)

  test('sets the points of a task aside and gives them back', () => {
    const ledger = withReceipt()
    judged(ledger, 'hold')
    expect([of(ledger, escrow), of(ledger, held)]).toEqual([0, 920])
    expect(judged(ledger, 'hold').events).toEqual([])
    judged(ledger, 'release')
    expect([of(ledger, escrow), of(ledger, held)]).toEqual([920, 0])
  })

  test('takes them back once, whether they were set aside before or not', () => {
    for (const before of [[], ['hold' as const]]) {
      const ledger = withReceipt()
      ledger.seal([receiptOf(2)])
      for (const what of before) judged(ledger, what)
      judged(ledger, 'clawback')
      expect([of(ledger, escrow), of(ledger, takenOf(1))]).toEqual([920, 920])
      expect(judged(ledger, 'clawback').events).toEqual([])
      expect(judged(ledger, 'clawback', 1, 'd2').events).toEqual([])
      expect(judged(ledger, 'hold', 1, 'd2').events).toEqual([])
    }
  })

  test('reaches what has vested, and tells what was paid already', () => {
    const ledger = withReceipt()
    ledger.seal([{ type: 'transfer', why: 'vest', from: escrow, to: may, points: 920 }])
    ledger.seal([receiptOf(2)])
    expect(judged(ledger, 'clawback').missing).toBe(0)
    expect(of(ledger, escrow)).toBe(0)
    expect(judged(ledger, 'clawback', 2).missing).toBe(0)
    expect(of(ledger, may)).toBe(0)
    const paid = withReceipt()
    paid.seal([{ type: 'transfer', why: 'vest', from: escrow, to: may, points: 920 }])
    for (const to of ['closing', 'closed', 'paid'] as const) paid.seal([{ type: 'season', season: '2026-05', to }])
    expect(judged(paid, 'clawback')).toEqual({ events: [], missing: 920 })
  })

  test('on many tasks of one escrow takes from it what each was worth', () => {
    const ledger = withReceipt()
    ledger.seal([receiptOf(2), receiptOf(3)])
    const three = [1, 2, 3].map((task) => receiptOf(task))
    const { events, missing } = consequenceOf(ledger.projector, { id: 'd', do: 'clawback' }, three, mayMs)
    ledger.seal(events)
    expect([events.length, missing, of(ledger, escrow)]).toEqual([3, 0, 0])
  })
})

describe('a season', () => {
  test('is a month of UTC', () => {
    expect([seasonOfDay(mayDay - 1), seasonOfDay(mayDay), seasonOfDay(mayDay + 31)]).toEqual([
      ...['2026-04', '2026-05', '2026-06'],
    ])
    expect(endOfSeason('2026-12')).toBe(Date.UTC(2027, 0, 1))
    expect(['2026-05', '2026-13', '26-05', '2026-5'].map(readSeason)).toEqual(['2026-05', null, null, null])
  })

  test('is closing when its month is over, and closed a week later', () => {
    const endMs = endOfSeason('2026-05')
    expect([moveDue('2026-05', 'open', endMs - 1), moveDue('2026-05', 'open', endMs)]).toEqual([null, 'closing'])
    expect(moveDue('2026-05', 'closing', endMs + 7 * dayMs - 1)).toBeNull()
    expect(moveDue('2026-05', 'closing', endMs + 7 * dayMs)).toBe('closed')
    expect(moveDue('2026-05', 'closed', endMs + 99 * dayMs)).toBeNull()
  })

  test('is told as JSON and CSV, the most points first, the same once it was paid', () => {
    const ledger = new SmallLedger()
    ledger.seal([receiptOf(1), receiptOf(2, { scout: '=op,2/x' }), receiptOf(3, { scout: '=op,2/x' })])
    const other = escrowOf(mayDay, '=op,2/x', 'llama-3.1-8b-instant')
    ledger.seal([
      { type: 'transfer', why: 'vest', from: escrow, to: may, points: 920 },
      { type: 'transfer', why: 'vest', from: other, to: earnedOf('2026-05', '=op,2'), points: 1_840 },
    ])
    const told = (state: 'closed' | 'paid') => {
      const parts = { season: '2026-05', state, hub: 'ed25519:x', nameOf: () => '' }
      const statement = statementOf(ledger.projector, parts)
      return [statementCsv(statement), statementJson(statement)]
    }
    expect(told('closed')[0]).toBe('season,operator,points\n2026-05,"\'=op,2",1840\n2026-05,key_ant,920\n')
    expect(JSON.parse(told('closed')[1]!)).toMatchObject({ season: '2026-05', points: 2_760 })
    expect(told('paid')).toEqual(told('closed'))
  })

  test('burns at its close what stems from one owner beyond a quarter, but for the first million', () => {
    expect(excessOf([1_000_000])).toBe(0)
    expect(excessOf([4_000_000])).toBe(3_000_000)
    expect(excessOf([2_000_000, 2_000_000, 2_000_000, 2_000_000])).toBe(0)
    expect(excessOf([6_000_000, 1_000_000, 1_000_000])).toBe(4_000_000)
  })
})

test('earnings count the tasks of a scout by day and model, with the reasons of what earned nothing', () => {
  const ledger = new SmallLedger()
  ledger.seal([receiptOf(1), receiptOf(2, { flags: flagBits.own | flagBits.loop }), receiptOf(3, { flags: 64 })])
  const [earning] = ledger.projector.news.growth()
  expect(earning).toMatchObject({ tasks: 3, points: 1_840, unpaid: 1, own: 1, loop: 1, directed: 0 })
  expect(ledger.projector.turnOver().take(9)).toMatchObject({ earnings: [earning], isLast: true })
  expect(ledger.projector.news.rows).toBe(0)
})

test('a scout is told why its tasks earned nothing, in one sentence that fits', () => {
  const ledger = new SmallLedger()
  ledger.seal([receiptOf(1), receiptOf(2, { flags: flagBits.own }), receiptOf(3, { flags: flagBits.own | 8 })])
  const rows = [...ledger.projector.news.growth('key_ant/ant')]
  const sentence =
    'Today 2 of its tasks earned nothing: 2 were your own requests, 1 were requests that came back in a loop.'
  expect(unpaidSentence(rows)).toBe(sentence)
  const { unpaid } = ledger.projector
  expect(unpaidSentence([unpaid.of('key_ant/ant', mayDay)!])).toBe(sentence)
  expect(unpaid.of('key_ant/ant', mayDay + 1)).toBeUndefined()
  const [row] = rows
  const every = { unpaid: 9, own: 9, directed: 9, unlisted: 9, loop: 9, repeat: 9, convicted: 9 }
  expect(unpaidSentence([{ ...row!, ...every }])).toHaveLength(unpaidCharsMax)
  expect(unpaidSentence([{ ...row!, unpaid: 0 }])).toBeNull()
})
