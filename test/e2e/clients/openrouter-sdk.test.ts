/** OpenRouter's SDK, pointed at a hub: it reads the list of models strictly, and asks for whom it prefers. */
import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientStage, openClientStage, seenModel } from '../../support/hub/client-stage.ts'

/** As far as it is used here. Its own types bring those of a browser along, which differ from this runtime's. */
interface OpenRouter {
  models: { list(): Promise<AsyncIterable<{ result: { data: Model[] } }>> }
  chat: { send(asked: { chatRequest: object }): Promise<Whole & AsyncIterable<Chunk>> }
}
interface Model {
  id: string
  contextLength: number | null
  architecture: { outputModalities: string[] }
}
interface Whole {
  model: string
  choices: { finishReason: string; message: { content: string } }[]
}
interface Chunk {
  choices: { delta: { content?: string | null } }[]
}
const { OpenRouter } = createRequire(import.meta.url)('@openrouter/sdk') as {
  OpenRouter: new (options: { apiKey: string; serverURL: string }) => OpenRouter
}

let stage: ClientStage
let openrouter: OpenRouter
beforeAll(async () => {
  stage = await openClientStage()
  openrouter = new OpenRouter({ apiKey: stage.hub.clientKey, serverURL: stage.hub.baseURL })
})
afterAll(() => stage.close())

const messages = [{ role: 'user', content: 'Tell me of the chasm' }]

test('models are listed with context, modalities, prices and parameters', async () => {
  const pages = await openrouter.models.list()
  const models: Model[] = []
  for await (const page of pages) models.push(...page.result.data)
  const ids = models.map(({ id }) => id)
  expect(ids).toEqual(expect.arrayContaining(['demo-small', seenModel, 'chasm/ensemble']))
  expect(new Set(ids).size).toBe(ids.length)
  expect(models.find(({ id }) => id === seenModel)).toMatchObject({
    ...{ contextLength: 8_192, pricing: { prompt: '-1', completion: '-1' } },
    architecture: { modality: 'text->text', inputModalities: ['text'], outputModalities: ['text'] },
    supportedParameters: expect.arrayContaining(['temperature', 'max_tokens']),
  })
  expect(models.find(({ id }) => id === 'demo-embed')!.architecture.outputModalities).toEqual(['embeddings'])
})

test('a chat is answered by the first of several models that can, whole and streamed', async () => {
  const asked = { models: ['gpt-17', seenModel], provider: { sort: 'price' }, messages }
  const whole = await openrouter.chat.send({ chatRequest: { ...asked, stream: false } })
  expect([whole.model, whole.choices[0]!.finishReason]).toEqual([seenModel, 'stop'])
  const streamed = await openrouter.chat.send({ chatRequest: { ...asked, stream: true } })
  let text = ''
  for await (const { choices } of streamed) text += choices[0]?.delta.content ?? ''
  expect(text).toBe(whole.choices[0]!.message.content)
})
