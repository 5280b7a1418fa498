/** How long a first token is waited for: generously, by what is known of the model, and anew with signs of life. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { localService } from '../../../scout/providers/dialects.ts'
import { canonicalNames } from '../../../scout/providers/models/model-names.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import {
  providerFirstTokenMs,
  providerSilenceMs,
  providerWarmFirstTokenMs,
  providerWarmMs,
} from '../../../shared/limits/provider.ts'
import { firstSignMsPerKiB } from '../../../shared/limits/scheduling.ts'
import { type HeldSystem, heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { chunk, events, type OpenAiStandIn, startOpenAiStandIn } from '../../support/providers/openai-stand-in.ts'
import { ask, failure } from '../../support/providers/provider-calls.ts'

let standIn: OpenAiStandIn
beforeAll(() => {
  standIn = startOpenAiStandIn()
})
afterAll(() => standIn.stop())

const hello = { messages: [{ role: 'user', content: 'Hello' }] }

interface CountedSystem extends HeldSystem {
  /** How often a wait was begun. */
  waits(): number
}

function countedSystem(): CountedSystem {
  const held = heldSystem()
  let waits = 0
  const after: HeldSystem['after'] = (delayMs, callback) => {
    waits++
    return held.after(delayMs, callback)
  }
  return { ...held, after, waits: () => waits }
}

function stage(firstTokenMs?: number) {
  const system = countedSystem()
  const provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], system, canonicalNames, firstTokenMs)
  return { system, asked: (body = hello, model = 'm') => ask(provider, body, { stream: true, model }) }
}

/** Answers after `silentMs` with what `before` sends first. */
function answers(system: CountedSystem, silentMs: number, before: readonly string[] = []): void {
  standIn.script(() =>
    events(async (send) => {
      for (const text of before) {
        const before = system.waits()
        await send(text)
        await until('it to be waited for anew', () => system.waits() > before)
        system.advance(silentMs)
      }
      if (before.length === 0) system.advance(silentMs)
      await send(`${chunk({ content: 'at last' }, 'stop')}data: [DONE]\n\n`)
    }),
  )
}

/** The longest wait that was allowed while the service said nothing, read when it was asked. */
async function patienceOf(system: HeldSystem, work: () => Promise<unknown>): Promise<number> {
  const reached = Promise.withResolvers<number>()
  standIn.script(() => {
    reached.resolve(Math.max(...system.delays()))
    return Response.json({ error: { message: 'no', code: 500 } }, { status: 500 })
  })
  await failure(work())
  return reached.promise
}

describe('a first token', () => {
  test('is waited for ten minutes: a cold model is loaded, a reasoner thinks', async () => {
    const { system, asked } = stage()
    answers(system, providerFirstTokenMs - 1)
    expect((await asked()).lines).toHaveLength(1)
  })

  test('is waited for as long as the operator says', async () => {
    for (const mostMs of [30_000, 3_600_000]) {
      const { system, asked } = stage(mostMs)
      const waited = await patienceOf(system, asked)
      expect(waited).toBeGreaterThanOrEqual(mostMs)
      expect(waited).toBeLessThan(mostMs + 1_000)
    }
  })

  test.each([
    ['comments', ': processing\n\n'],
    ['a delta that names its role alone', chunk({ role: 'assistant', content: '' })],
  ])('is waited for anew with each sign of life: %s', async (_what, sign) => {
    const { system, asked } = stage()
    answers(system, providerFirstTokenMs - 1, [sign, sign, sign])
    expect((await asked()).lines.at(-1)!.choices[0].delta.content).toBe('at last')
  })

  test('of a model that has just answered is waited for less, by its own time and the size of the prompt', async () => {
    const { system, asked } = stage()
    answers(system, 1_000)
    await asked()
    const waited = await patienceOf(system, asked)
    expect(waited).toBeGreaterThanOrEqual(providerWarmFirstTokenMs)
    expect(waited).toBeLessThan(providerWarmFirstTokenMs + 1_000)
    const long = { messages: [{ role: 'user', content: 'x'.repeat(1024 * 1024) }] }
    expect(await patienceOf(system, () => asked(long))).toBeGreaterThan(waited + 1_000 * firstSignMsPerKiB)
    answers(system, 30_000)
    await asked()
    expect(await patienceOf(system, asked)).toBeGreaterThanOrEqual(10 * 30_000)
    // Another one may not be loaded.
    expect(await patienceOf(system, () => asked(hello, 'other'))).toBeGreaterThanOrEqual(providerFirstTokenMs)
  })

  test('of a model that has not answered for minutes, or was given up, has all the time again', async () => {
    const { system, asked } = stage()
    answers(system, 1_000)
    await asked()
    system.advance(providerWarmMs + 1)
    expect(await patienceOf(system, asked)).toBeGreaterThanOrEqual(providerFirstTokenMs)
    answers(system, 1_000)
    await asked()
    answers(system, providerWarmFirstTokenMs + 1_000)
    expect(await failure(asked())).toMatchObject({ code: 'provider_timeout' })
    expect(await patienceOf(system, asked)).toBeGreaterThanOrEqual(providerFirstTokenMs)
  })
})

test('after its first content a comment is a sign of life, too', async () => {
  const { system, asked } = stage()
  const comments = Array.from({ length: 4 }, () => ': thinking\n\n')
  answers(system, providerSilenceMs - 1, [chunk({ content: 'so' }), ...comments])
  expect((await asked()).lines.at(-1)!.choices[0].delta.content).toBe('at last')
})
