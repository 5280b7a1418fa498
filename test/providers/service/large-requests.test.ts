/** Requests of megabytes: sent on as the bytes they came as, around what is the scout's to change. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { localService, type Service } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { longValueBytes, wholeRequestBytesMax } from '../../../shared/limits/provider.ts'
import { realSystem } from '../../../shared/system.ts'
import {
  chunk,
  events,
  identity,
  type OpenAiStandIn,
  startOpenAiStandIn,
} from '../../support/providers/openai-stand-in.ts'
import { collector, failure, type Json } from '../../support/providers/provider-calls.ts'

let standIn: OpenAiStandIn
beforeEach(() => {
  standIn = startOpenAiStandIn()
})
afterEach(() => standIn.stop())

const whole = {
  ...identity,
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
}
const image = `data:image/png;base64,${'iVBORw0K'.repeat(100_000)}`
const words = 'She said: "naïve – 東京 \\ 😀"\n'.repeat(20_000)
const content = [
  { type: 'text', text: words },
  { type: 'image_url', image_url: { url: image } },
]
const large = { temperature: 0.5, messages: [{ role: 'user', content }], chasm: { deadline_ms: 1 }, model: 'auto' }

function providerOf(change: Partial<Service> = {}): ServiceProvider {
  return new ServiceProvider({ ...localService('vllm', standIn.baseURL), ...change }, [], realSystem())
}

function ask(provider: ServiceProvider, body: Json | string, stream = false) {
  const json = typeof body === 'string' ? body : JSON.stringify(body)
  const request = { kind: 'chat' as const, model: 'm', stream, body: Buffer.from(json) }
  return provider.answer(request, collector().writer, new AbortController().signal)
}

describe('a request of megabytes', () => {
  test('arrives as it is, with the fields that are the scout’s, and with its length', async () => {
    standIn.script(() => Response.json(whole))
    await ask(providerOf({ extras: { user: 'operator' } }), large)
    const [seen] = standIn.seen
    const { chasm: _, ...rest } = large
    expect(seen!.body).toEqual({ ...rest, model: 'm', stream: false, user: 'operator' })
    expect(seen!.headers.get('content-length')).toBe(String(Buffer.byteLength(seen!.text)))
    expect(seen!.headers.get('content-type')).toBe('application/json')
  })

  test('keeps the digits of its numbers, and lists of them', async () => {
    standIn.script(() => Response.json(whole))
    const biases = Array.from({ length: 50_000 }, (_, at) => at).join(', ')
    const json = `{"seed":12345678901234567890,"messages":[{"role":"user","content":"hi"}],"more":[[ ${biases} ],[]]}`
    await ask(providerOf(), json)
    expect(standIn.seen[0]!.text).toContain('"seed":12345678901234567890')
    expect(standIn.seen[0]!.text).toContain(`"more":[[ ${biases} ],[]]`)
  })

  test('is sent once more where its service did not know what was added, and where it is led elsewhere', async () => {
    const refusal = { error: { message: "property 'stream_options' is unsupported", type: 'invalid_request_error' } }
    standIn.script(() => Response.json(refusal, { status: 400 }))
    standIn.script(() => Response.redirect('/v1/chat/completions?again', 307))
    standIn.script(() => events((send) => send(`${chunk({ content: 'x' })}${chunk({}, 'stop')}data: [DONE]\n\n`)))
    await ask(providerOf(), large, true)
    expect(standIn.seen).toHaveLength(3)
    for (const { body } of standIn.seen) expect(body.messages).toEqual(large.messages)
    expect(standIn.seen.map(({ body }) => 'stream_options' in body)).toEqual([true, false, false])
  })

  test('that names a private URL is refused, however long the URL is and however it is written', async () => {
    const tail = `?sign=${'a'.repeat(20_000)}`
    const about = (url: string) => ({
      messages: [{ role: 'user', content: [...content, { type: 'image_url', image_url: { url } }] }],
    })
    for (const url of [`http://10.0.0.7/${tail}`, `file:///etc/passwd${tail}`, `http://localhost${tail}`]) {
      const { code, param } = await failure(ask(providerOf(), about(url)))
      expect([code, param]).toEqual(['invalid_request', 'messages[0].content[2].image_url.url'])
    }
    const escaped = JSON.stringify(about(`http://10.0.0.7/${tail}`)).replace('10.0.0.7', '\\u0031\\u0030.0.0.7')
    expect((await failure(ask(providerOf(), escaped))).code).toBe('invalid_request')
    expect(standIn.seen).toEqual([])
    standIn.script(() => Response.json(whole))
    await ask(providerOf(), about(`https://example.com/${tail}`))
    expect(standIn.seen).toHaveLength(1)
  })

  test('that is no JSON object is refused', async () => {
    for (const json of [`{"a":"${'x'.repeat(wholeRequestBytesMax)}`, `["${'x'.repeat(wholeRequestBytesMax)}"]`]) {
      expect((await failure(ask(providerOf(), json))).message).toContain('JSON object')
    }
  })

  test('and one of just the size at which it is parsed whole arrive alike', async () => {
    const filled = (bytes: number) => {
      const empty = { messages: [{ role: 'user', content: '' }], metadata: { note: 'n'.repeat(longValueBytes) } }
      empty.messages[0]!.content = 'x'.repeat(bytes - JSON.stringify(empty).length)
      return empty
    }
    for (const bytes of [wholeRequestBytesMax, wholeRequestBytesMax + 1]) {
      standIn.script(() => Response.json(whole))
      await ask(providerOf(), filled(bytes))
      expect(standIn.seen.at(-1)!.body).toEqual({ ...filled(bytes), model: 'm', stream: false })
    }
  })
})
