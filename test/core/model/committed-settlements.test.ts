/** Which settlements are remembered where several processes number their tasks. */
import { expect, test } from 'vitest'
import { CommittedSettlements } from '../../../orchestrator/core/model/committed-settlements.ts'
import { numbersPerBlock } from '../../../shared/limits/process.ts'
import { committedKept } from '../../../shared/limits/scheduling.ts'
import { nonceBytes } from '../../../shared/protocol/frames.ts'

const nonce = new Uint8Array(nonceBytes).fill(7)

test('tasks of several processes that count alike do not take the places of each other', () => {
  const committed = new CommittedSettlements(committedKept)
  const firsts = Array.from({ length: 8 }, (_, block) => 5 * 2 ** 32 + block * numbersPerBlock)
  for (let at = 0; at < 1_000; at++) for (const first of firsts) committed.remember(first + at, 1, nonce)
  const forgotten = firsts.filter((first) => !committed.has(first + 999, 1, nonce) || !committed.has(first, 1, nonce))
  expect(forgotten).toEqual([])
})

test('the first tasks of several starts do not take the places of each other', () => {
  const committed = new CommittedSettlements(committedKept)
  const firsts = Array.from({ length: 4 }, (_, start) => (start + 1) * 2 ** 32)
  for (let at = 0; at < 1_000; at++) for (const first of firsts) committed.remember(first + at, 1, nonce)
  const forgotten = firsts.filter((first) => !committed.has(first + 999, 1, nonce) || !committed.has(first, 1, nonce))
  expect(forgotten).toEqual([])
})

test('nor do tasks of edges that outlived a brain and those of the next one', () => {
  const committed = new CommittedSettlements(committedKept)
  const epochs = [5, 6, 7].map((epoch) => epoch * 2 ** 32)
  const firsts = epochs.flatMap((epoch) => Array.from({ length: 4 }, (_, block) => epoch + block * numbersPerBlock))
  for (let at = 0; at < 700; at++) for (const first of firsts) committed.remember(first + at, 1, nonce)
  expect(firsts.filter((first) => !committed.has(first, 1, nonce))).toEqual([])
})
