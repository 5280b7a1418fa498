/** What is kept of answers for who looks at them: bounded for each, for one operator's scouts and for all. */
import { describe, expect, test } from 'vitest'
import { WatchedLines } from '../../../orchestrator/engine/answers/watch/watched-lines.ts'
import { unlimitedKey } from '../../../orchestrator/engine/ports/charged-key.ts'
import type { WitnessedAnswer } from '../../../orchestrator/engine/ports/trust/witness.ts'
import { ByteAccount } from '../../../shared/byte-account.ts'
import { noScopes } from '../../../shared/keys/key-terms.ts'
import { witnessedBytesMax, witnessedBytesPerOperatorMax } from '../../../shared/limits/trust/audits.ts'
import { deltaLine, EngineBench, finishLine, roleLine } from '../../support/hub/engine-bench.ts'
import { silentWitness } from '../../support/trust/silent-witness.ts'

const kib = (count: number) => new Uint8Array(count * 1_024)

describe('lines', () => {
  test('pin no frame, and of one answer are no more than its bound', () => {
    const account = new ByteAccount(1e9, 1e9)
    const watched = new WatchedLines('text', 't', account)
    watched.add([kib(64).subarray(0, 1_024)])
    expect(watched.lines?.[0]?.buffer.byteLength).toBe(1_024)
    for (let at = 0; at < 200; at++) watched.add([kib(1)])
    expect(watched.lines).toHaveLength(witnessedBytesMax / 1_024)
    expect(account.held).toBe(witnessedBytesMax)
    watched.release()
    watched.release()
    expect(account.held).toBe(0)
  })

  test('for which there is no room are not kept, nor is what came before them; nobody else loses any', () => {
    const account = new ByteAccount(10_240, 4_096)
    const [first, second, other] = ['t', 't', 'u'].map((operator) => new WatchedLines('audit', operator, account))
    first!.add([kib(3)])
    second!.add([kib(1)])
    second!.add([kib(1)])
    expect(second!.lines).toBeNull()
    other!.add([kib(4)])
    expect([first!.lines?.length, other!.lines?.length, account.held]).toEqual([1, 1, 7_168])
    second!.add([kib(1)])
    expect(account.held).toBe(7_168)
  })
})

describe('answers that are looked at', () => {
  function stage() {
    const bench = new EngineBench()
    const seen: WitnessedAnswer[] = []
    const note = () => ({ interest: 'audit', state: 'new' }) as const
    bench.engine.watchedBy({ ...silentWitness, note, answered: (answer) => void seen.push(answer) })
    return { bench, seen, watchedBytes: () => bench.engine.stats().watchedBytes }
  }

  test('give back what they held when they end, however they do', () => {
    const { bench, seen, watchedBytes } = stage()
    for (const end of ['done', 'failed', 'left'] as const) {
      const answer = bench.ask()
      bench.join(['m'], 1)
      const work = bench.work()
      work.started()
      work.say(roleLine, deltaLine('one'))
      answer.take()
      expect(watchedBytes()).toBeGreaterThan(0)
      if (end === 'done') work.say(finishLine)
      if (end === 'done') work.done()
      else if (end === 'failed') work.fail('provider_error')
      else answer.abandon()
      bench.engine.flush()
      expect([end, watchedBytes()]).toEqual([end, 0])
    }
    expect(seen).toHaveLength(1)
    expect(seen[0]?.lines).toHaveLength(3)
  })

  test('are kept of no key that rules it out, of which it is counted all the same that they were given', () => {
    const bench = new EngineBench()
    const seen: string[] = []
    const asked: boolean[] = []
    bench.engine.watchedBy({
      ...silentWitness,
      // As an edge hears it of a brain that does not know the key.
      note: (_served, { isShown }) => {
        asked.push(isShown)
        return { interest: 'audit', state: 'trusted' }
      },
      settled: () => void seen.push('settled'),
      answered: () => void seen.push('answered'),
    })
    for (const scopes of [{ ...noScopes, audit: false as const }, noScopes]) {
      const answer = bench.ask({ key: { ...unlimitedKey('t'), scopes } })
      bench.join(['m'], 1)
      const work = bench.work()
      work.started()
      work.say(roleLine, deltaLine('one'))
      if (scopes.audit === false) expect(bench.engine.stats().watchedBytes).toBe(0)
      work.say(finishLine)
      work.done()
      bench.engine.flush()
      expect(answer.trust).toBe('trusted')
    }
    expect([asked, seen]).toEqual([
      [false, true],
      ['settled', 'settled', 'answered'],
    ])
  })

  test('of such a key are given by no other hub', () => {
    const bench = new EngineBench()
    const scopes = { ...noScopes, audit: false as const }
    bench.ask({ key: { ...unlimitedKey('t'), scopes } })
    const peer = bench.join(['m'], 4, {}, 'hub:beta')
    expect(bench.take('task')).toEqual([])
    bench.ask()
    expect(bench.work().session).toBe(peer)
  })

  test('that are read slowly hold no more than one operator may', () => {
    const { bench, watchedBytes } = stage()
    const many = Math.ceil(witnessedBytesPerOperatorMax / witnessedBytesMax) + 6
    for (let at = 0; at < many; at++) {
      bench.ask()
      bench.join(['m'], 1)
      const work = bench.work()
      work.started()
      work.say(roleLine, ...Array.from({ length: 15 }, () => deltaLine('x'.repeat(4_000))))
    }
    expect(watchedBytes()).toBeGreaterThan(witnessedBytesPerOperatorMax / 2)
    expect(watchedBytes()).toBeLessThanOrEqual(witnessedBytesPerOperatorMax)
  })
})
