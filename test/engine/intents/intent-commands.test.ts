/** The bound of open tasks, also for commands whose commit is pending; and the removal of intents. */
import { expect, test } from 'vitest'
import { IdempotencyKeys } from '../../../orchestrator/engine/durability/idempotency.ts'
import { Journal } from '../../../orchestrator/engine/durability/journal.ts'
import { IntentCommands } from '../../../orchestrator/engine/intents/intent-commands.ts'
import { durableTasksMax, durableTasksPerTenantMax } from '../../../shared/limits/intents.ts'
import { journalRetryMs } from '../../../shared/limits/store.ts'
import { bytesOf, freeCharges } from '../../support/hub/engine-bench.ts'
import { IntentsBench } from '../../support/hub/intents-stage.ts'

/** Commands beside a hub on its disk, with room for so many more tasks. */
function stage(room: number, ofTenant = 0) {
  const bench = new IntentsBench()
  const { system, store } = bench
  let task = 0
  let open = durableTasksMax - room
  const live = {
    get openTasks() {
      return open
    },
    openTasksOf: (tenant: string) => (tenant === 'key_a' ? ofTenant : 0),
    intent: () => undefined,
    remember({ tasks }: { tasks: readonly unknown[] }) {
      open += tasks.length
    },
  }
  const journal = new Journal(store, system)
  const idempotencyKeys = new IdempotencyKeys(store, system)
  const parts = { system, store, journal, idempotencyKeys, core: { draining: false }, dispatch() {}, flush() {} }
  const commands = new IntentCommands({ ...parts, nextTask: () => ++task, charges: freeCharges(system) }, live)
  const node = { node: 'a', kind: 'chat' as const, model: 'm', needs: [], request: bytesOf('{}') }
  const rest = { tenant: 'key_a', weight: 1, priority: 5, deadlineMs: 1_000, metadata: {} }
  const accept = (tenant = 'key_a') => commands.accept({ ...rest, tenant, plan: { tasks: [node], resultNode: 'a' } })
  return { bench, commands, accept }
}

const full = { type: 'refused', fault: { code: 'queue_full' } }

test('tasks whose acceptance is pending count as open', async () => {
  const { bench, accept } = stage(2)
  const answers = [accept(), accept(), accept()]
  bench.turn()
  expect(await Promise.all(answers)).toMatchObject([{ type: 'accepted' }, { type: 'accepted' }, full])
  expect(await accept()).toMatchObject(full)
})

test('an acceptance that the store refuses takes no room', async () => {
  const { bench, accept } = stage(1)
  bench.fickle.trouble = 'full'
  const refused = accept()
  bench.turn()
  expect(await refused).toMatchObject({ fault: { code: 'store_unavailable' } })
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  const taken = accept()
  bench.turn()
  expect(await taken).toMatchObject({ type: 'accepted' })
})

test('a retry is refused when its tasks find no room', async () => {
  const { bench, commands, accept } = stage(1)
  const id = await bench.accepted({ a: [], b: ['a'] })
  const cancelled = bench.engine.intents.cancel(id, null)
  bench.turn()
  await cancelled
  expect(await commands.retry(id, 'a', null)).toMatchObject({ code: 'queue_full' })
  const taken = accept()
  bench.turn()
  expect(await taken).toMatchObject({ type: 'accepted' })
})

test('one tenant has a share of what may be open, and the others go on', async () => {
  const { bench, accept } = stage(1_000, durableTasksPerTenantMax - 2)
  const answers = [accept(), accept(), accept(), accept('key_b')]
  bench.turn()
  const [first, second, third, other] = await Promise.all(answers)
  for (const answer of [first, second, other]) expect(answer).toMatchObject({ type: 'accepted' })
  expect(third).toMatchObject(full)
  expect(third).toMatchObject({ fault: { retryAfterMs: 10_000 } })
})

test('an intent that is removed is cancelled first, and nothing is left of it', async () => {
  const bench = new IntentsBench()
  const { intents } = bench.engine
  const id = await bench.accepted({ a: [], b: ['a'] })
  const forgotten = intents.forget(id, 'key_a')
  await settledBy(bench, forgotten)
  expect(await forgotten).toBeNull()
  expect(intents.intent(id, null)).toBeUndefined()
  expect(intents.tasks(id)).toEqual([])
  bench.join(['m'], 2)
  bench.turn()
  expect(bench.take('task')).toEqual([])
})

test('an intent is removed once, however many ask for it, and by nobody else', async () => {
  const bench = new IntentsBench()
  const { intents } = bench.engine
  const id = await bench.accepted({ a: [] })
  expect(await intents.forget(id, 'key_b')).toMatchObject({ code: 'not_found' })
  const all = Promise.all([intents.forget(id, 'key_a'), intents.forget(id, null), intents.cancel(id, null)])
  await settledBy(bench, all)
  expect(await all).toEqual([null, null, null])
  expect(await intents.forget(id, 'key_a')).toMatchObject({ code: 'not_found' })
})

test('a retry that comes while an intent is being removed is refused, and one before it is waited for', async () => {
  const bench = new IntentsBench()
  const { intents } = bench.engine
  for (const isBefore of [false, true]) {
    const id = await bench.accepted({ a: [] })
    const cancelled = intents.cancel(id, null)
    await settledBy(bench, cancelled)
    const early = isBefore ? intents.retry(id, 'a', null) : null
    const forgotten = intents.forget(id, null)
    // The removal is on its way to the disk.
    for (let turn = 0; turn < 3; turn++) await Promise.resolve()
    const late = intents.retry(id, 'a', null)
    const all = Promise.all([early, forgotten, late])
    await settledBy(bench, all)
    const [first, gone, refused] = await all
    expect([first, gone]).toEqual([null, null])
    expect(refused).toMatchObject({ code: isBefore ? 'invalid_request' : 'not_found' })
    expect(intents.intent(id, null)).toBeUndefined()
  }
})

test('an intent whose removal cannot be written stays, and the removal can be asked for again', async () => {
  const bench = new IntentsBench()
  const { intents } = bench.engine
  const id = await bench.accepted({ a: [] })
  const cancelled = intents.cancel(id, null)
  await settledBy(bench, cancelled)
  bench.fickle.trouble = 'full'
  const refused = intents.forget(id, null)
  await settledBy(bench, refused)
  expect(await refused).toMatchObject({ code: 'store_unavailable' })
  expect(intents.intent(id, null)).toMatchObject({ state: 'cancelled' })
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  const forgotten = intents.forget(id, null)
  await settledBy(bench, forgotten)
  expect([await forgotten, intents.intent(id, null)]).toEqual([null, undefined])
})

/** Turns the bench until this is settled. */
async function settledBy(bench: IntentsBench, promise: Promise<unknown>): Promise<void> {
  let isOver = false
  void promise.finally(() => {
    isOver = true
  })
  for (let turn = 0; turn < 20 && !isOver; turn++) {
    bench.turn()
    for (let step = 0; step < 5; step++) await Promise.resolve()
  }
}
