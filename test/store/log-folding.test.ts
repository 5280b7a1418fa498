/** A running hub's log is folded into its database in turns of the loop of its own, never inside a commit. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { foldBytes } from '../../shared/limits/store.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { idempotencyRow } from '../support/store/store-rows.ts'

function stage() {
  const path = join(temporaryFolder(), 'chasm.db')
  const system = new ManualSystem()
  const store = openSqlite(path, { mayCreate: true, checkWhole: true }, system)
  if ('flaw' in store) throw new Error(store.flaw)
  onTestFinished(() => store.close())
  // What making the tables has left in the log.
  system.turn()
  const commit = (key: string, bytes: number) => {
    const row = { ...idempotencyRow(key), answer: new Uint8Array(bytes) }
    store.commit([{ write: 'idempotency', row }])
  }
  return { path, system, store, commit, folded: () => statSync(path).size }
}

test('a commit of many MiB leaves them to the next turn', () => {
  const { commit, folded, system, store } = stage()
  const bytes = 8 * foldBytes
  commit('large', bytes)
  expect(folded()).toBeLessThan(foldBytes)
  expect(system.turn()).toBe(true)
  expect(folded()).toBeGreaterThan(bytes)
  expect(store.idempotency('key_a', 'POST /v1/intents', 'large')?.answer?.length).toBe(bytes)
})

test('small commits are folded in together, and nothing is to be done for fewer', () => {
  const { commit, system } = stage()
  commit('small', 10)
  expect(system.turn()).toBe(false)
  for (let at = 0; !system.turn(); at++) commit(`small ${at}`, 1_000)
  expect(system.turn()).toBe(false)
})

test('what was forgotten is folded in next, however little is written beside it', () => {
  const { commit, system, store } = stage()
  commit('old', 10)
  expect(system.turn()).toBe(false)
  expect(store.forgetBefore(0, Number.MAX_SAFE_INTEGER, 10)).toBe(1)
  expect(system.turn()).toBe(true)
  expect(store.forgetBefore(0, Number.MAX_SAFE_INTEGER, 10)).toBe(0)
  expect(system.turn()).toBe(false)
})

test('after the end nothing is folded', () => {
  const { path, commit, system, store } = stage()
  commit('large', foldBytes)
  store.close()
  const { size } = statSync(path)
  system.turn()
  expect(statSync(path).size).toBe(size)
})
