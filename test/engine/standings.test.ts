/** What the hub tells a scout of how it stands: soon after the welcome, then once a minute, and only news. */
import { describe, expect, test } from 'vitest'
import { identityOf } from '../../orchestrator/cluster/roster/identity.ts'
import { standingEveryMs } from '../../shared/limits/scheduling.ts'
import { heartbeatMs, offersMax } from '../../shared/limits/wire.ts'
import { decodeFromHub, encode } from '../../shared/protocol/codec.ts'
import { EngineBench } from '../support/hub/engine-bench.ts'
import { ledgerOf } from '../support/ledger/small-ledger.ts'
import { silentWitness } from '../support/trust/silent-witness.ts'

/** Lets so much time pass, with a pong of each session at every heartbeat. */
function live(bench: EngineBench, durationMs: number, ...sessions: number[]): void {
  for (let passedMs = 0; passedMs < durationMs; passedMs += heartbeatMs) {
    bench.system.pass(heartbeatMs)
    for (const session of sessions) bench.scouts.heartbeat(session)
  }
}

const idle = {
  type: 'standing',
  ...{ considered: 0, won: 0, lostLatency: 0, lostPrice: 0, lostCapacity: 0, lostTrust: 0, done: 0, failed: 0 },
  ...{ failurePermille: 0, window: 8, paused: [] },
}

describe('a standing', () => {
  test('is told with the first pong, again when a minute has passed, and only if it has changed', () => {
    const bench = new EngineBench()
    const session = bench.join(['m'], 8)
    expect(bench.take('standing')).toEqual([])
    live(bench, heartbeatMs, session)
    expect(bench.take('standing').map(({ frame }) => frame)).toEqual([idle])
    live(bench, 3 * standingEveryMs, session)
    expect(bench.take('standing')).toEqual([])
    bench.ask({ stream: false })
    bench.work().done()
    bench.ask({ stream: false, routing: { attemptsMax: 1 } })
    bench.work().fail('scout_error')
    live(bench, standingEveryMs, session)
    const [told, ...more] = bench.take('standing')
    expect(more).toEqual([])
    const counts = { considered: 2, won: 2, done: 1, failed: 1 }
    expect(told).toMatchObject({ session, frame: { ...counts, failurePermille: 200, window: 4 } })
    expect(decodeFromHub(encode(told!.frame))).toEqual(told!.frame)
  })

  test('of one that went and came back under its name goes on; the new session hears it anew', () => {
    const bench = new EngineBench()
    const first = bench.join(['m'], 8, { name: 'same' })
    bench.ask({ stream: false })
    bench.work().done()
    live(bench, heartbeatMs, first)
    bench.scouts.gone(first)
    const second = bench.join(['m'], 8, { name: 'same' })
    live(bench, heartbeatMs, second)
    const told = bench.take('standing')
    expect(told.map(({ session, frame }) => [session, frame.won, frame.considered])).toEqual([
      [first, 1, 1],
      [second, 1, 1],
    ])
  })

  test('names the models that rest, with the time that is left, and is no news by that time passing', () => {
    const bench = new EngineBench()
    const session = bench.join(['m', 'n'], 8)
    bench.ask()
    const work = bench.work()
    work.done('', { outcome: 'released', fault: 'provider_rate_limited', message: 'Too much.', retryAfterMs: 600_000 })
    live(bench, heartbeatMs, session)
    expect(bench.take('standing').map(({ frame }) => frame.paused)).toEqual([[['m', 600_000 - heartbeatMs]]])
    live(bench, 2 * standingEveryMs, session)
    expect(bench.take('standing')).toEqual([])
    live(bench, 600_000, session)
    expect(bench.take('standing').map(({ frame }) => frame.paused)).toEqual([[]])
  })

  test('has the points of its operator, and what of those that wait does so for want of trust', () => {
    const model = 'llama-3.1-8b-instant'
    const toldBy = (isTrusted: boolean) => {
      const ledger = ledgerOf(identityOf(new Uint8Array(32).fill(1)))
      const bench = new EngineBench({}, undefined, undefined, undefined, { ledger })
      bench.engine.watchedBy({
        ...silentWitness,
        findings: { isTrusted: () => isTrusted, isConvicted: () => false, convictedMs: () => null },
      })
      const session = bench.join([model], 8)
      bench.ask({ stream: false, model })
      bench.work().done()
      live(bench, 2 * standingEveryMs, session)
      const { frame } = bench.take('standing').at(-1)!
      expect(decodeFromHub(encode(frame))).toEqual(frame)
      return frame
    }
    const points = { earned: 0, waiting: 1, unpaid: null, trust: '' }
    expect(toldBy(false)).toMatchObject({ ...points, untrusted: 1 })
    expect(toldBy(true)).toMatchObject({ ...points, untrusted: 0 })
  })

  test('fits into its frame whatever the scout offers', () => {
    const bench = new EngineBench()
    const models = Array.from({ length: offersMax }, (_, at) => `${at}`.padEnd(128, 'x'))
    const session = bench.join(models, 8)
    for (const model of models) {
      bench.ask({ model })
      const { task, attempt, nonce } = bench.work().lease
      const limited = { outcome: 'released' as const, fault: 'provider_rate_limited', message: 'Too much.' }
      const end = { type: 'settle' as const, task, attempt, nonce, ...limited, param: '', retryAfterMs: 3_600_000 }
      const rest = { provider: '', credits: 1, chunks: 0, size: 0, body: null }
      bench.scouts.settle(session, { ...end, ...rest }, new Uint8Array(0))
    }
    live(bench, heartbeatMs, session)
    const { frame } = bench.take('standing')[0]!
    expect(frame.paused).toHaveLength(offersMax)
    expect(decodeFromHub(encode(frame))).toEqual(frame)
  })

  test('is told to no more than whose pong it is, however many there are', () => {
    const bench = new EngineBench()
    const sessions = Array.from({ length: 50 }, () => bench.join(['m'], 1))
    bench.system.pass(heartbeatMs)
    bench.scouts.heartbeat(sessions[7]!)
    expect(bench.take('standing').map(({ session }) => session)).toEqual([sessions[7]])
  })
})
