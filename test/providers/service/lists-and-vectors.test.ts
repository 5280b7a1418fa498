/** Lists of models in other forms or none at all, and embeddings in another encoding or length than was asked for. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { localService } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { realSystem } from '../../../shared/system.ts'
import { type OpenAiStandIn, startOpenAiStandIn } from '../../support/providers/openai-stand-in.ts'
import { ask, failure } from '../../support/providers/provider-calls.ts'

let standIn: OpenAiStandIn
beforeEach(() => {
  standIn = startOpenAiStandIn()
})
afterEach(() => standIn.stop())

const { signal } = new AbortController()
const providerOf = (models: string[] = []) =>
  new ServiceProvider(localService('compatible', standIn.baseURL), models, realSystem())
const missing = () => new Response('404 page not found', { status: 404 })

describe('a list of models', () => {
  test('may be bare', async () => {
    standIn.script(() => Response.json([{ id: 'a', context_length: 7 }, { id: 'b' }]))
    expect(await providerOf().discover(signal)).toMatchObject([{ model: 'a', contextTokens: 7 }, { model: 'b' }])
  })

  test.each([
    ['missing', missing],
    ['not allowed', () => new Response('', { status: 405 })],
    ['null', () => Response.json({ object: 'list', data: null })],
    ['empty', () => Response.json({ data: [] })],
  ])('that is %s leaves what MODEL names, and else a sentence that says so', async (_what, script) => {
    standIn.script(script)
    expect(await providerOf(['mine', 'my-embed']).discover(signal)).toMatchObject([
      { kind: 'chat', model: 'mine' },
      { kind: 'embed', model: 'my-embed' },
    ])
    standIn.script(script)
    const fault = await failure(providerOf().discover(signal))
    expect(fault.code).toBe('not_offered')
    expect(fault.message).toMatch(/name them in MODEL|load one there/)
  })

  test('that names others still refuses what MODEL names: it is probably misspelt', async () => {
    standIn.script(() => Response.json({ data: [{ id: 'a' }] }))
    expect((await failure(providerOf(['b']).discover(signal))).message).toContain('change MODEL')
  })

  test('that is refused is no missing list', async () => {
    standIn.script(() => Response.json({ detail: 'no key' }, { status: 401 }))
    expect(await failure(providerOf(['mine']).discover(signal))).toMatchObject({ code: 'provider_unauthorized' })
    standIn.script(() => Response.json({ error: { message: 'out of order', code: 500 } }))
    expect((await failure(providerOf(['mine']).discover(signal))).message).toContain('out of order')
  })
})

describe('embeddings', () => {
  const vector = [0.5, -1.25, 3]
  const text = Buffer.from(new Float32Array(vector).buffer).toString('base64')
  const answers = (embedding: unknown) => standIn.script(() => Response.json({ data: [{ index: 0, embedding }] }))
  const asked = (more: object) => ask(providerOf(), { input: 'x', ...more }, { kind: 'embed' })

  test.each([
    ['base64', vector, text],
    ['base64', text, text],
    ['float', text, vector],
    [undefined, text, vector],
    ['float', vector, vector],
  ])('asked for as %s come so from a server that sends %j', async (encoding_format, sent, wanted) => {
    answers(sent)
    expect((await asked({ encoding_format })).answer.data[0].embedding).toEqual(wanted)
  })

  test('of another number of dimensions are refused with the number there is', async () => {
    for (const sent of [vector, text]) {
      answers(sent)
      const fault = await failure(asked({ dimensions: 2 }))
      expect(fault).toMatchObject({ code: 'invalid_request', param: 'dimensions' })
      expect(fault.message).toContain('3 dimensions')
      answers(sent)
      await asked({ dimensions: 3 })
    }
  })
})
