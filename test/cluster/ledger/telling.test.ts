/** What a hub tells the others of its ledger, how it travels, and what is counted of it where a process ends. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { rulesEveryMs } from '../../../shared/limits/cluster/ledger.ts'
import { type LedgerHub, type LedgerNetworkStage, prefix } from '../../support/cluster/ledger-network.ts'
import { ant, ledgerOf, looksMs, network, worth } from '../../support/cluster/three-ledgers.ts'

describe('what is told', () => {
  const told = (stage: LedgerNetworkStage) => stage.logs.of(`${prefix}.ledger.alpha`).length

  /** A hub that was away, whose next process ends when it has counted so many batches, as the one behind that is. */
  async function endedBehind(batch: number, stage: LedgerNetworkStage, of: LedgerHub, hub: LedgerHub) {
    const again = hub.restart()
    for (let steps = 0; again.sharing.counted.standingOf(of.chain.of.identity.key)?.end !== batch; steps++) {
      expect(steps).toBeLessThan(1_000)
      stage.system.pass(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const last = again.restart()
    await stage.pass(looksMs)
    return last
  }

  test('travels in one message, where it fits, and not back to the hub that told of it', async () => {
    const { stage, a, b, now, points } = await network()
    a.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    const before = told(stage)
    for (let batches = 0; batches < 10; batches++) a.chain.seal([stage.ownTask()], now())
    const read = [a, b].map(({ log }) => vi.spyOn(log, 'next'))
    await stage.pass(looksMs)
    expect(told(stage) - before).toBe(1)
    const found = read.map(({ mock }) => Promise.all(mock.results.map(({ value }) => value)))
    const [byAlpha, byBeta] = await Promise.all(found)
    expect(byAlpha!.filter((next) => next !== null)).toEqual([])
    expect(byBeta!.filter((next) => next !== null)).toHaveLength(1)
    expect(points()).toEqual([11 * worth, 11 * worth, 11 * worth])
  })

  test('is counted in part by nobody whose process ends meanwhile', async () => {
    const { stage, a, c, now } = await network()
    c.die()
    for (let batches = 0; batches < 10; batches++) a.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    const last = await endedBehind(4, stage, a, c)
    expect(last.pointsOf(ant)).toBe(10 * worth)
  })

  test('nor is what has travelled in several messages', async () => {
    const { stage, a, c, now } = await network()
    c.die()
    // Little of it deflates.
    const hashes = () => ({ requestHash: randomBytes(32), answerHash: randomBytes(32), ownerTag: randomBytes(16) })
    const random = () => ({ ...hashes(), tenantTag: randomBytes(16), provider: randomBytes(24).toString('base64') })
    const receipts = () => Array.from({ length: 500 }, () => stage.ownTask(random()))
    const before = told(stage)
    for (let batches = 0; batches < 4; batches++) a.chain.seal(receipts(), now())
    await stage.pass(looksMs)
    // The rules, and parts.
    expect(told(stage) - before).toBeGreaterThan(2)
    const last = await endedBehind(2, stage, a, c)
    expect(last.pointsOf(ant)).toBe(2_000 * worth)
  })

  test('of rules is told again, for hubs that come when the stream has them no more', async () => {
    const { stage, a, c, now } = await network()
    c.die()
    a.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    a.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    // The rules, and the first batch.
    stage.logs.stored = stage.logs.stored.filter(({ seq }) => seq > 2)
    const again = c.restart()
    await stage.pass(looksMs)
    expect(ledgerOf(again, 'alpha')).toMatchObject({ state: 'unheard', why: null })
    await stage.passAtOnce(rulesEveryMs)
    a.chain.seal([stage.ownTask()], now())
    await stage.pass(looksMs)
    expect(ledgerOf(again, 'alpha')).toMatchObject({ state: 'counted', batch: 3, from: 3, why: null })
    expect(again.pointsOf(ant)).toBe(worth)
  })

  test('of the key of a scout moves nothing, and does no harm', async () => {
    const { stage, a, now, points } = await network()
    const key = `ed25519:${Buffer.alloc(32, 1).toString('base64url')}`
    a.chain.seal([{ type: 'pin', scout: 'key_ant/ant', key }, stage.ownTask()], now())
    a.chain.seal([{ type: 'pin', scout: 'key_ant/ant', key: null }, stage.ownTask()], now())
    await stage.pass(looksMs)
    expect(points()).toEqual([2 * worth, 2 * worth, 2 * worth])
    expect(ledgerOf(stage.hub('gamma'), 'alpha')).toMatchObject({ state: 'counted', batch: 2, why: null })
  })
})
