/** What was asked of the log between hubs and takes effect after its answer was given up, or after its hub is gone. */
import { describe, expect, test } from 'vitest'
import type { EngineHub, EngineNetwork } from '../support/cluster/engine-network.ts'
import { accepted, finishAt, three, workers } from '../support/cluster/three-hubs.ts'

const lateMs = 2_000
/** Longer than until the intents of a hub that is gone are taken. */
const longMs = 11_500

/** What goes to these subjects from now on gets there late; what went before is there. */
async function delay(stage: EngineNetwork, part: string, byMs = lateMs): Promise<void> {
  await stage.pass(500)
  stage.logs.lateMs = (subject) => (subject.includes(part) ? byMs : 0)
}

async function cancelled(stage: EngineNetwork, { bench }: EngineHub, id: string): Promise<void> {
  void bench.engine.intents.cancel(id, null)
  await stage.until('its end', () => bench.engine.intents.intent(id, null)?.state === 'cancelled')
}

async function goingOn(stage: EngineNetwork, { bench, hub }: EngineHub, id: string): Promise<void> {
  void bench.engine.intents.retry(id, 'answer', null)
  await stage.until('it to go on', () => workers(stage, id).includes(hub.name))
}

describe('an intent of a network', () => {
  test.each([
    ['its own hub', lateMs],
    ['another hub', longMs],
  ])('goes on at %s, though a record of the process that ended was still on its way', async (which, byMs) => {
    const { stage, a } = await three()
    const id = await accepted(stage, a)
    await delay(stage, '.intent.', byMs)
    a.bench.join(['m'], 1)
    await stage.pass(100)
    a.die()
    // It is there before the record of whoever takes the intent, and after that has read what there is.
    expect(stage.logs.late).toBe(1)
    const taker = which === 'its own hub' ? a.restart() : stage.hub('beta')
    await stage.until('the taker to have it', () => workers(stage, id).includes(taker.hub.name), 60_000)
    stage.logs.lateMs = () => 0
    await finishAt(stage, taker)
    await stage.until('its end', () => taker.bench.engine.intents.intent(id, null)?.state === 'done')
  })

  test('that comes into its journal after another hub has looked for it is written on there by that one', async () => {
    const { stage, a, b, c } = await three()
    await delay(stage, '.intent.', longMs + lateMs)
    void a.bench.accept({ answer: [] })
    await stage.pass(500)
    a.die()
    expect(stage.logs.late).toBe(1)
    stage.logs.lateMs = () => 0
    const had = () => [...b.bench.engine.core.state.intents.keys()]
    await stage.until('beta to have it', () => had().length > 0)
    const id = had()[0]!
    await finishAt(stage, b)
    await stage.until('its end', () => b.bench.engine.intents.intent(id, null)?.state === 'done')
    let isThere = false
    void Promise.resolve(c.bench.engine.intents.bring(id)).then(() => {
      isThere = true
    })
    await stage.until('gamma to have it at hand', () => isThere)
    expect(c.bench.engine.intents.intent(id, null)?.state).toBe('done')
  })

  test('that ended and goes on is found by others, though the end of its mark takes effect late', async () => {
    const { stage, a } = await three()
    const id = await accepted(stage, a)
    await delay(stage, '.open.alpha.')
    await cancelled(stage, a, id)
    stage.logs.lateMs = () => 0
    await goingOn(stage, a, id)
    await stage.pass(2 * lateMs)
    a.die()
    await stage.until('beta to have it', () => workers(stage, id).includes('beta'), 30_000)
  })

  test('that ended and goes on keeps its journal when ended ones are erased', async () => {
    const { stage, a } = await three()
    const ids = [await accepted(stage, a), await accepted(stage, a)]
    for (const id of ids) await cancelled(stage, a, id)
    const [open, over] = ids as [string, string]
    await goingOn(stage, a, open)
    stage.logs.filled = 0.6
    const has = (id: string) => stage.logs.stored.some(({ subject }) => subject.endsWith(`.intent.${id}`))
    await stage.until('what is over to be erased', () => !has(over))
    expect(has(open)).toBe(true)
    await finishAt(stage, a)
    await stage.until('its end', () => a.bench.engine.intents.intent(open, null)?.state === 'done')
  })

  test('that goes on while its journal is erased goes on without one', async () => {
    const { stage, a } = await three()
    const id = await accepted(stage, a)
    await cancelled(stage, a, id)
    await delay(stage, '.intent.')
    stage.logs.filled = 0.6
    await stage.until('it to be on the way out', () => stage.logs.late > 0)
    await goingOn(stage, a, id)
    await finishAt(stage, a)
    await stage.until('its end', () => a.bench.engine.intents.intent(id, null)?.state === 'done')
  })
})
