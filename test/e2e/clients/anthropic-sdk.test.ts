/** The official Anthropic SDK, pointed at a hub: whatever a scout offers answers as its Messages API would. */
import Anthropic from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type ClientStage,
  lastSeen,
  neverEnding,
  openClientStage,
  seenEmbedModel,
  seenModel,
} from '../../support/hub/client-stage.ts'
import { chunk, event, events, identity } from '../../support/providers/openai-stand-in.ts'

let stage: ClientStage
let anthropic: Anthropic
beforeAll(async () => {
  stage = await openClientStage()
  anthropic = sdk()
})
afterAll(() => stage.close())

function sdk(options: ConstructorParameters<typeof Anthropic>[0] = {}): Anthropic {
  return new Anthropic({
    baseURL: stage.hub.url,
    apiKey: stage.hub.clientKey,
    authToken: null,
    maxRetries: 0,
    ...options,
  })
}

const messages = [{ role: 'user' as const, content: 'Tell me of the chasm' }]
const hello = { model: 'demo-small', max_tokens: 1_000, messages }
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })
const weather: Anthropic.Tool = {
  name: 'weather',
  description: 'The weather to come',
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 3 } },
    required: ['city', 'days'],
  },
}

function textOf({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
}

/** What two answers to the same question have in common. */
function lasting({ content, stop_reason: reason, usage }: Anthropic.Message) {
  const blocks = content.map((block) => (block.type === 'tool_use' ? { ...block, id: '' } : block))
  return { blocks, reason, tokens: [usage.input_tokens, usage.output_tokens] }
}

describe.each(['demo-small', seenModel])('a message by %s', (model) => {
  const asked = { ...hello, model }

  test('is answered in one piece, with usage', async () => {
    const message = await anthropic.messages.create(asked)
    expect(message).toMatchObject({ type: 'message', role: 'assistant', model, stop_reason: 'end_turn' })
    expect(message.id).toMatch(/^msg_/)
    expect(message._request_id).toMatch(/^req_/)
    expect(textOf(message)).toContain('Tell me of the chasm')
    expect(message.usage).toMatchObject({ input_tokens: 5, output_tokens: 64, cache_read_input_tokens: 0 })
  })

  test('streams to the same message, event by event and by the helper', async () => {
    const whole = await anthropic.messages.create(asked)
    const types: string[] = []
    for await (const { type } of await anthropic.messages.create({ ...asked, stream: true })) types.push(type)
    expect(types.slice(0, 2)).toEqual(['message_start', 'content_block_start'])
    expect(types.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
    const stream = anthropic.messages.stream(asked)
    let heard = ''
    stream.on('text', (piece) => {
      heard += piece
    })
    expect(lasting(await stream.finalMessage())).toEqual(lasting(whole))
    expect(heard).toBe(textOf(whole))
    expect(stream.request_id).toMatch(/^req_/)
  })

  test('that is too long ends at its limit', async () => {
    const short = { ...asked, max_tokens: 5 }
    const whole = await anthropic.messages.create(short)
    const streamed = await anthropic.messages.stream(short).finalMessage()
    for (const message of [whole, streamed]) {
      expect(message).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 5 } })
    }
  })

  test('calls a tool, the same whole as streamed', async () => {
    const withTool = { ...asked, tools: [weather] }
    const whole = await anthropic.messages.create(withTool)
    expect(whole.stop_reason).toBe('tool_use')
    const [call] = whole.content as [Anthropic.ToolUseBlock]
    expect(call).toMatchObject({ type: 'tool_use', name: 'weather' })
    expect(Weather.parse(call.input)).toEqual(call.input)
    const stream = anthropic.messages.stream(withTool)
    const inputs: unknown[] = []
    stream.on('inputJson', (_piece, input) => inputs.push(input))
    expect(lasting(await stream.finalMessage())).toEqual(lasting(whole))
    expect(inputs.at(-1)).toEqual(call.input)
  })

  test('goes the whole round with a tool, by hand', async () => {
    const withTool = { ...asked, tools: [weather] }
    const first = await anthropic.messages.create(withTool)
    const [call] = first.content as [Anthropic.ToolUseBlock]
    const result = { type: 'tool_result' as const, tool_use_id: call.id, content: 'mist over the river' }
    const turns = [
      ...messages,
      { role: 'assistant' as const, content: first.content },
      { role: 'user' as const, content: [result] },
    ]
    const last = await anthropic.messages.create({ ...withTool, messages: turns })
    expect(last.stop_reason).toBe('end_turn')
    expect(textOf(last)).toContain('The tool answered: "mist over the river"')
  })

  test.each([false, true])('goes the whole round with the tool runner (streamed: %s)', async (stream) => {
    const heard: unknown[] = []
    const tool = betaZodTool({
      ...{ name: 'weather', description: 'The weather to come', inputSchema: Weather },
      run: (wanted) => {
        heard.push(wanted)
        return `mist over ${wanted.city}`
      },
    })
    const final = await anthropic.beta.messages.toolRunner({ ...asked, tools: [tool], stream }).runUntilDone()
    expect(heard).toHaveLength(1)
    const said = final.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    expect(said).toContain(`The tool answered: "mist over ${Weather.parse(heard[0]).city}"`)
  })

  test('has the form of a schema', async () => {
    const City = z.strictObject({ city: z.string(), rains: z.boolean() })
    const format = { output_config: { format: zodOutputFormat(City) } }
    const { parsed_output: forecast } = await anthropic.messages.parse({ ...asked, ...format })
    expect(City.parse(forecast)).toEqual(forecast)
    const streamed = await anthropic.messages.stream({ ...asked, ...format }).finalMessage()
    expect(streamed.parsed_output).toEqual(forecast)
  })

  test('goes on with what was begun', async () => {
    const whole = textOf(await anthropic.messages.create(asked))
    const begun = whole.slice(0, 40)
    const turns = [...messages, { role: 'assistant' as const, content: begun }]
    const rest = await anthropic.messages.create({ ...asked, messages: turns })
    expect(begun + textOf(rest)).toBe(whole)
  })
})

test('what the provider is asked is a chat of OpenAI, with pictures and results', async () => {
  const image = { type: 'base64' as const, media_type: 'image/png' as const, data: 'AAAA' }
  await anthropic.messages.create({
    ...{
      ...hello,
      model: seenModel,
      system: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }],
    },
    ...{ temperature: 0.5, top_k: 40, stop_sequences: ['END'], metadata: { user_id: 'u' }, tools: [weather] },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image', source: image },
        ],
      },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Ulm' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'no', is_error: true }] },
    ],
  })
  const { input_schema: parameters, ...described } = weather
  expect(lastSeen(stage.standIn).body).toEqual({
    ...{
      model: seenModel,
      max_completion_tokens: 1_000,
      temperature: 0.5,
      top_k: 40,
      stop: ['END'],
      user: 'u',
      stream: false,
    },
    messages: [
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
      {
        ...{ role: 'assistant', content: null },
        tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Ulm"}' } }],
      },
      { role: 'tool', tool_call_id: 'toolu_1', content: 'Error: no' },
    ],
    tools: [{ type: 'function', function: { ...described, parameters } }],
  })
})

describe('reasoning of a provider', () => {
  const asked = { ...hello, model: seenModel }
  const thinking = { type: 'enabled' as const, budget_tokens: 1_024 }

  test('is shown as thinking where it is asked for, whole', async () => {
    const message = { role: 'assistant', content: 'Yes', reasoning_content: 'Hm' }
    const answer = { ...identity, choices: [{ index: 0, message, finish_reason: 'stop' }] }
    stage.standIn.script(() => Response.json(answer))
    const { content } = await anthropic.messages.create({ ...asked, thinking })
    expect(content).toMatchObject([{ type: 'thinking', thinking: 'Hm' }, { text: 'Yes' }])
    stage.standIn.script(() => Response.json(answer))
    expect((await anthropic.messages.create(asked)).content).toMatchObject([{ text: 'Yes' }])
  })

  test('streams, and may be sent back', async () => {
    stage.standIn.script(() =>
      events(async (send) => {
        await send(chunk({ role: 'assistant', reasoning: 'Hm' }))
        await send(chunk({ reasoning: ', yes' }))
        await send(chunk({ content: 'Yes' }))
        await send(`${chunk({}, 'stop')}${event('[DONE]').replaceAll('"', '')}`)
      }),
    )
    const stream = anthropic.messages.stream({ ...asked, thinking })
    let thought = ''
    stream.on('thinking', (piece) => {
      thought += piece
    })
    const { content } = await stream.finalMessage()
    expect(thought).toBe('Hm, yes')
    expect(content).toMatchObject([{ thinking: 'Hm, yes' }, { text: 'Yes' }])
    const turns = [...messages, { role: 'assistant' as const, content }, ...messages]
    await anthropic.messages.create({ ...asked, thinking, messages: turns })
    expect(lastSeen(stage.standIn).body.messages).toEqual([
      messages[0],
      { role: 'assistant', content: 'Yes' },
      messages[0],
    ])
  })
})

test('a client that leaves stops the provider', async () => {
  const { abandonedMs } = neverEnding(stage.standIn, 'pausing')
  const stream = anthropic.messages.stream({ ...hello, model: seenModel })
  stream.once('text', () => stream.abort())
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
  await abandonedMs
})

describe('virtual models', () => {
  test('answer whole and streamed alike', async () => {
    const asked = { ...hello, model: 'chasm/ensemble' }
    const whole = await anthropic.messages.create(asked)
    expect(whole).toMatchObject({ model: 'chasm/ensemble', stop_reason: 'end_turn' })
    expect(whole.id).toMatch(/^msg_int_/)
    expect(whole.usage.output_tokens).toBeGreaterThan(0)
    expect(lasting(await anthropic.messages.stream(asked).finalMessage())).toEqual(lasting(whole))
  })

  test('refuse by name what they cannot do', async () => {
    const begun = [...messages, { role: 'assistant' as const, content: 'So' }]
    const asked = { ...hello, model: 'chasm/map-reduce' }
    await expect(anthropic.messages.create({ ...asked, messages: begun })).rejects.toThrow('`messages`')
    await expect(anthropic.messages.create({ ...asked, tools: [weather] })).rejects.toThrow('`tools`')
    await expect(anthropic.messages.create({ ...asked, model: 'chasm/none' })).rejects.toThrow('virtual model')
  })
})

describe('an error has its class', () => {
  const create = (client: Anthropic, fields: object = {}) => client.messages.create({ ...hello, ...fields })

  test('for keys', async () => {
    await expect(create(sdk({ apiKey: 'sk-ant-1' }))).rejects.toBeInstanceOf(Anthropic.AuthenticationError)
    const bearer = sdk({ apiKey: null, authToken: stage.hub.clientKey })
    expect(textOf((await create(bearer)) as Anthropic.Message)).not.toBe('')
    const scout = sdk({ apiKey: stage.hub.scoutKey })
    await expect(create(scout)).rejects.toBeInstanceOf(Anthropic.PermissionDeniedError)
  })

  test('for requests, with the field and the id', async () => {
    const error = await create(anthropic, { temperature: 'warm' }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Anthropic.BadRequestError)
    const { message, requestID, type } = error as InstanceType<typeof Anthropic.BadRequestError>
    expect(message).toContain('`temperature`')
    expect([requestID, type]).toEqual([expect.stringMatching(/^req_/), 'invalid_request_error'])
  })

  test('for what the provider says of a request', async () => {
    const said = { message: 'This model reads 8192 tokens', code: 'context_length_exceeded', type: 'invalid' }
    stage.standIn.script(() => Response.json({ error: said }, { status: 400 }))
    const error = await create(anthropic, { model: seenModel }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Anthropic.BadRequestError)
    expect((error as Error).message).toContain('prompt is too long')
  })

  test('in the middle of a stream', async () => {
    stage.standIn.script(() =>
      events(async (send) => {
        await send(chunk({ role: 'assistant', content: 'So ' }))
        await send(event({ error: { message: 'it broke' } }))
      }),
    )
    const stream = anthropic.messages.stream({ ...hello, model: seenModel })
    const error = await stream.finalMessage().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect((error as Error).message).toContain('api_error')
  })
})

test('tokens are counted, roughly', async () => {
  const { input_tokens: tokens } = await anthropic.messages.countTokens({ model: 'demo-small', messages })
  expect(tokens).toBeGreaterThan(4)
  expect(tokens).toBeLessThan(20)
})

test('models are listed page by page, and found by name', async () => {
  const listed: string[] = []
  for await (const { id } of anthropic.models.list({ limit: 2 })) listed.push(id)
  expect(listed).toEqual(expect.arrayContaining(['demo-large', 'demo-small', seenModel, 'chasm/auto']))
  expect(listed).not.toContain(seenEmbedModel)
  expect(listed).toEqual(listed.toSorted())
  expect(await anthropic.models.retrieve(seenModel)).toMatchObject({ id: seenModel, type: 'model' })
  await expect(anthropic.models.retrieve('unknown')).rejects.toBeInstanceOf(Anthropic.NotFoundError)
})
