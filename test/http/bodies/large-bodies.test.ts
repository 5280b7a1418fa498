/** A large body is read in many short turns of the loop, and hears the same about itself as a small one. */
import { afterEach, expect, test } from 'vitest'
import { chatRequest } from '../../../orchestrator/http/schema/openai-requests.ts'
import { refusal, refusalInSteps } from '../../../orchestrator/http/schema/validation.ts'
import {
  checkedPerTurn,
  jsonFieldsMax,
  jsonNodesMax,
  jsonSliceBytes,
  jsonValuesMax,
  largeBodyBytes,
} from '../../../shared/limits/http.ts'
import { realSystem } from '../../../shared/system.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
afterEach(() => edge?.hub.stop())

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] as unknown[] }
const image = (url: string) => ({ type: 'image_url', image_url: { url } })
const publicUrl = 'https://example.com/picture.png'

/** Counts the turns that work has asked for. */
function countingEdge() {
  const system = realSystem()
  let turns = 0
  const soon = (callback: () => void) => {
    turns++
    system.soon(callback)
  }
  edge = startEdge({}, { ...system, soon })
  edge.engine.script = (answer) => answer.serve().done()
  return () => turns
}

test.each([
  ['numbers', { odd: Array.from({ length: jsonValuesMax - jsonNodesMax }, () => 0) }, null],
  ['lists', { odd: Array.from({ length: jsonNodesMax - 64 }, () => []), text: 'x'.repeat(largeBodyBytes) }, null],
  [
    'messages that a schema looks at',
    {
      messages: Array.from({ length: 4_000 }, () => ({ role: 'assistant', content: '', tool_calls: [{ type: 'x' }] })),
    },
    Math.floor(8_000 / checkedPerTurn),
  ],
  [
    'URLs',
    {
      messages: Array.from({ length: 8 }, () => {
        return { role: 'user', content: Array.from({ length: 1_000 }, () => image(publicUrl)) }
      }),
    },
    Math.floor(8_000 / checkedPerTurn),
  ],
])('many %s are spread over turns', async (_what, more, steps) => {
  const turns = countingEdge()
  const body = JSON.stringify({ ...chat, text: 'x'.repeat(largeBodyBytes), ...more })
  const response = await edge.post('/v1/chat/completions', JSON.parse(body))
  expect(response.status).toBe(200)
  expect(turns()).toBeGreaterThanOrEqual(steps ?? Math.floor((body.length - largeBodyBytes) / jsonSliceBytes))
})

const wide = Object.fromEntries(Array.from({ length: jsonFieldsMax + 1 }, (_, at) => [`k${at}`, 0]))
const flaws: [string, string][] = [
  ['a bad message behind many good ones', JSON.stringify({ ...chat, messages: [...chat.messages, { role: 'x' }] })],
  ['a bad tool', JSON.stringify({ ...chat, tools: [{ type: 'function' }, { type: 1 }] })],
  ['a bad number', JSON.stringify({ ...chat, temperature: 'hot' })],
  [
    'a private URL behind public ones',
    JSON.stringify({
      ...chat,
      messages: [{ role: 'user', content: [image(publicUrl), image('http://10.0.0.1/'), image('http://10.0.0.2/')] }],
    }),
  ],
  ['an object of too many fields', JSON.stringify({ ...chat, odd: [wide] })],
  ['text behind the end', `${JSON.stringify(chat)}]`],
  ['a comma too many', `${JSON.stringify(chat).slice(0, -1)},}`],
  ['a list in place of an object', JSON.stringify([chat])],
  ['deep nesting', JSON.stringify({ ...chat, odd: JSON.parse('['.repeat(70) + ']'.repeat(70)) })],
]

async function errorOf(response: Response): Promise<unknown> {
  return [response.status, ((await response.json()) as { error: object }).error]
}

test.each(flaws)('%s', async (_what, body) => {
  edge = startEdge()
  const post = (text: string) =>
    edge.ask('/v1/chat/completions', {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json' },
    })
  const small = await errorOf(await post(body))
  expect(small).toMatchObject([400, {}])
  // Blanks change nothing of what a body says.
  expect(await errorOf(await post(' '.repeat(largeBodyBytes) + body))).toEqual(small)
})

test('bytes that are no UTF-8', async () => {
  edge = startEdge()
  const body = Buffer.from(JSON.stringify({ ...chat, text: 'x'.repeat(largeBodyBytes) }))
  body[body.length - 10] = 0xff
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
  expect(await errorOf(await edge.ask('/v1/chat/completions', init))).toMatchObject([
    400,
    { message: expect.stringContaining('UTF-8') },
  ])
})

test('a check in steps finds what the check at once finds', () => {
  const good = (parts: number) => {
    return { role: 'user', content: Array.from({ length: parts }, () => ({ type: 'text', text: 'x' })) }
  }
  const bad = { role: 'user', content: [...good(300).content, { type: 7 }] }
  const many = Array.from({ length: 1_000 }, () => good(1))
  const requests = [
    { model: 'm', messages: many },
    { model: 'm', messages: [...many, bad, bad] },
    { model: 'm', messages: [...many, good(900), { role: 'nobody', content: '' }] },
    { model: 'm', messages: many, tools: [...good(700).content, {}] },
    { model: 7, messages: many },
  ]
  for (const request of requests) {
    const steps = refusalInSteps(chatRequest, request)
    let count = 1
    let found = steps.next()
    for (; found.done !== true; found = steps.next()) count++
    expect(found.value).toEqual(refusal(chatRequest, request))
    if (request.model === 'm') expect(count).toBeGreaterThanOrEqual(Math.floor(1_000 / checkedPerTurn))
  }
})
