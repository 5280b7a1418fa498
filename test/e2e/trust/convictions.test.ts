/**
 * A whole network that enforces trust: a scout that sends one text to everybody is convicted and gets nothing while
 * others offer the model; an honest one that words things freely is not.
 */
import { describe, expect, test } from 'vitest'
import { until } from '../../support/clocks/until.ts'
import { chat, chatUntil, recordOf, type Site, served, site } from './conviction-stage.ts'

describe('a scout with one text for everybody', () => {
  test('is convicted among honest ones, and gets nothing more; a noisy honest one is not', async () => {
    const of = await site('enforce')
    await chatUntil('the conviction', of, () => recordOf(of, 'cheat')?.state === 'convicted')
    // From which on what waited in its escrow is held.
    const { trust } = of.live.hub
    expect(trust!.convictedMs(of.ids.cheat!, 'm')).toBe(recordOf(of, 'cheat')!.convictedMs)
    expect(trust!.convictedMs(of.ids.ant!, 'm')).toBeNull()
    const served = new Set<string>()
    for (let times = 0; times < 40; times++) served.add(await chat(of))
    expect(served).not.toContain(of.ids.cheat)
    await chatUntil('checks of the noisy one', of, () => (recordOf(of, 'noisy')?.checks ?? 0) >= 5)
    for (const name of ['ant', 'bee', 'cow', 'noisy']) expect(recordOf(of, name)?.state).not.toBe('convicted')
  })

  test('still serves when it is the last one', async () => {
    const of = await site('enforce')
    await chatUntil('the conviction', of, () => recordOf(of, 'cheat')?.state === 'convicted')
    for (const name of ['ant', 'bee', 'cow', 'noisy']) of.live.hub.keyring.revoke(of.ids[name]!.split('/')[0]!)
    await until('the others to be gone', () => of.live.hub.engine.scouts().length === 1)
    expect(await served(of)).toMatchObject({ scout: of.ids.cheat, trust: 'failing' })
    const all = { operator: null, from: 0, to: 1e6, limit: 100 }
    const unpaid = () => of.live.hub.engine.ledger!.earnings(all).find(({ scout }) => scout === of.ids.cheat)?.convicted
    await until('a task that earned nothing', () => unpaid() === 1)
  })

  test('gets nothing of clients that ask for trusted scouts, before anybody doubts it', async () => {
    const of = await site('observe')
    for (let times = 0; times < 30; times++)
      expect(await served(of, { trusted: true })).toMatchObject({ trust: 'trusted' })
    expect(recordOf(of, 'cheat')?.checks ?? 0).toBeLessThan(30)
  })

  test('is only shown as one where nothing is enforced', async () => {
    const of = await site('observe')
    await chatUntil('the conviction', of, () => recordOf(of, 'cheat')?.state === 'convicted')
    await chatUntil('an answer of the cheat', of, () => mayServe(of))
  })
})

/** Whether the core still draws the cheat. */
function mayServe({ live, ids }: Site): boolean {
  const { marks } = live.hub.engine.core.state.index
  return marks.of(ids.cheat!, 'm')?.isConvicted === false
}
