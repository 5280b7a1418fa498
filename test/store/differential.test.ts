/** The two adapters side by side: the same random batches, the same answers, the same contents after each. */
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import type { DurableTaskState } from '../../shared/task-state.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import {
  contents,
  event,
  idempotencyRow,
  intentRow,
  newIntent,
  nonce,
  outcome,
  responseRow,
  settle,
  taskRow,
  usageRow,
} from '../support/store/store-rows.ts'
import '../support/law/seeded-properties.ts'

const intentId = fc.constantFrom('int_0', 'int_1', 'int_2')
const task = fc.integer({ min: 1, max: 6 })
const attempt = fc.integer({ min: 1, max: 2 })
const anyNonce = fc.constantFrom(nonce, nonce.toReversed())
const time = fc.integer({ min: 0, max: 20 })
const key = fc.constantFrom('k0', 'k1')
const startStates: DurableTaskState[] = ['ready', 'blocked', 'leased']

const planned = fc.tuple(task, fc.constantFrom(...startStates))
const write: fc.Arbitrary<StoreWrite> = fc.oneof(
  fc.tuple(intentId, fc.uniqueArray(planned, { maxLength: 3, selector: ([number]) => number })).map(([id, tasks]) =>
    newIntent(
      intentRow(id),
      tasks.map(([number, state]) => taskRow(number, id, { state, stage: state === 'blocked' ? 0 : null })),
    ),
  ),
  fc.tuple(task, attempt, anyNonce).map(
    ([of, number, bytes]): StoreWrite => ({
      ...{ write: 'lease', task: of, attempt: number, nonce: bytes, scout: 's', instance: 'i' },
    }),
  ),
  fc
    .tuple(task, attempt)
    .map(([of, number]): StoreWrite => ({ write: 'release', task: of, attempt: number, charged: 1, returned: 0 })),
  fc.tuple(task, attempt, anyNonce).map(([of, number, bytes]) => settle(of, { attempt: number, nonce: bytes })),
  task.map((of): StoreWrite => ({ write: 'unblock', task: of })),
  task.map((of): StoreWrite => ({ write: 'end', task: of, state: 'failed', charged: 3, fault: '{}' })),
  fc
    .tuple(intentId, time)
    .map(
      ([intent, finishedMs]): StoreWrite => ({ write: 'intentEnd', intent, state: 'done', fault: null, finishedMs }),
    ),
  fc.tuple(intentId, fc.integer({ min: 1, max: 4 })).map(([id, seq]) => event(id, seq)),
  fc
    .tuple(task, fc.integer({ min: 0, max: 2 }))
    .map(([of, stage]): StoreWrite => ({ write: 'decide', task: of, stage, result: Uint8Array.of(of) })),
  fc
    .tuple(task, fc.integer({ min: 0, max: 2 }), fc.uniqueArray(task, { maxLength: 2 }))
    .map(([of, stage, numbers]): StoreWrite => {
      const { tasks, requests } = newIntent(
        intentRow('int_0'),
        numbers.map((number) => taskRow(number, 'int_0', { stage: number % 2 ? 0 : null })),
      )
      return { write: 'expand', task: of, stage, waits: '["x"]', tasks, requests }
    }),
  fc.tuple(intentId, fc.uniqueArray(task, { maxLength: 2 })).map(
    ([intent, numbers]): StoreWrite => ({
      ...{ write: 'retry', intent, deadlineMs: 7, tasks: numbers.map((of) => ({ task: of, state: 'ready' })) },
    }),
  ),
  fc.tuple(task, time).map(([of, atMs]): StoreWrite => ({ write: 'usage', usage: usageRow(of, { atMs }) })),
  fc
    .tuple(key, time)
    .map(([name, createdMs]): StoreWrite => ({ write: 'idempotency', row: idempotencyRow(name, { createdMs }) })),
  fc.tuple(key, time, fc.option(intentId)).map(
    ([name, createdMs, intent]): StoreWrite => ({
      ...{
        write: 'response',
        row: responseRow(name, { createdMs, intent, answer: intent === null ? Uint8Array.of(1) : null }),
      },
    }),
  ),
  key.map((id): StoreWrite => ({ write: 'forgetResponse', id })),
  intentId.map((intent): StoreWrite => ({ write: 'forgetIntent', intent })),
  key.map(
    (name): StoreWrite => ({ write: 'forgetIdempotency', tenant: 'key_a', route: 'POST /v1/intents', key: name }),
  ),
)

const step = fc.oneof(
  { weight: 9, arbitrary: fc.array(write, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.tuple(time, time, fc.integer({ min: 1, max: 3 })).map((limits) => ({ limits })) },
)

test('memory and SQLite answer every batch alike and hold the same afterwards', () => {
  const folder = temporaryFolder()
  let runs = 0
  let committed = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const sqlite = openSqlite(join(folder, `${runs++}.db`), { mayCreate: true, checkWhole: false })
      if ('flaw' in sqlite) throw new Error(sqlite.flaw)
      const memory = memoryStore()
      for (const one of steps) {
        const [first, second] = [memory, sqlite].map((store) =>
          'limits' in one ? store.forgetBefore(...one.limits) : outcome(store, one),
        )
        expect(second).toEqual(first)
        if (first === 'committed') committed += 1
        expect(contents(sqlite, ['k0', 'k1'], ['k0', 'k1'])).toEqual(contents(memory, ['k0', 'k1'], ['k0', 'k1']))
      }
      sqlite.close()
    }),
    { numRuns: 60, seed: 20_260_301 },
  )
  expect(committed).toBeGreaterThan(300)
}, 120_000)
