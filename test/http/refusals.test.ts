import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultTable } from '../../shared/faults.ts'
import { jsonDepthMax, requestBodyBytesDefault } from '../../shared/limits/http.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
beforeAll(() => {
  edge = startEdge()
})
afterAll(() => edge.hub.stop())

const user = { role: 'user', content: 'hi' }
const chat = (fields: object) => ({ model: 'm', messages: [user], ...fields })
const saying = (...messages: unknown[]) => ({ model: 'm', messages })

async function expectRefusal(response: Response, status: number, code: string, param: string | null) {
  const text = await response.text()
  const { error } = JSON.parse(text)
  expect({ status: response.status, code: error.code, param: error.param }, text).toEqual({ status, code, param })
  expect(error.type).toBe(faultTable[code as keyof typeof faultTable].type)
  expect(error.message).toMatch(/^.{20,}\.$/)
  expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  expect(response.headers.get('x-chasm')).toBe('1')
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(edge.engine.answers).toEqual([])
  return error.message as string
}

type Row = [what: string, body: unknown, param: string, rule: string]

const chatRows: Row[] = [
  ['no model', { messages: [user] }, 'model', 'is required: it must be a string'],
  ['an empty model', chat({ model: '' }), 'model', 'of 1 to 128 characters'],
  ['a long model', chat({ model: 'm'.repeat(129) }), 'model', 'of 1 to 128 characters'],
  ['a number as model', chat({ model: 3 }), 'model', 'must be a string'],
  ['no messages', { model: 'm' }, 'messages', 'is required: it must be a list'],
  ['empty messages', saying(), 'messages', 'at least one message'],
  ['messages that are none', chat({ messages: 'hi' }), 'messages', 'must be a list'],
  ['a message that is none', saying(user, 'hi'), 'messages[1]', 'must be an object with a `role`'],
  ['an unknown role', saying({ role: 'king', content: 'x' }), 'messages[0].role', 'one of system, developer, user'],
  ['no role', saying({ content: 'x' }), 'messages[0].role', 'is required'],
  ['no content', saying({ role: 'user' }), 'messages[0].content', 'is required: it must be a string'],
  ['null content of a user', saying({ role: 'user', content: null }), 'messages[0].content', 'is required'],
  ['a number as content', saying({ role: 'user', content: 5 }), 'messages[0].content', 'or a list of parts'],
  [
    'a part without type',
    saying(user, { role: 'user', content: [{ type: 'text', text: 'a' }, { text: 'b' }] }),
    'messages[1].content[1].type',
    'is required',
  ],
  [
    'a part that is none',
    saying({ role: 'user', content: ['a'] }),
    'messages[0].content[0]',
    'an object with a `type`',
  ],
  ['stream that is no flag', chat({ stream: 'yes' }), 'stream', 'must be true or false'],
  ['stream_options without stream', chat({ stream_options: {} }), 'stream_options', 'together with `stream: true`'],
  [
    'include_usage that is no flag',
    chat({ stream: true, stream_options: { include_usage: 1 } }),
    'stream_options.include_usage',
    'must be true or false',
  ],
  ['no choices', chat({ n: 0 }), 'n', 'a whole number from 1 to 128'],
  ['too many choices', chat({ n: 129 }), 'n', 'from 1 to 128'],
  ['half a choice', chat({ n: 1.5 }), 'n', 'a whole number'],
  ['text as temperature', chat({ temperature: 'hot' }), 'temperature', 'must be a number'],
  ['a flag as top_p', chat({ top_p: true }), 'top_p', 'must be a number'],
  ['half a max_tokens', chat({ max_tokens: 1.5 }), 'max_tokens', 'must be a whole number'],
  ['text as max_completion_tokens', chat({ max_completion_tokens: '5' }), 'max_completion_tokens', 'whole number'],
  ['a number as stop', chat({ stop: ['a', 1] }), 'stop[1]', 'must be a string'],
  ['logprobs that are no flag', chat({ logprobs: 3 }), 'logprobs', 'true or false'],
  ['half a top_logprobs', chat({ top_logprobs: 1.5 }), 'top_logprobs', 'must be a whole number'],
  ['half a seed', chat({ seed: 0.5 }), 'seed', 'a whole number'],
  ['tools that are no list', chat({ tools: {} }), 'tools', 'must be a list of tools'],
  ['a tool without type', chat({ tools: [{ type: 'function' }, {}] }), 'tools[1].type', 'is required'],
  ['a number as tool_choice', chat({ tool_choice: 1 }), 'tool_choice', '"none", "auto", "required"'],
  ['text as response_format', chat({ response_format: 'json' }), 'response_format', 'an object with a `type`'],
  ['an unknown hub instruction', chat({ chasm: { colour: 1 } }), 'chasm.colour', 'is not known here: remove it'],
  ['no deadline', chat({ chasm: { deadline_ms: 0 } }), 'chasm.deadline_ms', 'from 1 to 600000'],
]

describe('a chat request is refused with 400 for', () => {
  test.each(chatRows)('%s', async (_what, body, param, rule) => {
    const response = await edge.post('/v1/chat/completions', body)
    const message = await expectRefusal(response, 400, 'invalid_request', param)
    expect(message).toContain(`\`${param}\``)
    expect(message).toContain(rule)
  })
})

const embeddingRows: Row[] = [
  ['no input', { model: 'm' }, 'input', 'is required'],
  ['empty input', { model: 'm', input: '' }, 'input', 'not empty'],
  ['an empty list', { model: 'm', input: [] }, 'input', 'not empty'],
  ['an empty token list', { model: 'm', input: [[1], []] }, 'input', 'a list of token lists'],
  ['mixed input', { model: 'm', input: ['a', 1] }, 'input', 'a list of strings'],
  ['a strange encoding', { model: 'm', input: 'a', encoding_format: 'hex' }, 'encoding_format', '"float" or "base64"'],
  ['no dimensions', { model: 'm', input: 'a', dimensions: 0 }, 'dimensions', 'at least 1'],
]

describe('an embeddings request is refused with 400 for', () => {
  test.each(embeddingRows)('%s', async (_what, body, param, rule) => {
    const message = await expectRefusal(await edge.post('/v1/embeddings', body), 400, 'invalid_request', param)
    expect(message).toContain(rule)
  })
})

const deep = `{"model":"m","messages":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}`
const bodyRows: [what: string, body: string | Uint8Array, rule: string][] = [
  ['an empty body', '', 'send a JSON object'],
  ['half a JSON', '{"model":', 'check its quotes'],
  ['a list', '[]', 'must be a JSON object'],
  ['null', 'null', 'must be a JSON object'],
  ['broken UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'encode the JSON as UTF-8'],
  ['a byte order mark', '\ufeff{}', 'not valid JSON'],
  ['deep nesting', deep, `more than ${jsonDepthMax} levels`],
]

describe('a body is refused with 400 when it is', () => {
  test.each(bodyRows)('%s', async (_what, body, rule) => {
    const response = await edge.post('/v1/chat/completions', body)
    expect(await expectRefusal(response, 400, 'invalid_request', null)).toContain(rule)
  })
})

test('a million bad messages cost one refusal, not a million', async () => {
  const body = `{"model":"m","messages":[${'0,'.repeat(1_000_000)}0]}`
  await expectRefusal(await edge.post('/v1/chat/completions', body), 400, 'invalid_request', 'messages[0]')
})

test('a body that is not declared as JSON is refused with 415', async () => {
  for (const type of ['text/plain', 'application/jsonl', 'application/x-www-form-urlencoded']) {
    const response = await edge.post('/v1/chat/completions', chat({}), { headers: { 'content-type': type } })
    const message = await expectRefusal(response, 415, 'unsupported_media_type', null)
    expect(message).toContain('Content-Type: application/json')
  }
})

test('a body in an encoding that is not known is refused with 415', async () => {
  const init = { headers: { 'content-encoding': 'compress' } }
  const response = await edge.post('/v1/chat/completions', chat({}), init)
  expect(await expectRefusal(response, 415, 'unsupported_media_type', null)).toContain('without Content-Encoding')
})

test('a body one byte too large is refused with 413, declared or not', async () => {
  const body = new Uint8Array(requestBodyBytesDefault + 1).fill(0x20)
  const declared = await edge.post('/v1/chat/completions', body)
  expect(await expectRefusal(declared, 413, 'request_too_large', null)).toContain(`${requestBodyBytesDefault} bytes`)
  const pieces = new ReadableStream({
    start(controller) {
      controller.enqueue(body.subarray(0, body.length / 2))
      controller.enqueue(body.subarray(body.length / 2))
      controller.close()
    },
  })
  const headers = { authorization: `Bearer ${edge.keys.client}`, 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body: pieces, duplex: 'half' } as RequestInit
  await expectRefusal(await fetch(`${edge.hub.url}/v1/chat/completions`, init), 413, 'request_too_large', null)
})

describe('a key is refused', () => {
  const keyRows: [what: string, headers: Record<string, string>, rule: string][] = [
    ['when there is none', {}, 'No API key was given'],
    ['when it is not a bearer key', { authorization: 'Basic abc' }, 'not of the form "Bearer <key>"'],
    ['when it is malformed', { authorization: 'Bearer sk-abc' }, 'this is not a Chasm key'],
  ]
  test.each(keyRows)('%s', async (_what, headers, rule) => {
    const response = await edge.post('/v1/chat/completions', chat({}), { headers }, null)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    const message = await expectRefusal(response, 401, 'invalid_api_key', null)
    expect(message).toContain(rule)
    expect(message).toContain('Authorization: Bearer <key>')
  })

  test('when it is unknown, and its text is not repeated', async () => {
    const stranger = startEdge()
    const response = await edge.post('/v1/chat/completions', chat({}), {}, stranger.keys.client)
    const message = await expectRefusal(response, 401, 'invalid_api_key', null)
    expect(message).not.toContain(stranger.keys.client)
    await stranger.hub.stop()
  })

  test('when it is in the URL', async () => {
    const response = await edge.ask(`/v1/models?key=${edge.keys.client}&api_key=${edge.keys.client}`, {}, null)
    await expectRefusal(response, 401, 'invalid_api_key', null)
    expect(JSON.stringify(edge.logged)).not.toContain(edge.keys.client)
  })

  test('with 403 when its role is another', async () => {
    const asScout = await edge.post('/v1/chat/completions', chat({}), {}, edge.keys.scout)
    expect(await expectRefusal(asScout, 403, 'permission_denied', null)).toContain('use a client key')
    for (const key of [edge.keys.client, edge.keys.scout]) {
      for (const path of ['/v1/scouts', '/v1/admin/keys']) {
        expect(await expectRefusal(await edge.ask(path, {}, key), 403, 'permission_denied', null)).toContain(
          'admin key',
        )
      }
    }
  })
})

test('a path that does not exist is 404 and says where all are listed', async () => {
  expect(await expectRefusal(await edge.ask('/v1/nothing', {}, null), 404, 'not_found', null)).toContain(
    '/openapi.json',
  )
})

test('a wrong method is 405 and names the right ones', async () => {
  const rows: [method: string, path: string, allow: string][] = [
    ['GET', '/v1/chat/completions', 'POST'],
    ['OPTIONS', '/v1/chat/completions', 'POST'],
    ['HEAD', '/v1/embeddings', 'POST'],
    ['POST', '/v1/models', 'GET, HEAD'],
    ['DELETE', '/v1/models/a/b', 'GET, HEAD'],
    ['PUT', '/v1/admin/keys', 'POST, GET, HEAD'],
    ['POST', '/v1/scout', 'GET, HEAD'],
  ]
  for (const [method, path, allow] of rows) {
    const response = await edge.ask(path, { method })
    expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, allow])
    if (method === 'HEAD') continue
    expect(await expectRefusal(response, 405, 'method_not_allowed', null)).toContain(`use ${allow}`)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  }
})
