/** The bound of open tasks, also for commands whose commit is pending. */
import { expect, test } from 'vitest'
import { IdempotencyKeys } from '../../../orchestrator/engine/durability/idempotency.ts'
import { Journal } from '../../../orchestrator/engine/durability/journal.ts'
import { IntentCommands } from '../../../orchestrator/engine/intents/intent-commands.ts'
import { durableTasksMax, durableTasksPerTenantMax } from '../../../shared/limits/intents.ts'
import { journalRetryMs } from '../../../shared/limits/store.ts'
import { bytesOf } from '../../support/hub/engine-bench.ts'
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
  const commands = new IntentCommands({ ...parts, nextTask: () => ++task }, live)
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
