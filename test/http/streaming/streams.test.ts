import { afterEach, expect, test } from 'vitest'
import { fault } from '../../../shared/faults.ts'
import { rawChat, rawConnection, startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
afterEach(() => edge.hub.stop())

const chat = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }
const line = (text: string) => JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })
const head = { id: 'chatcmpl-0', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'llama' }
const chasm = { scout: 'ant', provider: 'demo', model: 'llama', attempts: 1, queued_ms: 7 }

/** The data of each event, parsed where it is JSON. */
function events(text: string): unknown[] {
  expect(text.endsWith('\n\n')).toBe(true)
  const blocks = text.slice(0, -2).split('\n\n')
  return blocks.map((block) => {
    const data = block.replace(/^data: /, '')
    return data.startsWith('{') ? JSON.parse(data) : data
  })
}

/** Reads until what was read contains `wanted`. */
async function readUntil(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>,
  wanted: string,
): Promise<string> {
  let text = ''
  while (!text.includes(wanted)) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`the stream ended before ${wanted}: ${text}`)
    text += new TextDecoder().decode(value)
  }
  return text
}

test('lines become chunks, the first says who serves, and the end is [DONE]', async () => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.serve().line(line('a')).line(line('b')).line('{}').done('{"choices":[]}')
  const response = await edge.post('/v1/chat/completions', chat)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('cache-control')).toBe('no-cache')
  expect(response.headers.get('x-accel-buffering')).toBe('no')
  expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  expect(events(await response.text())).toEqual([
    { ...head, chasm, ...JSON.parse(line('a')) },
    { ...head, ...JSON.parse(line('b')) },
    head,
    '[DONE]',
  ])
})

test('the tail with usage is sent exactly when it is asked for', async () => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.serve().line(line('a')).done('{"choices":[],"usage":{"total_tokens":3}}')
  const withUsage = { ...chat, stream_options: { include_usage: true } }
  const asked = events(await (await edge.post('/v1/chat/completions', withUsage)).text())
  expect(asked.slice(1)).toEqual([{ ...head, choices: [], usage: { total_tokens: 3 } }, '[DONE]'])
  const unasked = await (await edge.post('/v1/chat/completions', chat)).text()
  expect(unasked).not.toContain('usage')
})

test('a line reaches the client while the answer goes on', async () => {
  edge = startEdge()
  const submitted = edge.engine.submitted()
  const asked = edge.post('/v1/chat/completions', chat)
  const answer = (await submitted).serve().line(line('one'))
  const reader = (await asked).body!.getReader()
  await readUntil(reader, 'one')
  answer.line(line('two'))
  await readUntil(reader, 'two')
  answer.done()
  await readUntil(reader, '[DONE]')
  expect((await reader.read()).done).toBe(true)
})

test('a failure before anything was sent is an HTTP error', async () => {
  edge = startEdge()
  const submitted = edge.engine.submitted()
  const asked = edge.post('/v1/chat/completions', chat)
  const answer = await submitted
  answer.fail(fault('provider_rate_limited', 'Wait a little.', { retryAfterMs: 100 }))
  const response = await asked
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await response.json()).toMatchObject({ error: { code: 'provider_rate_limited' } })
})

test('a failure after content is an event with the bytes forwarded, and no clean end', async () => {
  edge = startEdge()
  const why = fault('scout_lost', 'The machine went away.')
  edge.engine.script = (answer) => answer.serve().line(line('half')).fail(why, 4)
  const text = await (await edge.post('/v1/chat/completions', chat)).text()
  const error = { message: 'The machine went away.', type: 'server_error', param: null, code: 'scout_lost' }
  expect(events(text).at(-1)).toEqual({ error: { ...error, forwarded_bytes: 4 } })
  expect(text).not.toContain('[DONE]')
})

test('a long wait is kept alive by comments that carry the position', async () => {
  edge = startEdge({ keepAliveMs: 20 })
  edge.engine.script = (answer) => answer.waits(4)
  const response = await edge.post('/v1/chat/completions', chat)
  expect(response.status).toBe(200)
  const reader = response.body!.getReader()
  // On a busy machine more than one has come by the time the first is read.
  expect(await readUntil(reader, '\n\n')).toMatch(/^(: waiting, position 5\n\n)+$/)
  const answer = edge.engine.answers[0]!.waits(0)
  await readUntil(reader, ': waiting, position 1\n\n')
  answer.waits(null).serve()
  await readUntil(reader, ': keep-alive\n\n')
  answer.line(line('at last'))
  expect(await readUntil(reader, 'at last')).toContain('"chasm":{')
  await readUntil(reader, ': keep-alive\n\n')
  answer.fail(fault('scout_lost', 'Gone.'), 7)
  expect(await readUntil(reader, '"error"')).toContain('"forwarded_bytes":7')
  expect((await reader.read()).done).toBe(true)
})

test("a revoked key ends its streams at once, with an error inside, and nobody else's", async () => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.serve().line(line('a'))
  const other = edge.keyring.issue('client', 'other').key
  const mine = await edge.post('/v1/chat/completions', chat)
  const theirs = await edge.post('/v1/chat/completions', chat, {}, other)
  const [reader, otherReader] = [mine.body!.getReader(), theirs.body!.getReader()]
  await readUntil(reader, '"a"')
  await readUntil(otherReader, '"a"')
  edge.engine.script = () => {}
  const submitted = edge.engine.submitted()
  const waiting = edge.post('/v1/chat/completions', chat)
  await submitted
  edge.keyring.revoke(edge.keyring.list()[0]!.id)
  expect(await readUntil(reader, '\n\n')).toContain('"code":"invalid_api_key"')
  expect((await reader.read()).done).toBe(true)
  expect((await waiting).status).toBe(401)
  await edge.engine.answers[0]!.abandoned
  await edge.engine.answers[2]!.abandoned
  edge.engine.answers[1]!.line(line('b'))
  expect(await readUntil(otherReader, '"b"')).not.toContain('error')
  edge.engine.answers[1]!.done()
})

test('a client that leaves before the first byte stops the work', async () => {
  edge = startEdge()
  const leaving = new AbortController()
  const submitted = edge.engine.submitted()
  const response = edge.post('/v1/chat/completions', chat, { signal: leaving.signal })
  const answer = await submitted
  leaving.abort()
  await expect(response).rejects.toThrow()
  await answer.abandoned
})

test('a client that leaves in the middle stops the work', async () => {
  edge = startEdge()
  const leaving = new AbortController()
  edge.engine.script = (answer) => answer.serve().line(line('one'))
  const response = await edge.post('/v1/chat/completions', chat, { signal: leaving.signal })
  await readUntil(response.body!.getReader(), 'one')
  leaving.abort()
  await edge.engine.answers[0]!.abandoned
})

test('a client that reads nothing costs a bounded amount and is cut off in the end', async () => {
  edge = startEdge({ clientStallMs: 300 })
  const blockBytes = 64 * 1024
  edge.engine.script = (answer) => answer.serve().flood(line('x'.repeat(blockBytes)))
  const socket = rawConnection(edge)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const firstByte = new Promise<void>((resolve) => socket.once('readable', () => resolve()))
  const submitted = edge.engine.submitted()
  socket.on('error', () => {})
  socket.write(rawChat(edge, chat))
  const answer = await submitted
  await firstByte
  await answer.abandoned
  const { takes } = answer
  // What the kernel's buffers hold on both ends of a loopback connection, with room to spare.
  expect(takes * blockBytes).toBeLessThan(32 * 1024 * 1024)
  while ((await edge.ask('/metrics').then((reply) => reply.text())).match(/status="499"/) === null);
  expect(answer.takes).toBe(takes)
  socket.resume()
  await closed
})

test('a defect in the middle of a stream is an in-band error, never a clean end', async () => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.line(line('served by nobody'))
  const text = await (await edge.post('/v1/chat/completions', chat)).text()
  expect(events(text)).toMatchObject([{ error: { code: 'internal_error', type: 'server_error' } }])
  await edge.engine.answers[0]!.abandoned
  expect(edge.logged).toMatchObject([{ level: 'error', message: 'a streamed answer broke' }])
})

test('a hundred streams at once each get every line once and in order', async () => {
  edge = startEdge()
  const count = 300
  edge.engine.script = (answer) => {
    answer.serve()
    let sent = 0
    // Bursts of one to four, each in its own turn of the loop, so that lines meet the reader waiting and busy.
    const burst = () => {
      for (let left = 1 + (sent % 4); left > 0 && sent < count; left--) answer.line(line(`${answer.id}:${sent++}`))
      if (sent < count) setImmediate(burst)
      else answer.done()
    }
    burst()
  }
  const texts = await Promise.all(
    Array.from({ length: 100 }, async () => (await edge.post('/v1/chat/completions', chat)).text()),
  )
  for (const text of texts) {
    const chunks = events(text) as { id: string; choices: { delta: { content: string } }[] }[]
    expect(chunks.pop()).toBe('[DONE]')
    const wanted = Array.from({ length: count }, (_, index) => `${chunks[0]!.id}:${index}`)
    expect(chunks.map(({ choices }) => choices[0]!.delta.content)).toEqual(wanted)
  }
})
