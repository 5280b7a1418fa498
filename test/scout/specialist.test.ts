import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineScout } from '../../scout/sdk/define.ts'
import { type Handle, ScoutError, Specialist } from '../../scout/sdk/specialist.ts'
import { offerOf } from '../../shared/task.ts'
import { until } from '../support/clocks/until.ts'
import { LiveHub } from '../support/hub/live-hub.ts'

describe('a definition is refused', () => {
  const handle = () => 'x'
  const bad: [what: string, definition: Parameters<typeof defineScout>[0], sentence: RegExp][] = [
    ['without a function', { offers: ['a'], handle: 'x' as never }, /^handle must be a function/],
    ['without offers', { offers: [], handle }, /^offers must be a list of 1 to 256/],
    ['with a nameless offer', { offers: [''], handle }, /^An offer's model must be 1 to 128 characters/],
    ['with the name that means any', { offers: ['auto'], handle }, /and not "auto"/],
    ['with one model twice', { offers: ['a', { model: 'a' }], handle }, /^offers must name each model once/],
    ['with half a token', { offers: [{ model: 'a', contextTokens: 0.5 }], handle }, /^contextTokens of a must be/],
    ['with a name of two lines', { name: 'a\nb', offers: ['a'], handle }, /^name must be 1 to 64 characters/],
  ]
  test.each(bad)('%s', (_, definition, sentence) => expect(() => defineScout(definition)).toThrow(sentence))
})

describe('a specialist', () => {
  let hub: LiveHub
  beforeEach(() => {
    hub = new LiveHub()
  })
  afterEach(() => hub.close())

  async function serve(handle: Handle, about = ''): Promise<void> {
    const offers = [offerOf({ kind: 'chat', model: 'special', provider: 'mine', about })]
    await hub.addScout({ name: 'specialist', providers: [new Specialist('mine', offers, handle)] })
  }

  async function ask(more: object = {}, init: RequestInit = {}): Promise<Response> {
    const messages = [
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'yes?' },
      { role: 'user', content: 'the question' },
    ]
    return await hub.post('/v1/chat/completions', { model: 'special', messages, ...more }, init)
  }

  const contentOf = async (response: Response) => {
    const json = (await response.json()) as { choices: { message: { content: string }; finish_reason: string }[] }
    expect(json.choices[0]?.finish_reason).toBe('stop')
    return json.choices[0]!.message.content
  }

  /** The deltas of a streamed answer, and whether it ended well. */
  const piecesOf = async (response: Response) => {
    const events = (await response.text()).split('\n\n').flatMap((event) => event.match(/^data: (.*)$/m)?.[1] ?? [])
    const chunks = events.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data))
    const pieces = chunks.flatMap(({ choices }) => choices?.[0]?.delta?.content || [])
    return { pieces, isWhole: events.at(-1) === '[DONE]' }
  }

  test('gets the request, the text of the last user message and the model, and answers with a string', async () => {
    await serve(({ text, model, request, signal }) => `${model}: ${text} ${request.temperature} ${signal.aborted}`)
    expect(await contentOf(await ask({ temperature: 0.5 }))).toBe('special: the question 0.5 false')
    expect(await piecesOf(await ask({ stream: true }))).toEqual({
      pieces: ['special: the question undefined false'],
      isWhole: true,
    })
  })

  test('reads the text of a message in parts', async () => {
    await serve(({ text }) => text)
    const parts = [
      { type: 'text', text: 'one' },
      { type: 'image_url', image_url: { url: 'data:,' } },
      { type: 'text', text: 'two' },
    ]
    expect(await contentOf(await ask({ messages: [{ role: 'user', content: parts }] }))).toBe('one\ntwo')
  })

  test('answers with an object as JSON', async () => {
    await serve(async () => ({ found: [1, 2] }))
    expect(JSON.parse(await contentOf(await ask()))).toEqual({ found: [1, 2] })
  })

  test('streams what it yields, and gives it whole to who does not want a stream', async () => {
    await serve(async function* () {
      yield 'one '
      yield ''
      yield 'two'
    })
    expect((await piecesOf(await ask({ stream: true }))).pieces.join('')).toBe('one two')
    expect(await contentOf(await ask())).toBe('one two')
  })

  test('is listed with what it is good for', async () => {
    await serve(() => '', 'Knows everything about one thing.')
    const listed = await fetch(`${hub.url}/v1/models`, { headers: { authorization: `Bearer ${hub.clientKey}` } })
    expect(await listed.text()).toContain('special')
    expect(JSON.stringify(hub.hub.engine.scouts())).toContain('special')
  })

  test('tells a client in its own words what is wrong, and no other way', async () => {
    await serve(({ text }) => {
      if (text === 'secret') throw new Error('password 1234 was wrong')
      throw new ScoutError('invalid_request', 'Ask for something else.', { param: 'messages[2].content' })
    })
    const refused = await ask()
    expect(refused.status).toBe(400)
    const said = { message: 'Ask for something else.', param: 'messages[2].content', code: 'invalid_request' }
    expect(await refused.json()).toMatchObject({ error: said })
    const broken = await ask({ messages: [{ role: 'user', content: 'secret' }] })
    expect(broken.status).toBe(502)
    expect(await broken.text()).not.toContain('1234')
  })

  test('sends no secret in an error, neither one it was configured with nor one that looks like it', async () => {
    const offers = [offerOf({ kind: 'chat', model: 'special', provider: 'mine' })]
    const text = 'https://me:hunter2@db.example/x said: Blue-Horse-99 is no key, nor is sk-proj-abcdef0123456789'
    const handle = () => {
      throw new ScoutError('invalid_request', text, { param: 'Blue-Horse-99' })
    }
    const providers = [new Specialist('mine', offers, handle)]
    await hub.addScout({ name: 'specialist', providers, secrets: ['Blue-Horse-99'] })
    const said = await (await ask()).text()
    expect(said).toContain('db.example')
    for (const secret of ['hunter2', 'Blue-Horse-99', 'abcdef0123456789']) expect(said).not.toContain(secret)
  })

  test.each([
    ['nothing', () => undefined as never],
    ['a number', () => 7 as never],
    [
      'pieces that are no strings',
      () =>
        (async function* () {
          yield 7 as never
        })(),
    ],
  ])('that returns %s fails the task with a cause', async (_, handle) => {
    await serve(handle)
    const response = await ask()
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ error: { code: 'scout_error' } })
  })

  test('that throws a code which does not exist fails the task with a cause, and serves the next one', async () => {
    await serve(({ text }) => {
      if (text === 'bad') throw new ScoutError('no_such_code' as never, 7 as never, { param: 7 as never })
      return 'fine'
    })
    const response = await ask({ messages: [{ role: 'user', content: 'bad' }] })
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ error: { code: 'scout_error' } })
    expect(await contentOf(await ask())).toBe('fine')
  })

  test('hears when its client has left, and its generator is ended', async () => {
    let aborted = false
    let ended = false
    await serve(async function* ({ signal }) {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      try {
        for (;;) {
          yield 'again '
          await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        ended = true
      }
    })
    const leaving = new AbortController()
    const response = await ask({ stream: true }, { signal: leaving.signal })
    await response.body!.getReader().read()
    leaving.abort()
    await until('the generator to end', () => aborted && ended)
  })
})
