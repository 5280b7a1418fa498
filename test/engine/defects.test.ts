/** An engine that met a defect: what was half done stays undone, it is reported once, and nothing runs after it. */
import { expect, test, vi } from 'vitest'
import { EngineDefect } from '../../orchestrator/engine/ports/defect.ts'
import { tickMs } from '../../shared/limits/scheduling.ts'
import { EngineBench, wholeAnswer } from '../support/hub/engine-bench.ts'
import { IntentsBench } from '../support/hub/intents-stage.ts'

/** Makes the core throw at the next event of this type. */
function breakCore(bench: EngineBench, type: string): void {
  const { core } = bench.engine
  const step = core.step.bind(core)
  vi.spyOn(core, 'step').mockImplementation((event, nowMs, out) => {
    step(event, nowMs, out)
    if (event.type === type) throw new Error('a broken core')
  })
}

test('an error out of the core is reported once, with the event, and no effect of that step is performed', () => {
  const bench = new EngineBench()
  const session = bench.join(['m'], 1)
  breakCore(bench, 'submit')
  expect(() => bench.ask()).toThrow(EngineDefect)
  expect(bench.defects).toMatchObject([{ during: 'submit', fields: { model: 'm', kind: 'chat' } }])
  expect(bench.take('task')).toEqual([])
  // Neither now nor with a later event.
  bench.scouts.credit(session, 1)
  bench.system.pass(10 * tickMs)
  expect(bench.sent.filter(({ frame }) => frame.type === 'task')).toEqual([])
  expect(bench.defects.length).toBe(1)
  expect(bench.engine.ready()).toBe(false)
  expect(bench.closed).toEqual([])
})

test('the report shows numbers and names, and neither a nonce nor a body', () => {
  const bench = new EngineBench()
  bench.join(['m'], 1)
  bench.ask({ stream: false })
  const work = bench.work()
  breakCore(bench, 'settle')
  expect(() => work.done(wholeAnswer)).toThrow(EngineDefect)
  const [{ fields, during } = { fields: {}, during: '' }] = bench.defects
  expect(during).toBe('settle')
  expect(fields).toEqual({ task: work.lease.task, attempt: 1, session: 1, outcome: 'done' })
})

test('an effect that throws leaves the others of its step and the events of its turn undone', () => {
  const bench = new EngineBench()
  const session = bench.join(['m'], 2)
  const plain = { tenant: 't', kind: 'chat', model: 'm', stream: true, body: new Uint8Array(2) } as const
  const task = vi.spyOn(bench.links, 'task').mockImplementation(() => {
    throw new Error('a broken link')
  })
  bench.engine.submit(plain)
  bench.engine.submit(plain)
  expect(() => bench.engine.flush()).toThrow(EngineDefect)
  expect(task).toHaveBeenCalledTimes(1)
  bench.scouts.gone(session)
  bench.engine.flush()
  bench.engine.stop()
  expect(task).toHaveBeenCalledTimes(1)
  expect(bench.defects.length).toBe(1)
})

test('rows that cannot be made end the engine before anything is committed', async () => {
  const bench = new IntentsBench()
  const { store } = bench
  bench.join(['m'])
  const id = await bench.accepted({ a: [] })
  vi.spyOn(bench.engine.intents, 'writesOf').mockImplementation(() => {
    throw new Error('a broken mapping')
  })
  const commit = vi.spyOn(store, 'commit')
  expect(() => bench.scouts.credit(1, 1)).toThrow(EngineDefect)
  bench.system.pass(10 * tickMs)
  bench.engine.stop()
  expect(commit).not.toHaveBeenCalled()
  expect(bench.take('task')).toEqual([])
  expect(store.tasksOf(id)).toMatchObject([{ state: 'ready' }])
})

test('a commit whose condition does not hold is a defect', async () => {
  const bench = new IntentsBench()
  const { store } = bench
  bench.join(['m'])
  await bench.accepted({ a: [] })
  vi.spyOn(store, 'commit').mockImplementation(() => {
    throw new Error('fenced')
  })
  bench.scouts.credit(1, 1)
  expect(() => bench.turn()).toThrow(EngineDefect)
  expect(bench.defects).toMatchObject([{ during: 'journal' }])
  expect(bench.take('task')).toEqual([])
})
