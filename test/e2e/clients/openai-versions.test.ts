/** The two majors of the OpenAI SDK that are in use, side by side: what both must be able to do at a hub. */
import { OpenAI as OpenAI7 } from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { OpenAI as OpenAI6 } from 'openai-6'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type ClientStage,
  neverEnding,
  openClientStage,
  seenEmbedModel,
  seenModel,
} from '../../support/hub/client-stage.ts'
import { chunk, event, events } from '../../support/providers/openai-stand-in.ts'

let stage: ClientStage
beforeAll(async () => {
  stage = await openClientStage()
})
afterAll(() => stage.close())

const messages = [{ role: 'user' as const, content: 'Tell me of the chasm' }]
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })
const parameters = z.toJSONSchema(Weather) as Record<string, unknown>

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(item)
  return all
}

/** The newer one stands for both: what the tests use of them is the same. */
const versions: [major: number, sdk: typeof OpenAI7][] = [
  [6, OpenAI6 as unknown as typeof OpenAI7],
  [7, OpenAI7],
]

describe.each(versions)('openai %d', (_, OpenAI) => {
  const sdk = (options: { maxRetries?: number; apiKey?: string } = {}) =>
    new OpenAI({ baseURL: stage.hub.baseURL, apiKey: stage.hub.clientKey, maxRetries: 0, ...options })

  describe.each(['demo-small', seenModel])('at %s', (model) => {
    test('is answered whole and in pieces alike', async () => {
      const whole = await sdk().chat.completions.create({ model, messages })
      expect(whole.choices[0]!.message.content).toContain('Tell me of the chasm')
      expect(whole._request_id).toMatch(/^req_/)
      const asked = { model, messages, stream: true, stream_options: { include_usage: true } } as const
      const chunks = await collect(await sdk().chat.completions.create(asked))
      const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
      expect(text).toBe(whole.choices[0]!.message.content)
      expect(chunks.at(-1)!.usage).toEqual(whole.usage)
    })

    test.each([false, true])('runs tools to the end (streamed: %s)', async (stream) => {
      const called: unknown[] = []
      const weather = (wanted: z.infer<typeof Weather>) => {
        called.push(wanted)
        return `mist over ${wanted.city}`
      }
      const parse = (text: string) => Weather.parse(JSON.parse(text))
      const what = { name: 'weather', description: 'The weather to come', parameters, parse, function: weather }
      const tools = [{ type: 'function' as const, function: what }]
      const runner = stream
        ? sdk().chat.completions.runTools({ model, messages, tools, stream: true })
        : sdk().chat.completions.runTools({ model, messages, tools })
      expect(await runner.finalContent()).toContain('The tool answered: "mist over')
      expect(called).toHaveLength(1)
    })

    test('gets an answer in the form of a schema', async () => {
      const response_format = zodResponseFormat(Weather, 'forecast')
      const { choices } = await sdk().chat.completions.parse({ model, messages, response_format })
      expect(Weather.parse(choices[0]!.message.parsed)).toEqual(choices[0]!.message.parsed)
    })
  })

  test.each(['demo-embed', seenEmbedModel])('gets vectors of %s', async (model) => {
    const { data } = await sdk().embeddings.create({ model, input: ['one', 'two'] })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([64, 64])
  })

  test('lists the models, and finds one', async () => {
    const ids = (await collect(sdk().models.list())).map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining(['demo-small', seenModel]))
    expect(await sdk().models.retrieve(seenModel)).toMatchObject({ id: seenModel, object: 'model' })
  })

  test('meets refusals as errors of its own', async () => {
    await expect(sdk().chat.completions.create({ model: 'gpt-17', messages })).rejects.toThrow(OpenAI.NotFoundError)
    const badKey = sdk({ apiKey: 'sk-bad' }).chat.completions.create({ model: 'demo-small', messages })
    await expect(badKey).rejects.toThrow(OpenAI.AuthenticationError)
    const bad = sdk().chat.completions.create({ model: 'demo-small', messages, temperature: 'hot' as never })
    await expect(bad).rejects.toMatchObject({ status: 400, param: 'temperature', code: 'invalid_request' })
  })

  test('tries again what may pass, and not what may not', async () => {
    const before = stage.standIn.seen.length
    const busy = () => Response.json({ error: { message: 'Busy.' } }, { status: 503 })
    stage.standIn.script(busy)
    // The only scout of this model is asked again by the hub itself; the SDK sees one answer.
    const { choices } = await sdk({ maxRetries: 3 }).chat.completions.create({ model: seenModel, messages })
    expect(choices[0]!.finish_reason).toBe('stop')
    expect(stage.standIn.seen.length).toBe(before + 2)
    const refused = () => Response.json({ error: { message: 'No.', type: 'invalid_request_error' } }, { status: 400 })
    stage.standIn.script(refused)
    await expect(sdk({ maxRetries: 3 }).chat.completions.create({ model: seenModel, messages })).rejects.toMatchObject({
      status: 400,
    })
    expect(stage.standIn.seen.length).toBe(before + 3)
  })

  test('stops the provider when it aborts in the middle', async () => {
    const { abandonedMs } = neverEnding(stage.standIn, 'talking')
    const stream = await sdk().chat.completions.create({ model: seenModel, messages, stream: true })
    for await (const _ of stream) break
    await abandonedMs
  })

  test('meets a stream that breaks off as an error', async () => {
    stage.standIn.script(() =>
      events(async (send) => {
        await send(chunk({ role: 'assistant', content: 'Once ' }))
        await send(event({ error: { message: 'out of memory', code: 500 } }))
      }),
    )
    const stream = await sdk().chat.completions.create({ model: seenModel, messages, stream: true })
    await expect(collect(stream)).rejects.toMatchObject({ code: 'provider_unavailable' })
  })

  test('is answered by another model when it names several', async () => {
    const asked = { model: 'gpt-17', models: ['demo-small'], messages }
    expect((await sdk().chat.completions.create(asked)).model).toBe('demo-small')
  })
})
