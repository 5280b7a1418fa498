/** A core that is built anew from the store: what waits, waits again; what was leased waits for its scout. */
import { describe, expect, test } from 'vitest'
import type { AcceptedTask, ScoutJoined } from '../../../orchestrator/core/events.ts'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'

const nonce = new Uint8Array(16).fill(7)
const who = { scout: 'operator/s', instance: 'i' }
const leased: Partial<AcceptedTask> = { state: 'leased', attempt: 2, charged: 1, lease: { nonce, ...who } }

/** One task that was leased to `who` when the hub died. */
function orphaned(): { bench: CoreHarness; a: number } {
  const bench = new CoreHarness()
  const { a } = bench.accept({ a: [] }, {}, { a: leased })
  return { bench, a }
}

function comesBack(bench: CoreHarness, held: ScoutJoined['held'], fields: Partial<ScoutJoined> = {}) {
  const session = bench.join(['m'], 0, { ...who, held, ...fields })
  return {
    session,
    verdicts: bench
      .take('welcome')
      .at(-1)!
      .held.map(({ verdict }) => verdict),
  }
}

describe('an intent out of the store', () => {
  test('goes on where it was: done needs are met, the others are waited for', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    const ids = bench.accept(
      { a: [], b: [], c: ['a'], d: ['a', 'b'] },
      {},
      { a: { state: 'done', attempt: 1 }, c: { state: 'ready' } },
    )
    const grants = bench.take('grant')
    expect(grants.map(({ task }) => task).sort()).toEqual([ids.b, ids.c])
    bench.settle(grants.find(({ task }) => task === ids.b)!)
    expect(bench.grant().task).toBe(ids.d)
  })

  test('remembers that its result is done', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    bench.accept({ side: [], result: [] }, {}, { result: { state: 'done', attempt: 1 } })
    bench.settle(bench.grant(), 'failed', 'invalid_request')
    expect(bench.changes().at(-1)).toBe('int done')
  })

  test('does not repeat tasks that ended in any way', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 8, { concurrency: 8 })
    const ids = bench.accept(
      { failed: [], skipped: ['failed'], cancelled: [], result: [] },
      {},
      { failed: { state: 'failed' }, skipped: { state: 'skipped' }, cancelled: { state: 'cancelled' } },
    )
    expect(bench.grant().task).toBe(ids.result)
  })

  test('counts the attempts from before', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    const { a } = bench.accept({ a: [] }, {}, { a: { attempt: 4, charged: 2, returned: 2 } })
    const grant = bench.grant()
    expect(grant.attempt).toBe(5)
    bench.settle(grant, 'failed')
    expect(bench.ended(a).fault?.code).toBe('scout_error')
  })

  test('begins nothing once its result is lost, in whatever order its tasks come', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    // The numbers of the harness: the failed need is 1, the result 2, and another one is ready.
    const { other } = bench.accept(
      { need: [], result: ['need'], other: [] },
      { result: 2 },
      { need: { state: 'failed', attempt: 1, charged: 1 } },
    )
    expect(bench.take('grant')).toEqual([])
    expect(bench.ended(other).fault?.code).toBe('internal_error')
    expect(bench.changes().at(-1)).toBe('int failed')
  })

  test('has what is left of its deadline, and ends at once when nothing is', () => {
    const bench = new CoreHarness()
    bench.join(['m'])
    const { a } = bench.accept({ a: [], b: ['a'] }, { deadlineMs: -5_000 })
    bench.pass(100)
    expect(bench.take('finished').find(({ task }) => task === a)?.fault?.code).toBe('deadline_exceeded')
    expect(bench.changes().at(-1)).toBe('int failed')
  })
})

describe('a lease from before the restart', () => {
  test('is given to nobody else as long as its scout may come back', () => {
    const { bench, a } = orphaned()
    bench.join(['m'], 4)
    bench.pass(bench.settings.leaseTtlMs + bench.settings.leaseGraceMs - 100)
    expect(bench.take('grant')).toEqual([])
    expect(bench.state.tasks.get(a)?.state).toBe('leased')
  })

  test('is taken up by its scout, which settles it', () => {
    const { bench, a } = orphaned()
    const { session, verdicts } = comesBack(bench, [{ task: a, attempt: 2, nonce }])
    expect(verdicts).toEqual(['resumed'])
    bench.pass(bench.settings.leaseTtlMs)
    const outcome = { outcome: 'done', fault: null, tokens: 1, provider: '', credits: 0 } as const
    bench.step({ type: 'settle', session, task: a, attempt: 2, nonce, ...outcome })
    expect(bench.changes()).toEqual([`settle ${a}`, 'int done'])
    expect(bench.take('verdict')).toMatchObject([{ verdict: 'committed' }])
  })

  test('is refused to whoever is wrong in one thing', () => {
    const { bench, a } = orphaned()
    const right = { task: a, attempt: 2, nonce }
    expect(comesBack(bench, [{ ...right, nonce: new Uint8Array(16) }]).verdicts).toEqual(['stale'])
    expect(comesBack(bench, [{ ...right, attempt: 1 }]).verdicts).toEqual(['stale'])
    expect(comesBack(bench, [right], { instance: 'another' }).verdicts).toEqual(['stale'])
    expect(comesBack(bench, [right], { scout: 'operator/another' }).verdicts).toEqual(['stale'])
    // None of them has spoilt it for the right one, which has it once.
    expect(comesBack(bench, [right, right]).verdicts).toEqual(['resumed', 'stale'])
  })

  test('ends when its scout does not come, and the task is tried elsewhere', () => {
    const { bench, a } = orphaned()
    const other = bench.join(['m'], 4)
    bench.pass(bench.settings.leaseTtlMs + bench.settings.leaseGraceMs + 100)
    expect(bench.changes()[0]).toBe(`release ${a}`)
    bench.pass(1_000)
    expect(bench.grant()).toMatchObject({ task: a, session: other, attempt: 3 })
    expect(comesBack(bench, [{ task: a, attempt: 2, nonce }]).verdicts).toEqual(['stale'])
  })

  test('ends with its intent', () => {
    const { bench, a } = orphaned()
    bench.step({ type: 'cancelIntent', intent: 'int', fault: { code: 'cancelled', message: 'Gone.' } })
    expect(bench.changes()).toEqual([`${a} cancelled`, 'int cancelled'])
    expect(comesBack(bench, [{ task: a, attempt: 2, nonce }]).verdicts).toEqual(['stale'])
  })
})

describe('a durable task whose scout loses its socket', () => {
  function lost() {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, who)
    const { a } = bench.accept({ a: [] })
    const grant = bench.grant()
    bench.started(grant)
    bench.changes()
    const other = bench.join(['m'], 1)
    bench.gone(session)
    return { bench, a, grant, other }
  }

  test('waits for it as long as most need to come back, and then goes elsewhere', () => {
    const { bench, a, other } = lost()
    bench.pass(bench.settings.resumeWindowMs - 50)
    expect(bench.take('grant')).toEqual([])
    expect(bench.changes()).toEqual([])
    bench.pass(1_000)
    expect(bench.grant()).toMatchObject({ task: a, session: other, attempt: 2 })
    expect(bench.changes()).toEqual([`release ${a}`, `lease ${a}`])
  })

  test('goes on with it when it is back in time', () => {
    const { bench, a, grant } = lost()
    bench.pass(bench.settings.resumeWindowMs - 50)
    const { session, verdicts } = comesBack(bench, [grant])
    expect(verdicts).toEqual(['resumed'])
    bench.settle({ ...grant, session })
    expect(bench.changes()).toEqual([`settle ${a}`, 'int done'])
  })
})

describe('a scout that comes back', () => {
  const claimed = { task: 1, attempt: 2, nonce }

  /** It sends its hello and presents these leases, no more. */
  function returns(bench: CoreHarness, held: ScoutJoined['held'], fields: Partial<ScoutJoined> = {}): number {
    const { session } = comesBack(bench, held, fields)
    bench.step({ type: 'claimsEnded', session })
    return session
  }

  test('without its lease loses it at once, uncharged and without blame, and another gets the task', () => {
    const { bench, a } = orphaned()
    const other = bench.join(['m'], 4)
    returns(bench, [])
    expect(bench.changes()).toEqual([`release ${a}`, `lease ${a}`])
    expect(bench.grant()).toMatchObject({ task: a, session: other, attempt: 3 })
    expect(bench.state.tasks.get(a)).toMatchObject({ charged: 1, handedBack: 1 })
    expect(bench.state.roster.records.get(who.scout)).toMatchObject({ failed: 0, failureRate: 0 })
  })

  test('with it keeps it, and loses only what it left out', () => {
    const bench = new CoreHarness()
    const { a, b } = bench.accept({ a: [], b: [] }, {}, { a: leased, b: leased })
    const session = returns(bench, [{ ...claimed, task: b }])
    expect(bench.changes()).toEqual([`release ${a}`])
    bench.pass(bench.settings.leaseTtlMs)
    bench.settle({ ...claimed, task: b, session } as Grant)
    expect(bench.take('verdict')).toMatchObject([{ verdict: 'committed' }])
  })

  test('with a wrong triple has left it out', () => {
    const { bench, a } = orphaned()
    returns(bench, [{ ...claimed, task: a, nonce: new Uint8Array(16) }])
    expect(bench.changes()).toEqual([`release ${a}`])
  })

  test('as another process, or under another name, ends nobody’s lease', () => {
    const { bench, a } = orphaned()
    returns(bench, [], { instance: 'another' })
    returns(bench, [], { scout: 'operator/another' })
    expect(bench.changes()).toEqual([])
    expect(comesBack(bench, [{ ...claimed, task: a }]).verdicts).toEqual(['resumed'])
  })

  test('after its socket broke, before or after the hub noticed, is not waited for', () => {
    for (const isNoticed of [true, false]) {
      const bench = new CoreHarness()
      const session = bench.join(['m'], 1, who)
      const { a } = bench.accept({ a: [] })
      if (isNoticed) bench.gone(session)
      bench.changes()
      returns(bench, [])
      expect(bench.changes()).toEqual([`release ${a}`])
    }
  })

  test('again and again without it does not keep the task for ever', () => {
    const bench = new CoreHarness()
    const { a } = bench.accept({ a: [] })
    for (let turn = 0; turn <= bench.settings.returnsMax; turn++) {
      bench.credit(returns(bench, []), 1)
      expect(bench.grant()).toMatchObject({ task: a, attempt: turn + 1 })
    }
    returns(bench, [])
    expect(bench.ended(a).fault?.code).toBe('scout_draining')
    expect(bench.changes().at(-1)).toBe('int failed')
  })

  test('without what its client waits for has lost it: nobody else can go on with that', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, who)
    const task = bench.submit()
    bench.content(bench.grant())
    bench.gone(session)
    returns(bench, [])
    expect(bench.ended(task).fault?.code).toBe('scout_lost')
  })
})
