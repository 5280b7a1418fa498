/**
 * The OpenAI Agents SDK as it comes, over the Responses API: tools, handoffs, streams and sessions, pointed at a hub.
 */
import { Agent, OpenAIProvider, Runner, tool } from '@openai/agents'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ClientStage, lastSeen, openClientStage, seenModel } from '../../../support/hub/client-stage.ts'
import { identity } from '../../../support/providers/openai-stand-in.ts'

let stage: ClientStage
let runner: Runner
beforeAll(async () => {
  stage = await openClientStage()
  const modelProvider = new OpenAIProvider({ baseURL: stage.hub.baseURL, apiKey: stage.hub.clientKey })
  runner = new Runner({ modelProvider, tracingDisabled: true })
})
afterAll(() => stage.close())

const prompt = 'Tell me of the chasm'
const Weather = z.strictObject({ city: z.string(), days: z.number().int() })

/** The stand-in's next answers: calls of these tools, then a text. */
function script(...answers: (string | [name: string, sent: object])[]): void {
  for (const [at, answer] of answers.entries()) {
    const isText = typeof answer === 'string'
    const named = isText ? null : { name: answer[0], arguments: JSON.stringify(answer[1]) }
    const calls = named && [{ id: `call_${at}`, type: 'function', function: named }]
    const message = { role: 'assistant', content: isText ? answer : null, ...(calls && { tool_calls: calls }) }
    const choice = { index: 0, message, finish_reason: isText ? 'stop' : 'tool_calls' }
    stage.standIn.script(() => Response.json({ ...identity, choices: [choice] }))
  }
}

function weatherTool(cities: string[]) {
  return tool({
    name: 'weather',
    description: 'The weather to come',
    parameters: Weather,
    execute: async ({ city }) => {
      cities.push(city)
      return `mist over ${city}`
    },
  })
}

describe.each(['demo-small', seenModel])('through %s', (model) => {
  test('an agent answers', async () => {
    const { finalOutput } = await runner.run(new Agent({ name: 'Guide', instructions: 'Be brief.', model }), prompt)
    expect(finalOutput).toContain(prompt)
  })

  test.each([false, true])('an agent calls a tool and goes on with its result (streamed: %s)', async (stream) => {
    const cities: string[] = []
    const agent = new Agent({ name: 'Guide', model, tools: [weatherTool(cities)] })
    const result = stream ? await runner.run(agent, prompt, { stream: true }) : await runner.run(agent, prompt)
    if ('completed' in result) await result.completed
    expect(cities).toHaveLength(1)
    expect(result.finalOutput).toContain(`mist over ${cities[0]}`)
  })
})

test('an agent hands off to another, which calls its tool', async () => {
  const cities: string[] = []
  const forecaster = new Agent({ name: 'Forecaster', model: seenModel, tools: [weatherTool(cities)] })
  const triage = Agent.create({ name: 'Triage', model: seenModel, handoffs: [forecaster] })
  script(['transfer_to_Forecaster', {}], ['weather', { city: 'Ys', days: 2 }], 'Mist.')
  const result = await runner.run(triage, prompt)
  expect([cities, result.finalOutput, result.lastAgent?.name]).toEqual([['Ys'], 'Mist.', 'Forecaster'])
  const roles = (lastSeen(stage.standIn).body.messages as { role: string }[]).map(({ role }) => role)
  expect(roles).toEqual(['user', 'assistant', 'tool', 'assistant', 'tool'])
})

test('an agent goes on after the response of its last run', async () => {
  const agent = new Agent({ name: 'Guide', model: seenModel })
  const first = await runner.run(agent, 'First')
  await runner.run(agent, 'Second', { previousResponseId: first.lastResponseId! })
  const said = (lastSeen(stage.standIn).body.messages as { content: string }[]).map(({ content }) => content)
  expect(said).toEqual(['First', first.finalOutput, 'Second'])
})

test('an agent with an output type has it parsed', async () => {
  const agent = new Agent({ name: 'Guide', model: 'demo-small', outputType: Weather })
  const { finalOutput } = await runner.run(agent, prompt)
  expect(Weather.parse(finalOutput)).toEqual(finalOutput)
})
