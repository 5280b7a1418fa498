import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostedService, localService, type Service } from '../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../scout/providers/service/service-provider.ts'
import { providerFirstTokenMs, providerSilenceMs } from '../../shared/limits/provider.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import { realSystem } from '../../shared/system.ts'
import { heldSystem } from '../support/clocks/held-system.ts'
import { chunk, event, events, type OpenAiStandIn, startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'
import { ask, failure, type Json } from '../support/providers/provider-calls.ts'

const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const done = 'data: [DONE]\n\n'
const said = 'id: must not matter\n'

let standIn: OpenAiStandIn
let provider: ServiceProvider

function providerAt(change: Partial<Service> = {}, models: string[] = []): ServiceProvider {
  return new ServiceProvider({ ...localService('vllm', standIn.baseURL), ...change }, models, realSystem())
}

/** The next answer is a stream of these texts, ended cleanly. */
function streams(...texts: string[]): void {
  standIn.script(() =>
    events(async (send) => {
      for (const text of texts) await send(text)
    }),
  )
}

function streamed(body: Json = hello, onLine?: (line: Json) => Promise<void>) {
  return ask(provider, body, { stream: true, ...(onLine ? { onLine } : {}) })
}

beforeEach(() => {
  standIn = startOpenAiStandIn()
  provider = providerAt()
})
afterEach(() => standIn.stop())

describe('what the service is asked', () => {
  test('is the client’s request whole, but for Chasm’s own field and what the hub decided', async () => {
    const body = {
      ...hello,
      model: 'auto',
      stream: true,
      stream_options: { include_usage: false },
      chasm: { continue: true },
      reasoning_effort: 'low',
      their_own_field: { deep: [1, null, 'x'] },
    }
    await ask(provider, body, { model: 'demo-large' })
    const { chasm: _chasm, stream_options: _options, ...forwarded } = body
    expect(standIn.seen[0]!.path).toBe('/v1/chat/completions')
    expect(standIn.seen[0]!.body).toEqual({ ...forwarded, model: 'demo-large', stream: false })
  })

  test.each<[string, Service, string]>([
    ['Ollama', localService('ollama', 'http://x'), 'max_tokens'],
    ['LM Studio', localService('lmstudio', 'http://x'), 'max_tokens'],
    ['llama.cpp', localService('llamacpp', 'http://x'), 'max_tokens'],
    ['another server', localService('compatible', 'http://x'), 'max_tokens'],
    ['vLLM', localService('vllm', 'http://x'), 'max_completion_tokens'],
    ['OpenAI', hostedService('openai', 'k'), 'max_completion_tokens'],
    ['OpenRouter', hostedService('openrouter', 'k'), 'max_completion_tokens'],
    ['Groq', hostedService('groq', 'k'), 'max_completion_tokens'],
  ])('says the most tokens in the words of %s, and leaves the older word alone', async (_, service, field) => {
    provider = providerAt({ ...service, baseURL: standIn.baseURL })
    await ask(provider, { ...hello, max_completion_tokens: 7 })
    await ask(provider, { ...hello, max_tokens: 7 })
    const limits = standIn.seen.slice(-2).map(({ body }) => {
      const { messages: _messages, model: _model, stream: _stream, ...rest } = body
      return rest
    })
    expect(limits).toEqual([{ [field]: 7 }, { max_tokens: 7 }])
  })

  test('holds no advice that Groq would refuse, and all of it elsewhere', async () => {
    const advice = { prompt_cache_key: 'k', prompt_cache_retention: '24h', safety_identifier: 's', verbosity: 'low' }
    for (const service of [hostedService('groq', 'k'), hostedService('openai', 'k')]) {
      provider = providerAt({ ...service, baseURL: standIn.baseURL })
      await ask(provider, { ...hello, ...advice, user: 'u' })
      expect(standIn.seen.at(-1)!.body).toMatchObject(
        service.name === 'groq' ? { user: 'u' } : { ...advice, user: 'u' },
      )
      expect('prompt_cache_key' in standIn.seen.at(-1)!.body).toBe(service.name === 'openai')
    }
  })

  test('asks for usage in a stream and keeps the client’s other stream options', async () => {
    await streamed({ ...hello, stream: false, stream_options: { include_usage: false, include_obfuscation: false } })
    const { stream, stream_options } = standIn.seen[0]!.body
    expect(stream).toBe(true)
    expect(stream_options).toEqual({ include_usage: true, include_obfuscation: false })
  })

  const continued = {
    messages: [...hello.messages, { role: 'assistant', content: 'Hel', prefix: true }],
    continue_final_message: true,
    add_generation_prompt: false,
  }
  test('keeps the marks of an answer to be continued where they may be understood', async () => {
    await streamed(continued)
    expect(standIn.seen[0]!.body).toMatchObject(continued)
  })

  test('leaves those marks out for groq, which would refuse them', async () => {
    const groq = { ...hostedService('groq', 'sk-x'), baseURL: standIn.baseURL }
    // On its own each of them is the client's, who is to hear what the service thinks of it.
    const others = [
      { ...hello, continue_final_message: true },
      { ...continued, continue_final_message: false },
    ]
    for (const body of [continued, ...others]) await ask(providerAt(groq), body)
    const [first, ...rest] = standIn.seen.map(({ body: { model: _model, stream: _stream, ...body } }) => body)
    expect(first).toEqual({ messages: [...hello.messages, { role: 'assistant', content: 'Hel' }] })
    expect(rest).toEqual(others)
  })

  test('does not ask openai, which would begin the answer anew', async () => {
    const openai = { ...hostedService('openai', 'sk-x'), baseURL: standIn.baseURL }
    await expect(ask(providerAt(openai), continued)).rejects.toMatchObject({ fault: { code: 'cannot_continue' } })
    expect(standIn.seen).toEqual([])
  })

  test('asks for floats unless the client wants base64', async () => {
    await ask(provider, { input: 'x' }, { kind: 'embed' })
    await ask(provider, { input: 'x', encoding_format: 'base64' }, { kind: 'embed' })
    expect(standIn.seen.map(({ body }) => body.encoding_format)).toEqual(['float', 'base64'])
  })

  test('carries the key and the service’s headers, or no authorization where there is no key', async () => {
    await ask(providerAt({ apiKey: 'sk-secret', headers: { 'X-Title': 'Chasm' } }), hello)
    await ask(providerAt(), hello)
    const [keyed, open] = standIn.seen
    expect(keyed!.headers.get('authorization')).toBe('Bearer sk-secret')
    expect(keyed!.headers.get('x-title')).toBe('Chasm')
    expect(open!.headers.get('authorization')).toBeNull()
  })
})

describe('what comes back', () => {
  test('keeps fields of the service’s own, whole and streamed', async () => {
    const { answer } = await ask(provider, hello)
    expect(answer.system_fingerprint).toBe('fp_theirs')
    streams(chunk({ role: 'assistant', reasoning_content: 'hm' }, null, { theirs: 1 }), chunk({}, 'stop'), done)
    const { lines } = await streamed()
    expect(lines[0]).toEqual({
      choices: [{ index: 0, delta: { role: 'assistant', reasoning_content: 'hm' }, finish_reason: null }],
      theirs: 1,
    })
  })

  test('moves usage into the tail, wherever the service put it', async () => {
    streams(
      chunk({ content: 'a' }, null, { usage: { total_tokens: 1 } }),
      chunk({}, 'stop', { usage: { total_tokens: 2 } }),
    )
    const { answer, lines } = await streamed()
    expect(answer).toEqual({ choices: [], usage: { total_tokens: 2 } })
    for (const line of lines) expect(line).not.toHaveProperty('usage')
  })

  test('puts chunks without choices into the tail, and says the index and delta that a service left out', async () => {
    streams(event({ choices: [], filter: 'ok' }), event({ choices: [{ finish_reason: '' }] }), chunk({}, 'stop'))
    const { answer, lines } = await streamed()
    expect(answer).toEqual({ choices: [], filter: 'ok' })
    expect(lines[0]).toEqual({ choices: [{ index: 0, delta: { role: 'assistant' }, finish_reason: null }] })
  })

  test('reads events that arrive in halves and a stream without [DONE]', async () => {
    const whole = chunk({ content: 'grüße' }) + said + chunk({}, 'stop')
    const bytes = new TextEncoder().encode(whole)
    standIn.script(() => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.slice(at, at + 7))
          controller.close()
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    })
    const { lines } = await streamed()
    expect(lines.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe('grüße')
  })
})

describe('an answer that is none', () => {
  test.each([
    ['a stream that ends before finish_reason', [chunk({ content: 'half an ans' })]],
    ['a stream that says [DONE] before any content', [chunk({ role: 'assistant' }), done]],
    [
      'a stream where one of two choices does not finish',
      [event({ choices: [{ index: 1, delta: {}, finish_reason: null }] }), chunk({}, 'stop'), done],
    ],
    ['a stream without a chunk', [done]],
    ['half a chunk', [chunk({ content: 'x' }).slice(0, 40)]],
    ['a chunk that is no JSON', ['data: {"choices":[\n\n']],
    ['a chunk that is no object', ['data: 7\n\n']],
    ['choices that are no objects', [event({ choices: ['x'] })]],
  ])('is %s', async (_name, texts) => {
    streams(...texts)
    expect(await failure(streamed())).toMatchObject({ code: 'provider_bad_answer' })
  })

  test.each([
    ['a web page', () => new Response('<html>Sign in</html>', { headers: { 'content-type': 'text/html' } })],
    ['half a body', () => new Response('{"choices":[{"index":0', { headers: { 'content-type': 'application/json' } })],
    ['an object without choices', () => Response.json({ hello: 'there' })],
    ['a list', () => Response.json([])],
    ['no choice at all', () => Response.json({ choices: [] })],
  ])('is %s', async (_name, response) => {
    standIn.script(response)
    expect(await failure(ask(provider, hello))).toMatchObject({ code: 'provider_bad_answer' })
    standIn.script(response)
    expect(await failure(streamed())).toMatchObject({ code: 'provider_bad_answer' })
  })

  test('is an endless body: read no further than an answer may be long, then given up', async () => {
    const endless = (type: string) => () => {
      const body = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(120)) })
      return new Response(body, { headers: { 'content-type': type } })
    }
    for (const type of ['application/json', 'text/event-stream']) {
      standIn.script(endless(type))
      const fault = await failure(type === 'application/json' ? ask(provider, hello) : streamed())
      expect(fault).toMatchObject({ code: 'answer_too_large' })
      expect(fault.message).toContain(String(bodyBytesMax))
    }
    standIn.script(() => new Response(endless('text/plain')().body, { status: 500 }))
    expect(await failure(ask(provider, hello))).toMatchObject({ code: 'provider_unavailable' })
    await standIn.abandoned()
  })

  test('is a connection cut in the middle', async () => {
    standIn.script((_request, signal) =>
      events(async (send) => {
        await send(chunk({ content: 'half an ans' }))
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))))
      }),
    )
    const cut = () => standIn.stop()
    expect(await failure(streamed(hello, cut))).toMatchObject({ code: 'provider_unavailable' })
  })
})

describe('failures of the service', () => {
  test.each([
    [{ code: 429, message: 'slow down' }, 'provider_rate_limited'],
    [{ type: 'invalid_request_error', message: 'no', param: 'messages' }, 'invalid_request'],
    [{ code: 'context_length_exceeded', message: 'too long' }, 'context_length_exceeded'],
    [{ message: 'the GPU fell off' }, 'provider_unavailable'],
    ['the GPU fell off', 'provider_unavailable'],
  ])('are heard in the middle of a stream: %j', async (error, code) => {
    streams(chunk({ content: 'a' }), event({ error }))
    expect(await failure(streamed())).toMatchObject({ code })
    standIn.script(() => Response.json({ error }))
    expect(await failure(ask(provider, hello))).toMatchObject({ code })
  })

  test('are tried once: trying again is the hub’s to decide', async () => {
    standIn.script(() => Response.json({ error: { message: 'busy' } }, { status: 503 }))
    expect(await failure(ask(provider, hello))).toMatchObject({ code: 'provider_unavailable' })
    expect(standIn.seen).toHaveLength(1)
  })

  test('carry the time to wait out of the headers of a 429', async () => {
    standIn.script(() => Response.json({ error: {} }, { status: 429, headers: { 'retry-after': '7' } }))
    expect(await failure(streamed())).toMatchObject({ code: 'provider_rate_limited', retryAfterMs: 7_000 })
  })

  test('include that nobody listens', async () => {
    await standIn.stop()
    const fault = await failure(ask(provider, hello))
    expect(fault).toMatchObject({ code: 'provider_unavailable' })
    expect(fault.message).toContain(standIn.baseURL)
  })
})

describe('waiting', () => {
  const hangs = (_request: unknown, signal: AbortSignal) =>
    new Promise<Response>((resolve) => signal.addEventListener('abort', () => resolve(new Response())))

  test('gives a silent service up when its time for the first chunk is over', async () => {
    const system = heldSystem()
    provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], system)
    const asked = Promise.withResolvers<void>()
    standIn.script((request, signal) => {
      asked.resolve()
      return hangs(request, signal)
    })
    const failed = failure(streamed())
    await asked.promise
    expect(system.delays()[0]).toBeGreaterThanOrEqual(providerFirstTokenMs)
    system.advance(providerFirstTokenMs + 1_000)
    expect(await failed).toMatchObject({ code: 'provider_timeout' })
    await standIn.abandoned()
  })

  test('gives it up when it falls silent between chunks, but not while the client is the slow one', async () => {
    const system = heldSystem()
    provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], system)
    standIn.script((_request, signal) =>
      events(async (send) => {
        await send(chunk({ content: 'a' }))
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))))
      }),
    )
    const taken = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const failed = failure(
      streamed(hello, async () => {
        reached.resolve()
        await taken.promise
      }),
    )
    await reached.promise
    expect(system.delays()).toEqual([])
    taken.resolve()
    while (system.delays().length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(system.delays()).toEqual([providerSilenceMs])
    system.advance(providerSilenceMs)
    expect(await failed).toMatchObject({ code: 'provider_timeout' })
    await standIn.abandoned()
  })

  test.each([
    ['before the answer begins', hangs],
    [
      'in the middle of a stream',
      (_request: unknown, signal: AbortSignal) =>
        events(async (send) => {
          while (!signal.aborted) await send(chunk({ content: 'more ' }))
        }),
    ],
  ])('ends at once, and at the service too, when the caller aborts %s', async (_name, script) => {
    // No time passes, so the abort alone can be what ends it.
    provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], heldSystem())
    const controller = new AbortController()
    const asked = Promise.withResolvers<void>()
    standIn.script((request, signal) => {
      asked.resolve()
      return script(request, signal)
    })
    const working = ask(provider, hello, { stream: true, signal: controller.signal }).catch((error: unknown) => error)
    await asked.promise
    controller.abort()
    expect(await working).toBe(controller.signal.reason)
    await standIn.abandoned()
  })

  test('holds a fast service back while the client takes nothing', async () => {
    const total = 600
    let sent = 0
    standIn.script(() =>
      events(async (send) => {
        while (sent < total) {
          await send(chunk({ content: 'x'.repeat(65_536) }))
          sent++
        }
        await send(chunk({}, 'stop'))
      }),
    )
    let taken = 0
    await streamed(hello, async () => {
      if (++taken > 1) return
      // Wait until the service stands still: nothing more was sent over many turns of the event loop.
      for (let before = -1, still = 0; still < 50; before = sent) {
        await new Promise((resolve) => setTimeout(resolve, 2))
        still = before === sent ? still + 1 : 0
      }
      // Nearly 40 MB are on offer; what the buffers of two sockets hold may be on its way.
      expect(sent * 65_536).toBeLessThan(24 * 1024 * 1024)
    })
    expect(taken).toBe(total + 1)
  })
})
