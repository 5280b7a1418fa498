/** Images of 20 MB in base64: from a client through a real hub to the scouts that take them, and to nobody else. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fragmentBytes, fragmentStretchBytes } from '../../../shared/limits/wire.ts'
import { Assembly } from '../../../shared/protocol/fragments.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'
import { contentLine, finishLine, joinRaw, roleLine } from '../../support/scout/raw-scout.ts'

const MiB = 1_048_576
const answer = '{"choices":[{"index":0,"message":{"role":"assistant","content":"A cat."},"finish_reason":"stop"}]}'

let hub: LiveHub
beforeEach(() => {
  hub = new LiveHub()
})
afterEach(() => hub.close())

/** A chat about one image of so many bytes, different at every place. */
function aboutImage(bytes: number, more: object = {}): string {
  const image = Buffer.alloc(bytes)
  for (let at = 0; at + 4 <= bytes; at += 4) image.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at)
  const url = `data:image/png;base64,${image.toString('base64')}`
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url } },
  ]
  return JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...more })
}

const hash = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
const ask = (body: string | object, init?: RequestInit) => hub.post('/v1/chat/completions', body, init)
const small = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

async function errorOf(response: Response): Promise<{ code: string; message: string }> {
  return ((await response.json()) as { error: { code: string; message: string } }).error
}

/** Resolves once the hub holds the bytes of no request any more. */
async function nothingHeld(): Promise<void> {
  const isHeld = async () =>
    !/^chasm_request_bytes_in_flight 0$/m.test(await (await fetch(`${hub.url}/metrics`)).text())
  while (await isHeld()) await Bun.sleep(5)
}

describe('a chat about an image of 20 MB', () => {
  test('reaches the scout that takes it byte for byte, whole and streamed, among others that do not', async () => {
    const taking = new ScriptedProvider('taking')
    const others = new ScriptedProvider('others')
    await hub.addScout({ name: 'large', providers: [taking], requestBytesMax: 32 * MiB })
    for (const name of ['one', 'two', 'three']) await hub.addScout({ name, providers: [others] })
    const body = aboutImage(20_000_000)
    const whole = ask(body)
    const call = await taking.call()
    expect(hash(call.request.body)).toBe(hash(body))
    call.done(answer)
    const given = (await (await whole).json()) as Json
    expect(given.choices[0].message.content).toBe('A cat.')
    expect(given.chasm.scout).toMatch(/\/large$/)
    const streamBody = aboutImage(20_000_000, { stream: true })
    const streamed = ask(streamBody)
    const second = await taking.call()
    expect(hash(second.request.body)).toBe(hash(streamBody))
    for (const line of [roleLine, contentLine('A cat.'), finishLine]) await second.line(line.trim())
    second.done()
    expect(await (await streamed).text()).toContain('"content":"A cat."')
    expect(others.calls).toEqual([])
    await nothingHeld()
  })

  test('of as many as a scout has places all arrive', async () => {
    const taking = new ScriptedProvider('taking')
    await hub.addScout({ name: 'large', concurrency: 2, providers: [taking], requestBytesMax: 32 * MiB })
    const bodies = [aboutImage(20_000_000), aboutImage(19_000_000)]
    const answers = bodies.map((body) => ask(body))
    const calls = [await taking.call(), await taking.call()]
    expect(calls.map(({ request }) => hash(request.body)).sort()).toEqual(bodies.map(hash).sort())
    for (const call of calls) call.done(answer)
    for (const response of await Promise.all(answers)) expect(response.status).toBe(200)
  })

  test('is refused at once with its size where nobody takes it, and taken once somebody does', async () => {
    await hub.addScout({ name: 'usual', providers: [new ScriptedProvider()] })
    const body = aboutImage(20_000_000)
    const refused = await ask(body)
    expect(refused.status).toBe(413)
    const { code, message } = await errorOf(refused)
    expect(code).toBe('request_too_large')
    expect(message).toContain(`${body.length} bytes`)
    expect(message).toContain('SCOUT_REQUEST_MAX_MIB')
    const taking = new ScriptedProvider('taking')
    await hub.addScout({ name: 'large', providers: [taking], requestBytesMax: 32 * MiB })
    const taken = ask(body)
    ;(await taking.call()).done(answer)
    expect((await taken).status).toBe(200)
  })

  test('holds up no other chat at the same scout: that one goes out behind two stretches of fragments', async () => {
    const offers: FrameOf<'hello'>['offers'] = [['chat', 'm', 'raw', 0, 0, null, null, '', 32 * MiB]]
    const scout = await joinRaw(hub, { credits: 2, offers })
    scout.answersPings = false
    const body = aboutImage(20_000_000)
    const large = ask(body)
    const head = await scout.heard('task', ({ size }) => size === body.length)
    const other = ask(small)
    const chat = await scout.heard('task', ({ size }) => size < 1_000)
    expect(scout.count('fragment')).toBe((2 * fragmentStretchBytes) / fragmentBytes)
    scout.settle(chat, {}, answer)
    expect((await other).status).toBe(200)
    // From here on every ping is answered, and the rest follows.
    scout.answersPings = true
    for (const frame of scout.frames) if (frame.type === 'ping') scout.pong(frame.ping)
    const pieces = Math.ceil(body.length / fragmentBytes)
    await scout.until('all fragments', () => scout.count('fragment') === pieces)
    const assembly = new Assembly(body.length)
    for (const frame of scout.frames) if (frame.type === 'fragment') assembly.add(frame.index, frame.bytes)
    expect(hash(assembly.body())).toBe(hash(body))
    scout.settle(head, {}, answer)
    expect((await large).status).toBe(200)
  })

  test('is not sent on to its scout once its client has left', async () => {
    const offers: FrameOf<'hello'>['offers'] = [['chat', 'm', 'raw', 0, 0, null, null, '', 32 * MiB]]
    const scout = await joinRaw(hub, { credits: 1, offers })
    scout.answersPings = false
    const leaving = new AbortController()
    const left = ask(aboutImage(20_000_000), { signal: leaving.signal })
    await scout.until('the first stretches', () => scout.count('fragment') > 0)
    leaving.abort()
    await expect(left).rejects.toThrow()
    const { task, attempt } = await scout.heard('cancel')
    const sent = scout.count('fragment')
    scout.answersPings = true
    for (const frame of scout.frames) if (frame.type === 'ping') scout.pong(frame.ping)
    const { nonce } = await scout.heard('task')
    scout.settle({ task, attempt, nonce }, { outcome: 'cancelled', fault: 'cancelled', message: 'x' }, '')
    await nothingHeld()
    expect(scout.count('fragment')).toBe(sent)
  })
})
