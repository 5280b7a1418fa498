/**
 * docs/examples/raw-scout.ts was written from PROTOCOL.md alone, and imports two packages and no file. It serves a real
 * hub here: when one of these fails, the document and the hub have parted.
 */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../support/clocks/until.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { type Program, startEager, startExample } from '../support/machine/programs.ts'
import { TcpProxy } from '../support/machine/tcp-proxy.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { joinRaw } from '../support/scout/raw-scout.ts'

let hub: LiveHub
let proxy: TcpProxy

beforeEach(async () => {
  hub = new LiveHub()
  proxy = await TcpProxy.open(Number(new URL(hub.url).port))
})
afterEach(async () => {
  proxy.close()
  await hub.close()
})

async function serve(env: Record<string, string> = {}): Promise<Program> {
  const url = { ORCHESTRATOR_URL: proxy.url, SCOUT_KEY: hub.scoutKey, SCOUT_NAME: 'raw', WORD_MS: '0' }
  const program = startEager('docs/examples/raw-scout.ts', temporaryFolder(), { ...url, ...env })
  await program.wrote(/Connected as/)
  await hub.connected('raw', 8)
  return program
}

const ask = (content: string, more: object = {}, init: RequestInit = {}) => {
  return hub.post('/v1/chat/completions', { model: 'echo', messages: [{ role: 'user', content }], ...more }, init)
}

async function whole(response: Response): Promise<string> {
  expect(response.status).toBe(200)
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
  return choices[0]!.message.content
}

interface Line {
  choices: { delta: { content?: string }; finish_reason: string | null }[]
  usage?: unknown
}

async function streamed(response: Response) {
  expect(response.status).toBe(200)
  const events = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
  expect(events.at(-1)).toBe('data: [DONE]')
  const lines = events.slice(0, -1).map((line) => JSON.parse(line.slice(6)) as Line)
  const text = lines.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  return { text, finish: lines.findLast(({ choices }) => choices.length > 0)?.choices[0]?.finish_reason, lines }
}

test('it imports two packages and nothing else', () => {
  const source = readFileSync(new URL('../../docs/examples/raw-scout.ts', import.meta.url), 'utf8')
  const imports = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1])
  expect(imports).toEqual(['msgpackr', 'ws'])
  expect(source.match(/\bimport\(|\brequire\(/)).toBeNull()
  expect(source.trimEnd().split('\n').length).toBeLessThanOrEqual(300)
})

test('it answers whole and streamed, with usage, and many at once', async () => {
  await serve()
  expect(await whole(await ask('Over the hills'))).toBe('Over the hills')
  const { text, finish, lines } = await streamed(
    await ask('and far away', { stream: true, stream_options: { include_usage: true } }),
  )
  expect(text).toBe('and far away')
  expect(finish).toBe('stop')
  expect(lines.at(-1)?.usage).toEqual({ prompt_tokens: 12, completion_tokens: 12, total_tokens: 24 })
  const many = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      if (i % 2 === 0) return await whole(await ask(`number ${i}`))
      return (await streamed(await ask(`number ${i}`, { stream: true }))).text
    }),
  )
  expect(many).toEqual(many.map((_, i) => `number ${i}`))
  expect(proxy.connections).toBe(1)
})

test('a refusal of its own reaches the client with its code', async () => {
  await serve()
  const response = await hub.post('/v1/chat/completions', {
    model: 'echo',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'parts' }] }],
  })
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('Send a user message of text.')
})

test('a cut in the middle of a stream is not noticed by the client', async () => {
  const program = await serve({ WORD_MS: '5' })
  // Three seconds, the first tenth of one before the cut.
  const text = Array.from({ length: 600 }, (_, i) => `word${i}`).join(' ')
  const response = await ask(text, { stream: true })
  const reader = response.body!.getReader()
  let heard = ''
  const decoder = new TextDecoder()
  while (!heard.includes('word20 ') && !heard.includes('word20"')) heard += decoder.decode((await reader.read()).value)
  proxy.lose('up')
  await until('some words to be lost', () => proxy.lostBytes.up > 500)
  proxy.cut()
  for (let part = await reader.read(); !part.done; part = await reader.read()) heard += decoder.decode(part.value)
  const { text: said, finish } = await streamed(new Response(heard))
  expect(said).toBe(text)
  expect(finish).toBe('stop')
  await program.wrote(/goes on with 1/)
  expect(proxy.connections).toBe(2)
})

test('large requests and answers travel in fragments, whole and streamed', async () => {
  await serve()
  const large = 'x'.repeat(1_500_000)
  expect(await whole(await ask(large))).toBe(large)
  expect((await streamed(await ask(large, { stream: true }))).text).toBe(large)
  const [one, two] = await Promise.all([ask(large).then(whole), ask(`${large}!`).then(whole)])
  expect([one.length, two.length]).toEqual([large.length, large.length + 1])
  expect(proxy.connections).toBe(1)
})

test('a client that leaves ends the work, and the place is free again', async () => {
  await serve({ WORD_MS: '1000' })
  const leaving = new AbortController()
  const response = await ask('one two three '.repeat(1000), { stream: true }, { signal: leaving.signal })
  await response.body!.getReader().read()
  leaving.abort()
  await until('the place to be free', () => hub.hub.engine.scouts()[0]?.inFlight === 0)
  await until('its credit to be granted again', () => hub.hub.engine.scouts()[0]?.credits === 8)
  expect(proxy.connections).toBe(1)
})

test('it goes on with an answer that another scout began', async () => {
  const text = 'a b c d e f'
  const dying = await joinRaw(hub, { credits: 1, offers: [['chat', 'echo', 'raw', 0, 0, null, null, '']] })
  const response = ask(text, { stream: true, chasm: { continue: true } })
  const task = await dying.heard('task')
  const begun = JSON.stringify({ choices: [{ index: 0, delta: { content: 'a b c' }, finish_reason: null }] })
  dying.chunk(task, 0, 0, `${begun}\n`)
  await serve()
  dying.cut()
  expect(await streamed(await response)).toMatchObject({ text, finish: 'stop' })
})

test('told to end it finishes what it has and exits with 0', async () => {
  const program = await serve({ WORD_MS: '5' })
  const text = Array.from({ length: 100 }, (_, i) => `${i}`).join(' ')
  const response = await ask(text, { stream: true })
  program.signal('SIGTERM')
  expect(await streamed(response)).toMatchObject({ text, finish: 'stop' })
  expect(await program.exited).toBe(0)
  expect(program.stdout).toContain('Stopped: drained')
})

test('it stops for good when its key is refused', async () => {
  const other = new LiveHub()
  const program = startExample('raw-scout.ts', temporaryFolder(), {
    ORCHESTRATOR_URL: hub.url,
    SCOUT_KEY: other.scoutKey,
  })
  expect(await program.exited).toBe(1)
  expect(program.stdout).toContain('refused with 401')
  await other.close()
})
