/** How large a request a scout gets: what its offer takes, and what becomes of a request that nobody takes. */
import { describe, expect, test } from 'vitest'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { offerOf } from '../../../shared/task.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

const MiB = 1_048_576
const large = 20 * MiB

/** A scout that takes requests of so many bytes for each of these models. */
function joinTaking(bench: CoreHarness, requestBytesMax: number, credits = 8, models = ['m']): number {
  const offers = models.map((model) => offerOf({ kind: 'chat', model, provider: 'p', requestBytesMax }))
  return bench.join([], credits, { offers, concurrency: 8 })
}

function refusal(bench: CoreHarness, task: number) {
  return bench.ended(task).fault
}

describe('a request larger than what every scout takes', () => {
  test('goes to one that takes it, however many others are idle', () => {
    const bench = new CoreHarness()
    for (let count = 0; count < 20; count++) bench.join(['m'], 4)
    const taking = joinTaking(bench, 32 * MiB)
    for (let count = 0; count < 8; count++) {
      bench.submit({ promptBytes: large })
      expect(bench.grant().session).toBe(taking)
    }
  })

  test('waits for the one that takes it while that is full, and lets smaller ones pass', () => {
    const bench = new CoreHarness()
    const small = bench.join(['m'], 4)
    const taking = joinTaking(bench, 32 * MiB, 1)
    bench.submit({ promptBytes: large })
    const first = bench.grant()
    const waiting = bench.submit({ promptBytes: large })
    bench.submit()
    expect(bench.grant().session).toBe(small)
    bench.settle(first)
    bench.credit(taking, 1)
    expect(bench.grant()).toMatchObject({ session: taking, task: waiting })
  })

  test('of exactly what is taken is taken, and of a byte more fails at once with both sizes', () => {
    const bench = new CoreHarness()
    joinTaking(bench, large)
    bench.submit({ promptBytes: large })
    bench.grant()
    const cause = refusal(bench, bench.submit({ promptBytes: large + 1 }))
    expect(cause).toMatchObject({ code: 'request_too_large' })
    expect(cause!.message).toContain(`${large + 1} bytes`)
    expect(cause!.message).toContain(`may have ${large}`)
  })

  test('fails at once where every scout takes the usual size alone, and up to that size never does', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    expect(refusal(bench, bench.submit({ promptBytes: bodyBytesMax + 1 }))).toMatchObject({ code: 'request_too_large' })
    bench.submit({ promptBytes: bodyBytesMax })
    bench.grant()
  })

  test('for any model goes to a model of a scout that takes it', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    expect(refusal(bench, bench.submit({ model: 'auto', promptBytes: large }))).toMatchObject({
      code: 'request_too_large',
    })
    const taking = joinTaking(bench, 32 * MiB, 4, ['other'])
    bench.submit({ model: 'auto', promptBytes: large })
    expect(bench.grant()).toMatchObject({ session: taking, model: 'other' })
  })

  test('of several sizes of one scout fits the model it asks for', () => {
    const bench = new CoreHarness()
    const offers = [
      offerOf({ kind: 'chat', model: 'small', provider: 'p', requestBytesMax: 8 * MiB }),
      offerOf({ kind: 'chat', model: 'large', provider: 'p', requestBytesMax: 32 * MiB }),
    ]
    bench.join([], 4, { offers })
    expect(refusal(bench, bench.submit({ model: 'small', promptBytes: large }))).toMatchObject({
      code: 'request_too_large',
    })
    bench.submit({ model: 'auto', promptBytes: large })
    expect(bench.grant().model).toBe('large')
  })

  test('is asked of a second scout by a hedge only where that takes it', () => {
    const bench = new CoreHarness({ hedgeAfterMinMs: 100 })
    joinTaking(bench, 32 * MiB)
    for (let count = 0; count < 5; count++) bench.join(['m'], 4)
    bench.submit({ promptBytes: large, routing: { ...defaultRouting, hedgeAfterMs: 100 } })
    bench.grant()
    bench.pass(500)
    expect(bench.take('grant')).toEqual([])
    const second = joinTaking(bench, 32 * MiB)
    bench.pass(500)
    expect(bench.grant().session).toBe(second)
  })
})

describe('a request that nobody takes any more', () => {
  test('waits while the scout that took it is probably on the way back, and then fails at once', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    const gone = joinTaking(bench, 32 * MiB)
    bench.gone(gone)
    const waiting = bench.submit({ promptBytes: large })
    expect(bench.take('finished')).toEqual([])
    const back = joinTaking(bench, 32 * MiB)
    expect(bench.grant()).toMatchObject({ session: back, task: waiting })
    bench.gone(back)
    bench.pass(bench.settings.modelGraceMs)
    bench.take('finished')
    expect(refusal(bench, bench.submit({ promptBytes: large }))).toMatchObject({ code: 'request_too_large' })
  })

  test('is refused at once when its scout takes less from now on', () => {
    const bench = new CoreHarness()
    const session = joinTaking(bench, 32 * MiB, 0)
    const offers = [offerOf({ kind: 'chat', model: 'm', provider: 'p' })]
    bench.step({ type: 'scoutOffers', session, concurrency: 8, offers })
    expect(refusal(bench, bench.submit({ promptBytes: large }))).toMatchObject({ code: 'request_too_large' })
    const more = [offerOf({ kind: 'chat', model: 'm', provider: 'p', requestBytesMax: 32 * MiB })]
    bench.step({ type: 'scoutOffers', session, concurrency: 8, offers: more })
    bench.credit(session, 1)
    bench.submit({ promptBytes: large })
    expect(bench.grant().session).toBe(session)
  })

  test('is waited for after a restart, as every model is', () => {
    const bench = new CoreHarness({ bootGraceMs: 5_000 })
    bench.join(['m'], 4)
    const waiting = bench.submit({ promptBytes: large })
    const taking = joinTaking(bench, 32 * MiB)
    expect(bench.grant()).toMatchObject({ session: taking, task: waiting })
  })
})
