import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Brake } from '../../orchestrator/trust/standing/brake.ts'
import { AuditBudget } from '../../orchestrator/trust/standing/budget.ts'
import { Owners, worstOf } from '../../orchestrator/trust/standing/owners.ts'
import { penaltyMs } from '../../orchestrator/trust/standing/penalty.ts'
import {
  auditShare,
  book,
  bookRepeat,
  type Circumstances,
  confirm,
  mature,
  newRecord,
  type TrustRecord,
} from '../../orchestrator/trust/standing/record.ts'
import { nextState, type TrustMove, trustMoves } from '../../orchestrator/trust/standing/states.ts'
import * as weights from '../../orchestrator/trust/standing/weights.ts'
import { auditShareMax, auditsPerDayMin } from '../../shared/limits/trust/audits.ts'
import { trustStates } from '../../shared/scouts/trust-words.ts'
import '../support/law/seeded-properties.ts'

const dayMs = 24 * 3_600_000
const start = Date.parse('2026-11-28T12:00:00Z')
const circumstances = (more: Partial<Circumstances> = {}): Circumstances => {
  return { nowMs: start, needed: weights.passesNeeded, mayConvict: true, ...more }
}
const recordOf = (more: Partial<TrustRecord> = {}) => ({ ...newRecord('s', 'm', 'o', start), ...more })

function bookMany(record: TrustRecord, outcome: weights.AuditOutcome, times: number, now = circumstances()) {
  for (let at = 0; at < times; at++) book(record, outcome, now.nowMs, now)
  return record
}

describe('the table of moves', () => {
  const legal = [
    'new earned trusted',
    'new doubted watched',
    'trusted doubted watched',
    'watched grave confirming',
    'watched calmed new',
    'confirming cleared watched',
    'confirming confirmed convicted',
    'new repeated convicted',
    'trusted repeated convicted',
    'watched repeated convicted',
    'confirming repeated convicted',
    'convicted served new',
    'convicted overturned watched',
  ]
  const moves = Object.keys(trustMoves) as TrustMove[]
  test.each(trustStates.flatMap((state) => moves.map((move) => [state, move] as const)))('%s, %s', (state, move) => {
    const next = nextState(state, move)
    const row = legal.find((one) => one.startsWith(`${state} ${move} `))
    expect(next).toBe(row?.split(' ')[2])
  })
  test('leads to a conviction only by confirmation or by repeats', () => {
    const convicting = moves.filter((move) => trustStates.some((state) => nextState(state, move) === 'convicted'))
    expect(convicting).toEqual(['confirmed', 'repeated'])
  })
})

describe('doubt', () => {
  test('weighs outcomes by how much more likely they are of something else', () => {
    expect(weights.weights.pass).toBeCloseTo(-0.172, 3)
    expect(weights.weights.odd).toBeCloseTo(0.981, 3)
    expect(weights.weights.gross).toBeCloseTo(2.773, 3)
    expect(weights.weights.wrong).toBeCloseTo(1.386, 3)
  })
  test('never falls below 0: a long honest past buys nothing', () => {
    const record = bookMany(recordOf({ state: 'trusted' }), 'pass', 1_000)
    expect(record.doubt).toBe(0)
    expect(bookMany(record, 'gross', 2).state).toBe('watched')
  })
  test('makes a watch, which good checks end', () => {
    const record = bookMany(recordOf(), 'wrong', 4)
    expect(record.state).toBe('watched')
    let passes = 0
    for (; record.state === 'watched'; passes++) bookMany(record, 'pass', 1)
    expect(passes).toBeGreaterThanOrEqual(18)
    expect(record).toMatchObject({ state: 'new', passed: 0, watches: 1 })
  })
  test('falls on average for deployments of up to an eighth odd answers', () => {
    const { pass, odd } = weights.weights
    expect(0.88 * pass + 0.12 * odd).toBeLessThan(0)
  })
})

describe('a confirmation', () => {
  const confirming = () => bookMany(recordOf({ state: 'trusted' }), 'gross', 4)

  test('begins with no evidence, and convicts at a thousand to one', () => {
    const record = confirming()
    expect(record).toMatchObject({ state: 'confirming', evidence: 0, fresh: 0 })
    bookMany(record, 'gross', 2)
    expect(record.state).toBe('confirming')
    bookMany(record, 'gross', 1)
    expect(record).toMatchObject({ state: 'convicted', convictions: 1, untilMs: start + dayMs })
  })
  test('counts fresh checks alone', () => {
    const record = confirming()
    const later = circumstances({ nowMs: start + 1_000 })
    for (let at = 0; at < 50; at++) book(record, 'gross', start - 1, later)
    expect(record).toMatchObject({ state: 'confirming', fresh: 0 })
  })
  test('that fails leaves the scout watched at the threshold of a watch', () => {
    const record = bookMany(confirming(), 'pass', weights.freshChecksMax)
    expect(record).toMatchObject({ state: 'watched', doubt: weights.watchedDoubt })
  })
  test('waits while the brake holds, and ends when it is released', () => {
    const record = bookMany(confirming(), 'gross', 5, circumstances({ mayConvict: false }))
    expect(record.state).toBe('confirming')
    confirm(record, circumstances())
    expect(record.state).toBe('convicted')
  })
  test('convicts an honest scout in less than a thousandth of all tries', () => {
    const random = seeded(5)
    let convicted = 0
    for (let run = 0; run < 20_000; run++) {
      const record = recordOf({ state: 'confirming' })
      while (record.state === 'confirming') {
        const draw = random()
        const outcome = draw < 0.005 ? 'gross' : draw < 0.05 ? 'odd' : 'pass'
        book(record, outcome, start, circumstances())
      }
      if (record.state === 'convicted') convicted++
    }
    expect(convicted).toBeLessThanOrEqual(20)
  })
})

describe('a conviction', () => {
  test('ends by itself, and each further one lasts twice as long, up to 30 days', () => {
    const record = recordOf()
    let nowMs = start
    const days: number[] = []
    for (let at = 0; at < 7; at++) {
      for (const tenant of ['a', 'b', 'c']) bookRepeat(record, tenant, circumstances({ nowMs }))
      expect(record.state).toBe('convicted')
      days.push((record.untilMs - nowMs) / dayMs)
      mature(record, circumstances({ nowMs: record.untilMs - 1 }))
      expect(record.state).toBe('convicted')
      nowMs = record.untilMs
      mature(record, circumstances({ nowMs }))
      expect(record).toMatchObject({ state: 'new', doubt: 0, passed: 0, repeatTenants: [] })
    }
    expect(days).toEqual([1, 2, 4, 8, 16, 30, 30])
  })
  test('takes three clients whose requests got the same text', () => {
    const record = recordOf()
    for (let at = 0; at < 10; at++) bookRepeat(record, 'a', circumstances())
    bookRepeat(record, 'b', circumstances())
    expect(record.state).toBe('new')
    bookRepeat(record, 'c', circumstances({ mayConvict: false }))
    expect(record.state).toBe('new')
    bookRepeat(record, 'd', circumstances())
    expect(record.state).toBe('convicted')
  })
  test('counts nothing meanwhile', () => {
    const record = bookMany(recordOf({ state: 'convicted', untilMs: start + dayMs }), 'gross', 5)
    expect(record).toMatchObject({ checks: 0, doubt: 0 })
  })
  test('makes new names of the owner need more passes for 30 days', () => {
    const owners = new Owners()
    owners.noteConviction('o', start)
    owners.noteConviction('o', start - dayMs)
    expect(owners.needed('o', start + 30 * dayMs - 1)).toBe(weights.passesNeededAgain)
    expect(owners.needed('o', start + 30 * dayMs)).toBe(weights.passesNeeded)
    expect(owners.needed('p', start)).toBe(weights.passesNeeded)
  })
})

describe('probation', () => {
  test('ends with ten passes and a day, whichever comes last', () => {
    const record = bookMany(recordOf(), 'pass', 9)
    const tomorrow = circumstances({ nowMs: start + dayMs })
    mature(record, tomorrow)
    expect(record.state).toBe('new')
    book(record, 'pass', start, circumstances())
    expect(record.state).toBe('new')
    mature(record, tomorrow)
    expect(record.state).toBe('trusted')
  })
  test('has half of the tasks audited until then, and fewer with every pass after', () => {
    expect(auditShare(recordOf())).toBe(0.5)
    expect(auditShare(recordOf({ passed: 20 }))).toBe(1 / 20)
    expect(auditShare(recordOf({ state: 'trusted', passed: 0 }))).toBe(0.5)
    expect(auditShare(recordOf({ state: 'trusted', passed: 1_000 }))).toBe(0.02)
    expect(auditShare(recordOf({ state: 'trusted', passed: 1_000, watches: 1 }))).toBe(0.04)
    expect(auditShare(recordOf({ state: 'trusted', passed: 1_000, watches: 9 }))).toBe(0.08)
    expect(auditShare(recordOf({ state: 'watched', passed: 1_000 }))).toBe(0.5)
    expect(auditShare(recordOf({ state: 'confirming' }))).toBe(1)
    expect(auditShare(recordOf({ state: 'convicted' }))).toBe(0)
  })
  test('loses a third of its passes to an odd answer and all to a gross one', () => {
    expect(bookMany(recordOf({ passed: 30 }), 'odd', 1).passed).toBe(20)
    expect(bookMany(recordOf({ passed: 30 }), 'wrong', 1).passed).toBe(20)
    expect(bookMany(recordOf({ passed: 30 }), 'gross', 1).passed).toBe(0)
  })
})

test('any outcomes in any order leave a record within its bounds', () => {
  const step = fc.tuple(fc.constantFrom(...weights.outcomes), fc.nat(2 * dayMs), fc.boolean())
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const record = recordOf()
      let nowMs = start
      for (const [outcome, laterMs, mayConvict] of steps) {
        nowMs += laterMs
        const before = { ...record }
        mature(record, circumstances({ nowMs }))
        book(record, outcome, nowMs, circumstances({ nowMs, mayConvict }))
        expect(record.doubt).toBeGreaterThanOrEqual(0)
        expect(record.passed).toBeGreaterThanOrEqual(0)
        expect(record.doubt).toBeLessThan(weights.confirmingDoubt + weights.weights.gross)
        if (record.state === 'convicted' && before.state !== 'convicted') {
          expect(before.state).toBe('confirming')
          expect(mayConvict).toBe(true)
        }
      }
    }),
  )
})

describe('the brake', () => {
  const watched = (count: number) => {
    const brake = new Brake()
    for (let at = 0; at < count; at++) brake.noteWatched(`o${at}`, start + at)
    return brake
  }
  test('holds when a fifth of the owners came under watch within a day', () => {
    expect(watched(20).holds(100, start + 1_000)).toBe(true)
    expect(watched(19).holds(100, start + 1_000)).toBe(false)
  })
  test('does not hold for two, however few owners there are', () => {
    expect(watched(2).holds(3, start + 1_000)).toBe(false)
    expect(watched(3).holds(3, start + 1_000)).toBe(true)
  })
  test('counts an owner once, and is released after a day', () => {
    const brake = watched(3)
    for (let at = 0; at < 50; at++) brake.noteWatched('o1', start + 10)
    expect(brake.watched(start + 10)).toBe(3)
    expect(brake.holds(3, start + dayMs + 5)).toBe(false)
    expect(brake.watched(start + dayMs + 10)).toBe(0)
  })
})

describe('the budget of audits', () => {
  test('is a twentieth of the tasks of 24 hours, at least 200', () => {
    const budget = new AuditBudget()
    let asked = 0
    for (; budget.allows({ state: 'confirming', doubt: 9 }, start); asked++) budget.noteAsked(1, start)
    expect(asked).toBe(auditsPerDayMin)
    budget.noteSettled(10_000, start)
    for (; budget.allows({ state: 'confirming', doubt: 9 }, start); asked++) budget.noteAsked(1, start)
    expect(asked).toBe(auditShareMax * 10_000)
  })
  test('leaves room for the urgent ones', () => {
    const budget = new AuditBudget()
    const until = (state: 'trusted' | 'new' | 'watched' | 'confirming', doubt: number) => {
      while (budget.allows({ state, doubt }, start)) budget.noteAsked(1, start)
      return budget.counts().audits
    }
    expect([until('trusted', 0), until('new', 0), until('trusted', 4)]).toEqual([176, 180, 182])
    expect([until('watched', 5), until('watched', 9), until('confirming', 9)]).toEqual([191, 195, 200])
    expect(budget.allows({ state: 'convicted', doubt: 9 }, start)).toBe(false)
  })
  test('forgets hour by hour', () => {
    const budget = new AuditBudget()
    budget.noteAsked(auditsPerDayMin, start)
    expect(budget.allows({ state: 'confirming', doubt: 9 }, start + dayMs - 3_600_000)).toBe(false)
    expect(budget.allows({ state: 'confirming', doubt: 9 }, start + dayMs)).toBe(true)
    budget.noteSettled(5, start + dayMs)
    expect(budget.counts()).toEqual({ audits: 0, settled: 5 })
    budget.noteSettled(1, start + 100 * dayMs)
    expect(budget.counts()).toEqual({ audits: 0, settled: 1 })
  })
})

describe('in placement', () => {
  test('doubt weighs up to two seconds, a conviction a minute, and only while it is enforced', () => {
    expect(penaltyMs(recordOf({ doubt: 3 }), true)).toBe(0)
    expect(penaltyMs(recordOf({ state: 'watched', doubt: weights.confirmingDoubt / 2 }), false)).toBeCloseTo(1_000)
    expect(penaltyMs(recordOf({ state: 'confirming', doubt: 20 }), true)).toBeCloseTo(2_000)
    expect(penaltyMs(recordOf({ state: 'convicted' }), true)).toBe(60_000)
    expect(penaltyMs(recordOf({ state: 'convicted' }), false)).toBeCloseTo(2_000)
  })
})

test('of an owner the worst state is shown', () => {
  expect(worstOf(['trusted', 'watched', 'new'])).toBe('watched')
  expect(worstOf(['trusted'])).toBe('trusted')
  expect(worstOf([])).toBe(null)
})

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
