/** Between a scout of its own that is idle and another hub. */
import { describe, expect, test } from 'vitest'
import { CoreHarness } from '../../support/hub/core-harness.ts'

const busyOf = (bench: CoreHarness, session: number) => bench.state.roster.bySession.get(session)!.running

describe('the choice between an idle scout and another hub', () => {
  test.each([
    ['about as fast', 30, 'own'],
    ['much faster', 5, 'hub'],
  ] as const)('weighs a scout of its own against another hub that is %s', (_what, firstContentMs, who) => {
    const bench = new CoreHarness({ creditMax: 64 })
    const scouts = { own: 'operator/ant', hub: 'hub:beta/beta' }
    const sessions = Object.entries(scouts).map(([name, scout]) => {
      const operator = scout.slice(0, scout.indexOf('/'))
      const session = bench.join(['m', name], 64, { scout, operator, concurrency: 64 })
      const known = { firstContentMs: name === 'own' ? 50 : firstContentMs, tokensPerSecond: 1e6, samples: 3 }
      Object.assign(bench.capability(session, 'm'), known)
      bench.state.roster.bySession.get(session)!.record.done = 3
      return [name, session] as const
    })
    for (let i = 0; i < 8; i++) bench.submit()
    for (const [name, session] of sessions) expect(busyOf(bench, session)).toBe(name === who ? 8 : 0)
  })

  const known = { firstContentMs: 30, tokensPerSecond: 0, samples: 3 }
  test.each([
    ['has work already, where a hub takes a thousand tasks at once', known, known],
    ['is a stranger', { ...known, samples: 0 }, known],
    ['was never seen to write much', known, { ...known, tokensPerSecond: 500 }],
  ] as const)('keeps a scout of its own that %s', (_what, own, hub) => {
    const bench = new CoreHarness({ creditMax: 1_024 })
    const ant = bench.join(['m', 'own'], 4, { scout: 'operator/ant', operator: 'operator', concurrency: 4 })
    const peer = bench.join(['m', 'hub'], 64, { scout: 'hub:beta/beta', operator: 'hub:beta', concurrency: 1_024 })
    for (let i = 0; i < 3; i++) {
      Object.assign(bench.capability(ant, 'm'), own)
      Object.assign(bench.capability(peer, 'm'), hub)
      for (const session of [ant, peer]) bench.state.roster.bySession.get(session)!.record.done = 3
      bench.submit()
    }
    expect([busyOf(bench, ant), busyOf(bench, peer)]).toEqual([3, 0])
  })
})
