/** A begun answer that moves to another scout, at its limits: what no frame can hold is not sent, nobody is charged. */
import { expect, test, vi } from 'vitest'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { bytesOf, deltaLine, EngineBench } from '../../support/hub/engine-bench.ts'

test('a request that would outgrow a frame with the answer so far is not sent, and charges no scout', () => {
  const bench = new EngineBench({ retryBaseMs: 1 })
  const first = bench.join(['m'], 1)
  const pad = 'x'.repeat(bodyBytesMax - 200)
  const body = bytesOf(JSON.stringify({ messages: [{ role: 'user', content: pad }] }))
  const answer = bench.ask({ body, routing: { continues: true } })
  bench.work().say(deltaLine('y'.repeat(400)))
  expect(answer.take()?.lines.length).toBe(1)
  const second = bench.join(['m'], 1)
  bench.scouts.gone(first)
  bench.system.pass(100)
  expect(bench.take('task')).toEqual([])
  expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'answer_too_large' } })
  const { records, bySession } = bench.engine.core.state.roster
  expect(records.get(bySession.get(second)!.record.scout)).toMatchObject({ failed: 0, failureRate: 0 })
  expect(bySession.get(second)).toMatchObject({ credits: 1 })
  expect(bench.closed).toEqual([])
})

test('a task that no frame can hold is not sent: its client gets a fault, and no scout is charged', () => {
  const bench = new EngineBench()
  bench.join(['m'], 1)
  vi.spyOn(bench.links, 'task').mockReturnValue(false)
  const answer = bench.ask()
  expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'internal_error' } })
  const [record] = [...bench.engine.core.state.roster.records.values()]
  expect(record).toMatchObject({ failed: 0, failureRate: 0 })
  expect(bench.engine.stats()).toMatchObject({ creditsHeld: 1, tasksLeased: 0 })
})
