/** What the sides of a dispute have at stake: what it costs, who loses it, and what a death of the hub leaves of it. */
import { describe, expect, test } from 'vitest'
import { Pledging, pledgeOf } from '../../../orchestrator/trust/desk/hearings/pledging.ts'
import { type Dispute, newDispute, stakesOf } from '../../../orchestrator/trust/disputes/dispute.ts'
import { hearingSize } from '../../../shared/limits/trust/disputes.ts'
import { atOnce, TurnLane } from '../../../shared/turn-lane.ts'
import { bytesOf, deltaLine, finishLine, roleLine, tail } from '../../support/hub/engine-bench.ts'
import { SpendingBench } from '../../support/ledger/spending-bench.ts'

const model = 'llama-3.1-8b-instant'
const start = 1_000_000
const body = bytesOf(JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(4_000) }], max_tokens: 1_000 }))

/** A client that was answered and has paid for it. */
class Stage extends SpendingBench {
  readonly task: number

  constructor(grants: Record<string, number> = { tenant: start }) {
    super(grants)
    this.bench.join([model], 1)
    this.bench.ask({ model, body })
    const work = this.bench.work()
    this.task = work.lease.task
    work.say(roleLine, deltaLine('abcd'), finishLine)
    work.done(tail)
    this.bench.system.pass(2_000)
  }

  pledging(isEnforced = true): Pledging {
    return new Pledging({ ledger: this.ledger, lane: new TurnLane(this.bench.system), isEnforced })
  }

  get filed() {
    const who = { tenant: 'tenant', operator: 'operator', scout: 'operator/s', model, reason: 'wrong' } as const
    return { id: 'dsp_1', task: this.task, ...who, comment: '', answeredMs: 0 }
  }

  has(tenant = 'tenant'): number {
    return this.ledger.spendable(tenant)!.available
  }
}

describe('a pledge', () => {
  test('is what it costs to ask the request again, three times, and twice as much for an appeal', () => {
    const stage = new Stage({ tenant: start, operator: start })
    const cost = start - stage.has()
    expect(atOnce(stage.ledger.pledges!.spentOn(stage.task))).toBe(cost)
    expect(stage.ledger.pledges!.costOf(stage.task)).toBe(cost)
    expect(stage.pledging().set(stage.filed, 'client', 1)).toBe(hearingSize * cost)
    expect(stage.pledging().set(stage.filed, 'scout', 2)).toBe(2 * hearingSize * cost)
    expect([stage.has(), stage.has('operator')]).toEqual([
      start - cost - hearingSize * cost,
      start - 2 * hearingSize * cost,
    ])
    expect(stage.ledger.pledges!.open()).toEqual([
      pledgeOf(stage.filed, 'client', 1),
      pledgeOf(stage.filed, 'scout', 2),
    ])
  })

  test('is refused to whoever has too few points, and is nothing where verdicts are only shown', () => {
    const stage = new Stage()
    const lacking = stage.pledging().set(stage.filed, 'scout', 2)
    expect(lacking).toMatchObject({ code: 'insufficient_points' })
    expect((lacking as { message: string }).message).toMatch(/^This sets \d+ points aside.* and you have 0 to spend/)
    expect(stage.pledging(false).set(stage.filed, 'client', 1)).toBe(0)
    expect(stage.pledging().set({ ...stage.filed, task: 99_999 }, 'client', 1)).toMatchObject({ code: 'not_found' })
    expect(stage.ledger.pledges!.open()).toEqual([])
  })

  test('that a death left without its dispute is given back by the next start, and no other', () => {
    const stage = new Stage()
    const before = stage.has()
    const pledged = stage.pledging().set(stage.filed, 'client', 1) as number
    stage.bench.system.pass(2_000)
    stage.boot()
    expect([stage.has(), stage.ledger.pledges!.open()]).toEqual([
      before - pledged,
      [pledgeOf(stage.filed, 'client', 1)],
    ])
    const dispute = newDispute({ ...stage.filed, pledged }, 0)
    stage.pledging().giveBackOrphans({ find: () => dispute })
    expect(stage.has()).toBe(before - pledged)
    stage.pledging().giveBackOrphans({ find: () => undefined })
    expect([stage.has(), stage.ledger.pledges!.open()]).toEqual([before, []])
  })
})

describe('whoever loses', () => {
  const who = { id: 'd', task: 1, tenant: 't', operator: 'o', scout: 'o/s', model, comment: '', answeredMs: 0 } as const
  const at = (changes: Partial<Dispute>) => {
    const dispute = { ...newDispute({ ...who, reason: 'wrong', pledged: 30 }, 0), ...changes }
    return stakesOf(dispute).map(({ by, points, isLost }) => [by, points, isLost])
  }
  const heard = (verdict: string) => ({ verdict }) as never

  test.each([
    ['upheld', null, false, null],
    ['rejected', null, true, null],
    ['undecided', null, false, null],
    ['rejected', ['client', 'rejected'], true, true],
    ['rejected', ['client', 'undecided'], true, false],
    ['rejected', ['client', 'upheld'], false, false],
    ['upheld', ['scout', 'upheld'], false, true],
    ['upheld', ['scout', 'undecided'], false, false],
    ['upheld', ['scout', 'rejected'], true, false],
  ] as const)('loses its pledge: %s, then %o', (first, second, isFilingLost, isAppealLost) => {
    const hearings = [heard(first), ...(second === null ? [] : [heard(second[1])])]
    const appeal = second === null ? null : { by: second[0], atMs: 0, pledged: 60 }
    const stakes = second === null ? [] : [[second[0], 60, isAppealLost]]
    expect(at({ hearings, appeal })).toEqual([['client', 30, isFilingLost], ...stakes])
  })

  test('is told by an administrator in the end', () => {
    const appeal = { by: 'scout' as const, atMs: 0, pledged: 60 }
    const ruling = { verdict: 'rejected' as const, why: '', atMs: 0 }
    expect(at({ hearings: [heard('upheld'), heard('upheld')], appeal, ruling })).toEqual([
      ['client', 30, true],
      ['scout', 60, false],
    ])
  })
})
