/**
 * Answers of durable tasks are audited like those of chats: a scout with one text for everybody is found by intents
 * alone.
 */
import { expect, test } from 'vitest'
import { recordOf, type Site, site } from './conviction-stage.ts'

let asked = 0

/** One intent of one of the clients, until it is over. */
async function intend({ live, keys }: Site, fields: (number: number) => object): Promise<void> {
  const number = asked++
  const headers = { authorization: `Bearer ${keys[number % keys.length]}` }
  const made = await live.post('/v1/intents', fields(number), { headers })
  expect(made.status).toBe(202)
  const { id } = (await made.json()) as { id: string }
  // The stream of its events ends with it.
  await (await fetch(`${live.url}/v1/intents/${id}/events`, { headers })).text()
  expect(await (await fetch(`${live.url}/v1/intents/${id}`, { headers })).json()).toMatchObject({ state: 'done' })
}

const question = (number: number) => ({
  model: 'm',
  input: `What do you think of number ${number} and its many friends?`,
})

test('a scout is checked, and convicted, by what intents asked of it', async () => {
  const of = await site('enforce')
  for (let times = 0; recordOf(of, 'cheat')?.state !== 'convicted'; times++) {
    expect(times).toBeLessThan(400)
    await intend(of, question)
  }
  for (const name of ['ant', 'bee', 'cow', 'noisy']) expect(recordOf(of, name)?.state).not.toBe('convicted')
})
