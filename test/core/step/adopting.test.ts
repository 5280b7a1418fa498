/** Tasks that outlived the process which gave them out: with scouts at work on them, and without. */
import { expect, test } from 'vitest'
import type { Adopt } from '../../../orchestrator/core/events.ts'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

const task = 77
const nonce = new Uint8Array(16).fill(7)

function adopted(fields: Partial<Adopt> = {}): Adopt {
  return {
    ...{ type: 'adopt', task, tenant: 'tenant', weight: 1, priority: 5, kind: 'chat', model: 'm', stream: true },
    ...{ promptBytes: 0, deadlineMs: 60_000, routing: defaultRouting, attempt: 3, queuedMs: 250, contentBegan: false },
    leases: [],
    ...fields,
  }
}

function leaseOf(session: number, attempt = 3): Adopt['leases'][number] {
  return { session, attempt, nonce, model: 'm', provider: 'provider' }
}

const done = { outcome: 'done', provider: 'provider', credits: 0, fault: null, tokens: 9 } as const

test('goes on with the attempt that a scout is at, whose settlement ends it', () => {
  const bench = new CoreHarness()
  const session = bench.join(['m'], 1)
  bench.step(adopted({ leases: [leaseOf(session)] }))
  expect(bench.state.tasks.get(task)).toMatchObject({ state: 'leased', attempt: 3, charged: 0, outrun: 2 })
  expect(bench.take('grant')).toEqual([])
  bench.step({ type: 'settle', session, task, attempt: 3, nonce, ...done })
  expect(bench.take('finished')).toMatchObject([{ task, fault: null, attempts: 3, queuedMs: 250 }])
  expect(bench.take('verdict')).toMatchObject([{ session, verdict: 'committed' }])
})

test('nobody settles it with another nonce', () => {
  const bench = new CoreHarness()
  const session = bench.join(['m'], 1)
  bench.step(adopted({ leases: [leaseOf(session)] }))
  bench.step({ type: 'settle', session, task, attempt: 3, nonce: new Uint8Array(16), ...done })
  expect(bench.take('finished')).toEqual([])
  expect(bench.take('verdict')).toMatchObject([{ verdict: 'stale' }])
})

test('looks for a scout where none is at it, with the next number', () => {
  const bench = new CoreHarness()
  const gone = bench.join(['m'], 0)
  bench.gone(gone)
  bench.join(['m'], 1)
  bench.step(adopted({ leases: [leaseOf(gone)] }))
  expect(bench.grant()).toMatchObject({ task, attempt: 4, continuing: false })
  // Who carries the answer knows of that attempt, and waits for it.
  expect(bench.take('attemptVoid')).toMatchObject([{ task, attempt: 3 }])
})

test('of two attempts that race the first content decides', () => {
  const bench = new CoreHarness()
  const [one, other] = [bench.join(['m'], 1), bench.join(['m'], 1)]
  bench.step(adopted({ leases: [leaseOf(one, 2), leaseOf(other, 3)] }))
  bench.step({ type: 'contentBegan', task, attempt: 2 })
  expect(bench.take('attemptVoid')).toMatchObject([{ task, attempt: 3 }])
  expect(bench.take('cancelAttempt')).toMatchObject([{ session: other, attempt: 3 }])
  expect(bench.state.tasks.get(task)!.contentBegan).toBe(true)
})

test('a scout that leaves it after content was seen ends it, unless it may go on elsewhere', () => {
  for (const continues of [false, true]) {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1)
    const routing = { ...defaultRouting, continues }
    bench.step(adopted({ leases: [leaseOf(session)], contentBegan: true, routing }))
    bench.gone(session)
    bench.join(['m'], 1)
    bench.pass(5_000)
    expect(bench.take('finished').map(({ fault }) => fault?.code)).toEqual(continues ? [] : ['scout_lost'])
    expect(bench.take('grant').length).toBe(continues ? 1 : 0)
  }
})

test('a scout that offers the model no more works on, and nobody else is asked', () => {
  const bench = new CoreHarness()
  const session = bench.join(['n'], 1)
  bench.step(adopted({ leases: [leaseOf(session)] }))
  bench.step({ type: 'settle', session, task, attempt: 3, nonce, ...done })
  expect(bench.take('finished')).toMatchObject([{ fault: null }])
})

test('is refused where nobody is at it and nobody offers its model, or the hub leaves', () => {
  const bench = new CoreHarness()
  bench.join(['n'], 1)
  bench.step(adopted())
  expect(bench.take('finished')).toMatchObject([{ task, fault: { code: 'model_not_found' } }])
  bench.join(['m'], 1)
  bench.step({ type: 'drain' })
  bench.step(adopted())
  expect(bench.take('finished')).toMatchObject([{ task, fault: { code: 'hub_draining' } }])
})
