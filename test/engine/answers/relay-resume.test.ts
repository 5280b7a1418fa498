/** A relay whose scout loses its socket and comes back: what is heard again, what is not, and what still holds. */
import { describe, expect, test } from 'vitest'
import { streamBufferBytes, streamOverrunBytes } from '../../../shared/limits/http.ts'
import { frameBytesMax } from '../../../shared/limits/wire.ts'
import { deltaLine, EngineBench, finishLine, textOf } from '../../support/hub/engine-bench.ts'

/** A streamed answer, its only scout's work, and another scout that could take over. */
function stage() {
  const bench = new EngineBench()
  const answer = bench.ask()
  const session = bench.join(['m'], 1)
  const work = bench.work()
  work.started()
  const other = bench.join(['m'], 1)
  return { bench, answer, session, other, work }
}

function bulk(bytes: number): string {
  return deltaLine('x'.repeat(bytes))
}

describe('a scout that reconnects', () => {
  function resume(s: ReturnType<typeof stage>, fields = {}): number {
    const { task, attempt, nonce } = s.work.lease
    const who = {
      name: 'scout-1',
      instance: 'instance-1',
      held: [[task, attempt, nonce] as [number, number, Uint8Array]],
    }
    return s.bench.join(['m'], 0, { ...who, ...fields })
  }

  test('goes on at the chunk that is expected next, and no byte is lost or doubled', () => {
    const s = stage()
    const { bench, answer, work } = s
    work.say(deltaLine('1'))
    work.say(deltaLine('2'))
    bench.scouts.gone(s.session)
    expect(answer.take()?.end).toBeNull()
    bench.take('welcome')
    work.session = resume(s)
    const { task, attempt } = work.lease
    expect(bench.take('welcome')[0]?.frame.held).toEqual([[task, attempt, 'resumed', 2]])
    work.say(deltaLine('3'), finishLine)
    work.done()
    const part = answer.take()!
    expect(textOf(part.lines)).toEqual([deltaLine('3'), finishLine])
    expect(part.end?.type).toBe('done')
  })

  test('hears the welcome first, and then that its stream is still paused', () => {
    const s = stage()
    s.work.say(bulk(streamBufferBytes + 1))
    s.bench.take('flow')
    s.bench.take('welcome')
    const before = s.bench.sent.length
    const session = resume(s)
    const heard = s.bench.sent.slice(before).filter((one) => one.session === session)
    expect(heard.map(({ frame }) => frame.type)).toEqual(['welcome', 'flow'])
  })

  test('after the reader has read meanwhile is not paused any more', () => {
    const s = stage()
    s.work.say(bulk(streamBufferBytes + 1))
    s.bench.scouts.gone(s.session)
    s.answer.take()
    s.bench.take('flow')
    resume(s)
    expect(s.bench.take('flow')).toEqual([])
  })

  test('again and again while nobody reads cannot heap up more than one frame beyond the pause', () => {
    const s = stage()
    s.work.say(bulk(streamBufferBytes + 1))
    for (let session = 0; session < 5 && s.bench.take('cancel').length === 0; session++) {
      s.bench.scouts.gone(s.work.session)
      s.work.session = resume(s)
      for (let sent = 0; sent < streamOverrunBytes - 60_000; sent += 50_000) s.work.say(bulk(50_000))
    }
    const part = s.answer.take()!
    expect(part.end).toMatchObject({ type: 'failed', fault: { code: 'client_stalled' } })
    const waited = part.lines.reduce((sum, line) => sum + line.length, 0)
    expect(waited).toBeLessThan(streamBufferBytes + streamOverrunBytes + 2 * frameBytesMax)
    const [record] = [...s.bench.engine.core.state.roster.records.values()]
    expect(record).toMatchObject({ failed: 0 })
  })

  test('cannot go on over its old session', () => {
    const s = stage()
    s.work.say(deltaLine('1'))
    s.bench.scouts.gone(s.session)
    resume(s)
    s.work.say(deltaLine('forged'))
    expect(textOf(s.answer.take()!.lines)).toEqual([deltaLine('1')])
  })

  test('too late finds the answer ended, in band', () => {
    const s = stage()
    s.work.say(deltaLine('1'))
    s.bench.scouts.gone(s.session)
    s.bench.system.pass(30_000)
    expect(s.answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
    s.bench.take('welcome')
    resume(s)
    expect(s.bench.take('welcome')[0]?.frame.held).toMatchObject([[s.work.lease.task, 1, 'stale', 0]])
  })
})
