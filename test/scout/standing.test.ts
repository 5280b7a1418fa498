import { describe, expect, test } from 'vitest'
import { StandingKeeper } from '../../scout/status/standing.ts'
import { statusLines } from '../../scout/status/status.ts'
import { Tally } from '../../scout/tasks/tally.ts'
import { standingSayAgainMs, standingUrgentMs } from '../../shared/limits/scout.ts'
import { pointsText, type Standing, standingSentences } from '../../shared/scouts/standing.ts'
import { ScoutStage } from '../support/scout/scout-stage.ts'

const none: Standing = {
  considered: 0,
  won: 0,
  lostLatency: 0,
  lostPrice: 0,
  lostCapacity: 0,
  lostTrust: 0,
  done: 0,
  failed: 0,
  failurePermille: 0,
  window: 4,
  paused: [],
}
const slow: Standing = { ...none, considered: 40, won: 6, lostLatency: 30, lostCapacity: 4, done: 6 }

describe('a standing in words', () => {
  test('says how often the scout was considered, what it got, and where the rest went', () => {
    const standing = { ...none, considered: 40, won: 12, lostLatency: 20, lostCapacity: 8, done: 12 }
    expect(standingSentences(standing)).toEqual([
      'In the last hour this scout was considered 40 times and got 12 tasks; 20 went to faster scouts ' +
        'and 8 went elsewhere because this scout was busy.',
    ])
  })

  test.each([
    ['lostLatency', 'A faster provider or a smaller model would get more.'],
    ['lostPrice', 'A cheaper model or provider would get more.'],
    ['lostCapacity', 'A larger SCOUT_CONCURRENCY would get more, if the provider bears it.'],
    ['lostTrust', 'Trust comes back with tasks that are done.'],
  ])('advises one that gets little because of %s', (name, advice) => {
    expect(standingSentences({ ...none, considered: 20, won: 1, [name]: 19 })).toContain(advice)
  })

  test('names failures and pauses, and calms one that nobody asks for', () => {
    expect(standingSentences(none)[0]).toMatch(/nobody asked for what this scout offers: it is in good order/)
    const bad = { ...slow, failed: 4, failurePermille: 400, window: 1 }
    const paused: Standing['paused'] = ['a', 'b', 'c', 'd', 'e'].map((model) => [model, 90_000])
    const words = standingSentences({ ...bad, paused }).join(' ')
    expect(words).toContain('Lately 40 % of its tasks failed (4 of 10 in the last hour)')
    expect(words).toContain('a is paused for 1 min because its provider limits the rate.')
    expect(words).toContain('2 more models are paused for the same reason.')
  })
})

describe('points in words', () => {
  const text = (untrusted?: number | null) => pointsText({ earned: 41_200, waiting: 3_100, untrusted })

  test('say what those wait for that are not earned yet, as far as the hub says', () => {
    expect(text(3_100)).toBe('41,200 this season, 3,100 waiting until you are trusted')
    expect(text(0)).toBe('41,200 this season, 3,100 waiting for some days to pass')
    expect(text(1_200)).toBe('41,200 this season, 3,100 waiting, 1,200 of them until you are trusted')
    for (const unknown of [null, undefined]) expect(text(unknown)).toBe('41,200 this season, 3,100 waiting')
    expect(pointsText({ earned: 7, waiting: 0, untrusted: 0 }, ' points')).toBe('7 points this season')
    expect(pointsText({})).toBeNull()
  })

  test('of a hub that audits nobody add no empty sentence', () => {
    expect(standingSentences({ ...none, trust: '' })).toHaveLength(1)
  })
})

describe('a standing is told to the operator', () => {
  test('when it first comes, and again only when its picture has changed', () => {
    const keeper = new StandingKeeper()
    expect(keeper.hear(slow, 0)).toMatch(/^In the last hour/)
    expect(keeper.hear({ ...slow, considered: 41, won: 7 }, standingSayAgainMs * 2)).toBeNull()
    expect(keeper.latest).toMatchObject({ considered: 41 })
    expect(keeper.hear({ ...slow, lostLatency: 1, lostPrice: 30 }, standingSayAgainMs * 2)).toMatch(/cheaper/)
    expect(keeper.hear(slow, standingSayAgainMs * 2 + 1)).toBeNull()
  })

  test('sooner when it is about failures or pauses, but never faster than a person reads', () => {
    const keeper = new StandingKeeper()
    keeper.hear(slow, 0)
    const failing = { ...slow, failurePermille: 300, failed: 3 }
    expect(keeper.hear(failing, standingUrgentMs)).toMatch(/Lately 30 %/)
    let lines = 0
    for (let n = 0; n < 1_000; n++)
      if (keeper.hear(n % 2 === 0 ? slow : failing, standingUrgentMs + n) !== null) lines++
    expect(lines).toBe(0)
  })

  test('by the scout that hears it, which also keeps it for its status', async () => {
    const stage = new ScoutStage()
    await stage.start()
    try {
      const session = await stage.hub.session()
      const points = { earned: 41_200, waiting: 3_100, unpaid: null, trust: '', untrusted: 3_100 }
      session.send({ type: 'standing', ...slow, ...points })
      session.send({ type: 'ping', ping: 1, acks: [] })
      await session.heard('pong')
      expect(stage.log.at(-1)).toMatchObject({ level: 'info', message: expect.stringContaining('considered 40 times') })
      expect(stage.scout.status()).toMatchObject({ phase: 'ready', standing: { ...slow, earned: 41_200 } })
      expect(statusLines(stage.scout.status()).join('\n')).toMatch(
        /^Points {6}41,200 this season, 3,100 waiting until you are trusted$/m,
      )
      expect(statusLines(stage.scout.status()).join('\n')).toMatch(/^Standing {4}In the last hour this scout/m)
    } finally {
      await stage.close()
    }
  })
})

describe('the tally', () => {
  const body = (json: unknown) => new TextEncoder().encode(JSON.stringify(json))

  test('counts outcomes, and the tokens of what was done', () => {
    const tally = new Tally()
    const usage = { prompt_tokens: 7, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 3 } }
    tally.count({ outcome: 'done', body: body({ choices: [], usage }) })
    tally.count({ outcome: 'done', body: body({ choices: [] }) })
    tally.count({ outcome: 'failed', body: body({ usage }) })
    expect(tally).toMatchObject({ outcomes: { done: 2, failed: 1 }, promptTokens: 7, answerTokens: 5 })
  })

  test('is not misled by an answer that speaks of usage', () => {
    const tally = new Tally()
    const content = '"usage":{"prompt_tokens":1000,"completion_tokens":1000}'
    tally.count({ outcome: 'done', body: body({ choices: [{ message: { content } }] }) })
    expect(tally).toMatchObject({ promptTokens: 0, answerTokens: 0 })
  })
})
