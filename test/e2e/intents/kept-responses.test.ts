/** Responses and the hub's end: what is kept is there in its next life, what was not to be kept is not. */
import { expect, test } from 'vitest'
import type { IntentClient } from '../../support/clients/intent-client.ts'
import { until } from '../../support/clocks/until.ts'
import { hubSite } from '../../support/machine/hub-site.ts'
import { heldService } from '../../support/providers/held-service.ts'
import { startOpenAiStandIn } from '../../support/providers/openai-stand-in.ts'
import type { Json } from '../../support/providers/provider-calls.ts'

const connectedAgain = /Connected as[\s\S]*Connected as/

async function json(answered: Promise<Response>): Promise<[status: number, body: Json]> {
  const response = await answered
  return [response.status, (await response.json()) as Json]
}

const intentOf = (response: string) => response.replace('resp_', 'int_')
const create = (client: IntentClient, body: object) => json(client.ask('POST', '/v1/responses', body))
const fetched = (client: IntentClient, id: string) => json(client.ask('GET', `/v1/responses/${id}`))

test.each(['SIGKILL', 'SIGTERM'] as const)('a kept response outlives a hub that gets %s', async (signal) => {
  const { hub, client, nextHub, addScout } = await hubSite()
  const standIn = startOpenAiStandIn({ models: ['m'] })
  try {
    const scout = await addScout('box', { PROVIDERS: 'vllm', VLLM_URL: standIn.baseURL })
    const asked = { model: 'm', input: 'My name is Ada.' }
    const [, waited] = await create(client, asked)
    const [, followUp] = await create(client, { model: 'm', input: 'And yours?', previous_response_id: waited.id })
    const [, begun] = await create(client, { model: 'm', input: 'In the background.', background: true })
    await client.done(intentOf(begun.id))
    const kept = [waited.id, followUp.id, begun.id] as string[]
    const before = await Promise.all(kept.map((id) => fetched(client, id)))
    expect(before.map(([status]) => status)).toEqual([200, 200, 200])
    hub.signal(signal)
    await hub.exited
    await nextHub()
    await scout.wrote(connectedAgain)

    expect(await Promise.all(kept.map((id) => fetched(client, id)))).toEqual(before)
    const asks = standIn.seen.length
    const [status, onward] = await create(client, { model: 'm', input: 'My name?', previous_response_id: followUp.id })
    expect([status, onward.status]).toEqual([200, 'completed'])
    const messages = standIn.seen[asks]!.body.messages as Json[]
    const [first, second] = [waited, followUp].map(({ output }) => output[0].content[0].text as string)
    expect(messages.map(({ content }) => content)).toEqual(['My name is Ada.', first, 'And yours?', second, 'My name?'])
    const [, page] = await json(client.ask('GET', `/v1/responses/${onward.id}/input_items?order=asc`))
    expect(page.data).toHaveLength(5)
    expect(await create(client, { ...asked, previous_response_id: begun.id })).toMatchObject([200, {}])
    expect((await json(client.ask('DELETE', `/v1/responses/${waited.id}`)))[1]).toMatchObject({ deleted: true })
    expect((await fetched(client, waited.id))[0]).toBe(404)
  } finally {
    await standIn.stop()
  }
})

test('an answer of a virtual model that was not to be kept is gone after a hub that died midway', async () => {
  const { hub, client, nextHub, addScout } = await hubSite()
  const service = heldService()
  await addScout('box', service.env)
  service.hold(8)
  const asked = { model: 'chasm/debate', input: 'Is it so?', store: false, stream: true }
  const left = await client.ask('POST', '/v1/responses', asked)
  expect(left.status).toBe(200)
  const intents = async () => (await json(client.ask('GET', '/v1/intents')))[1].data as Json[]
  await until('a scout to work on it', () => service.asked() > 0)
  const [intent] = await intents()
  expect(intent).toMatchObject({ state: 'running' })
  // Not even now is it there for anybody who asks for it.
  expect((await fetched(client, intent!.id.replace('int_', 'resp_')))[0]).toBe(404)
  hub.signal('SIGKILL')
  await hub.exited
  await expect(left.text()).rejects.toThrow()
  await nextHub()
  while ((await intents()).length > 0) await Bun.sleep(5)
  expect((await client.get(intent!.id)).error).toMatchObject({ code: 'not_found' })
  service.goOn()
})

test('models in turn outlive the hub, too: the next one answers where the first one failed', async () => {
  const { hub, client, nextHub, addScout } = await hubSite()
  const failing = startOpenAiStandIn({ models: ['first', 'second'] })
  try {
    const scout = await addScout('box', { PROVIDERS: 'vllm', VLLM_URL: failing.baseURL })
    const begun = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    failing.script(async () => {
      begun.resolve()
      await held.promise
      return Response.json(
        { error: { message: 'It is too long for me.', code: 'context_length_exceeded' } },
        { status: 400 },
      )
    })
    const asked = { model: 'first:floor', models: ['second'], input: 'Hi', background: true }
    const [status, accepted] = await create(client, asked)
    expect([status, accepted.status]).toEqual([200, 'queued'])
    await begun.promise
    hub.signal('SIGKILL')
    await hub.exited
    await nextHub()
    await scout.wrote(connectedAgain)
    held.resolve()
    await client.done(intentOf(accepted.id))
    const [, answer] = await fetched(client, accepted.id)
    expect(answer.model).toBe('second')
    expect(answer.output[0].content[0].text).toContain('Hi')
  } finally {
    await failing.stop()
  }
})
