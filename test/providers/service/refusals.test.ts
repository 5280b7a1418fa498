/** What a service refuses: its reason reaches the client as a sentence, without secrets, and only truths count. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostedService, localService, type Service } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { providerProvenMs, providerReasonCharsMax } from '../../../shared/limits/provider.ts'
import { withoutSecrets } from '../../../shared/secrets.ts'
import { realSystem } from '../../../shared/system.ts'
import { heldSystem } from '../../support/clocks/held-system.ts'
import {
  chunk,
  events,
  identity,
  type OpenAiStandIn,
  type Scripted,
  startOpenAiStandIn,
} from '../../support/providers/openai-stand-in.ts'
import { ask, failure, type Json } from '../../support/providers/provider-calls.ts'

let standIn: OpenAiStandIn
beforeEach(() => {
  standIn = startOpenAiStandIn()
})
afterEach(() => standIn.stop())

const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const whole = {
  ...identity,
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
}
const refusal = (status: number, body: unknown) => () => Response.json(body, { status })
const paths = () => standIn.seen.map(({ path }) => path.replace('/v1', ''))

function providerOf(change: Partial<Service> = {}, system = realSystem()): ServiceProvider {
  return new ServiceProvider({ ...localService('vllm', standIn.baseURL), ...change }, [], system)
}

describe('the reason of a refusal', () => {
  const html =
    '<!DOCTYPE html><html><head><title>413 Request Entity Too Large</title></head><body><h1>nginx</h1></body></html>'
  test.each<[string, unknown, string]>([
    ['error.message', { error: { message: 'too hot' } }, 'too hot'],
    ['error as text', { error: 'too hot' }, 'too hot'],
    ['detail as text', { detail: 'too hot' }, 'too hot'],
    [
      'detail as a list',
      { detail: [{ loc: ['body', 'temperature'], msg: 'too hot', type: 'x' }] },
      'body.temperature: too hot',
    ],
    ['detail around an error', { detail: { error: { message: 'too hot' } } }, 'too hot'],
    ['message alone', { object: 'error', message: 'too hot', code: 40001 }, 'too hot'],
    ['error_msg', { error_code: 336003, error_msg: 'too hot' }, 'too hot'],
    ['nested errors', { error: { error: { message: 'too hot' } } }, 'too hot'],
    ['a list around it', [{ error: { code: 400, message: 'too hot', status: 'INVALID_ARGUMENT' } }], 'too hot'],
    ['a list of errors', { errors: [{ message: 'too hot' }, { message: 'too long' }] }, 'too hot; too long'],
    ['JSON in a text', { error: { message: '{"error":{"message":"too hot"}}' } }, 'too hot'],
    [
      'the words behind the service',
      {
        error: { message: 'Provider returned error', code: 400, metadata: { raw: '{"error":{"message":"too hot"}}' } },
      },
      'Provider returned error: too hot',
    ],
    [
      'the words behind it as an object',
      { error: { message: 'Provider returned error', code: 400, metadata: { raw: { detail: 'too hot' } } } },
      'Provider returned error: too hot',
    ],
    ['nothing', {}, 'it did not say why'],
    ['null', null, 'it did not say why'],
    ['an empty message', { error: { message: '' } }, 'it did not say why'],
    ['wrapped without end', JSON.parse(`${'{"error":'.repeat(500)}1${'}'.repeat(500)}`), 'it did not say why'],
  ])('is read from %s', async (_what, body, words) => {
    for (const stream of [false, true]) {
      // In a stream the scout first tries without what it adds.
      for (let i = 0; i < 2; i++) standIn.script(refusal(400, body))
      const fault = await failure(ask(providerOf(), hello, { stream }))
      expect([fault.code, fault.message]).toEqual(['invalid_request', words])
      await standIn.stop()
      standIn = startOpenAiStandIn()
    }
  })

  test.each([
    ['plain text', 'too hot\r\n\u001b[31mindeed', 'too hot [31mindeed'],
    ['a web page', html, 'a web page: 413 Request Entity Too Large'],
    ['a page without a title', '<html><script>x()</script><h1>Bad\n Request</h1></html>', 'a web page: Bad Request'],
    ['an endless text', 'no '.repeat(100_000), 'no '.repeat(100_000).slice(0, providerReasonCharsMax).trim()],
  ])('is read from %s', async (_what, body, words) => {
    standIn.script(() => new Response(body, { status: 400 }))
    expect((await failure(ask(providerOf(), hello))).message).toBe(words)
  })

  test('names the field where FastAPI names its place', async () => {
    const detail = [{ loc: ['body', 'messages', 0, 'role'], msg: 'field required', type: 'missing' }]
    standIn.script(refusal(422, { detail }))
    expect(await failure(ask(providerOf(), hello))).toMatchObject({ param: 'messages.0.role' })
  })
})

describe('a secret in a reason', () => {
  test.each([
    ['Incorrect API key provided: sk-proj-abc123DEF456', 'abc123'],
    ['key gsk_abcdefgh12345678 is unknown', 'abcdefgh'],
    ['Authorization: Bearer abc.def.ghi0123', 'abc.def'],
    ['cannot reach http://admin:hunter2@10.0.0.7/v1', 'hunter2'],
    ['GET https://x.example/v1?api_key=hunter2secret&x=1 failed', 'hunter2'],
    ['{"password": "hunter2secret"}', 'hunter2'],
    ['api key is hunter2secret', 'hunter2'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', 'eyJzdWI'],
    ['AKIAIOSFODNN7EXAMPLE was refused', 'AKIA'],
    ['token 0123456789abcdef0123456789abcdef01234567', '0123456789abcdef'],
    ['chasm_scout_abcdef0123 is none', 'abcdef0123'],
    ['my own hush-hush word', 'hush-hush'],
  ])('is taken out: %s', (text, secret) => {
    const plain = withoutSecrets(text, ['hush-hush'])
    expect(plain).not.toContain(secret)
    expect(plain).toContain('[removed]')
  })

  test.each([
    'You requested up to 4096 tokens, but can only afford 3919.',
    'max_tokens: 3919 is above 2048',
    'model meta-llama/Llama-3.3-70B-Instruct-Turbo-Free does not exist',
    'No endpoints found. To learn more, visit: https://openrouter.ai/docs/provider-routing?from=error',
    'temperature is too high',
  ])('leaves other words alone: %s', (text) => expect(withoutSecrets(text)).toBe(text))

  test('of this scout never leaves it, whichever service repeats it', async () => {
    const provider = providerOf({ apiKey: 'letmein-now', secrets: ['letmein-now', 'other-service-key'] })
    standIn.script(refusal(400, { error: { message: 'you sent letmein-now and other-service-key' } }))
    expect((await failure(ask(provider, hello))).message).toBe('you sent [removed] and [removed]')
    standIn.script(() => events(async (send) => void (await send('data: {"error":"letmein-now"}\n\n'))))
    expect((await failure(ask(provider, hello, { stream: true }))).message).not.toContain('letmein')
  })
})

describe('a redirect', () => {
  test.each([
    'http://127.0.0.1:1/v1/chat/completions',
    'https://elsewhere.example/v1',
    'file:///etc/passwd',
    'http://u:p@127.0.0.1/',
  ])('to %s is not followed', async (location) => {
    standIn.script(() => new Response(null, { status: 307, headers: { location } }))
    const fault = await failure(ask(providerOf({ apiKey: 'sk-secret' }), hello))
    expect(fault).toMatchObject({ code: 'provider_unavailable' })
    expect(fault.message).toContain('redirects')
    expect(standIn.seen).toHaveLength(1)
  })

  test('on the same server is, with the request as it was, but not without end', async () => {
    standIn.script(() => new Response(null, { status: 307, headers: { location: '/v1/chat/completions/' } }))
    standIn.script(() => Response.json(whole))
    expect((await ask(providerOf(), hello)).answer.choices).toHaveLength(1)
    expect(standIn.seen[1]).toMatchObject({ path: '/v1/chat/completions/', body: { messages: hello.messages } })
    for (let i = 0; i < 9; i++) standIn.script(() => new Response(null, { status: 307, headers: { location: '/x' } }))
    expect((await failure(ask(providerOf(), hello))).message).toContain('redirects')
  })
})

describe('a URL that leads into a private network', () => {
  const picture = (url: string) => ({
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
  })
  test.each(['http://169.254.169.254/latest', 'file:///etc/passwd', 'http://localhost:11434/x'])(
    'is refused before the engine sees it: %s',
    async (url) => {
      const fault = await failure(ask(providerOf(), picture(url)))
      expect(fault).toMatchObject({ code: 'invalid_request', param: 'messages[0].content[0].image_url.url' })
      expect(standIn.seen).toEqual([])
    },
  )

  test('is passed on where the operator allows it, and a public one anywhere', async () => {
    for (let i = 0; i < 2; i++) standIn.script(() => Response.json(whole))
    await ask(providerOf({ privateUrls: true }), picture('http://10.0.0.7/cat.png'))
    await ask(providerOf(), picture('https://example.com/cat.png'))
    expect(standIn.seen).toHaveLength(2)
  })
})

describe('what the scout adds by itself', () => {
  const refusing =
    (field: string, status = 400): Scripted =>
    ({ body }) => {
      if (field in body) return Response.json({ error: { message: `unknown field ${field}` } }, { status })
      if (!body.stream) return Response.json('input' in body ? { data: [{ embedding: [0.5], index: 0 }] } : whole)
      return events(async (send) => void (await send(`${chunk({ content: 'x' }, 'stop')}data: [DONE]\n\n`)))
    }
  const all = (script: Scripted) => {
    for (let i = 0; i < 6; i++) standIn.script(script)
  }

  test.each([400, 415, 422])(
    'is left out for a server that refuses it with %s, which is remembered',
    async (status) => {
      all(refusing('stream_options', status))
      const provider = providerOf()
      for (let i = 0; i < 2; i++) expect((await ask(provider, hello, { stream: true })).lines).toHaveLength(1)
      expect(standIn.seen.map(({ body }) => 'stream_options' in body)).toEqual([true, false, false])
    },
  )

  test('is left out where it is refused inside of a stream', async () => {
    standIn.script(() =>
      events(async (send) => void (await send('data: {"error":{"message":"stream_options","code":400}}\n\n'))),
    )
    all(refusing('stream_options'))
    expect((await ask(providerOf(), hello, { stream: true })).lines).toHaveLength(1)
  })

  test('is not the reason where the client’s own request is refused, which is said in the end', async () => {
    all(refusing('messages'))
    const provider = providerOf()
    expect((await failure(ask(provider, hello, { stream: true }))).message).toContain('unknown field messages')
    expect(standIn.seen).toHaveLength(2)
    expect((await failure(ask(provider, hello))).message).toContain('unknown field messages')
    expect(standIn.seen).toHaveLength(3)
  })

  test('is not doubted once the server has taken it', async () => {
    const provider = providerOf()
    await ask(provider, hello, { stream: true })
    all(refusing('messages'))
    await failure(ask(provider, hello, { stream: true }))
    expect(standIn.seen).toHaveLength(2)
  })

  test('includes the encoding of embeddings', async () => {
    all(refusing('encoding_format'))
    expect((await ask(providerOf(), { input: 'x' }, { kind: 'embed' })).answer.data).toHaveLength(1)
  })

  test('includes the marks of a continued answer, whose refusal is not the client’s', async () => {
    all(refusing('continue_final_message'))
    const messages = [...hello.messages, { role: 'assistant', content: 'Hel', prefix: true }]
    const asked = ask(providerOf(), { messages, continue_final_message: true }, { stream: true })
    expect(await failure(asked)).toMatchObject({ code: 'cannot_continue' })
  })
})

describe('what a service says about one request', () => {
  const tools = refusal(404, { error: { message: 'No endpoints found that support tool use.', code: 404 } })
  const credits = refusal(402, { error: { message: 'requires more credits, or fewer max_tokens', code: 402 } })
  const openrouter = () => ({ ...hostedService('openrouter', 'sk-or'), baseURL: standIn.baseURL })
  const key = () => Response.json({ data: {} })
  const list =
    (...ids: string[]) =>
    () =>
      Response.json({ data: ids.map((id) => ({ id })) })
  const good = () => Response.json(whole)

  test.each([
    ['a feature that the model lacks', tools, 'No endpoints found'],
    ['a price', credits, 'fewer max_tokens'],
    ['a policy', refusal(403, { error: { message: 'not in your region for this topic' } }), 'this topic'],
    ['a code that names the model', refusal(400, { error: { message: 'bad', code: 'model_not_found' } }), 'bad'],
    ['a key, though the key is good', refusal(401, { error: { message: 'scope missing' } }), 'scope missing'],
  ])('is that client’s error at once, in its words: %s', async (_what, script, words) => {
    for (const answer of [script, key, list('m', 'x'), good]) standIn.script(answer)
    const fault = await failure(ask(providerOf(openrouter()), hello, { model: 'm' }))
    expect(fault.code).toBe('invalid_request')
    expect(fault.message).toContain(words)
    expect(paths()).toEqual(['/chat/completions', '/key', '/models', '/chat/completions'])
    expect(standIn.seen.at(-1)!.body).toMatchObject({ model: 'm', max_tokens: 1 })
  })

  test('is believed of a model that the list has no more', async () => {
    for (const answer of [tools, key, list('x')]) standIn.script(answer)
    expect(await failure(ask(providerOf(openrouter()), hello, { model: 'm' }))).toMatchObject({ code: 'not_offered' })
    expect(paths()).toHaveLength(3)
  })

  test.each([
    ['a model', tools, 'not_offered'],
    ['an account', credits, 'provider_unauthorized'],
  ])('is believed of %s when the smallest request meets it, too', async (_what, script, code) => {
    for (const answer of [script, key, list('m'), script]) standIn.script(answer)
    expect(await failure(ask(providerOf(openrouter()), hello, { model: 'm' }))).toMatchObject({ code })
  })

  test('is believed of a key that is not accepted where it is checked', async () => {
    for (const answer of [credits, refusal(401, {})]) standIn.script(answer)
    expect(await failure(ask(providerOf(openrouter()), hello))).toMatchObject({ code: 'provider_unauthorized' })
  })

  test('withdraws nothing while the service cannot be asked', async () => {
    for (const answer of [tools, key, list('m'), refusal(500, {})]) standIn.script(answer)
    const fault = await failure(ask(providerOf(openrouter()), hello, { model: 'm' }))
    expect(fault.code).toBe('provider_unavailable')
    expect(fault.message).toContain('No endpoints found')
  })

  test('is looked into once for many requests, and not again for a while', async () => {
    const system = heldSystem()
    const provider = providerOf({}, system)
    const gone: Scripted = ({ body }) => (body.tools ? tools() : good())
    const asked = (more: Json = { tools: [] }) => failure(ask(provider, { ...hello, ...more }, { model: 'demo-small' }))
    // Answered when all have arrived: what is looked into in between would take the answer of one that is late.
    const arrived = Promise.withResolvers<void>()
    let waiting = 5
    for (let i = 0; i < 5; i++) {
      standIn.script(async (request, signal) => {
        if (--waiting === 0) arrived.resolve()
        await arrived.promise
        return gone(request, signal)
      })
    }
    const all = await Promise.all(Array.from({ length: 5 }, () => asked()))
    expect(all.map(({ code }) => code)).toEqual(Array(5).fill('invalid_request'))
    const extra = () => paths().length - 5
    expect(extra()).toBe(2)
    standIn.script(gone)
    await asked()
    expect(paths()).toHaveLength(8)
    system.advance(providerProvenMs + 1)
    standIn.script(gone)
    await asked()
    expect(paths()).toHaveLength(11)
  })
})
