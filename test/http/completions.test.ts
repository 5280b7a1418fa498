/** `POST /v1/completions`: prompts become chats, and their answers texts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fault } from '../../shared/faults.ts'
import { promptsMax } from '../../shared/limits/http.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'
import type { FakeAnswer } from '../support/hub/fake-engine.ts'

type Json = Record<string, unknown>

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const base = { model: 'm', prompt: 'Once' }
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const ask = (fields: Json = {}) => edge.post('/v1/completions', { ...base, ...fields })
const asked = (at: number) => JSON.parse(Buffer.from(edge.engine.answers[at]!.submission.body).toString()) as Json

function choices(...texts: string[]): Json[] {
  return texts.map((content, index) => ({ index, message: { content }, finish_reason: 'stop' }))
}

const line = (content: string, index = 0, more: Json = {}) =>
  JSON.stringify({ choices: [{ index, delta: { content }, finish_reason: null, ...more }] })
const end = (index = 0) => JSON.stringify({ choices: [{ index, delta: {}, finish_reason: 'length' }] })

function chunksIn(text: string): Json[] {
  const blocks = text.split('\n\n').filter((block) => block.startsWith('data: {'))
  return blocks.map((block) => JSON.parse(block.slice(6)) as Json)
}

/** The text of each choice. */
function textsIn(chunks: readonly Json[]): string[] {
  const texts: string[] = []
  for (const chunk of chunks) {
    for (const { index, text } of chunk.choices as { index: number; text: string }[]) {
      texts[index] = (texts[index] ?? '') + text
    }
  }
  return texts
}

describe('a whole completion', () => {
  test('is a chat of one message, in the old form', async () => {
    edge.engine.script = (answer) => answer.serve().done(JSON.stringify({ choices: choices('upon a time'), usage }))
    const response = await ask({ max_tokens: 5, stop: ['.'], user: 'u', logit_bias: { 1: 2 }, echo: false, best_of: 1 })
    expect(await response.json()).toEqual({
      ...{ id: 'cmpl-0', object: 'text_completion', created: 1_700_000_000, model: 'llama', usage },
      chasm: { scout: 'ant', provider: 'demo', model: 'llama', attempts: 1, queued_ms: 7 },
      choices: [{ text: 'upon a time', index: 0, logprobs: null, finish_reason: 'stop' }],
    })
    const messages = [{ role: 'user', content: 'Once' }]
    expect(asked(0)).toEqual({
      model: 'm',
      max_completion_tokens: 5,
      stop: ['.'],
      user: 'u',
      logit_bias: { 1: 2 },
      messages,
    })
  })

  test('of several prompts asks for each at once, and numbers the choices through', async () => {
    edge.engine.script = () => {
      if (edge.engine.answers.length === 3) for (const one of edge.engine.answers) done(one)
    }
    const done = (answer: FakeAnswer) => {
      const { messages } = JSON.parse(Buffer.from(answer.submission.body).toString()) as { messages: [Json] }
      const { content } = messages[0]
      answer.serve().done(JSON.stringify({ choices: choices(`${content}1`, `${content}2`), usage }))
    }
    const answer = (await (await ask({ prompt: ['a', 'b', 'c'], n: 2 })).json()) as { choices: Json[]; usage: Json }
    expect(answer.choices.map(({ text, index }) => [index, text])).toEqual([
      ...[[0, 'a1'], [1, 'a2'], [2, 'b1'], [3, 'b2'], [4, 'c1'], [5, 'c2']], // biome-ignore format: a table
    ])
    expect(answer.usage).toEqual({ prompt_tokens: 9, completion_tokens: 6, total_tokens: 15 })
  })

  test('of several prompts fails with the first that fails, and stops the others', async () => {
    edge.engine.script = (answer) => {
      if (edge.engine.answers.length === 2) answer.fail(fault('scout_lost', 'The scout was lost.'))
      else if (edge.engine.answers.length === 1) answer.serve().done(JSON.stringify({ choices: choices('a') }))
    }
    const response = await ask({ prompt: ['a', 'b', 'c'] })
    expect([response.status, await response.json()]).toMatchObject([502, { error: { code: 'scout_lost' } }])
    await edge.engine.answers[2]!.abandoned
  })

  test('shows log probabilities as they were shown then', async () => {
    const entry = (token: string, logprob: number) => ({ token, logprob, top_logprobs: [{ token, logprob }] })
    const logprobs = { content: [entry('up', -1), entry('on', -2)] }
    const choice = { index: 0, message: { content: 'upon' }, finish_reason: 'stop', logprobs }
    edge.engine.script = (answer) => answer.serve().done(JSON.stringify({ choices: [choice] }))
    const answer = (await (await ask({ logprobs: 1 })).json()) as { choices: Json[] }
    expect(asked(0)).toMatchObject({ logprobs: true, top_logprobs: 1 })
    expect(answer.choices[0]!.logprobs).toEqual({
      ...{ tokens: ['up', 'on'], token_logprobs: [-1, -2], text_offset: [4, 6] },
      top_logprobs: [{ up: -1 }, { on: -2 }],
    })
  })

  test('with a suffix is an instruction to fill the gap', async () => {
    edge.engine.script = (answer) => answer.serve().done(JSON.stringify({ choices: choices('upon') }))
    await (await ask({ suffix: 'a time' })).json()
    const { messages } = asked(0) as { messages: Json[] }
    expect(messages).toMatchObject([{ role: 'system' }, { role: 'user', content: 'Once' }])
    expect(messages[0]!.content).toMatch(/^Continue the text.+\n\na time$/)
  })

  test('is kept under an Idempotency-Key', async () => {
    edge.engine.script = (answer) => answer.serve().done(JSON.stringify({ choices: choices('a') }))
    const init = { headers: { 'idempotency-key': 'k' } }
    const first = await (await edge.post('/v1/completions', base, init)).text()
    expect(await (await edge.post('/v1/completions', base, init)).text()).toBe(first)
    expect(edge.engine.answers).toHaveLength(1)
  })
})

describe('a streamed completion', () => {
  test('is told in chunks of text, with usage when it is asked for', async () => {
    edge.engine.script = (answer) =>
      answer
        .serve()
        .line(line(''))
        .line(line('upon'))
        .line(line(' a', 0, { logprobs: { content: [{ token: ' a', logprob: -1, top_logprobs: [] }] } }))
        .line(end())
        .done(JSON.stringify({ choices: [], usage }))
    const text = await (await ask({ stream: true, stream_options: { include_usage: true } })).text()
    const chunks = chunksIn(text)
    expect(chunks[0]).toMatchObject({
      id: 'cmpl-0',
      object: 'text_completion',
      model: 'llama',
      chasm: { scout: 'ant' },
    })
    expect(textsIn(chunks)).toEqual(['upon a'])
    expect(chunks.at(-2)).toMatchObject({ choices: [{ text: '', finish_reason: 'length' }] })
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage })
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    const plain = await (await ask({ stream: true })).text()
    expect(plain).not.toContain('"usage"')
  })

  test('of several prompts tells one after the other', async () => {
    edge.engine.script = (answer) => {
      answer
        .serve()
        .line(line(`t${edge.engine.answers.length}`))
        .line(line('u', 1))
        .line(end())
        .line(end(1))
        .done()
    }
    const chunks = chunksIn(await (await ask({ stream: true, prompt: ['a', 'b'], n: 2 })).text())
    expect(textsIn(chunks)).toEqual(['t1', 'u', 't2', 'u'])
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set(['cmpl-0']))
  })

  test('that breaks off ends with an error and without [DONE]', async () => {
    edge.engine.script = (answer) =>
      answer.serve().line(line('upon')).fail(fault('scout_lost', 'The scout was lost.'), 4)
    const text = await (await ask({ stream: true })).text()
    expect(chunksIn(text).at(-1)).toMatchObject({ error: { code: 'scout_lost' } })
    expect(text).not.toContain('[DONE]')
  })

  test('whose client leaves stops the work', async () => {
    const leaving = new AbortController()
    const submitted = edge.engine.submitted()
    const response = edge.post('/v1/completions', { ...base, stream: true }, { signal: leaving.signal })
    const answer = (await submitted).serve().line(line('upon'))
    await (await response).body!.getReader().read()
    leaving.abort()
    await answer.abandoned
  })
})

describe('refused by name is', () => {
  const rows: [param: string, fields: Json, rule: string][] = [
    ['model', { model: undefined }, 'is required'],
    ['prompt', { prompt: undefined }, 'is required'],
    ['prompt', { prompt: [] }, '1 to'],
    ['prompt', { prompt: [1, 2] }, 'tokens are not offered'],
    ['prompt', { prompt: Array.from({ length: promptsMax + 1 }, () => 'a') }, `${promptsMax} strings`],
    ['echo', { echo: true }, 'not offered here'],
    ['best_of', { best_of: 3 }, 'choose yourself'],
    ['messages', { messages: [] }, '/v1/chat/completions'],
    ['tools', { tools: [{}] }, '/v1/chat/completions'],
    ['logprobs', { logprobs: true }, 'whole number'],
    ['stream_options', { stream_options: {} }, 'stream: true'],
    ['chasm.continue', { stream: true, logprobs: 1, chasm: { continue: true } }, 'logprobs'],
  ]
  test.each(rows)('%s of %j', async (param, fields, rule) => {
    const response = await ask(fields)
    const { error } = (await response.json()) as { error: { param: string; message: string } }
    expect([response.status, error.param.replace(/\[.*/, '')]).toEqual([400, param])
    expect(error.message).toContain(rule)
  })
})
