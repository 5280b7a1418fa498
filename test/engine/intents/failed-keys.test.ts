/** What an Idempotency-Key stands for once its intent has failed: the same failure, or another try. */
import { describe, expect, test } from 'vitest'
import { IntentsBench } from '../../support/hub/intents-stage.ts'

const idempotency = { route: 'POST /v1/chat/completions', key: 'k', bodyHash: 'hash' }

describe('an intent that failed, under its key', () => {
  const told = { idempotency, toldOutcome: true }

  test('is made anew for who is told the outcome, when it failed for what may pass', async () => {
    const bench = new IntentsBench()
    const failed = await bench.accepted({ a: [] }, { ...told, deadlineMs: 1_000 })
    bench.system.pass(1_100)
    bench.turn()
    expect(bench.engine.intents.intent(failed, null)).toMatchObject({
      state: 'failed',
      fault: { code: 'deadline_exceeded' },
    })
    // Who was told that it is accepted has that answer.
    expect(await bench.accept({ a: [] }, { idempotency })).toEqual({ type: 'accepted', id: failed, replayed: true })
    const anew = await bench.accept({ a: [] }, told)
    expect(anew).toMatchObject({ type: 'accepted', replayed: false })
    expect(anew).not.toMatchObject({ id: failed })
    // From here on the key stands for the second one, over a restart too.
    expect(await bench.accept({ a: [] }, told)).toMatchObject({ ...anew, replayed: true })
    const next = bench.restart()
    expect(await next.accept({ a: [] }, told)).toMatchObject({ ...anew, replayed: true })
  })

  test('stays what it is when the same request would fail again', async () => {
    const bench = new IntentsBench()
    bench.join(['m'], 1)
    const failed = await bench.accepted({ a: [] }, told)
    bench.work().fail('invalid_request')
    bench.turn()
    expect(bench.engine.intents.intent(failed, null)?.state).toBe('failed')
    expect(await bench.accept({ a: [] }, told)).toEqual({ type: 'accepted', id: failed, replayed: true })
  })

  test('stays cancelled', async () => {
    const bench = new IntentsBench()
    const id = await bench.accepted({ a: [] }, told)
    const cancelled = bench.engine.intents.cancel(id, null)
    bench.turn()
    await cancelled
    expect(await bench.accept({ a: [] }, told)).toEqual({ type: 'accepted', id, replayed: true })
  })
})
