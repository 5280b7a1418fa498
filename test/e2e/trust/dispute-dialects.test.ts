/**
 * Answers of every dialect are disputed with what the official SDKs were called with and gave back: the hub translates
 * it as it did for the scout, and finds the receipt's hashes in it.
 */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { taskIn } from '../../../orchestrator/http/ledger/receipts.ts'
import { until } from '../../support/clocks/until.ts'
import { DisputeStage, honest } from './dispute-stage.ts'

const seven = { ant: honest, bee: honest, cow: honest, dog: honest, elk: honest, fox: honest, gnu: honest }
const content = 'What do you think of number 17 and its many friends?'

async function opened() {
  const stage = await DisputeStage.open('observe', seven)
  const [apiKey] = stage.clientKeys
  const openai = new OpenAI({ apiKey, baseURL: `${stage.live.url}/v1`, maxRetries: 0 })
  const anthropic = new Anthropic({ apiKey, baseURL: stage.live.url, authToken: null, maxRetries: 0 })
  /** Files a dispute once the receipt is there; the status, and what came. */
  const file = async (task: string, request: unknown, answer: unknown) => {
    const { ledger } = stage.live.hub.engine
    await until('the receipt', () => typeof ledger!.receipt(taskIn(task)!, null) === 'object')
    const response = await stage.as(apiKey!, '/v1/disputes', { task, request, answer, reason: 'wrong' })
    return { status: response.status, body: (await response.json()) as { id: string; error?: { param?: string } } }
  }
  return { stage, openai, anthropic, file }
}

/** The task of a response, which its id does not name. */
function taskOf(response: OpenAI.Responses.Response): string {
  return (response as unknown as { chasm: { task: string } }).chasm.task
}

describe("OpenAI's SDK", () => {
  test('a response, whole and streamed, is disputed by the object that came, or by its text', async () => {
    const { openai, file } = await opened()
    const asked = { model: 'm', input: content, instructions: 'Be brief.', temperature: 0.5, metadata: { of: 'mine' } }
    const whole = await openai.responses.create(asked)
    expect(await file(taskOf(whole), asked, whole)).toMatchObject({ status: 201 })
    const streamed = { ...asked, stream: true as const }
    let [last, text]: [OpenAI.Responses.Response | null, string] = [null, '']
    for await (const event of await openai.responses.create(streamed)) {
      if (event.type === 'response.output_text.delta') text += event.delta
      if (event.type === 'response.completed') last = event.response
    }
    expect(await file(taskOf(last!), JSON.stringify(streamed), text)).toMatchObject({ status: 201 })
  })

  test('a response that goes on after another one is disputed while that is kept', async () => {
    const { openai, file } = await opened()
    const first = await openai.responses.create({ model: 'm', input: 'Good day.' })
    const asked = { model: 'm', input: content, previous_response_id: first.id }
    const second = await openai.responses.create(asked)
    await openai.responses.delete(first.id)
    expect(await file(taskOf(second), asked, second)).toMatchObject({
      status: 422,
      body: { error: { param: 'request' } },
    })
    const kept = await openai.responses.create({ model: 'm', input: 'Good day.' })
    const after = { ...asked, previous_response_id: kept.id }
    const third = await openai.responses.create(after)
    expect(await file(taskOf(third), after, third)).toMatchObject({ status: 201 })
  })

  test('a text completion, also the first one of several prompts, is disputed', async () => {
    const { openai, file } = await opened()
    const one = { model: 'm', prompt: content, max_tokens: 300 }
    const given = await openai.completions.create(one)
    expect(given.id).toMatch(/^cmpl-/)
    expect(await file(given.id, one, given)).toMatchObject({ status: 201 })
    const two = { model: 'm', prompt: [content, 'And of number 18?'], suffix: 'The end.' }
    const both = await openai.completions.create(two)
    expect(both.choices).toHaveLength(2)
    expect(await file(both.id, two, both)).toMatchObject({ status: 201 })
  })

  test('a chat is disputed by the object that the SDK was called with', async () => {
    const { openai, file } = await opened()
    const asked = { model: 'm', messages: [{ role: 'user' as const, content }], seed: 7 }
    const given = await openai.chat.completions.create(asked)
    expect(await file(given.id, asked, given)).toMatchObject({ status: 201 })
  })
})

describe("Anthropic's SDK", () => {
  test('a message, whole and streamed, is disputed by the object that came', async () => {
    const { anthropic, stage, file } = await opened()
    const asked = {
      ...{ model: 'm', max_tokens: 500, system: 'Be brief.', stop_sequences: ['END'], metadata: { user_id: 'u-1' } },
      messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: content }] }],
    }
    const whole = await anthropic.messages.create(asked)
    const filed = await file(whole.id, asked, whole)
    expect(filed.status).toBe(201)
    const message = await anthropic.messages.stream(asked).finalMessage()
    const streamed = { ...asked, stream: true }
    expect(await file(message.id, streamed, message)).toMatchObject({ status: 201 })
    // Other owners are asked what the scout was asked, in the form in which it was.
    await stage.decided(filed.body.id)
    const bodies = Object.keys(seven).flatMap((name) => stage.bodiesAt(name))
    const isIts = (body: string) => body.includes('"stop":["END"]') && !body.includes('"stream"')
    expect(bodies.filter(isIts)).toHaveLength(4)
  })

  test('what differs from what was sent or given is no dispute, whatever it is', async () => {
    const { anthropic, file } = await opened()
    const asked = { model: 'm', max_tokens: 500, messages: [{ role: 'user' as const, content }] }
    const given = await anthropic.messages.create(asked)
    const [block] = given.content as [Anthropic.TextBlock]
    const other = { ...given, content: [{ ...block, text: `${block.text} And I lie.` }] }
    const deep = `${'{"a":['.repeat(5_000)}1${']}'.repeat(5_000)}`
    for (const [request, answer, param] of [
      [{ ...asked, max_tokens: 501 }, given, 'request'],
      [{ ...asked, top_q: 1 }, given, 'request'],
      [{ ...asked, messages: [] }, given, 'request'],
      [{ model: 'm', input: content }, given, 'request'],
      [deep, given, 'request'],
      ['no JSON', given, 'request'],
      [asked, other, 'answer'],
      [asked, { ...given, content: [null, 7] }, 'answer'],
      [asked, {}, 'answer'],
    ] as const)
      expect(await file(given.id, request, answer)).toMatchObject({ status: 422, body: { error: { param } } })
    expect(await file(given.id, asked, given)).toMatchObject({ status: 201 })
  })
})
