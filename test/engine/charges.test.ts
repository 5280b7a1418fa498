/** What keys are charged for chats and intents, and what scouts and clients cannot do about it. */
import { describe, expect, test } from 'vitest'
import type { ChargedKey } from '../../orchestrator/engine/ports/charged-key.ts'
import type { Answer } from '../../orchestrator/engine/ports/client.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { type Budget, type KeyLimits, noLimits, noScopes } from '../../shared/keys/key-terms.ts'
import { unreadBytesFree, unreadBytesPerTenantMax } from '../../shared/limits/http.ts'
import { priceSpreadMax } from '../../shared/limits/keys.ts'
import { usageFlushMs } from '../../shared/limits/store.ts'
import { bytesOf, deltaLine, EngineBench, finishLine, roleLine } from '../support/hub/engine-bench.ts'
import { FickleDisk } from '../support/hub/intents-stage.ts'

const within = (...budgets: Budget[]): KeyLimits => ({ ...noLimits, budgets })
const tokensADay = (amount: number) => within({ unit: 'tokens', per: 'day', amount })
const keyWith = (limits: KeyLimits, models: readonly string[] | null = null): ChargedKey => {
  return { id: 'k', tenant: 't', account: null, scopes: { ...noScopes, models }, limits, accountLimits: noLimits }
}

/** 60 bytes of request, and an answer of 30 tokens at most: 50 tokens are set aside for it. */
const body = bytesOf(JSON.stringify({ max_tokens: 30, messages: [] }).padEnd(60))
const ask = (bench: EngineBench, key: ChargedKey, fields = {}) => bench.ask({ tenant: 't', key, body, ...fields })

const told = (prompt: number, completion: number) =>
  `{"choices":[],"usage":{"prompt_tokens":${prompt},"completion_tokens":${completion}}}`

function failure(answer: Answer) {
  const end = answer.take()?.end
  return end?.type === 'failed' ? end.fault : null
}

function usedBy(bench: EngineBench, key: ChargedKey) {
  const now = { wallMs: bench.system.wallMs(), nowMs: bench.system.nowMs() }
  return bench.engine.tenants.budgets(key, now).map(({ unit, used, reserved }) => ({ unit, used, reserved }))
}

/** What is on the disk of today, once it is written. */
function booked(bench: EngineBench, store = memoryStore()) {
  bench.system.pass(usageFlushMs)
  bench.system.pass(1)
  const day = Math.floor(bench.system.wallMs() / 86_400_000)
  return store.usagePoints({ by: 'day', tenant: null, from: day, to: day, limit: 10 })
}

test('of 200 requests at once as many begin as the budget has room for', () => {
  const bench = new EngineBench()
  bench.join(['m'], 8)
  const key = keyWith(tokensADay(500))
  const answers = Array.from({ length: 200 }, () => ask(bench, key))
  const refused = answers.map(failure).filter((cause) => cause !== null)
  expect(refused).toHaveLength(190)
  expect(refused[0]).toMatchObject({
    code: 'budget_exceeded',
    message: 'This key has used its 500 tokens for today; it resets at 00:00 UTC.',
  })
  expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 0, reserved: 500 }])
  for (const answer of answers) answer.abandon()
  expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 0, reserved: 0 }])
})

test('what an answer used takes the place of what was set aside for it', () => {
  const store = memoryStore()
  const bench = new EngineBench({}, store)
  bench.join(['m'], 1)
  const key = keyWith(tokensADay(500))
  const answer = ask(bench, key)
  const work = bench.work()
  work.say(roleLine, deltaLine('a'), finishLine)
  expect(answer.microDollars).toBeNull()
  work.done(told(10, 7))
  // At the usual price: 10 x 0.6 and 7 x 0.8 dollars per million.
  expect(answer.microDollars).toBe(12)
  expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 17, reserved: 0 }])
  const counts = { tasks: 1, failed: 0, promptTokens: 10, completionTokens: 7, microDollars: 12, estimated: 0 }
  expect(booked(bench, store)).toMatchObject([{ tenant: 't', key: 'k', model: 'm', ...counts }])
})

test('what was used before a key had limits counts, also while it is not written down', () => {
  const fickle = new FickleDisk()
  const bench = new EngineBench({}, fickle.open())
  bench.join(['m'], 3)
  const spend = () => {
    ask(bench, keyWith(noLimits))
    const work = bench.work()
    work.say(roleLine, deltaLine('a'), finishLine)
    work.done(told(20, 30))
  }
  spend()
  booked(bench)
  fickle.trouble = 'full'
  // One of these waits in the journal, the other one for its second to be over.
  spend()
  booked(bench)
  spend()
  const key = keyWith(tokensADay(1_000))
  expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 150, reserved: 0 }])
  fickle.trouble = null
  booked(bench)
  expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 150, reserved: 0 }])
})

test('what was booked survives the process, and what was reserved does not', () => {
  const store = memoryStore()
  const bench = new EngineBench({}, store)
  bench.join(['m'], 2)
  const key = keyWith(tokensADay(100))
  ask(bench, key)
  const work = bench.work()
  work.say(roleLine, deltaLine('a'), finishLine)
  work.done(told(20, 30))
  ask(bench, key)
  expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 50, reserved: 50 }])
  booked(bench, store)
  // Killed: nothing of it is stopped.
  const next = new EngineBench({}, store, 4)
  expect(usedBy(next, key)).toEqual([{ unit: 'tokens', used: 50, reserved: 0 }])
  next.join(['m'], 2)
  expect(failure(ask(next, key))).toBeNull()
  expect(failure(ask(next, key))).toMatchObject({ code: 'budget_exceeded' })
})

test('a failed answer costs nothing, and is counted', () => {
  const store = memoryStore()
  const bench = new EngineBench({}, store)
  bench.join(['m'], 1)
  const key = keyWith(tokensADay(500))
  const answer = ask(bench, key, { routing: { attemptsMax: 1 } })
  bench.work().fail('context_length_exceeded')
  bench.system.pass(60_000)
  expect(failure(answer)).not.toBeNull()
  expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 0, reserved: 0 }])
  expect(booked(bench, store)).toMatchObject([{ key: 'k', tasks: 0, failed: 1, promptTokens: 0, microDollars: 0 }])
})

describe('a client that leaves early', () => {
  test('is charged for what was forwarded, by an estimate', () => {
    const store = memoryStore()
    const bench = new EngineBench({}, store)
    bench.join(['m'], 1)
    const key = keyWith(tokensADay(500))
    const answer = ask(bench, key)
    bench.work().say(roleLine, deltaLine('a'), deltaLine('b'), deltaLine('c'))
    answer.abandon()
    // A third of the request's bytes, and a token for each piece of the answer.
    expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 23, reserved: 0 }])
    expect(booked(bench, store)).toMatchObject([{ tasks: 1, promptTokens: 20, completionTokens: 3, estimated: 1 }])
  })

  test('or leaves so much unread that its answer ends, is charged for what was forwarded', () => {
    const store = memoryStore()
    const bench = new EngineBench({}, store)
    const count = unreadBytesPerTenantMax / 2 ** 20
    bench.join(['m'], count + 1, { concurrency: count + 1 })
    const key = keyWith(tokensADay(500))
    for (let at = 0; at < count; at++) {
      bench.ask({ tenant: 't' })
      bench.work().say(deltaLine('x'.repeat(2 ** 20 - 100)))
    }
    const answer = ask(bench, key)
    const work = bench.work()
    work.say(roleLine, deltaLine('a'), deltaLine('b'))
    for (let at = 0; at < 2; at++) work.say(deltaLine('x'.repeat(unreadBytesFree)))
    expect(failure(answer)).toMatchObject({ code: 'client_stalled' })
    expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 23, reserved: 0 }])
    expect(booked(bench, store)).toMatchObject([{ tasks: 1, promptTokens: 20, completionTokens: 3, estimated: 1 }])
  })

  test('is charged nothing while nothing was forwarded', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const key = keyWith(tokensADay(500))
    const answer = ask(bench, key)
    bench.work().say(roleLine)
    answer.abandon()
    expect(usedBy(bench, key)).toEqual([{ unit: 'tokens', used: 0, reserved: 0 }])
  })
})

describe('a lying scout', () => {
  test('is believed a token for each byte of the request, and for each that it sent', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const key = keyWith(tokensADay(100_000))
    ask(bench, key)
    const work = bench.work()
    work.say(roleLine, deltaLine('a'), finishLine)
    const claim = told(1_000_000, 1_000_000)
    work.done(claim)
    expect(usedBy(bench, key)[0]!.used).toBeLessThanOrEqual(body.length + claim.length + work.offset)
  })

  test('of images is believed 2,000 tokens for each and none of their bytes', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const key = keyWith(tokensADay(1_000_000))
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(20_000)}` } }
    const content = [{ type: 'text', text: 'What is this?' }, image]
    const withImage = bytesOf(JSON.stringify({ max_tokens: 30, messages: [{ role: 'user', content }] }))
    ask(bench, key, { body: withImage })
    const [standing] = usedBy(bench, key)
    expect(standing!.reserved).toBeLessThan(1_000 + 100)
    const work = bench.work()
    work.say(roleLine, deltaLine('a'), finishLine)
    work.done(told(1_000_000, 1))
    const textBytes = withImage.length - JSON.stringify(image).length
    expect(usedBy(bench, key)[0]!.used).toBe(textBytes + 2_000 + 1)
  })

  test('whose price is absurd is paid as many times the cheapest offer as is believed', () => {
    const bench = new EngineBench()
    const offer = (prompt: number) => ['chat', 'm', 'provider', 0, 0, prompt, prompt, ''] as never
    bench.join(['m'], 0, { offers: [offer(1_000_000)] })
    bench.join(['m'], 1, { offers: [offer(Number.MAX_SAFE_INTEGER)] })
    const key = keyWith(within({ unit: 'micro_dollars', per: 'day', amount: 1_000_000 }))
    const answer = ask(bench, key)
    // Of 50 tokens at a dollar per million.
    expect(usedBy(bench, key)).toEqual([{ unit: 'micro_dollars', used: 0, reserved: 50 * priceSpreadMax }])
    const work = bench.work()
    work.say(roleLine, deltaLine('a'), finishLine)
    work.done(told(20, 30))
    expect(answer.microDollars).toBe(50 * priceSpreadMax)
  })
})

describe('a key for some models', () => {
  test('neither reaches others by name, nor learns of them', () => {
    const bench = new EngineBench()
    bench.join(['secret-1', 'open-1'], 1)
    const key = keyWith(noLimits, ['open-*'])
    expect(failure(ask(bench, key, { model: 'secret-1' }))).toMatchObject({ code: 'model_not_found' })
    const absent = ask(bench, key, { model: 'open-2' })
    bench.system.pass(60_000)
    const cause = failure(absent)!
    expect(cause.message).toContain('open-2')
    expect(cause.message).not.toContain('secret')
    expect(bench.engine.modelsFor(key.scopes).map(({ id }) => id)).toEqual(['open-1'])
  })

  test('has `auto` choose among those, however many others are idle', () => {
    const bench = new EngineBench()
    for (let at = 0; at < 200; at++) bench.join([`secret-${at}`], 1)
    const allowed = bench.join(['open-1'], 1)
    ask(bench, keyWith(noLimits, ['open-*']), { model: 'auto' })
    const [granted] = bench.take('task')
    expect([granted!.session, granted!.frame.model]).toEqual([allowed, 'open-1'])
  })

  test('and waits where none of them is there', () => {
    const bench = new EngineBench()
    bench.join(['secret-1'], 1)
    const answer = ask(bench, keyWith(noLimits, ['open-*']), { model: 'auto' })
    expect(bench.take('task')).toEqual([])
    bench.system.pass(600_000)
    expect(failure(answer)!.message).not.toContain('secret')
  })
})
