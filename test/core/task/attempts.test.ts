/** Attempts that fail, come back, or settle, and what that means for the task. */
import { describe, expect, test } from 'vitest'
import { type FaultCode, faultTable } from '../../../shared/faults.ts'
import { attemptsMax } from '../../../shared/limits/scheduling.ts'
import { CoreHarness, type Grant, pair } from '../../support/hub/core-harness.ts'

describe('a failed attempt', () => {
  test('is repeated on another scout after at most its delay', () => {
    const { bench, task, grant, other } = pair()
    expect(bench.settle(grant, 'failed')).toMatchObject([
      { type: 'attemptVoid', task, attempt: 1 },
      { type: 'verdict' },
    ])
    bench.pass(bench.settings.retryBaseMs + 50)
    expect(bench.grant()).toMatchObject({ task, session: other, attempt: 2 })
  })

  test('is repeated on the same scout when there is no other', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 4)
    bench.submit()
    bench.settle(bench.grant(), 'failed')
    bench.pass(200)
    expect(bench.grant()).toMatchObject({ session, attempt: 2 })
  })

  test('waits a while for a scout that has not had the task, then takes any', () => {
    const bench = new CoreHarness()
    bench.join(['m'])
    const session = bench.join(['m'], 4)
    bench.submit()
    bench.settle(bench.grant(), 'failed')
    bench.pass(bench.settings.elsewhereMs - 100)
    expect(bench.take('grant')).toEqual([])
    bench.pass(bench.settings.retryBaseMs + 200)
    expect(bench.grant()).toMatchObject({ session, attempt: 2 })
  })

  test('does not wait in vain for a second process of the same scout', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4, { scout: 'operator/s', instance: 'one' })
    bench.join(['m'], 4, { scout: 'operator/s', instance: 'two' })
    bench.submit()
    bench.settle(bench.grant(), 'failed')
    bench.pass(bench.settings.elsewhereMs + 200)
    expect(bench.grant().attempt).toBe(2)
  })

  test('does not wait in vain for a scout that drains or has left', () => {
    for (const event of ['scoutDraining', 'scoutGone'] as const) {
      const { bench, grant, other } = pair()
      bench.settle(grant, 'failed')
      bench.step({ type: event, session: other })
      const sinceMs = bench.nowMs
      while (bench.state.leases === 0) bench.pass(50)
      expect(bench.nowMs - sinceMs).toBeLessThan(bench.settings.elsewhereMs + 200)
      expect(bench.grant()).toMatchObject({ session: grant.session, attempt: 2 })
    }
  })

  test('keeps its place before first-timers when a scout is freed', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    const task = bench.submit()
    const grant = bench.grant()
    bench.submit()
    bench.settle(grant, 'failed')
    bench.pass(200)
    expect(bench.take('grant')).toEqual([])
    const session = bench.join(['m'], 1)
    expect(bench.grant()).toMatchObject({ task, session, attempt: 2 })
  })

  test('is final after the last one, with its cause', () => {
    const bench = new CoreHarness()
    for (let i = 0; i < 4; i++) bench.join(['m'], 4)
    const task = bench.submit()
    const scouts = new Set<number>()
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const grant = bench.grant()
      scouts.add(grant.session)
      bench.settle(grant, 'failed', 'provider_unavailable')
      bench.pass(1_000)
    }
    expect(bench.ended(task)).toMatchObject({ attempts: attemptsMax, fault: { code: 'provider_unavailable' } })
    expect(scouts.size).toBe(attemptsMax)
  })

  test('goes to another operator where one is idle', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const bench = new CoreHarness({}, seed)
      const session = bench.join(['m'], 1, { operator: 'first' })
      bench.submit()
      const grant = bench.grant()
      bench.join(['m'], 4, { operator: 'first' })
      const elsewhere = bench.join(['m'], 4, { operator: 'second' })
      // Known scouts, so that no newcomer is tried out.
      for (const scout of bench.state.roster.bySession.values()) scout.record.done = 1
      bench.settle(grant, 'failed')
      bench.pass(200)
      expect([session, bench.grant().session]).toEqual([session, elsewhere])
    }
  })

  for (const code of Object.keys(faultTable) as FaultCode[]) {
    const { retry, blame } = faultTable[code]
    test(`${code} means retry: ${retry}`, () => {
      const { bench, task, grant } = pair()
      bench.settle(grant, 'failed', code)
      const live = bench.state.tasks.get(task)
      if (retry === 'never') expect(bench.ended(task).fault?.code).toBe(code)
      else expect(live).toMatchObject({ charged: retry === 'elsewhere' ? 1 : 0, handedBack: retry === 'free' ? 1 : 0 })
      const record = [...bench.state.roster.records.values()].find((one) => one.failed > 0)
      expect(record?.failed ?? 0).toBe(blame === 'scout' ? 1 : 0)
    })
  }

  test('is not repeated once the client has seen content', () => {
    const { bench, task, grant } = pair()
    bench.content(grant)
    bench.settle(grant, 'failed', 'provider_unavailable')
    expect(bench.take('attemptVoid')).toEqual([])
    expect(bench.ended(task).fault?.code).toBe('provider_unavailable')
  })
})

describe('work handed back', () => {
  test('costs no attempt and goes elsewhere at once', () => {
    const { bench, task, grant, other } = pair()
    bench.settle(grant, 'released', 'scout_draining')
    expect(bench.grant()).toMatchObject({ task, session: other })
    expect(bench.state.tasks.get(task)).toMatchObject({ charged: 0, handedBack: 1 })
  })

  test('costs no attempt whatever reason is given', () => {
    const { bench, task, grant } = pair()
    bench.settle(grant, 'released', 'provider_bad_answer')
    expect(bench.state.tasks.get(task)).toMatchObject({ charged: 0, handedBack: 1 })
    expect(bench.state.roster.records.get('operator/s1')?.failed).toBe(0)
  })

  test('too often is a failure', () => {
    const bench = new CoreHarness({ returnsMax: 3 })
    bench.join(['m'], 8, { concurrency: 8 })
    const task = bench.submit()
    for (let times = 0; times < 4; times++) bench.settle(bench.grant(), 'released', 'scout_draining')
    expect(bench.ended(task)).toMatchObject({ attempts: 4, fault: { code: 'scout_draining' } })
  })
})

describe("a provider's rate limit", () => {
  test('pauses only that scout with that model, and ends by itself', () => {
    const bench = new CoreHarness()
    const limited = bench.join(['m', 'n'], 4)
    const task = bench.submit()
    bench.settle(bench.grant(), 'released', 'provider_rate_limited', 3_000)
    expect(bench.state.tasks.get(task)?.state).toBe('ready')
    bench.submit({ model: 'n' })
    const unhindered = bench.grant()
    expect(unhindered.session).toBe(limited)
    bench.settle(unhindered)
    const other = bench.join(['m'], 4)
    expect(bench.grant()).toMatchObject({ task, session: other })
    bench.gone(other)
    bench.take('attemptVoid')
    bench.pass(2_500)
    expect(bench.take('grant')).toEqual([])
    bench.pass(600)
    expect(bench.grant()).toMatchObject({ task, session: limited, model: 'm' })
  })

  test('is no mark against the scout', () => {
    const { bench, grant } = pair()
    bench.settle(grant, 'failed', 'provider_rate_limited', 100)
    for (const record of bench.state.roster.records.values())
      expect(record).toMatchObject({ failed: 0, failureRate: 0 })
  })

  test('leaves the model listed: it is still offered', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    bench.submit()
    bench.settle(bench.grant(), 'released', 'provider_rate_limited', 9_000)
    expect(bench.state.index.entry('chat', 'm')).toMatchObject({ offerers: 1, scouts: 0 })
    bench.submit()
    expect(bench.take('finished')).toEqual([])
  })

  test('said twice holds until the later time', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 2)
    bench.submit()
    bench.submit()
    const [first, second] = bench.take('grant')
    bench.settle(first!, 'released', 'provider_rate_limited', 1_000)
    bench.settle(second!, 'released', 'provider_rate_limited', 3_000)
    bench.pass(2_000)
    expect(bench.state.index.entry('chat', 'm')?.scouts).toBe(0)
    bench.pass(1_100)
    expect(bench.state.index.entry('chat', 'm')?.scouts).toBe(1)
  })
})

describe('a settlement', () => {
  test('of the current lease commits, once', () => {
    const { bench, task, grant } = pair()
    expect(bench.settle(grant)).toMatchObject([
      { type: 'finished', task, fault: null, attempts: 1 },
      { type: 'verdict', verdict: 'committed' },
    ])
    expect(bench.settle(grant)).toMatchObject([{ type: 'verdict', verdict: 'committed' }])
    expect(bench.settle({ ...grant, nonce: new Uint8Array(16) })).toMatchObject([{ verdict: 'stale' }])
  })

  test('with another nonce, attempt or session is stale and changes nothing', () => {
    const { bench, task, grant, other } = pair()
    const forged: Partial<Grant>[] = [{ nonce: new Uint8Array(16) }, { attempt: 2 }, { session: other }, { task: 99 }]
    for (const fields of forged) {
      expect(bench.settle({ ...grant, ...fields })).toMatchObject([{ type: 'verdict', verdict: 'stale' }])
    }
    expect(bench.settle({ ...grant, nonce: new Uint8Array(15) })).toMatchObject([{ verdict: 'stale' }])
    expect(bench.state.tasks.get(task)?.state).toBe('leased')
  })

  test('of a session that is not there is not answered', () => {
    const { bench, grant } = pair()
    expect(bench.settle({ ...grant, session: 99 })).toEqual([])
  })

  test('of an older attempt is stale', () => {
    const { bench, task, grant } = pair()
    bench.step({ type: 'attemptBroken', task, attempt: 1, fault: { code: 'chunk_gap', message: 'A gap.' } })
    bench.pass(200)
    expect(bench.grant().attempt).toBe(2)
    bench.take('finished')
    expect(bench.settle(grant)).toMatchObject([{ verdict: 'stale' }])
    expect(bench.take('finished')).toEqual([])
  })

  test('of a failure that was heard is acknowledged again when it is repeated', () => {
    const { bench, grant } = pair()
    bench.settle(grant, 'failed')
    expect(bench.settle(grant, 'failed')).toMatchObject([{ verdict: 'committed' }])
  })

  test('is remembered as long as the newest, also when the task had settled before', () => {
    const bench = new CoreHarness({ committedKept: 4 })
    const session = bench.join(['m'], 4)
    bench.submit()
    bench.settle(bench.grant(), 'failed')
    bench.submit()
    bench.settle(bench.grant())
    bench.pass(200)
    const again = bench.grant()
    bench.settle(again)
    bench.submit()
    bench.settle(bench.grant())
    expect(bench.settle(again)).toMatchObject([{ verdict: 'committed' }])
    expect(bench.state.committed.capacity).toBe(4)
    bench.credit(session, 4)
    for (let task = 0; task < 4; task++) {
      bench.submit()
      bench.settle(bench.grant())
    }
    expect(bench.settle(again)).toMatchObject([{ verdict: 'stale' }])
  })

  test('frees the place of the scout for the next task at once', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, { concurrency: 1 })
    bench.submit()
    const next = bench.submit()
    const grant = bench.grant()
    bench.credit(session, 1)
    expect(bench.take('grant')).toEqual([])
    bench.settle(grant)
    expect(bench.grant().task).toBe(next)
  })
})
