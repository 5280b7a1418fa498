/** How often a hub asks the log for keys of others. */
import { expect, test } from 'vitest'
import { keysLookMs, keysReadMs } from '../../../shared/limits/cluster/keys.ts'
import { type KeyHub, KeyNetworkStage } from '../../support/cluster/key-network.ts'

/** A hub that has nothing to say, with how often it asked. */
async function quiet() {
  const stage = new KeyNetworkStage(['alpha', 'beta'])
  const [a, b] = stage.hubs as [KeyHub, KeyHub]
  await stage.pass(2 * keysReadMs)
  const asked = { count: 0 }
  const last = b.log.last.bind(b.log)
  b.log.last = (subject) => {
    asked.count++
    return last(subject)
  }
  return { stage, a, b, asked }
}

test('a hub that hears of nothing asks once a second, and knows new keys within that and a look', async () => {
  const { stage, a, b, asked } = await quiet()
  await stage.pass(10 * keysReadMs)
  expect(asked.count).toBeGreaterThan(8)
  expect(asked.count).toBeLessThan(12)
  const { key } = a.keyring.issue('client', 'app')
  await stage.pass(keysReadMs + keysLookMs + 100)
  expect(b.keyring.verify(key).ok).toBe(true)
})

test('a hub that hears of something asks with its next look, and no noise makes it ask more often', async () => {
  const { stage, b, asked } = await quiet()
  for (let heard = 0; heard < 100; heard++) {
    for (let times = 0; times < 100; times++) b.sharing.heard()
    await stage.pass(50)
  }
  expect(asked.count).toBeGreaterThan(8)
  expect(asked.count).toBeLessThanOrEqual(Math.ceil((100 * 100) / keysLookMs) + 1)
})
