/** Marks of open intents: many in one message, found by others, gone with the last of their intents. */
import { describe, expect, test } from 'vitest'
import { type Marked, Marks } from '../../../../orchestrator/cluster/journal/marks.ts'
import { markIntentsMax } from '../../../../shared/limits/cluster/journal.ts'
import { realSystem } from '../../../../shared/system.ts'
import { until } from '../../../support/clocks/until.ts'
import { LogModel } from '../../../support/cluster/model-log.ts'

const prefix = 'chasm.test'
const model = () => new LogModel(realSystem())

function marksOf(log: LogModel, name = 'alpha', boot = 1): Marks {
  const insist = async (attempt: () => Promise<true | 'unsure'>) => {
    while ((await attempt()) !== true);
    return true as const
  }
  return new Marks({ log: log.connect(), membership: { own: { name, boot }, prefix }, insist })
}

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `int_${from + at}`)

function found(marked: Marked | 'unsure'): Marked {
  if (marked === 'unsure') throw new Error('the marks cannot be read')
  return marked
}

async function openOf(marks: Marks, hub = 'alpha'): Promise<string[]> {
  return found(await marks.of(hub)).marks.flatMap(({ intents }) => intents)
}

async function setAll(marks: Marks, intents: readonly string[]): Promise<void> {
  await Promise.all(intents.map((intent) => marks.set(intent)))
}

describe('marks of open intents', () => {
  test('are one message for all that is begun in one turn, and for what comes while that is under way', async () => {
    const log = model()
    const marks = marksOf(log)
    const first = setAll(marks, ids(40))
    await Promise.resolve()
    const second = [setAll(marks, ids(30, 40))]
    await Promise.resolve()
    second.push(setAll(marks, ids(20, 70)))
    await Promise.all([first, ...second])
    expect(log.stored).toHaveLength(2)
    expect(await openOf(marksOf(log, 'beta'))).toEqual(ids(90))
  })

  test('name so many intents at most, and are several beyond that', async () => {
    const log = model()
    const marks = marksOf(log)
    await setAll(marks, ids(markIntentsMax + 1))
    expect(log.stored).toHaveLength(2)
    expect((await openOf(marksOf(log, 'beta'))).toSorted()).toEqual(ids(markIntentsMax + 1).toSorted())
  })

  test('go with the last of their intents, and not before', async () => {
    const log = model()
    const marks = marksOf(log)
    await setAll(marks, ids(4))
    for (const intent of ids(3)) marks.wipe(intent)
    expect(await openOf(marksOf(log, 'beta'))).toEqual(ids(4))
    marks.wipe('int_3')
    await until('the mark to be gone', () => log.stored.length === 0)
  })

  test('with half of their intents over become one, so that what is left is found without the rest', async () => {
    const log = model()
    const marks = marksOf(log)
    await setAll(marks, ids(10))
    await setAll(marks, ids(10, 10))
    await setAll(marks, ids(2, 20))
    for (const intent of [...ids(5), ...ids(9, 10)]) marks.wipe(intent)
    await marks.gather()
    await until('the thin marks to be gone', () => log.stored.length === 2)
    expect(await openOf(marksOf(log, 'beta'))).toEqual(['int_20', 'int_21', ...ids(5, 5), 'int_19'])
    for (const intent of [...ids(5, 5), 'int_19', ...ids(2, 20)]) marks.wipe(intent)
    await until('all to be gone', () => log.stored.length === 0)
  })

  test('do not come back for an intent that ends while they are gathered', async () => {
    const log = model()
    const marks = marksOf(log)
    await setAll(marks, ids(4))
    for (const intent of ids(2)) marks.wipe(intent)
    const gathering = marks.gather()
    for (const intent of ids(2, 2)) marks.wipe(intent)
    await gathering
    await until('all to be gone', () => log.stored.length === 0)
  })

  test('are there once where an answer was lost, and elsewhere where somebody else has written', async () => {
    const log = model()
    const marks = marksOf(log)
    log.append(`${prefix}.open.alpha.1-1`, Buffer.from('int_of_somebody'), 0)
    await marks.set('int_1')
    expect(await openOf(marksOf(log, 'beta'))).toEqual(['int_of_somebody', 'int_1'])
    const lossy = model()
    const connected = lossy.connect()
    const append = connected.append.bind(connected)
    let lost = 0
    connected.append = async (...asked) => {
      const answer = await append(...asked)
      return lost++ === 0 ? 'unsure' : answer
    }
    lossy.connect = () => connected
    await marksOf(lossy).set('int_1')
    expect(lossy.stored).toHaveLength(1)
  })

  test('of this process are none of those that the one before has left', async () => {
    const log = model()
    await marksOf(log).set('int_1')
    const again = marksOf(log, 'alpha', 2)
    await again.set('int_2')
    expect(await openOf(again)).toEqual(['int_1'])
    expect(await openOf(marksOf(log, 'beta'))).toEqual(['int_1', 'int_2'])
  })

  test('name nothing that could not stand in a subject, nor more than a mark may', async () => {
    const log = model()
    log.append(`${prefix}.open.alpha.1-1`, Buffer.from('int_1\n*\n>\na.b\n\nint_2'), 0)
    log.append(`${prefix}.open.alpha.1-2`, Buffer.from(ids(markIntentsMax * 3).join('\n')), 0)
    log.append(`${prefix}.open.alpha.1-3`, Buffer.alloc(100_000, 'a'), 0)
    const { marks } = found(await marksOf(log, 'beta').of('alpha'))
    expect(marks.map(({ intents }) => intents.length)).toEqual([2, markIntentsMax, 0])
  })
})
