/** Intents that end the process, and intents of which the store is damaged: each fails alone, and the others go on. */
import { describe, expect, test } from 'vitest'
import { diedTwice, setAsideWrites } from '../../../orchestrator/engine/durability/set-aside.ts'
import type { TaskRow } from '../../../orchestrator/engine/ports/store.ts'
import { journalRetryMs } from '../../../shared/limits/store.ts'
import { bytesOf } from '../../support/hub/engine-bench.ts'
import { IntentsBench } from '../../support/hub/intents-stage.ts'

function controlPlan(node: string) {
  const request = bytesOf('{}')
  const tasks = [{ node, kind: 'chat' as const, model: 'm', needs: [], request, control: {} }]
  return { plan: { tasks, resultNode: node } }
}

describe('an intent under which the process dies', () => {
  test('is tried twice, then set aside with a reason, and the others go on', async () => {
    const first = new IntentsBench()
    const innocent = await first.accepted({ a: [] })
    const poison = await first.accepted({ b: [] })
    // Killed while it worked on the second.
    first.store.noteInHand(poison)
    const second = first.restart()
    expect(second.engine.intents.setAside).toEqual([])
    expect(second.store.deaths()).toEqual(new Map([[poison, 1]]))
    second.store.noteInHand(poison)
    const third = second.restart()
    third.turn()
    expect(third.engine.intents.setAside).toEqual([{ intent: poison, reason: expect.stringContaining('ended twice') }])
    expect(third.engine.intents.intent(poison, null)).toMatchObject({
      state: 'failed',
      fault: { code: 'internal_error' },
    })
    expect(third.engine.intents.tasks(poison)).toMatchObject([{ state: 'failed' }])
    expect(
      third
        .events(poison)
        .map(({ type }) => type)
        .slice(-2),
    ).toEqual(['task_settled', 'done'])
    third.join(['m'], 8)
    third.finish(third.work(), 'an answer')
    expect(third.engine.intents.intent(innocent, null)).toMatchObject({ state: 'done' })
    // Nor is it tried again on request, and the next start has forgotten nothing.
    expect(await third.engine.intents.retry(poison, 'b', null)).toMatchObject({ code: 'internal_error' })
    expect(third.restart().engine.intents.setAside).toEqual([])
  })

  test('is not taken up while the death cannot be written down, which the next process would not know of', async () => {
    const first = new IntentsBench()
    const innocent = await first.accepted({ a: [] })
    const poison = await first.accepted({ b: [] })
    first.store.noteInHand(poison)
    first.fickle.trouble = 'full'
    const second = first.restart()
    second.join(['m'], 8)
    const stateOf = (id: string) => second.engine.intents.tasks(id)[0]!.state
    second.system.pass(journalRetryMs)
    expect([second.engine.core.state.intents.has(innocent), second.engine.core.state.intents.has(poison)]).toEqual([
      true,
      false,
    ])
    first.fickle.trouble = null
    second.system.pass(journalRetryMs)
    second.turn()
    expect(second.store.deaths()).toEqual(new Map([[poison, 1]]))
    expect([stateOf(innocent), stateOf(poison)]).toEqual(['leased', 'leased'])
  })

  test('counts as one that died so, where the next processes die too before that can be written', async () => {
    const first = new IntentsBench()
    const [poison, other] = [await first.accepted({ a: [] }), await first.accepted({ b: [] })]
    first.store.noteInHand(poison)
    first.fickle.trouble = 'full'
    const second = first.restart()
    // Killed while it works on something else, and the next one too.
    second.store.noteInHand(other)
    const third = second.restart()
    third.store.noteInHand('all')
    first.fickle.trouble = null
    const fourth = third.restart()
    fourth.turn()
    expect(fourth.store.deaths()).toEqual(
      new Map([
        [poison, 1],
        [other, 1],
      ]),
    )
    fourth.store.noteInHand(poison)
    expect(fourth.restart().engine.intents.setAside).toMatchObject([{ intent: poison }])
  })

  test('is counted once where it is not known whether that was written', async () => {
    const first = new IntentsBench()
    const poison = await first.accepted({ a: [] })
    first.store.noteInHand(poison)
    first.fickle.trouble = 'unknown'
    const second = first.restart()
    // It was, after all.
    first.fickle.disk.suspects.set(poison, 1)
    first.fickle.trouble = null
    second.system.pass(journalRetryMs)
    const third = second.restart()
    expect([third.store.deaths(), third.engine.intents.setAside]).toEqual([new Map([[poison, 1]]), []])
  })

  test('has its result where only other nodes of it were open', async () => {
    const bench = new IntentsBench()
    const id = await bench.accepted({ rest: [], b: [] })
    const open = bench.store.openIntent(id)!
    const tasks = open.tasks.map((row) => ({ ...row, state: row.node === 'b' ? ('done' as const) : row.state }))
    const writes = setAsideWrites({ ...open, tasks }, diedTwice, 0)
    expect(writes).toContainEqual({ write: 'intentEnd', intent: id, state: 'done', fault: null, finishedMs: 0 })
    expect(writes.filter(({ write }) => write === 'end')).toMatchObject([{ state: 'failed' }])
  })

  test('while it is taken up again is found by taking up the next time one after the other', async () => {
    const first = new IntentsBench()
    const innocent = await first.accepted({ a: [] })
    const poison = await first.accepted({ b: [] })
    const names: (string | null)[] = []
    const start = () => {
      const open = first.fickle.open()
      const { noteInHand } = open
      let isDead = false
      open.noteInHand = (name) => {
        names.push(name)
        if (!isDead) noteInHand(name)
        // The process ends at this intent; what it does after it is never seen.
        if (name === poison || (name === 'all' && first.fickle.disk.inHand === 'all' && names.length === 1))
          isDead = true
      }
      return new IntentsBench(first.fickle, {}, 4, open)
    }
    start()
    expect(first.fickle.disk.inHand).toBe('all')
    start()
    expect(first.fickle.disk.inHand).toBe(poison)
    start()
    expect(first.fickle.disk.suspects).toEqual(new Map([[poison, 1]]))
    const last = start()
    last.turn()
    expect(last.engine.intents.setAside).toMatchObject([{ intent: poison }])
    expect(last.engine.intents.intent(innocent, null)).toMatchObject({ state: 'running' })
    expect(names).toContain(innocent)
  })

  test('is noted while a node of it decides, its request is made and its answer is checked', async () => {
    const noted: string[] = []
    const bench = IntentsBench.planning({
      decide: () => {
        noted.push(`decide ${bench.store.inHand()}`)
        return { type: 'done', result: bytesOf('{"choices":[{"index":0,"message":{"content":"x"}}]}') }
      },
      render: ({ request }) => {
        noted.push(`render ${bench.store.inHand()}`)
        return request
      },
      checkContract: () => {
        noted.push(`check ${bench.store.inHand()}`)
        return null
      },
    })
    const decided = await bench.accepted({ any: [] }, controlPlan('c'))
    const request = bytesOf('{"messages":[]}')
    const terms = { contract: { schema: true }, isTemplate: true } as never
    const task = { node: 'a', kind: 'chat' as const, model: 'm', needs: [], request, ...(terms as object) }
    const asked = await bench.accepted({ any: [] }, { plan: { tasks: [task], resultNode: 'a' } })
    bench.join(['m'], 8)
    bench.finish(bench.work(), 'an answer')
    expect(noted).toEqual([`decide ${decided}`, `render ${asked}`, `check ${asked}`])
    expect(bench.store.inHand()).toBeNull()
  })

  test('costs no commit while nobody dies', async () => {
    const bench = new IntentsBench()
    const { commit } = bench.store
    const written: string[] = []
    bench.store.commit = (writes) => {
      written.push(...writes.map(({ write }) => write))
      commit(writes)
    }
    await bench.accepted({ a: [], b: ['a'] })
    bench.join(['m'], 8)
    bench.finish(bench.work(), 'x')
    bench.finish(bench.work(), 'y')
    expect(written).not.toContain('blame')
    expect(bench.store.deaths().size).toBe(0)
  })
})

describe('an intent whose rows were damaged', () => {
  test.each<[string, (row: TaskRow) => Partial<TaskRow>, RegExp]>([
    ['needs that are no JSON', () => ({ needs: '["a' }), /a row of it is damaged/],
    ['needs that are no list', () => ({ needs: '7' }), /a row of it is damaged/],
    ['a need that it does not have', () => ({ needs: '["z"]' }), /a task of it is missing/],
    ['terms that are no JSON', () => ({ terms: '{' }), /a row of it is damaged/],
    ['waits that are no JSON', () => ({ waits: 'x' }), /a row of it is damaged/],
  ])('with %s is set aside alone', async (_what, change, reason) => {
    const first = new IntentsBench()
    const whole = await first.accepted({ a: [] })
    const damaged = await first.accepted({ a: [], b: ['a'] })
    const stored = first.fickle.disk.intents.get(damaged)!.tasks[1]!
    stored.row = { ...stored.row, ...change(stored.row) }
    const next = first.restart()
    next.turn()
    expect(next.defects).toEqual([])
    expect(next.engine.intents.setAside).toEqual([{ intent: damaged, reason: expect.stringMatching(reason) }])
    expect(next.engine.intents.intent(damaged, null)).toMatchObject({ state: 'failed' })
    expect(next.engine.intents.tasks(damaged)).toHaveLength(2)
    expect(await next.engine.intents.retry(damaged, 'b', null)).toMatchObject({ code: 'internal_error' })
    next.join(['m'], 8)
    next.finish(next.work(), 'x')
    expect(next.engine.intents.intent(whole, null)).toMatchObject({ state: 'done' })
  })

  test('is shown all the same when only what is shown of it cannot be read', async () => {
    const bench = new IntentsBench()
    const id = await bench.accepted({ a: [] })
    const stored = bench.fickle.disk.intents.get(id)!
    stored.row = { ...stored.row, metadata: '{' }
    expect(bench.engine.intents.list(null, { limit: 9 })).toMatchObject([{ id, metadata: {} }])
  })

  test('fails alone when a result that it needs is gone', async () => {
    const bench = new IntentsBench()
    const id = await bench.accepted({ a: [], b: ['a'] })
    bench.join(['m'], 8)
    bench.fickle.disk.intents.get(id)!.tasks[0]!.result = null
    const { result } = bench.store
    bench.store.result = () => undefined
    bench.finish(bench.work(), 'x')
    bench.turn()
    bench.store.result = result
    expect(bench.defects).toEqual([])
    expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'failed' })
  })
})
