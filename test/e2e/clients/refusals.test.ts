/** What clients see when they are not answered: the SDK's own error classes, and sentences that say what to do. */
import OpenAI, { type APIError } from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ProviderError } from '../../../scout/providers/provider.ts'
import { fault } from '../../../shared/faults.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { until } from '../../support/clocks/until.ts'
import { type ClientStage, openClientStage, sdkOf, seenModel } from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const messages = [{ role: 'user' as const, content: 'Hello' }]

/** The SDK's error of a request that must fail, in good form: one sentence, a code, a request id. */
async function refusal(kind: abstract new (...given: never) => APIError, asked: PromiseLike<unknown>) {
  const error = await Promise.resolve(asked).then(
    () => new Error('it was answered'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(kind)
  const refused = error as APIError
  expect((refused.error as { message: string }).message).toMatch(/^.{20,}[^ ]$/)
  expect(refused.code).toMatch(/^[a-z_]+$/)
  expect(refused.requestID).toMatch(/^req_/)
  return refused
}

describe('a client that may not, or asks for what is not there,', () => {
  let stage: ClientStage
  let openai: OpenAI
  beforeAll(async () => {
    stage = await openClientStage()
    openai = sdkOf(stage.hub)
  })
  afterAll(() => stage.close())

  const hello = { model: 'demo-small', messages }
  const asking = (fields: object) => openai.chat.completions.create({ ...hello, ...fields })

  test.each([
    ['a made-up key', 'sk-not-a-key-of-this-hub'],
    ['a mistyped key', 'chasm_client_0000000000000000000000000000000000000000000000000'],
  ])('with %s gets 401', async (_, apiKey) => {
    const stranger = sdkOf(stage.hub, { apiKey })
    const { status, code, message } = await refusal(OpenAI.AuthenticationError, stranger.models.list())
    expect({ status, code }).toEqual({ status: 401, code: 'invalid_api_key' })
    expect(message).toContain('send a client key in the header "Authorization: Bearer <key>"')
    expect(message).not.toContain(apiKey)
  })

  test('with a revoked key gets 401, from the next request on', async () => {
    const { key, row } = stage.hub.hub.keyring.issue('client', 'short-lived')
    const guest = sdkOf(stage.hub, { apiKey: key })
    await guest.chat.completions.create(hello)
    stage.hub.hub.keyring.revoke(row.id)
    await refusal(OpenAI.AuthenticationError, guest.chat.completions.create(hello))
  })

  test('with a key made for something else gets 403', async () => {
    const scout = sdkOf(stage.hub, { apiKey: stage.hub.scoutKey })
    const asScout = await refusal(OpenAI.PermissionDeniedError, scout.chat.completions.create(hello))
    expect(asScout.message).toContain('A scout key cannot ask for answers: use a client key')
    const asClient = await refusal(OpenAI.PermissionDeniedError, openai.get('/scouts'))
    expect(asClient).toMatchObject({ status: 403, code: 'permission_denied' })
    expect(asClient.message).toContain('use an admin key')
  })

  test.each([false, true])('for an unknown model gets 404 naming what is offered (streamed: %s)', async (stream) => {
    const { code, param, message } = await refusal(OpenAI.NotFoundError, asking({ model: 'gpt-17', stream }))
    expect({ code, param }).toEqual({ code: 'model_not_found', param: 'model' })
    for (const name of ['gpt-17', 'demo-small', 'demo-large', seenModel]) expect(message).toContain(name)
    expect(message).not.toContain('demo-embed')
  })

  test('for embeddings of a chat model, or the other way round, gets 404 naming the right ones', async () => {
    const embedding = await refusal(OpenAI.NotFoundError, openai.embeddings.create({ model: 'demo-small', input: 'x' }))
    expect(embedding.message).toContain('demo-embed')
    await refusal(OpenAI.NotFoundError, asking({ model: 'demo-embed' }))
  })

  test('for the description of an unknown model gets 404 naming what is offered', async () => {
    const { code, message } = await refusal(OpenAI.NotFoundError, openai.models.retrieve('gpt-17'))
    expect(code).toBe('model_not_found')
    expect(message).toContain('demo-small')
  })

  test('for what responses cannot do here gets 400 with the field and what to do', async () => {
    const asked = openai.responses.create({ model: 'demo-small', input: 'Hello', conversation: 'conv_1' })
    const refused = await refusal(OpenAI.BadRequestError, asked)
    expect([refused.param, refused.message]).toEqual(['conversation', expect.stringContaining('earlier turns')])
  })

  test('for a response that is no longer kept gets 404 with the field and what to do', async () => {
    const asked = openai.responses.create({ model: 'demo-small', input: 'Hello', previous_response_id: 'resp_1' })
    const refused = await refusal(OpenAI.NotFoundError, asked)
    expect([refused.param, refused.message]).toEqual(['previous_response_id', expect.stringContaining('earlier turns')])
  })

  test('for a response of an unknown model gets 404 at once, in the background too', async () => {
    for (const background of [false, true]) {
      const asked = openai.responses.create({ model: 'gpt-17', input: 'Hello', background })
      const { code, param, message } = await refusal(OpenAI.NotFoundError, asked)
      expect({ code, param }).toEqual({ code: 'model_not_found', param: 'model' })
      expect(message).toContain('demo-small')
    }
  })

  test.each([
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'king', content: 'x' }] }, 'messages[0].role'],
    [{ temperature: 'hot' }, 'temperature'],
    [{ n: 0 }, 'n'],
    [{ seed: 2 ** 64 }, 'seed'],
    [{ tools: [{}] }, 'tools[0].type'],
    [{ stream_options: { include_usage: true } }, 'stream_options'],
    [{ chasm: { deadline_ms: -1 } }, 'chasm.deadline_ms'],
  ])('with %j gets 400 naming %s', async (fields, field) => {
    const { code, param, message } = await refusal(OpenAI.BadRequestError, asking(fields))
    expect({ code, param }).toEqual({ code: 'invalid_request', param: field })
    expect(message).toContain(`\`${field}\``)
  })

  test('for something the provider refuses gets 400 in the provider’s words (streamed and whole)', async () => {
    const sentence = 'This model reads at most 4096 tokens: shorten your messages.'
    const error = {
      message: sentence,
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    }
    for (const stream of [false, true]) {
      stage.standIn.script(() => Response.json({ error }, { status: 400 }))
      const refused = await refusal(OpenAI.BadRequestError, asking({ model: seenModel, stream }))
      expect(refused).toMatchObject({ code: error.code, type: error.type, param: error.param })
      expect((refused.error as { message: string }).message).toBe(sentence)
    }
    expect(stage.standIn.seen.filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(2)
  })

  test('with too long a body gets 413 with the limit', async () => {
    const content = 'x'.repeat(bodyBytesMax)
    const refused = await refusal(OpenAI.APIError, asking({ messages: [{ role: 'user', content }] }))
    expect(refused).toMatchObject({ status: 413, code: 'request_too_large' })
    expect(refused.message).toContain(String(bodyBytesMax))
  })

  test('with a body that is no JSON gets 415, or 400 when it only claims to be', async () => {
    const form = await refusal(
      OpenAI.APIError,
      openai.chat.completions.create(hello, { headers: { 'content-type': 'text/plain' } }),
    )
    expect(form).toMatchObject({ status: 415, code: 'unsupported_media_type' })
    expect(form.message).toContain('Content-Type: application/json')
    const response = await stage.hub.post('/v1/chat/completions', '{"model": "demo-small", ')
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'invalid_request' } })
  })
})

describe('while the only scout is busy,', () => {
  const readyTasksMax = 2
  const asked = { model: 'm', messages }
  let hub: LiveHub
  let provider: ScriptedProvider
  beforeEach(async () => {
    hub = new LiveHub({ core: { readyTasksMax }, http: { keepAliveMs: 15 } })
    provider = new ScriptedProvider()
    await hub.addScout({ name: 'busy', concurrency: 1, providers: [provider] })
  })
  afterEach(() => hub.close())

  const queued = (count: number) =>
    until(`${count} requests to wait`, () => hub.hub.engine.stats().tasksQueued === count)
  const delta = (fields: object, finish: string | null = null) =>
    JSON.stringify({ choices: [{ index: 0, delta: fields, finish_reason: finish }] })
  const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"late"},"finish_reason":"stop"}]}'

  test('requests wait, and one too many gets 429 with the time to come back', async () => {
    const openai = sdkOf(hub)
    const waiting = Array.from({ length: 1 + readyTasksMax }, () => openai.chat.completions.create(asked))
    await queued(readyTasksMax)
    const refused = await refusal(OpenAI.RateLimitError, openai.chat.completions.create({ ...asked, stream: true }))
    expect(refused).toMatchObject({ status: 429, code: 'queue_full', type: 'rate_limit_error' })
    expect(Number(refused.headers!.get('retry-after'))).toBeGreaterThan(0)
    for (let index = 0; index < waiting.length; index++) (await provider.call()).done(whole)
    for (const answer of await Promise.all(waiting)) expect(answer.choices[0]!.message.content).toBe('late')
  })

  test('a waiting stream is kept alive by comments with its position, which do not disturb the SDK', async () => {
    let heard = ''
    const openai = sdkOf(hub, {
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        const [mine, theirs] = response.body!.tee()
        void (async () => {
          for await (const bytes of mine) heard += new TextDecoder().decode(bytes)
        })()
        return new Response(theirs, response)
      },
    })
    const others = [sdkOf(hub).chat.completions.create(asked)]
    const first = await provider.call()
    others.push(sdkOf(hub).chat.completions.create(asked))
    await queued(1)
    const stream = openai.chat.completions.stream(asked)
    await until('two comments', () => heard.split(': waiting, position 2\n\n').length > 2)
    first.done(whole)
    const second = await provider.call()
    await until('the next position', () => heard.includes(': waiting, position 1\n\n'))
    second.done(whole)
    const third = await provider.call()
    await third.line(delta({ role: 'assistant', content: 'At ' }))
    await until('a comment in the pause', () => heard.includes(': keep-alive\n\n'))
    await third.line(delta({ content: 'last' }))
    await third.line(delta({}, 'stop'))
    third.done()
    expect((await stream.finalChatCompletion()).choices[0]!.message.content).toBe('At last')
    expect(heard.indexOf('position 2')).toBeLessThan(heard.indexOf('position 1'))
    await Promise.all(others)
  })

  test('a client’s own deadline ends its wait with 504', async () => {
    const holding = sdkOf(hub).chat.completions.create(asked)
    const held = await provider.call()
    const hurried = { ...asked, chasm: { deadline_ms: 60 } }
    const refused = await refusal(OpenAI.InternalServerError, sdkOf(hub).chat.completions.create(hurried))
    expect(refused).toMatchObject({ status: 504, code: 'deadline_exceeded' })
    held.done(whole)
    await holding
  })

  test('a client that waits no longer leaves the queue', async () => {
    const holding = sdkOf(hub).chat.completions.create(asked)
    const held = await provider.call()
    const impatience = new AbortController()
    const waiting = sdkOf(hub).chat.completions.create(asked, { signal: impatience.signal })
    await queued(1)
    impatience.abort()
    await expect(waiting).rejects.toThrow(OpenAI.APIUserAbortError)
    await queued(0)
    held.done(whole)
    await holding
    expect(provider.calls).toHaveLength(1)
  })

  test('an answer that breaks off is an error to the SDK and never a clean end', async () => {
    for (const use of ['iterator', 'helper'] as const) {
      const asking =
        use === 'helper'
          ? sdkOf(hub).chat.completions.stream(asked)
          : await Promise.all([
              sdkOf(hub).chat.completions.create({ ...asked, stream: true }),
              provider.call().then((call) => call.line(delta({ role: 'assistant', content: 'Once ' }))),
            ]).then(([stream]) => stream)
      if (use === 'helper') await (await provider.call()).line(delta({ role: 'assistant', content: 'Once ' }))
      let heard = ''
      const reading = (async () => {
        for await (const chunk of asking) {
          heard += chunk.choices[0]?.delta.content ?? ''
          provider.calls.at(-1)!.fail(new ProviderError(fault('provider_unavailable', 'the demo is over')))
        }
      })()
      const error = await reading.catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(OpenAI.APIError)
      expect(error).toMatchObject({ code: 'provider_unavailable' })
      expect(heard).toBe('Once ')
    }
  })
})
