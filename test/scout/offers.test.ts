import { describe, expect, test } from 'vitest'
import { Catalog } from '../../scout/offers/catalog.ts'
import { Pauses } from '../../scout/offers/pauses.ts'
import { settlementOf } from '../../scout/tasks/settlement.ts'
import { fault } from '../../shared/faults.ts'
import { pauseMinMs } from '../../shared/limits/scheduling.ts'
import { bodyBytesMax, offersBytesMax, offersMax } from '../../shared/limits/wire.ts'
import { offerBytes } from '../../shared/protocol/offers.ts'
import { type Offer, offerOf } from '../../shared/task.ts'
import { ScriptedProvider } from '../support/providers/scripted-provider.ts'
import { ScoutStage } from '../support/scout/scout-stage.ts'

const named = (model: string): Offer => offerOf({ kind: 'chat', model, provider: 'big' })

/** What a scout announces when its provider returns these offers, and its warnings. */
async function announced(offers: Offer[]): Promise<{ models: string[]; warnings: string[] }> {
  const provider = new ScriptedProvider('big', [])
  provider.discover = async () => offers
  const stage = new ScoutStage(undefined, undefined, [provider])
  stage.provider.models = []
  try {
    await stage.start()
    const hello = await (await stage.connected()).heard('hello')
    const warnings = stage.log.filter(({ level }) => level === 'warn').map(({ message }) => message)
    return { models: hello.offers.map(([, model]) => model), warnings }
  } finally {
    await stage.close()
  }
}

describe('what a provider returns', () => {
  test('is announced as far as one frame carries it', async () => {
    const names = Array.from({ length: offersMax }, (_, i) => `${i} ${'\u20ac'.repeat(120)}`)
    const { models, warnings } = await announced(names.map(named))
    expect(models).toEqual(names.slice(0, models.length))
    expect(offerBytes(models.map(named))).toBeLessThanOrEqual(offersBytesMax)
    expect(offerBytes([...models, ...names.slice(models.length).slice(0, 1)].map(named))).toBeGreaterThan(
      offersBytesMax,
    )
    expect(warnings).toEqual([`Only the first ${models.length} of 256 models are offered: name yours in MODEL`])
  })

  test('is announced without the offers that the hub would refuse', async () => {
    const bad = [
      { ...named('tokens'), contextTokens: 0.5 },
      { ...named('price'), promptPrice: -1 },
      { ...named('about'), about: 'two\nlines' },
      named(''),
      named('x'.repeat(129)),
    ]
    const { models, warnings } = await announced([named('good'), ...bad])
    expect(models).toEqual(['good'])
    expect(warnings).toEqual([expect.stringMatching(/^Left out 5 of the offers of big: /)])
  })

  test('is announced with how large a request the scout takes, unless that is what every scout takes', async () => {
    for (const requestBytesMax of [bodyBytesMax, 32 * 1_048_576]) {
      const stage = new ScoutStage(undefined, undefined, [], requestBytesMax)
      try {
        await stage.start()
        const session = await stage.connected()
        const ends = (await session.heard('hello')).offers.map((offer) => offer.slice(8))
        expect(ends).toEqual([requestBytesMax === bodyBytesMax ? [] : [requestBytesMax]])
        stage.provider.models = ['m', 'n']
        await stage.catalog.open()
        expect((await session.heard('offers')).offers.map((offer) => offer.slice(8))).toEqual([ends[0], ends[0]])
      } finally {
        await stage.close()
      }
    }
  })

  test('changes the revision when it changes, and only then', async () => {
    const provider = new ScriptedProvider('big', ['a'])
    const stage = new ScoutStage()
    const catalog = new Catalog(stage.system, stage.logger, [provider])
    await catalog.open()
    const first = catalog.revision
    await catalog.open()
    expect(catalog.revision).toBe(first)
    provider.models = ['b']
    await catalog.open()
    expect(catalog.revision).toBe(first + 1)
    catalog.close()
    await stage.hub.stop()
  })
})

test('a pause of no length is the shortest there is, and the hub is told just that: 0 would be no time named', () => {
  expect(new Pauses().begin('p', 'chat', 'm', 0, 1_000)).toBe(pauseMinMs)
  const cause = fault('provider_rate_limited', 'slow down', { retryAfterMs: 0 })
  expect(settlementOf('released', cause).retryAfterMs).toBe(pauseMinMs)
})
