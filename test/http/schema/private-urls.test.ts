/** Requests that would make others fetch from a private network are refused, field by field, unless the hub allows it. */
import { afterEach, expect, test } from 'vitest'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
afterEach(() => edge.hub.stop())

const url = 'http://169.254.169.254/latest/meta-data'
const part = { type: 'image_url', image_url: { url } }
const messages = [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, part] }]
const image = 'messages[0].content[1].image_url.url'

const rows: [string, object, string][] = [
  ['/v1/chat/completions', { model: 'm', messages }, image],
  ['/v1/chat/completions', { model: 'chasm/auto', messages, stream: true }, image],
  ['/v1/intents', { model: 'm', messages }, image],
  ['/v1/intents/plan', { model: 'm', messages }, image],
  [
    '/v1/responses',
    { model: 'm', input: [{ role: 'user', content: [{ type: 'input_image', image_url: url }] }] },
    'input[0].content[0].image_url',
  ],
]

test.each(rows)('%s refuses %j', async (path, body, param) => {
  edge = startEdge()
  const response = await edge.post(path, body)
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: { param: string; message: string } }
  expect(error.param).toBe(param)
  expect(error.message).toContain('private network')
})

test('is allowed where the operator says so', async () => {
  edge = startEdge({ allowsPrivateUrls: true })
  edge.engine.script = (answer) => answer.serve().done()
  expect((await edge.post('/v1/chat/completions', { model: 'm', messages })).status).toBe(200)
})
