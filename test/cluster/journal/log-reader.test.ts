import { expect, test } from 'vitest'
import { LogReader } from '../../../orchestrator/cluster/journal/log-reader.ts'
import { realSystem } from '../../../shared/system.ts'
import { LogModel } from '../../support/cluster/model-log.ts'

const system = realSystem()

/** A log with messages 1 to 4, the third of which fits no pattern of the reader. */
function stage(take: (seq: number, back: (seq: number) => void) => void) {
  const model = new LogModel(system)
  for (const subject of ['a.1', 'a.2', 'b.1', 'a.3']) model.append(subject, new Uint8Array(0), 0)
  const log = model.connect()
  const taken: number[] = []
  let isStopped = false
  const reader = new LogReader({
    ...{ log, pattern: 'a.*', cursor: 0, isStopped: () => isStopped },
    take: ({ seq }) => {
      taken.push(seq)
      take(seq, (from) => reader.back(from))
    },
  })
  const stop = () => {
    isStopped = true
  }
  return { model, log, reader, taken, stop }
}

test('a log is read once, in order, up to where it ends', async () => {
  const { model, reader, taken } = stage(() => {})
  expect(await reader.readOn()).toBe(true)
  expect(await reader.readOn()).toBe(true)
  model.append('a.9', new Uint8Array(0), 0)
  expect(await reader.readOn()).toBe(true)
  expect(taken).toEqual([1, 2, 4, 5])
})

test('what could not be taken is read again, and nothing behind it before', async () => {
  let isFlawed = true
  const { reader, taken } = stage((seq) => {
    if (seq === 2 && isFlawed) throw new Error('no room')
  })
  await expect(reader.readOn()).rejects.toThrow('no room')
  isFlawed = false
  expect(await reader.readOn()).toBe(true)
  expect(taken).toEqual([1, 2, 2, 4])
})

test('what is asked for again while the next message is on its way is not passed over', async () => {
  let isFirst = true
  const { reader, taken } = stage((seq, back) => {
    if (seq !== 2 || !isFirst) return
    isFirst = false
    system.soon(() => back(1))
  })
  expect(await reader.readOn()).toBe(true)
  expect(taken).toEqual([1, 2, 1, 2, 4])
})

test('what is shown is read until there is no more, and what need not be read is passed', async () => {
  const { model, log, reader, taken } = stage(() => {})
  expect(await reader.readShown()).toBe(true)
  expect(taken).toEqual([1, 2, 4])
  model.append('a.8', new Uint8Array(0), 0)
  expect(reader.pass(6)).toBe(false)
  expect(reader.pass(5)).toBe(true)
  model.append('a.9', new Uint8Array(0), 0)
  expect(await reader.readShown()).toBe(true)
  expect(taken).toEqual([1, 2, 4, 6])
  log.cut(true)
  expect(await reader.readShown()).toBe(false)
})

test('what is taken in several turns and asked for again meanwhile is taken again', async () => {
  const { log } = stage(() => {})
  const taken: number[] = []
  const reader = new LogReader({
    ...{ log, pattern: 'a.*', cursor: 0, isStopped: () => false },
    take: async ({ seq }) => {
      taken.push(seq)
      await new Promise<void>((resolve) => system.soon(resolve))
      if (taken.length === 2) reader.back(1)
      await new Promise<void>((resolve) => system.soon(resolve))
    },
  })
  expect(await reader.readShown()).toBe(true)
  expect(taken).toEqual([1, 2, 1, 2, 4])
})

test('a reader that is apart from the log, or stopped, is not at its end', async () => {
  const { log, reader, taken, stop } = stage((seq) => {
    if (seq === 2) stop()
  })
  log.cut(true)
  expect(await reader.readOn()).toBe(false)
  log.cut(false)
  expect(await reader.readOn()).toBe(false)
  expect(taken).toEqual([1, 2])
})
