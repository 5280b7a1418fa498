import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Catalog } from '../../../scout/offers/catalog.ts'
import { ProviderError } from '../../../scout/providers/provider.ts'
import { ProviderAttempts } from '../../../scout/tasks/provider-attempts.ts'
import { type FaultCode, fault } from '../../../shared/faults.ts'
import { pauseDefaultMs, pauseMaxMs } from '../../../shared/limits/scheduling.ts'
import { offersRefreshMs } from '../../../shared/limits/scout.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'
import { eagerSystem, ScoutStage } from '../../support/scout/scout-stage.ts'

const failing = (code: FaultCode, message: string, retryAfterMs?: number) =>
  new ProviderError(fault(code, message, retryAfterMs === undefined ? {} : { retryAfterMs }))

describe('at a scout with two providers', () => {
  let stage: ScoutStage
  let spare: ScriptedProvider

  beforeEach(async () => {
    spare = new ScriptedProvider('spare', ['m', 'other'])
    stage = new ScoutStage(eagerSystem(), 4, [spare])
    await stage.start()
  })
  afterEach(() => stage.close())

  test('a provider with a pause is passed over until its pause is over, and the next one is asked first', async () => {
    const session = await stage.connected()
    session.task(1)
    ;(await stage.provider.call()).fail(failing('provider_rate_limited', 'slow down', 60_000))
    ;(await spare.call()).done()
    expect((await session.answered(1)).settle.outcome).toBe('done')
    session.task(2)
    ;(await spare.call()).done()
    expect((await session.answered(2)).settle.outcome).toBe('done')
    expect(stage.provider.calls).toHaveLength(1)
    expect(stage.log.filter(({ message }) => /paused for 60\.0 s/.test(message))).toHaveLength(1)
  })

  test('when all pause, the task is handed back at once with the earliest time to come again', async () => {
    const session = await stage.connected()
    session.task(1)
    ;(await stage.provider.call()).fail(failing('provider_rate_limited', 'one', 90_000))
    ;(await spare.call()).fail(failing('provider_rate_limited', 'two', 60_000))
    expect((await session.answered(1)).settle).toMatchObject({
      outcome: 'released',
      fault: 'provider_rate_limited',
      retryAfterMs: 60_000,
      message: 'one; two',
    })
    session.task(2)
    const { settle } = await session.answered(2)
    expect(settle.outcome).toBe('released')
    expect(settle.retryAfterMs).toBeGreaterThan(50_000)
    expect(settle.retryAfterMs).toBeLessThanOrEqual(60_000)
    expect([stage.provider.calls.length, spare.calls.length]).toEqual([1, 1])
  })

  test('an answer that used up a limit counts, and the provider is left alone after it', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    call.done('{"choices":[]}', 60_000)
    expect((await session.answered(1)).settle.outcome).toBe('done')
    session.task(2)
    ;(await spare.call()).done()
    expect((await session.answered(2)).settle.outcome).toBe('done')
  })

  test('a pause is for one model: others are still asked for', async () => {
    const session = await stage.connected()
    session.task(1, { model: 'other' })
    ;(await spare.call()).fail(failing('provider_rate_limited', 'slow down', 60_000))
    await session.answered(1)
    session.task(2)
    ;(await stage.provider.call()).fail(failing('provider_unavailable', 'gone'))
    ;(await spare.call()).done()
    expect((await session.answered(2)).settle.outcome).toBe('done')
  })

  test('a provider whose key is not accepted is switched off with one line, and its offers are withdrawn', async () => {
    const session = await stage.connected()
    for (const task of [1, 2]) session.task(task)
    const calls = [await stage.provider.call(), await stage.provider.call()]
    for (const call of calls) call.fail(failing('provider_unauthorized', 'the key in GROQ_API_KEY is not accepted'))
    for (const _ of calls) (await spare.call()).done()
    for (const task of [1, 2]) expect((await session.answered(task)).settle.outcome).toBe('done')
    const { offers } = await session.heard('offers')
    expect(offers.map(([, model, provider]) => [model, provider])).toEqual([
      ['m', 'spare'],
      ['other', 'spare'],
    ])
    const lines = stage.log.filter(({ level }) => level === 'error').map(({ message }) => message)
    const again = 'it is asked again every 5 minutes'
    expect(lines).toEqual([`Provider scripted is switched off: the key in GROQ_API_KEY is not accepted; ${again}`])
    session.task(3)
    ;(await spare.call()).done()
    expect((await session.answered(3)).settle.outcome).toBe('done')
  })

  test('a model that a provider no longer serves is withdrawn, its others stay', async () => {
    const session = await stage.connected()
    session.task(1, { model: 'other' })
    ;(await spare.call()).fail(failing('not_offered', 'spare answered 404: no such model'))
    expect((await session.answered(1)).settle).toMatchObject({ outcome: 'failed', fault: 'not_offered' })
    expect((await session.heard('offers')).offers.map(([, model]) => model)).toEqual(['m'])
    expect(stage.catalog.providersOf('chat', 'm')).toHaveLength(2)
  })

  test('what is too long for one provider is put to the next, whose context may be larger', async () => {
    const session = await stage.connected()
    session.task(1)
    ;(await stage.provider.call()).fail(failing('context_length_exceeded', 'too long'))
    ;(await spare.call()).done()
    expect((await session.answered(1)).settle.outcome).toBe('done')
  })

  test('when all fail, the hub hears what each of them said', async () => {
    const session = await stage.connected()
    session.task(1)
    ;(await stage.provider.call()).fail(failing('provider_rate_limited', 'groq is at its rate limit', 1_000))
    ;(await spare.call()).fail(failing('provider_timeout', 'ollama was silent for too long'))
    expect((await session.answered(1)).settle).toMatchObject({
      outcome: 'failed',
      fault: 'provider_timeout',
      message: 'groq is at its rate limit; ollama was silent for too long',
    })
  })
})

describe('a catalog under a clock of its own', () => {
  const system = new ManualSystem()
  const log = { debug() {}, info() {}, warn() {}, error() {} }

  test('lets a pause end at its time, at the default if none was named, at the bound at the latest', async () => {
    const provider = new ScriptedProvider()
    const catalog = new Catalog(system, log, [provider])
    await catalog.open()
    const pausedMs = () => catalog.providersOf('chat', 'm')[0]!.pausedMs
    const limited = (retryAfterMs?: number) =>
      catalog.failed(provider, 'chat', 'm', failing('provider_rate_limited', 'x', retryAfterMs).fault)
    expect(pausedMs()).toBe(0)
    limited(3_000)
    expect(pausedMs()).toBe(3_000)
    limited(1_000)
    system.pass(2_999)
    expect(pausedMs()).toBe(1)
    system.pass(1)
    expect(pausedMs()).toBe(0)
    limited()
    expect(pausedMs()).toBe(pauseDefaultMs)
    system.pass(pauseDefaultMs)
    limited(pauseMaxMs * 5)
    expect(pausedMs()).toBe(pauseMaxMs)
    catalog.close()
  })

  test('asks a provider that was switched off once per interval, and offers it when it is accepted', async () => {
    const provider = new ScriptedProvider()
    const catalog = new Catalog(system, log, [provider])
    await catalog.open()
    // A moment before the list would have been asked for anyway.
    system.pass(offersRefreshMs - 1)
    const asked = provider.discoveries
    for (let i = 0; i < 3; i++) catalog.failed(provider, 'chat', 'm', failing('provider_unauthorized', 'no').fault)
    expect(catalog.offers()).toEqual([])
    provider.refusal = failing('provider_unauthorized', 'no')
    system.pass(offersRefreshMs - 1)
    expect(provider.discoveries).toBe(asked)
    system.pass(1)
    await Promise.resolve()
    expect(provider.discoveries).toBe(asked + 1)
    for (let i = 0; i < 5; i++) await Promise.resolve()
    expect(catalog.offers()).toEqual([])
    provider.refusal = null
    system.pass(offersRefreshMs)
    for (let i = 0; i < 5; i++) await Promise.resolve()
    expect(provider.discoveries).toBe(asked + 2)
    expect(catalog.offers().map(({ model }) => model)).toEqual(['m'])
    catalog.close()
  })
})

describe('the end of an attempt that nobody answered', () => {
  const settlementAfter = (codes: FaultCode[], begun = false) => {
    const attempts = new ProviderAttempts('m')
    for (const code of codes) attempts.failed(fault(code, code))
    const { outcome, fault: cause } = attempts.settlement(begun)
    return [outcome, cause]
  }
  test.each<[FaultCode[], string, FaultCode]>([
    [[], 'failed', 'not_offered'],
    [['provider_rate_limited'], 'released', 'provider_rate_limited'],
    [['provider_rate_limited', 'provider_rate_limited'], 'released', 'provider_rate_limited'],
    [['provider_rate_limited', 'provider_unavailable'], 'failed', 'provider_unavailable'],
    [['provider_unavailable', 'provider_rate_limited'], 'failed', 'provider_unavailable'],
    [['provider_timeout', 'invalid_request'], 'failed', 'invalid_request'],
    [['context_length_exceeded'], 'failed', 'context_length_exceeded'],
    [['context_length_exceeded', 'request_too_large'], 'failed', 'request_too_large'],
    [['context_length_exceeded', 'provider_timeout'], 'failed', 'provider_timeout'],
    [['context_length_exceeded', 'provider_rate_limited'], 'released', 'provider_rate_limited'],
  ])('after %j is %s with %s', (codes, outcome, code) => expect(settlementAfter(codes)).toEqual([outcome, code]))

  test('is a failure once some of the answer is out, whatever the provider said', () => {
    expect(settlementAfter(['provider_rate_limited'], true)).toEqual(['failed', 'provider_rate_limited'])
  })
})
