import { expect, test } from 'vitest'
import { IdempotencyKeys } from '../../../orchestrator/engine/durability/idempotency.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { idempotencyMs } from '../../../shared/limits/store.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

const scope = { tenant: 'key_a', route: 'POST /v1/intents', key: 'k', bodyHash: 'hash-1' }
const answer = Uint8Array.of(1, 2, 3)

function bench() {
  const system = new ManualSystem()
  const store = memoryStore()
  const idempotencyKeys = new IdempotencyKeys(store, system)
  return { system, store, idempotencyKeys }
}

function begun(idempotencyKeys: IdempotencyKeys, of: Partial<typeof scope> = {}) {
  const begun = idempotencyKeys.claim({ ...scope, ...of })
  if (begun.type !== 'go') throw new Error(`not the first: ${begun.type}`)
  return begun
}

test('a request is answered once, and its repetition hears the same answer', () => {
  const { store, idempotencyKeys } = bench()
  const first = begun(idempotencyKeys)
  store.commit([first.row(answer, 202)])
  first.release()
  expect(idempotencyKeys.claim(scope)).toEqual({ type: 'replay', status: 202, answer })
})

test('while the first is under way a repetition is told to come back, and another body that the key is taken', () => {
  const { idempotencyKeys } = bench()
  const first = begun(idempotencyKeys)
  expect(idempotencyKeys.claim(scope)).toMatchObject({
    type: 'refused',
    fault: { code: 'idempotency_in_flight', retryAfterMs: 1_000 },
  })
  expect(idempotencyKeys.claim({ ...scope, bodyHash: 'hash-2' })).toMatchObject({
    fault: { code: 'idempotency_mismatch' },
  })
  first.release()
  begun(idempotencyKeys)
})

test('another body under the same key is refused for as long as the answer is kept', () => {
  const { store, idempotencyKeys, system } = bench()
  const first = begun(idempotencyKeys)
  store.commit([first.row(answer)])
  first.release()
  system.pass(idempotencyMs - 1)
  expect(idempotencyKeys.claim({ ...scope, bodyHash: 'hash-2' })).toMatchObject({
    fault: { code: 'idempotency_mismatch' },
  })
  expect(idempotencyKeys.claim(scope)).toMatchObject({ type: 'replay' })
  system.pass(1)
  begun(idempotencyKeys, { bodyHash: 'hash-2' })
})

test('a key means nothing to another tenant, on another route, or put together differently', () => {
  const { idempotencyKeys } = bench()
  begun(idempotencyKeys)
  begun(idempotencyKeys, { tenant: 'key_b' })
  begun(idempotencyKeys, { route: 'POST /v1/chat/completions' })
  begun(idempotencyKeys, { key: 'k2' })
  begun(idempotencyKeys, { tenant: 'key_a","POST', route: '/v1/intents' })
})

test('a request that failed leaves its key free', () => {
  const { idempotencyKeys } = bench()
  begun(idempotencyKeys).release()
  begun(idempotencyKeys, { bodyHash: 'hash-2' })
})
