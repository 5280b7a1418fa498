import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../shared/faults.ts'
import { type EngineHub, EngineNetwork } from '../../support/cluster/engine-network.ts'

const names = ['alpha', 'beta', 'gamma']

async function three() {
  const stage = new EngineNetwork(names)
  await stage.until('all to be here', () => names.every((name) => stage.hub(name).network.counts().here === 2))
  const [a, b, c] = names.map((name) => stage.hub(name)) as [EngineHub, EngineHub, EngineHub]
  let id = ''
  void a.bench.accepted({ answer: [] }).then((given) => {
    id = given
  })
  await stage.until('the intent to be accepted', () => id !== '')
  return { stage, a, b, c, id }
}

/** What came of something that another hub is asked for, once the intent was looked at there. */
async function outcomeOf(
  stage: EngineNetwork,
  { bench }: EngineHub,
  id: string,
  what: (intents: EngineHub['bench']['engine']['intents']) => Promise<Fault | null>,
): Promise<Fault | null> {
  let outcome: Fault | null | undefined
  const { intents } = bench.engine
  void Promise.resolve(intents.bring(id))
    .then(() => what(intents))
    .then((came) => {
      outcome = came
    })
  await stage.until('an outcome', () => outcome !== undefined)
  return outcome!
}

const stateAt = ({ bench }: EngineHub, id: string) => bench.engine.intents.intent(id, null)?.state

describe('an intent of another hub', () => {
  test('is cancelled at whichever hub is asked, and shown so there at once', async () => {
    const { stage, a, c, id } = await three()
    a.bench.join(['m'], 1)
    await stage.until('the lease', () => a.bench.sent.some(({ frame }) => frame.type === 'task'))
    expect(await outcomeOf(stage, c, id, (intents) => intents.cancel(id, 'key_a'))).toBeNull()
    expect([stateAt(a, id), stateAt(c, id)]).toEqual(['cancelled', 'cancelled'])
    await stage.until('its scout to be told', () => a.bench.sent.some(({ frame }) => frame.type === 'cancel'))
  })

  test('is tried again at whichever hub is asked', async () => {
    const { stage, a, b, c, id } = await three()
    expect(await outcomeOf(stage, c, id, (intents) => intents.cancel(id, 'key_a'))).toBeNull()
    expect(await outcomeOf(stage, b, id, (intents) => intents.retry(id, 'answer', 'key_a'))).toBeNull()
    expect([stateAt(a, id), stateAt(b, id)]).toEqual(['running', 'running'])
    expect(await outcomeOf(stage, b, id, (intents) => intents.retry(id, 'answer', 'key_a'))).toMatchObject({
      code: 'invalid_request',
    })
  })

  test('is not there for another tenant, and says who has it when that hub is gone', async () => {
    const { stage, a, c, id } = await three()
    expect(await outcomeOf(stage, c, id, (intents) => intents.cancel(id, 'key_b'))).toMatchObject({ code: 'not_found' })
    expect(stateAt(a, id)).toBe('running')
    a.die()
    await stage.pass(8_000)
    expect(await outcomeOf(stage, c, id, (intents) => intents.cancel(id, 'key_a'))).toMatchObject({
      ...{ code: 'store_unavailable', retryAfterMs: 5_000, message: expect.stringContaining('alpha') },
    })
    await stage.until('another hub to have it', () => stage.hub('beta').bench.engine.core.state.intents.has(id))
    expect(await outcomeOf(stage, c, id, (intents) => intents.cancel(id, 'key_a'))).toBeNull()
    expect(stateAt(stage.hub('beta'), id)).toBe('cancelled')
  })

  test('stays as it is when a wish is said again, by whomever', async () => {
    const { stage, a, c, id } = await three()
    await outcomeOf(stage, c, id, (intents) => intents.cancel(id, 'key_a'))
    await outcomeOf(stage, c, id, (intents) => intents.retry(id, 'answer', 'key_a'))
    expect(stateAt(a, id)).toBe('running')
    const wishes = stage.buses.record.filter(({ subject }) => subject.includes('.wish.'))
    expect(wishes).toHaveLength(2)
    for (const { subject, message } of wishes) stage.buses.carry(null, subject, message)
    const forged = Buffer.from(wishes[0]!.message)
    forged[forged.length - 3]! ^= 1
    stage.buses.carry(null, wishes[0]!.subject, forged)
    await stage.pass(2_000)
    expect(stateAt(a, id)).toBe('running')
    expect(a.network.counts().dropped).toMatchObject({ replayed: 3 })
  })

  test('is asked for in vain when the answer is lost, and the client is told so', async () => {
    const { stage, a, c, id } = await three()
    let outcome: Fault | null | undefined
    void Promise.resolve(c.bench.engine.intents.bring(id))
      .then(() => {
        stage.buses.trouble = { ...stage.buses.trouble, lost: 1 }
        return c.bench.engine.intents.cancel(id, 'key_a')
      })
      .then((came) => {
        outcome = came
      })
    await stage.until('an outcome', () => outcome !== undefined)
    expect(outcome).toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('did not answer') })
    expect(stateAt(a, id)).toBe('running')
  })
})
