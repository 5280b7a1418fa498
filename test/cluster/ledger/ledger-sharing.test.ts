import { describe, expect, test } from 'vitest'
import { adding, removing } from '../../../orchestrator/cluster/roster/proposal.ts'
import type { TransferReason } from '../../../orchestrator/ledger/accounts/events.ts'
import { flagBits } from '../../../orchestrator/ledger/points/zero-rules.ts'
import { type Batch, packHead, readHead } from '../../../orchestrator/ledger/receipts/chain.ts'
import { bothSidesMs } from '../../../shared/limits/cluster/ledger.ts'
import { type LedgerHub, type LedgerNetworkStage, prefix } from '../../support/cluster/ledger-network.ts'
import { good, signedByAll } from '../../support/cluster/network.ts'
import { ant, ledgerOf, looksMs, names, network, worth } from '../../support/cluster/three-ledgers.ts'

describe('points of a network', () => {
  test('are those of every hub, and the same at each of them', async () => {
    const { stage, a, b, now, points } = await network()
    a.chain.seal([stage.ownTask(), stage.ownTask()], now())
    b.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([3 * worth, 3 * worth, 3 * worth])
    expect(a.sharing.operator(ant, stage.season).hubs).toEqual([
      { hub: 'alpha', earned: 0, waiting: 2 * worth, unacknowledged: 0 },
      { hub: 'beta', earned: 0, waiting: worth, unacknowledged: 0 },
    ])
    expect(ledgerOf(b, 'alpha')).toMatchObject({ state: 'counted', batch: 1, from: 1, why: null })
    expect(ledgerOf(b, 'gamma')).toMatchObject({ state: 'unheard', batch: 0 })
  })

  test('of a task that one hub did for another are made once, by the hub of its scout', async () => {
    const { stage, a, b, now, points } = await network()
    const { asked, served } = stage.sharedTask('alpha', 'beta')
    expect([asked.points, served.points]).toEqual([0, worth])
    b.chain.seal([served], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([0, 0, 0])
    expect(a.sharing.operator(ant, stage.season)).toMatchObject({ unacknowledged: worth })
    a.chain.seal([asked], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([worth, worth, worth])
  })

  test('are the same whichever receipt is told first, and follow what vests', async () => {
    const { stage, a, b, now, points } = await network()
    const { asked, served } = stage.sharedTask('alpha', 'beta')
    a.chain.seal([asked], now())
    await stage.pass(looksMs)
    b.chain.seal([served], now())
    const day = Math.floor(served.atS / 86_400)
    const from = `escrow\t${day}\tkey_ant/ant\t${served.model}`
    const to = `earned\t${stage.season}\t${ant}`
    b.chain.seal([{ type: 'transfer', why: 'vest', from, to, points: worth }], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([worth, worth, worth])
    expect(a.sharing.operator(ant, stage.season)).toMatchObject({ earned: worth, waiting: 0 })
  })

  test('do not count where the hub that asked says that the task earns nothing', async () => {
    const { stage, a, b, now, points } = await network()
    for (const reason of ['own', 'directed', 'loop', 'repeat'] as const) {
      const flags = flagBits.elsewhere | flagBits[reason]
      const { asked, served } = stage.sharedTask('alpha', 'beta', { flags })
      a.chain.seal([asked], now())
      b.chain.seal([served], now())
    }
    await stage.pass(2 * looksMs)
    expect(points()).toEqual([0, 0, 0])
  })

  test('are none where the hub that served says so, and nobody waits for more', async () => {
    const { stage, a, b, now, points } = await network()
    const { asked, served } = stage.sharedTask('alpha', 'beta')
    a.chain.seal([asked], now())
    b.chain.seal([{ ...served, flags: flagBits.unlisted, points: 0 }], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([0, 0, 0])
    expect(stage.hub('gamma').sharing.counted.open).toEqual({ halves: 0, lost: 0 })
  })

  test('are no more than the hub that asked has counted', async () => {
    const { stage, a, b, now, points } = await network()
    const { asked, served } = stage.sharedTask('alpha', 'beta', { promptUnits: 40, answerUnits: 90 })
    a.chain.seal([asked], now())
    b.chain.seal([served], now())
    await stage.pass(looksMs)
    // 40 units at 0.05 and 90 at 0.08.
    expect(points()).toEqual([9, 9, 9])
  })

  test("of an earlier program, which counts what scouts of other hubs did as its own, are nobody's", async () => {
    const { stage, a, now } = await network()
    a.chain.seal([stage.ownTask({ scout: 'hub:beta/beta' })], now())
    await stage.pass(looksMs)
    expect(stage.hub('gamma').sums()).toEqual([])
    expect(ledgerOf(stage.hub('gamma'), 'alpha')).toMatchObject({ state: 'counted', batch: 1 })
  })
})

describe('a hub that was away', () => {
  test('counts what was told meanwhile, and goes on from its file after a start', async () => {
    const { stage, a, b, c, now, points } = await network()
    c.log.cut(true)
    a.chain.seal([stage.ownTask()], now())
    const { asked, served } = stage.sharedTask('alpha', 'beta')
    b.chain.seal([served], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([worth, worth, 0])
    c.log.cut(false)
    await stage.pass(looksMs)
    expect(points()).toEqual([worth, worth, worth])
    const again = c.restart()
    const asks = stage.logs.of(`${prefix}.ledger.*`).length
    stage.logs.stored = []
    await stage.pass(looksMs)
    expect(asks).toBeGreaterThan(0)
    expect(again.pointsOf(ant)).toBe(worth)
    expect(again.sharing.counted.open).toEqual({ halves: 1, lost: 0 })
    a.chain.seal([asked], now())
    await stage.pass(looksMs)
    expect(again.pointsOf(ant)).toBe(2 * worth)
  })

  test('counts from the first batch on that the log still has, and says which', async () => {
    const { stage, a, c, now } = await network()
    c.die()
    for (const pack of [1, 2]) {
      for (let batches = 0; batches < 2; batches++) a.chain.seal([stage.ownTask({ attempt: pack })], now())
      await stage.pass(looksMs)
    }
    // Rules, and two packs of two batches.
    stage.logs.stored = stage.logs.stored.filter(({ seq }) => seq === 1 || seq > 2)
    const again = c.restart()
    await stage.pass(looksMs)
    expect(ledgerOf(again, 'alpha')).toMatchObject({ state: 'counted', batch: 4, from: 3 })
    expect(again.pointsOf(ant)).toBe(2 * worth)
  })

  test('counts all anew when its own chain came back from a copy', async () => {
    const { stage, a, b, now } = await network()
    a.chain.seal([stage.ownTask()], now())
    const { asked, served } = stage.sharedTask('alpha', 'beta')
    b.chain.seal([served], now())
    const before = a.chain.end
    a.chain.seal([asked], now())
    await stage.pass(looksMs)
    a.sharing.stop()
    a.die()
    a.chain.batches.pop()
    a.chain.end = before
    const again = a.restart()
    await stage.pass(looksMs)
    expect(again.pointsOf(ant)).toBe(worth)
  })
})

describe('nobody counts', () => {
  test('a batch that a stranger has made, changed or shown again', async () => {
    const { stage, a, b, now, tell, put, points } = await network()
    const batch = a.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    const subject = `${prefix}.ledger.alpha`
    const told = stage.logs.of(subject).map(({ message }) => message)
    for (const message of told) {
      put(subject, message)
      put(subject, message.with(message.length - 3, message[message.length - 3]! ^ 1))
      put(`${prefix}.ledger.beta`, message)
    }
    put(subject, Uint8Array.from([1, 2, 3]))
    put(`${prefix}.ledger.delta`, told[0]!)
    // An authority that speaks for another one.
    tell(b, a.chain.sealed(a.chain.end, [stage.ownTask()], now()), a)
    await stage.pass(looksMs)
    expect(points()).toEqual([worth, worth, worth])
    a.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([2 * worth, 2 * worth, 2 * worth])
    for (const name of names) expect(ledgerOf(stage.hub('gamma'), name).why).toBeNull()
    expect(batch.seq).toBe(1)
  })

  type Forge = (of: {
    stage: LedgerNetworkStage
    b: LedgerHub
    now: () => number
  }) => Pick<Batch, 'head' | 'signature' | 'leaves'>
  const resigned = (b: LedgerHub, batch: Batch, changes: object): Batch => {
    const head = packHead({ ...readHead(batch.head)!, ...changes })
    return { ...batch, head, signature: b.hub.identity.sign(head) }
  }
  const next = ({ stage, b, now }: Parameters<Forge>[0]) => b.chain.sealed(b.chain.end, [stage.ownTask()], now())
  test.each<[what: string, forge: Forge, why: string]>([
    [
      'two heads of one number',
      ({ stage, b, now }) => b.chain.sealed({ seq: 0, hash: new Uint8Array(32) }, [stage.ownTask()], now()),
      'it signed two heads of batch 1',
    ],
    [
      'a batch that does not follow',
      (of) => of.b.chain.sealed({ ...of.b.chain.end, hash: new Uint8Array(32) }, [of.stage.ownTask()], of.now()),
      'its batch 2 does not follow on the one before',
    ],
    [
      'a head that it did not sign',
      (of) => ({ ...next(of), signature: new Uint8Array(64) }),
      'its signature of batch 2 does not hold',
    ],
    ['no batch', () => ({ head: new Uint8Array(132), signature: new Uint8Array(64), leaves: [] }), 'without a head'],
    [
      'other leaves than those of its head',
      (of) => ({ ...next(of), leaves: next(of).leaves }),
      'leaves are not those of the head in batch 2',
    ],
    [
      'rules that it never told of',
      (of) => resigned(of.b, next(of), { rulesHash: new Uint8Array(32) }),
      'there are rules that it never told of, in batch 2',
    ],
    [
      'points that are not those of its work',
      (of) => of.b.chain.sealed(of.b.chain.end, [of.stage.ownTask({ points: worth + 1 })], of.now()),
      'the points of task 2 are not those of its work in batch 2',
    ],
    [
      'points that come from nowhere',
      ({ stage, b, now }) => {
        const from = 'escrow\t20000\tkey_ant/ant\tm'
        const to = `earned\t${stage.season}\t${ant}`
        return b.chain.sealed(b.chain.end, [{ type: 'transfer', why: 'vest', from, to, points: 7 }], now())
      },
      'more points move than there are in batch 2',
    ],
    [
      'a reason that every object has by name',
      ({ stage, b, now }) => {
        const accounts = { from: 'mint', to: `earned\t${stage.season}\t${ant}` }
        const event = { type: 'transfer', why: 'constructor' as TransferReason, ...accounts, points: 7 } as const
        return b.chain.sealed(b.chain.end, [event], now())
      },
      'an event is none in batch 2',
    ],
    [
      'a season that goes back',
      ({ stage, b, now }) => b.chain.sealed(b.chain.end, [{ type: 'season', season: stage.season, to: 'paid' }], now()),
      'a season moves where it cannot in batch 2',
    ],
    [
      'a time beyond all times',
      (of) => of.b.chain.sealed(of.b.chain.end, [of.stage.ownTask({ atS: 2 ** 50 })], of.now()),
      'a receipt is none in batch 2',
    ],
  ])('a hub any further that told of %s, and all say why', async (_, forge, why) => {
    const { stage, a, b, c, now, tell, points } = await network()
    b.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    tell(b, forge({ stage, b, now }))
    await stage.pass(looksMs)
    b.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    for (const hub of [a, c]) {
      expect(ledgerOf(hub, 'beta')).toMatchObject({ state: 'flawed', batch: 1 })
      expect(ledgerOf(hub, 'beta').why).toContain(why)
      expect(hub.warnings).toHaveLength(1)
    }
    expect(points()).toEqual([worth, 2 * worth, worth])
  })

  test('what is said of tasks that no hub has asked for, or of another one than it was, or a day later', async () => {
    const { stage, a, b, now, points } = await network()
    const { asked, served } = stage.sharedTask('alpha', 'beta')
    const late = stage.sharedTask('alpha', 'beta')
    b.chain.seal([served, stage.ownTask({ asker: 'alpha/99/1' }), stage.ownTask({ asker: 'gamma/1/1' })], now())
    b.chain.seal([stage.ownTask({ asker: 'nobody' }), stage.ownTask({ asker: 'beta/7/1' }), late.served], now())
    // Alpha acknowledges what gamma would have done, and another attempt.
    a.chain.seal([{ ...asked, home: 'gamma' }], now())
    a.chain.seal([{ ...asked, attempt: 2 }], now())
    await stage.pass(2 * looksMs)
    a.chain.seal([late.asked], now() + bothSidesMs + 60_000)
    await stage.pass(2 * looksMs)
    expect(points()).toEqual([0, 0, 0])
    expect(a.sharing.operator(ant, stage.season)).toMatchObject({ unacknowledged: 6 * worth })
    // What can have no other half any more is not kept.
    expect(stage.hub('gamma').sharing.counted.open.halves).toBeLessThan(8)
  })

  test('a hub that was removed from the roster, until it is taken in again', async () => {
    const { stage, a, b, c, now, points } = await network()
    const { asked, served } = stage.sharedTask('gamma', 'beta')
    c.chain.seal([stage.ownTask(), asked], now())
    b.chain.seal([served], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([2 * worth, 2 * worth, 2 * worth])
    const full = stage.chain
    const without = good(full.extended(signedByAll(good(removing(full, 'gamma')), [a.hub, b.hub]).next))
    stage.follow(without)
    c.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    expect(points().slice(0, 2)).toEqual([0, 0])
    expect(ledgerOf(a, 'gamma')).toMatchObject({ state: 'removed', why: 'it was removed from the roster' })
    const entry = { name: 'gamma', key: c.hub.identity.key, url: c.hub.url }
    stage.follow(good(without.extended(signedByAll(good(adding(without, entry)), [a.hub, b.hub]).next)))
    await stage.pass(looksMs)
    expect(points()).toEqual([3 * worth, 3 * worth, 3 * worth])
  })
})
