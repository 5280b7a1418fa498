import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeKey } from '../../../shared/keys/api-key.ts'
import { realSystem } from '../../../shared/system.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { patienceMs } from '../../support/clocks/until.ts'
import { type Program, start, startEagerScout } from '../../support/machine/programs.ts'
import { TcpProxy } from '../../support/machine/tcp-proxy.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { heldService } from '../../support/providers/held-service.ts'
import type { Json } from '../../support/providers/provider-calls.ts'

const adminKey = 'an-admin-key-of-forty-characters-or-so-1'
const urlLogged = /"url":"(http:[^"]+)"/
const keyShown = /First client key, shown once: (chasm_client_\w+)/

function startHub(folder: string, env: Record<string, string> = {}): Program {
  return start('orchestrator/main.ts', folder, { PORT: '0', DATA_DIR: './data', ADMIN_KEY: adminKey, ...env })
}

async function call(url: string, path: string, key: string, body?: Json, method = body ? 'POST' : 'GET') {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
}

const chat = (stream: boolean, content = 'hello') => ({ model: 'auto', stream, messages: [{ role: 'user', content }] })

/** Asks until it is answered: a fleet takes a moment to come back. */
async function askedUntilAnswered(url: string, key: string, stream: boolean): Promise<Response> {
  const lastMs = performance.now() + patienceMs
  for (;;) {
    const response = await call(url, '/v1/chat/completions', key, chat(stream))
    if (response.status === 200) return response
    if (performance.now() > lastMs) throw new Error(`nobody answers: ${await response.text()}`)
    await Bun.sleep(20)
  }
}

/** A hub and a scout as processes, the network between them, and a client's key. */
async function site(scoutEnv: Record<string, string> = {}) {
  const folder = temporaryFolder()
  const hub = startHub(folder)
  const url = await hub.wrote(urlLogged)
  const clientKey = await hub.wrote(keyShown)
  const proxy = await TcpProxy.open(Number(new URL(url).port))
  onTestFinished(() => proxy.close())
  const made = await call(url, '/v1/admin/keys', adminKey, { role: 'scout', name: 'a scout' })
  const { key } = (await made.json()) as Json
  const dial = { ORCHESTRATOR_URL: proxy.url, SCOUT_KEY: key, SCOUT_NAME: 'here', SCOUT_CONCURRENCY: '10' }
  const demo = { PROVIDERS: 'demo', DEMO_FIRST_TOKEN_MS: '0', DEMO_TOKENS_PER_SECOND: '0' }
  const scout = startEagerScout(folder, { ...dial, ...demo, ...scoutEnv })
  await scout.wrote(/Connected as here/)
  /** Another process on the same folder, to which the network now leads. */
  const nextHub = async () => {
    const next = startHub(folder)
    const nextUrl = await next.wrote(urlLogged)
    proxy.target = Number(new URL(nextUrl).port)
    return { next, nextUrl }
  }
  return { hub, url, clientKey, scout, nextHub }
}

async function streams(url: string, key: string, count: number): Promise<StreamReader[]> {
  const open = async (_: unknown, i: number) => {
    const response = await call(url, '/v1/chat/completions', key, chat(true, `question ${i}`))
    return new StreamReader(response).content()
  }
  return Promise.all(Array.from({ length: count }, open))
}

test('a first start shows a key that works, and no later one shows it again or any other', async () => {
  const folder = temporaryFolder()
  const first = startHub(folder)
  const url = await first.wrote(urlLogged)
  const key = await first.wrote(keyShown)
  expect((await call(url, '/v1/models', key)).status).toBe(200)
  expect(first.stdout).toContain('npm run key -- scout')

  const rival = startHub(folder)
  const neighbour = startHub(temporaryFolder(), { PORT: new URL(url).port })
  expect(await rival.exited).toBe(1)
  expect(rival.stderr).toMatch(
    /^\S+ is in use by another hub \(process \d+\): stop that one first, or set DATA_DIR to /,
  )
  expect(await neighbour.exited).toBe(1)
  expect(neighbour.stderr).toMatch(
    /^Port \d+ on 127\.0\.0\.1 is taken by another program: .* set PORT to a free port\.$/m,
  )
  expect(rival.stdout + neighbour.stdout).toBe('')
  expect((await call(url, '/v1/models', key)).status).toBe(200)

  first.signal('SIGTERM')
  expect(await first.exited).toBe(0)
  const second = startHub(folder)
  const secondUrl = await second.wrote(urlLogged)
  expect((await call(secondUrl, '/v1/models', key)).status).toBe(200)
  second.signal('SIGINT')
  expect(await second.exited).toBe(0)
  expect(second.stdout).toBe('')
  for (const { stdout, stderr } of [first, second]) {
    expect((stdout + stderr).split(key).length - 1).toBe(stdout.includes(key) ? 1 : 0)
    expect(stdout + stderr).not.toContain(adminKey)
  }
})

test('every bad variable of the orchestrator is named with what it wants, and nothing starts', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a-file'), '')
  const bad = { PORT: '70000', HOST: 'not a host', LOG_LEVEL: 'loud', ADMIN_KEY: 'secret-but-short' }
  const several = startHub(folder, bad)
  const noFolder = startHub(folder, { DATA_DIR: './a-file' })
  expect(await several.exited).toBe(1)
  const sentences = several.stderr.trimEnd().split('\n')
  expect(sentences).toEqual([
    'HOST must be an address to listen on, as 127.0.0.1, but it is "not a host".',
    'PORT must be a whole number from 0 to 65535, but it is "70000".',
    'ADMIN_KEY must be 32 to 256 letters, digits or signs and no spaces.',
    expect.stringMatching(/^LOG_LEVEL must be one of trace, .*, but it is "loud"\.$/),
  ])
  expect(await noFolder.exited).toBe(1)
  expect(noFolder.stderr).toMatch(/^\S+a-file cannot be used as the data folder \(\w+\): set DATA_DIR to a folder /)
  expect(several.stdout + noFolder.stdout).toBe('')
})

test('every bad variable of a scout is named with what it wants, and it does not dial', async () => {
  const folder = temporaryFolder()
  const { randomBytes } = realSystem()
  const clientKey = makeKey('client', randomBytes)
  const good = { SCOUT_KEY: makeKey('scout', randomBytes), PROVIDERS: 'demo' }
  const cases: [env: Record<string, string>, sentences: (string | RegExp)[]][] = [
    [{}, [/^SCOUT_KEY is not set: .*npm run key/]],
    [
      {
        ORCHESTRATOR_URL: 'ftp://example.org',
        SCOUT_KEY: clientKey,
        SCOUT_NAME: 'x'.repeat(65),
        SCOUT_CONCURRENCY: '0',
        LOG_LEVEL: 'loud',
        DEMO_FAILURE_RATE: '2',
        VLLM_URL: 'not a url',
      },
      [
        /^ORCHESTRATOR_URL must be an http, https, ws or wss URL/,
        /^SCOUT_KEY holds a key of the role client, but wants one of the role scout/,
        /^SCOUT_NAME must be 1 to 64 characters/,
        /^SCOUT_CONCURRENCY must be a whole number of tasks from 1 to 256\.$/,
        /^LOG_LEVEL must be one of /,
        /^VLLM_URL must be a URL/,
        /^DEMO_FAILURE_RATE must be a number from 0 to 1\.$/,
      ],
    ],
    [{ ...good, SCOUT_KEY: `${good.SCOUT_KEY}x` }, [/^SCOUT_KEY cannot be used: the key is too long/]],
    [{ ...good, PROVIDERS: 'groq' }, [/^PROVIDERS names groq, but GROQ_API_KEY is not set/]],
    [{ ...good, PROVIDERS: 'nobody' }, [/^PROVIDERS names "nobody", which is unknown: choose among /]],
    [{ ...good, MODEL: 'gpt-9' }, [/^The demo provider has none of the models in MODEL \(gpt-9\)/]],
  ]
  const programs = cases.map(([env]) => start('scout/main.ts', folder, env))
  for (const [i, program] of programs.entries()) {
    expect(await program.exited, program.stderr).toBe(2)
    const lines = program.stderr.trimEnd().split('\n')
    for (const sentence of cases[i]![1]) expect(lines).toContainEqual(expect.stringMatching(sentence))
    expect(lines).toHaveLength(cases[i]![1].length)
    expect(program.stdout + program.stderr).not.toContain(clientKey)
  }
})

test('a scout with a key that the hub does not know says so and ends', async () => {
  const folder = temporaryFolder()
  const url = await startHub(folder).wrote(urlLogged)
  const key = makeKey('scout', realSystem().randomBytes)
  const scout = start('scout/main.ts', folder, { ORCHESTRATOR_URL: url, SCOUT_KEY: key, PROVIDERS: 'demo' })
  expect(await scout.exited).toBe(1)
  expect(scout.stdout + scout.stderr).toContain('The orchestrator does not know the key in SCOUT_KEY')
  expect(scout.stdout + scout.stderr).not.toContain(key)
})

test('a hub told to end finishes ten live streams, refuses new ones, and its scout serves the next hub', async () => {
  const service = heldService()
  const { hub, url, clientKey, scout, nextHub } = await site(service.env)
  service.hold(10)
  const readers = await streams(url, clientKey, 10)
  hub.signal('SIGTERM')
  await hub.wrote(/finishing what is under way/)
  const refused = await call(url, '/v1/chat/completions', clientKey, chat(true))
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect(await refused.json()).toMatchObject({ error: { code: 'hub_draining' } })
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  service.goOn()
  for (const reader of readers) {
    expect(await reader.over()).toMatchObject({ isDone: true, finishes: ['stop'], error: null })
  }
  expect(await hub.exited).toBe(0)

  const { next, nextUrl } = await nextHub()
  const answer = (await (await askedUntilAnswered(nextUrl, clientKey, false)).json()) as Json
  expect(answer.chasm.scout).toMatch(/\/here$/)
  scout.signal('SIGTERM')
  expect(await scout.exited).toBe(0)
  next.signal('SIGTERM')
  expect(await next.exited).toBe(0)
})

test('a scout told to end finishes its work, is given none any more, and exits 0', async () => {
  const service = heldService()
  const { url, clientKey, scout } = await site(service.env)
  service.hold(5)
  const readers = await streams(url, clientKey, 5)
  scout.signal('SIGTERM')
  await scout.wrote(/Draining: received SIGTERM/)
  const late = await call(url, '/v1/chat/completions', clientKey, { ...chat(false), chasm: { deadline_ms: 200 } })
  expect(await late.json()).toMatchObject({ error: { code: 'deadline_exceeded' } })
  service.goOn()
  for (const reader of readers) {
    expect(await reader.over()).toMatchObject({ isDone: true, finishes: ['stop'], error: null })
  }
  expect(await scout.exited).toBe(0)
  await scoutsGone(url)
})

async function scoutsGone(url: string): Promise<void> {
  for (;;) {
    const { data } = (await (await call(url, '/v1/scouts', adminKey)).json()) as Json
    if (data.length === 0) return
  }
}

test('a hub that is killed is waited for: the scout dials until it is back, and serves it', async () => {
  const { hub, url, clientKey, scout, nextHub } = await site({ DEMO_TOKENS_PER_SECOND: '20', DEMO_TOKENS: '5000' })
  const [reader] = await streams(url, clientKey, 1)
  hub.signal('SIGKILL')
  await reader!.over()
  expect(reader).toMatchObject({ isDone: false, finishes: [] })
  await scout.wrote(/Not connected: .* dialing again in/)
  const { nextUrl } = await nextHub()
  // What it still worked on is stale there, and gives its place back.
  const again = new StreamReader(await askedUntilAnswered(nextUrl, clientKey, true))
  await again.content()
  expect(again.events[0]!.chasm.scout).toMatch(/\/here$/)
  scout.signal('SIGKILL')
})

/** The pasted line, by curl where there is one, else by its parts. */
async function paste(line: string): Promise<Json> {
  if (Bun.which('curl') !== null) {
    const shell = Bun.spawn(['sh', '-c', `${line} --silent --show-error --max-time 80`], { stdout: 'pipe' })
    return JSON.parse(await new Response(shell.stdout).text())
  }
  const [, url, authorization, body] = /^curl (\S+) -H "Authorization: ([^"]+)" .* -d '([^']+)'$/.exec(line)!
  const headers = { authorization: authorization!, 'content-type': 'application/json' }
  return (await fetch(url!, { method: 'POST', headers, body: body! })).json() as Promise<Json>
}

test('npm start shows a banner whose curl line answers, and Ctrl-C lets a live stream end', async () => {
  const folder = temporaryFolder()
  const env = { PORT: '0', DATA_DIR: './data', PROVIDERS: 'demo', DEMO_TOKENS: '90', DEMO_TOKENS_PER_SECOND: '60' }
  const all = start('orchestrator/supervisor.ts', folder, env)
  const line = await all.wrote(/^curl .*$/m)
  await all.wrote(/Ctrl-C stops both/)
  expect(all.stdout).toMatch(/^Chasm is running at http:\/\/127\.0\.0\.1:\d+$/m)
  expect(all.stdout).toMatch(/^Provider: {3}demo\./m)
  const answer = await paste(line)
  expect(answer.object).toBe('chat.completion')
  expect(answer.choices[0].message.content).not.toBe('')

  const [, url, key] = /^curl (http:\/\/[^/]+)\S* -H "Authorization: Bearer (\w+)"/.exec(line)!
  const [reader] = await streams(url!, key!, 1)
  all.signal('SIGINT')
  expect(await reader!.over()).toMatchObject({ isDone: true, error: null })
  expect(await all.exited).toBe(0)
  expect(all.stdout.split(key!).length - 1).toBe(2)
  expect(all.stderr).not.toContain(key)
  const listening = await fetch(`${url}/healthz`).catch(() => null)
  expect(listening).toBeNull()
})
