import { expect, test } from 'vitest'
import { MirroredIntent } from '../../orchestrator/engine/intents/handover/mirrored-intent.ts'
import type { NewLines } from '../../orchestrator/engine/ports/network/live-lines.ts'
import type { StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import { ByteAccount } from '../../shared/byte-account.ts'
import { linesNodesMax } from '../../shared/limits/cluster/journal.ts'
import { event, taskRow } from '../support/store/store-rows.ts'

const follower = { seq: 0 }

function mirror(bytesMax = 1_000) {
  const account = new ByteAccount(bytesMax, bytesMax)
  const mirrored = new MirroredIntent('int_1', 'key_a', account, () => {})
  mirrored.follow(follower)
  const shown = () => mirrored.tasks.map(({ node, sink: { attempt, lines } }) => [node, attempt, ...texts(lines)])
  return { account, mirrored, shown }
}

const texts = (lines: readonly Uint8Array[]) => lines.map((line) => Buffer.from(line).toString())

const part = (attempt: number, from: number, ...lines: string[]): NewLines => ({ node: 'n', attempt, from, lines })

const row = (attempt: number, state: 'ready' | 'leased' | 'done' | 'failed', node = 'n') => {
  return { ...taskRow(7, 'int_1'), node, attempt, state }
}

const release: StoreWrite = { write: 'release', task: 7, attempt: 1, charged: 1, returned: 0 }

function settled(seq: number): StoreWrite {
  const one = event('int_1', seq)
  if (one.write !== 'event') throw new Error('it is none')
  return { write: 'event', event: { ...one.event, type: 'task_settled', data: '{"node":"n"}' } }
}

test('lines are shown once it is known that their attempt has begun, each once, in order', () => {
  const { mirrored, shown } = mirror()
  mirrored.wrote([], [row(0, 'ready')])
  expect(mirrored.add([part(1, 0, 'a', 'b')])).toBe(true)
  expect(shown()).toEqual([['n', 0]])
  mirrored.wrote([], [row(1, 'leased')])
  expect(shown()).toEqual([['n', 1, 'a', 'b']])
  expect(mirrored.add([part(1, 3, 'd')])).toBe(false)
  expect(mirrored.add([part(1, 1, 'b', 'c')])).toBe(true)
  expect(mirrored.add([part(1, 0, 'a', 'b')])).toBe(false)
  expect(shown()).toEqual([['n', 1, 'a', 'b', 'c']])
  expect(mirrored.known).toEqual([{ node: 'n', attempt: 1, lines: 3 }])
})

test('lines of an attempt that was given up are gone, and do not come back', () => {
  const { mirrored, shown, account } = mirror()
  mirrored.wrote([], [row(1, 'leased')])
  mirrored.add([part(1, 0, 'a')])
  mirrored.wrote([release], [row(1, 'ready')])
  expect(mirrored.add([part(1, 0, 'a')])).toBe(false)
  expect(shown()).toEqual([['n', 0]])
  expect(account.held).toBe(0)
  mirrored.add([part(2, 0, 'x')])
  mirrored.wrote([], [row(2, 'leased')])
  expect(shown()).toEqual([['n', 2, 'x']])
  // It was given up, and ended at once.
  mirrored.wrote([{ ...release, attempt: 2 }, settled(9)], [row(2, 'failed')])
  expect(shown()).toEqual([['n', 0]])
})

test('lines of a task that has ended stay until its followers have read of that', () => {
  const { mirrored, shown, account } = mirror()
  follower.seq = 0
  mirrored.wrote([], [row(1, 'leased')])
  mirrored.add([part(1, 0, 'a')])
  mirrored.wrote([settled(5)], [row(1, 'done')])
  expect(mirrored.seq).toBe(5)
  expect(shown()).toEqual([['n', 1, 'a']])
  expect(mirrored.add([part(1, 1, 'b')])).toBe(false)
  expect(mirrored.known).toEqual([])
  follower.seq = 5
  mirrored.freeLines()
  expect(shown()).toEqual([['n', 0]])
  expect(account.held).toBe(0)
})

test('what there is no room for is not asked for again, and everything is given back in the end', () => {
  const { mirrored, shown, account } = mirror(3)
  mirrored.wrote([], [row(1, 'leased')])
  mirrored.add([part(1, 0, 'aa', 'bb', 'c')])
  expect(shown()).toEqual([['n', 1, 'aa']])
  expect(mirrored.known[0]!.lines).toBeGreaterThan(1_000_000)
  mirrored.letGo()
  expect(account.held).toBe(0)
  expect(mirrored.isLetGo).toBe(true)
})

test('nodes that nobody knows of, and more of them than are followed, are passed over', () => {
  const { mirrored } = mirror()
  expect(mirrored.add([part(1, 0, 'a')])).toBe(false)
  const rows = Array.from({ length: linesNodesMax + 1 }, (_, at) => ({ ...row(1, 'leased', `n${at}`), task: at }))
  mirrored.wrote([], rows)
  mirrored.add(rows.map(({ node }) => ({ ...part(1, 0, 'a'), node })))
  expect(mirrored.tasks).toHaveLength(linesNodesMax)
})
