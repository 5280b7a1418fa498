/** What the provider behind a scout sees of a client's request, and what the client gets of a provider's answer. */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  abortReachesProviderMs,
  type ClientStage,
  lastSeen,
  neverEnding,
  openClientStage,
  sdkOf,
  seenEmbedModel,
  seenModel,
  standInProvider,
} from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { chunk, events, identity } from '../../support/providers/openai-stand-in.ts'

let stage: ClientStage
let openai: OpenAI
beforeAll(async () => {
  stage = await openClientStage()
  openai = sdkOf(stage.hub)
})
afterAll(() => stage.close())

const hello = { model: seenModel, messages: [{ role: 'user' as const, content: 'Hello' }] }

function hashOf(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex')
}

/** Text that compresses badly and that a lost, doubled or swapped piece would change. */
function longText(chars: number): string {
  let text = ''
  for (let index = 0; text.length < chars; index++) text += `${index.toString(36)} “${Bun.hash(`${index}`)}”\n`
  return text.slice(0, chars)
}

describe('the provider is asked', () => {
  /** Every field of the API, and what no release of ours knows yet. */
  const everything = {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: [{ type: 'text', text: 'Really.' }] },
      {
        role: 'user',
        name: 'ann',
        content: [
          { type: 'text', text: 'What is “this”? \u0001 \u2028 \ud83c\udf0b \\ " / é' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' } },
          { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
          { type: 'file', file: { file_id: 'file-1' } },
          { type: 'hologram', hologram: { depth: 1.5e-7 } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        refusal: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at": [1, 2.50]}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'It is a volcano.' },
    ],
    audio: { voice: 'alloy', format: 'wav' },
    frequency_penalty: 0.25,
    function_call: 'none',
    functions: [],
    logit_bias: { '50256': -100 },
    logprobs: true,
    max_completion_tokens: 12,
    max_tokens: 11,
    metadata: { project: 'chasm' },
    modalities: ['text'],
    n: 2,
    parallel_tool_calls: false,
    prediction: { type: 'content', content: 'It is' },
    presence_penalty: -0.5,
    prompt_cache_key: 'p',
    reasoning_effort: 'minimal',
    response_format: { type: 'text' },
    safety_identifier: 's',
    seed: -7,
    service_tier: 'auto',
    stop: ['###'],
    store: false,
    temperature: 0,
    tool_choice: 'none',
    tools: [{ type: 'function', function: { name: 'look', strict: true, parameters: { type: 'object' } } }],
    top_logprobs: 3,
    top_p: 0.999999999,
    user: 'u-1',
    verbosity: 'low',
    web_search_options: { user_location: { type: 'approximate', approximate: { city: 'Graz' } } },
    // Other services' own.
    top_k: 40,
    transforms: ['middle-out'],
    chat_template_kwargs: { enable_thinking: false },
    'a field of tomorrow': { nested: [[[{ deep: null }]], 1e21, -0.1, true, ''] },
  }

  test('every field of the request as it was sent, but model, stream and the hub’s own', async () => {
    const response = await stage.hub.post('/v1/chat/completions', {
      ...everything,
      model: seenModel,
      stream: false,
      chasm: {},
    })
    expect(response.status).toBe(200)
    expect(lastSeen(stage.standIn).text).toBe(JSON.stringify({ ...everything, model: seenModel, stream: false }))
  })

  test('the same of a streamed request, and for usage in any case', async () => {
    const { messages, ...fields } = everything
    const body = { model: 'auto', messages, stream: true, stream_options: { include_obfuscation: false }, ...fields }
    const response = await stage.hub.post('/v1/chat/completions', { ...body, model: seenModel })
    await response.text()
    const stream_options = { include_obfuscation: false, include_usage: true }
    expect(lastSeen(stage.standIn).text).toBe(JSON.stringify({ ...body, model: seenModel, stream_options }))
  })

  test('for the model the hub chose when the client left the choice to it', async () => {
    const hub = new LiveHub()
    await hub.addScout({ name: 'only', providers: [standInProvider(stage.standIn)] })
    const { model } = await sdkOf(hub).chat.completions.create({ ...hello, model: 'auto' })
    await hub.close()
    expect(model).toBe(seenModel)
    expect(lastSeen(stage.standIn).body.model).toBe(seenModel)
  })

  test('for embeddings with every field of that request', async () => {
    const body = { model: seenEmbedModel, input: [[1, 2], [3]], dimensions: 8, user: 'u-1', input_type: 'query' }
    const response = await stage.hub.post('/v1/embeddings', { ...body, encoding_format: 'base64', chasm: null })
    expect(response.status).toBe(200)
    expect(lastSeen(stage.standIn).text).toBe(JSON.stringify({ ...body, encoding_format: 'base64' }))
  })

  test('with numbers as they were written, though no double could hold them', async () => {
    const fields = '"seed":9223372036854775807,"theirs":{"id":-12345678901234567890,"rate":0.12345678901234567890}'
    const body = `"messages":[{"role":"user","content":"x"}],${fields}`
    const response = await stage.hub.post('/v1/chat/completions', `{"model":"${seenModel}",${body}}`)
    expect(response.status).toBe(200)
    expect(lastSeen(stage.standIn).text).toBe(`{"model":"${seenModel}",${body},"stream":false}`)
  })

  test('without the client’s key or any header of it', async () => {
    await openai.chat.completions.create(hello, { headers: { 'x-of-mine': 'private', cookie: 'a=b' } })
    const { headers, text } = lastSeen(stage.standIn)
    expect(headers.get('authorization')).toBeNull()
    for (const name of ['x-of-mine', 'cookie']) expect(headers.get(name)).toBeNull()
    expect(text + JSON.stringify([...headers])).not.toContain(stage.hub.clientKey)
  })

  test.each([false, true])('a prompt of 500 KB, unharmed (streamed: %s)', async (stream) => {
    const content = longText(500_000)
    const answer = await openai.chat.completions.create({ ...hello, messages: [{ role: 'user', content }], stream })
    if (Symbol.asyncIterator in answer) for await (const _ of answer);
    const [message] = lastSeen(stage.standIn).body.messages as { content: string }[]
    expect(hashOf(message!.content)).toBe(hashOf(content))
  })

  test('an image of 2.5 MB, unharmed, while small requests go on beside it', async () => {
    const bytes = Buffer.alloc(1_900_000)
    for (let index = 0; index < bytes.length; index += 4)
      bytes.writeUInt32LE(Number(Bun.hash(`${index}`) & 0xffffffffn), index)
    const url = `data:image/png;base64,${bytes.toString('base64')}`
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image_url' as const, image_url: { url } },
    ]
    const small = Array.from({ length: 5 }, () => openai.chat.completions.create({ ...hello, model: 'demo-small' }))
    const large = openai.chat.completions.create({ ...hello, messages: [{ role: 'user', content }] })
    expect((await large).choices[0]!.message.content).toContain('What is this?')
    for (const answer of await Promise.all(small)) expect(answer.choices[0]!.finish_reason).toBe('stop')
    const [message] = lastSeen(stage.standIn).body.messages as { content: typeof content }[]
    expect(hashOf(JSON.stringify(message!.content))).toBe(hashOf(JSON.stringify(content)))
  })
})

describe('the client gets', () => {
  test('an answer of 1 MB in one piece, unharmed', async () => {
    const content = longText(1_000_000)
    const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
    stage.standIn.script(() => Response.json({ ...identity, choices }))
    const answer = await openai.chat.completions.create(hello)
    expect(hashOf(answer.choices[0]!.message.content!)).toBe(hashOf(content))
  })

  test('a piece of 1 MB in the middle of a stream, unharmed and at the first try', async () => {
    const content = longText(1_000_000)
    const asked = stage.standIn.seen.length
    stage.standIn.script(() =>
      events(async (send) => {
        await send(chunk({ role: 'assistant', content: 'An image: ' }))
        await send(chunk({ content }))
        await send(chunk({}, 'stop'))
      }),
    )
    const { choices } = await openai.chat.completions.stream(hello).finalChatCompletion()
    expect(hashOf(choices[0]!.message.content!)).toBe(hashOf(`An image: ${content}`))
    expect(stage.standIn.seen).toHaveLength(asked + 1)
  })

  test('fields of the provider’s own, and never its id or model', async () => {
    const message = { role: 'assistant', content: 'x', reasoning_content: 'hm', annotations: [{ type: 'url' }] }
    const choices = [{ index: 0, message, finish_reason: 'stop', native_finish_reason: 'eos' }]
    stage.standIn.script(() => Response.json({ ...identity, choices, system_fingerprint: 'fp', citations: ['a'] }))
    const answer = await openai.chat.completions.create(hello)
    expect(answer).toMatchObject({ choices, system_fingerprint: 'fp', citations: ['a'], model: seenModel })
    expect(answer.id).not.toBe(identity.id)
  })
})

describe('a client that stops', () => {
  test.each(['pausing', 'talking'] as const)('in the middle of a %s stream stops the provider too', async (manner) => {
    const { abandonedMs } = neverEnding(stage.standIn, manner)
    const stream = await openai.chat.completions.create({ ...hello, stream: true })
    for await (const chunk of stream) {
      expect(chunk.choices[0]!.delta.content).toBe('Once ')
      break
    }
    const stoppedMs = performance.now()
    stream.controller.abort()
    expect((await abandonedMs) - stoppedMs).toBeLessThan(abortReachesProviderMs)
  })

  test.each([true, false])('before anything was answered stops the provider too (streamed: %s)', async (stream) => {
    const { asked, abandonedMs } = neverEnding(stage.standIn, 'silent')
    const controller = new AbortController()
    const answer = openai.chat.completions.create({ ...hello, stream }, { signal: controller.signal })
    const failure = expect(answer).rejects.toThrow(OpenAI.APIUserAbortError)
    await asked
    const stoppedMs = performance.now()
    controller.abort()
    expect((await abandonedMs) - stoppedMs).toBeLessThan(abortReachesProviderMs)
    await failure
  })

  test('leaves the scout as it was: its place is free again', async () => {
    const aborted = Array.from({ length: 6 }, async () => {
      const { abandonedMs } = neverEnding(stage.standIn, 'pausing')
      const stream = await openai.chat.completions.create({ ...hello, stream: true })
      stream.controller.abort()
      await abandonedMs
    })
    await Promise.all(aborted)
    await stage.hub.connected('seen-scout', 4)
    for (const { inFlight, credits } of stage.hub.hub.engine.scouts()) {
      expect({ inFlight, credits }).toEqual({ inFlight: 0, credits: 4 })
    }
    expect((await openai.chat.completions.create(hello)).choices[0]!.finish_reason).toBe('stop')
  })
})
