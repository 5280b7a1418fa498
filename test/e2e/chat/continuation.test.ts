/** Streams whose scout dies on the way: with `chasm: {continue: true}` another scout goes on where it stopped. */
import { APIError } from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { sdkOf, standInProvider } from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import { startOpenAiStandIn } from '../../support/providers/openai-stand-in.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { contentLine, joinRaw, type RawScout, roleLine } from '../../support/scout/raw-scout.ts'

function liveHub(): LiveHub {
  const live = new LiveHub({ core: { retryBaseMs: 1, resumeWindowMs: 50, returnWindowMs: 0 } })
  onTestFinished(() => live.close())
  return live
}

const messages = [{ role: 'user' as const, content: 'Tell me of the chasm' }]
const request = (continues: boolean) => ({
  model: 'm',
  messages,
  stream: true as const,
  stream_options: { include_usage: true },
  chasm: { continue: continues },
})
/** An answer that takes half a minute, so that its scout is surely killed in the middle. */
const knobs = { DEMO_MODELS: 'm', DEMO_FIRST_TOKEN_MS: '0', DEMO_TOKENS_PER_SECOND: '100', DEMO_TOKENS: '3000' }
const demo = { models: ['m'], tokens: 3_000 }

interface Heard {
  text: string
  finish: string | null
  usage: Json | null
  scouts: string[]
  error: unknown
}

/** Reads a stream through the official SDK; `onText` is called with what has come so far. */
async function read(live: LiveHub, continues: boolean, onText: (text: string) => void): Promise<Heard> {
  const heard: Heard = { text: '', finish: null, usage: null, scouts: [], error: null }
  try {
    for await (const chunk of await sdkOf(live).chat.completions.create(request(continues))) {
      heard.text += chunk.choices[0]?.delta.content ?? ''
      heard.finish = chunk.choices[0]?.finish_reason ?? heard.finish
      heard.usage = chunk.usage ?? heard.usage
      const { chasm } = chunk as { chasm?: { scout: string } }
      // The chunk with the usage has what it cost, which is no name.
      if (chasm?.scout !== undefined) heard.scouts.push(chasm.scout)
      onText(heard.text)
    }
  } catch (error) {
    heard.error = error
  }
  return heard
}

/** The scout `doomed` is killed once some of its answer has come, with a second one in waiting. */
async function readThroughDeath(
  live: LiveHub,
  continues: boolean,
): Promise<{ heard: Heard; second: CountingProvider }> {
  const doomed = await live.spawnScout('doomed', knobs)
  const begun = Promise.withResolvers<void>()
  const heard = read(live, continues, (text) => text.length > 40 && begun.resolve())
  await begun.promise
  const second = new CountingProvider(demo)
  await live.addScout({ name: 'second', providers: [second] })
  doomed.kill('SIGKILL')
  return { heard: await heard, second }
}

test('a client that asked for it hears the very answer one scout would have given', async () => {
  const live = liveHub()
  const { heard, second } = await readThroughDeath(live, true)
  expect(second.asked).toEqual(['m'])
  const whole = await sdkOf(live).chat.completions.create({ model: 'm', messages })
  expect(heard).toMatchObject({ text: whole.choices[0]!.message.content, finish: 'stop', error: null })
  expect(heard.scouts).toEqual([expect.stringMatching(/\/doomed$/)])
  expect(heard.usage).toMatchObject({ completion_tokens: expect.any(Number) })
})

test('a client that did not hears in band that it broke off', async () => {
  const { heard, second } = await readThroughDeath(liveHub(), false)
  expect(heard.error).toBeInstanceOf(APIError)
  expect(heard.error).toMatchObject({ code: 'scout_lost' })
  expect(heard.finish).toBeNull()
  expect(second.asked).toEqual([])
})

test('the stream itself is one legal chain that ends with [DONE], however often its scout dies', async () => {
  const live = liveHub()
  const texts = ['one ', 'two ', 'three ']
  let response: Promise<Response> | null = null
  let reader: StreamReader | null = null
  let said = ''
  for (const text of texts) {
    const scout = await joinRaw(live, { credits: 1 })
    response ??= live.post('/v1/chat/completions', request(true))
    const lease = await scout.heard('task')
    const body = JSON.parse((await bodyOf(scout)).toString()) as Json
    expect(body.messages.at(-1)).toEqual(said === '' ? messages[0] : { role: 'assistant', content: said, prefix: true })
    scout.started(lease)
    scout.chunk(lease, 0, 0, roleLine + contentLine(text))
    said += text
    reader ??= new StreamReader(await response)
    await reader.until(`"${text}"`, (sofar) => sofar.text === said)
    if (text === texts.at(-1)) {
      const finish = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n'
      scout.chunk(lease, 1, (roleLine + contentLine(text)).length, finish)
      scout.settle(lease, { chunks: 2 }, '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}')
    } else {
      scout.cut()
      await until('the loss', () => live.hub.engine.scouts().length === 0)
    }
  }
  expect(await reader!.over()).toMatchObject({ text: said, isDone: true, finishes: ['stop'], error: null })
  // Whoever goes on does not begin anew.
  expect(reader!.events.filter(({ choices }) => choices[0]?.delta.role === 'assistant')).toHaveLength(1)
  expect(live.hub.engine.stats()).toMatchObject({ attempts: 3, tasksFinished: { done: 1 } })
})

function bodyOf(scout: RawScout): Promise<Buffer> {
  return scout.heard('task').then(({ body }) => Buffer.from(body!))
}

test('a service of its own is asked to go on, with everything that marks the request as such', async () => {
  const live = liveHub()
  const standIn = startOpenAiStandIn(demo)
  onTestFinished(() => standIn.stop())
  const whole = await wholeAnswerOf(standIn.baseURL)
  const scout = await joinRaw(live, { credits: 1 })
  const response = live.post('/v1/chat/completions', request(true))
  const lease = await scout.heard('task')
  const beginning = whole.slice(0, 60)
  scout.chunk(lease, 0, 0, contentLine(beginning))
  const reader = new StreamReader(await response)
  await reader.content()
  await live.addScout({ name: 'second', providers: [standInProvider(standIn)] })
  scout.cut()
  expect(await reader.over()).toMatchObject({ text: whole, isDone: true, finishes: ['stop'], error: null })
  const { body } = standIn.seen.at(-1)!
  expect(body).toMatchObject({ continue_final_message: true, add_generation_prompt: false })
  expect(body).not.toHaveProperty('chasm')
  expect((body.messages as Json[]).at(-1)).toEqual({ role: 'assistant', content: beginning, prefix: true })
})

async function wholeAnswerOf(baseURL: string): Promise<string> {
  const body = JSON.stringify({ model: 'm', messages })
  const response = await fetch(`${baseURL}/chat/completions`, { method: 'POST', body })
  return ((await response.json()) as Json).choices[0].message.content
}
