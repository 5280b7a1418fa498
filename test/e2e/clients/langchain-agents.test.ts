/** LangChain's agents over chat completions: they reason in a loop of calls and answers until they are done. */
import { ChatOpenAI } from '@langchain/openai'
import { createAgent, tool } from 'langchain'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ClientStage, openClientStage, seenModel } from '../../support/hub/client-stage.ts'

let stage: ClientStage
beforeAll(async () => {
  stage = await openClientStage()
})
afterAll(() => stage.close())

const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })
const messages = [{ role: 'user' as const, content: 'Will it rain in the chasm?' }]

function agentOf(model: string, called: unknown[]) {
  const weather = tool(
    (wanted: z.infer<typeof Weather>) => {
      called.push(Weather.parse(wanted))
      return `mist over ${wanted.city}`
    },
    { name: 'weather', description: 'The weather to come', schema: Weather },
  )
  const configuration = { baseURL: stage.hub.baseURL }
  const chat = new ChatOpenAI({
    model,
    apiKey: stage.hub.clientKey,
    maxRetries: 0,
    useResponsesApi: false,
    configuration,
  })
  return createAgent({ model: chat, tools: [weather], systemPrompt: 'You know the weather.' })
}

describe.each(['demo-small', seenModel])('an agent at %s', (model) => {
  test('calls its tool once and answers with what it said', async () => {
    const called: unknown[] = []
    const { messages: talk } = await agentOf(model, called).invoke({ messages })
    expect(called).toHaveLength(1)
    expect(talk.map((message) => message.getType())).toEqual(['human', 'ai', 'tool', 'ai'])
    expect(talk.at(-1)!.text).toContain('The tool answered: "mist over')
  })

  test('streams its steps and its words', async () => {
    const called: unknown[] = []
    let words = ''
    const tools: string[] = []
    const stream = await agentOf(model, called).stream({ messages }, { streamMode: 'messages' })
    for await (const [message] of stream) {
      if (message.getType() === 'tool') tools.push(message.text)
      else words += message.text
    }
    expect([called.length, tools.length]).toEqual([1, 1])
    expect(words).toContain('The tool answered: "mist over')
  })
})
