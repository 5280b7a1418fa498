import { expect, test } from 'vitest'
import { Replays } from '../../../orchestrator/engine/durability/idempotency.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { idempotencyMs } from '../../../shared/limits.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

const scope = { tenant: 'key_a', route: 'POST /v1/intents', key: 'k', bodyHash: 'hash-1' }
const answer = Uint8Array.of(1, 2, 3)

function bench() {
  const system = new ManualSystem()
  const store = memoryStore()
  const replays = new Replays(store, system)
  return { system, store, replays }
}

function begun(replays: Replays, of: Partial<typeof scope> = {}) {
  const begun = replays.begin({ ...scope, ...of })
  if (begun.type !== 'go') throw new Error(`not the first: ${begun.type}`)
  return begun
}

test('a request is answered once, and its repetition hears the same answer', () => {
  const { store, replays } = bench()
  const first = begun(replays)
  store.commit([first.row(answer, 202)])
  first.release()
  expect(replays.begin(scope)).toEqual({ type: 'replay', status: 202, answer })
})

test('while the first is under way a repetition is told to come back, and another body that the key is taken', () => {
  const { replays } = bench()
  const first = begun(replays)
  expect(replays.begin(scope)).toMatchObject({
    type: 'refused',
    fault: { code: 'idempotency_in_flight', retryAfterMs: 1_000 },
  })
  expect(replays.begin({ ...scope, bodyHash: 'hash-2' })).toMatchObject({ fault: { code: 'idempotency_mismatch' } })
  first.release()
  begun(replays)
})

test('another body under the same key is refused for as long as the answer is kept', () => {
  const { store, replays, system } = bench()
  const first = begun(replays)
  store.commit([first.row(answer)])
  first.release()
  system.pass(idempotencyMs - 1)
  expect(replays.begin({ ...scope, bodyHash: 'hash-2' })).toMatchObject({ fault: { code: 'idempotency_mismatch' } })
  expect(replays.begin(scope)).toMatchObject({ type: 'replay' })
  system.pass(1)
  begun(replays, { bodyHash: 'hash-2' })
})

test('a key means nothing to another tenant, on another route, or put together differently', () => {
  const { replays } = bench()
  begun(replays)
  begun(replays, { tenant: 'key_b' })
  begun(replays, { route: 'POST /v1/chat/completions' })
  begun(replays, { key: 'k2' })
  begun(replays, { tenant: 'key_a","POST', route: '/v1/intents' })
})

test('a request that failed leaves its key free', () => {
  const { replays } = bench()
  begun(replays).release()
  begun(replays, { bodyHash: 'hash-2' })
})
