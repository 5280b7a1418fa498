/** A hub of several processes, as an operator starts it: killed in every part, and stopped in order. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { OwnPage } from '../support/clients/own-page.ts'
import { StreamReader } from '../support/clients/stream-reader.ts'
import { until } from '../support/clocks/until.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const root = new URL('../../', import.meta.url).pathname

interface Ready {
  url: string
  scoutKey: string
  clientKey: string
  loginUrl: string
}

/** The hub with two edges and a scout of the demo provider that has dialed in. */
async function start(tokensPerSecond = 0) {
  const folder = temporaryFolder()
  const env = { PATH: process.env.PATH, LOG_LEVEL: 'fatal', TMPDIR: folder }
  const ready = Promise.withResolvers<Ready>()
  const hub = Bun.spawn([process.execPath, '--no-env-file', `${root}orchestrator/main.ts`], {
    env: { ...env, HUB_EDGES: '2', PORT: '0', DATA_DIR: `${folder}/data` },
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (message: Ready) => ready.resolve(message),
  })
  onTestFinished(() => {
    for (const part of [...partsOf(hub.pid), { pid: hub.pid }]) kill(part.pid)
  })
  const { url, scoutKey, clientKey, loginUrl } = await ready.promise
  const who = { ORCHESTRATOR_URL: url, SCOUT_KEY: scoutKey, SCOUT_NAME: 'one', PROVIDERS: 'demo' }
  const knobs = {
    DEMO_FIRST_TOKEN_MS: '0',
    DEMO_TOKENS_PER_SECOND: String(tokensPerSecond),
    SCOUT_STATE_DIR: `${folder}/scout`,
  }
  const scout = Bun.spawn([process.execPath, '--no-env-file', `${root}scout/main.ts`], {
    env: { ...env, LOG_LEVEL: 'error', ...who, ...knobs },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  onTestFinished(() => scout.kill('SIGKILL'))
  const ask = (fields: object) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...fields }),
    })
  const chat = async () => {
    const response = await ask({ max_tokens: 2 }).catch(() => null)
    await response?.text().catch(() => '')
    return response?.status ?? 0
  }
  /** Resolves once a chat is answered, by whichever edge. */
  const answers = async () => {
    while ((await chat()) !== 200) await Bun.sleep(50)
  }
  await answers()
  return { hub, answers, ask, loginUrl }
}

interface Part {
  pid: number
  role: string
}

/** The processes that this one has started, with what they are. */
function partsOf(pid: number): Part[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean)
    return children.map((child) => {
      const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0')
      return { pid: Number(child), role: words.find((word) => word === 'brain' || word === 'edge') ?? '' }
    })
  } catch {
    return []
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}

test('an edge that is killed comes back, and chats are answered', async () => {
  const { hub, answers } = await start()
  const [first] = partsOf(hub.pid).filter(({ role }) => role === 'edge')
  kill(first!.pid)
  await until('another edge', () => {
    const edges = partsOf(hub.pid).filter(({ role }) => role === 'edge')
    return edges.length === 2 && edges.every(({ pid }) => pid !== first!.pid)
  })
  await answers()
})

test('a brain that is killed comes back with its edges, and chats are answered', async () => {
  const { hub, answers } = await start()
  const before = partsOf(hub.pid)
  kill(before.find(({ role }) => role === 'brain')!.pid)
  await until('all of them again', () => {
    const parts = partsOf(hub.pid)
    return parts.length === 3 && parts.every(({ pid }) => before.every((old) => old.pid !== pid))
  })
  await answers()
})

test('the link of the first start signs in and opens the page, through whichever edge', async () => {
  const { loginUrl } = await start()
  const [url, token] = loginUrl.split('/#login=') as [string, string]
  const page = new OwnPage(url)
  const signedIn = await page.post('/v1/auth/link', { token })
  expect(await signedIn.json()).toMatchObject({ role: 'admin', account: { name: 'operator' } })
  // Each over a connection of its own, so that both edges get some.
  const alone = { connection: 'close' }
  for (let time = 0; time < 8; time++) {
    expect(await (await page.ask('/v1/me', { headers: alone })).json()).toMatchObject({ account: { name: 'operator' } })
  }
  const opened = await page.ask('/', { headers: { ...alone, accept: 'text/html' } })
  expect([opened.status, opened.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  const script = /src="(\/page\/[^"]+\.js)"/.exec(await opened.text())![1]!
  expect((await page.ask(script, { headers: alone })).status).toBe(200)
  const asked = { model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }
  expect((await page.post('/v1/chat/completions', asked, alone)).status).toBe(200)
  expect((await new OwnPage(url).post('/v1/chat/completions', asked, alone)).status).toBe(401)
})

test('a signal ends all of them in order, after the answers that are under way', async () => {
  const { hub, ask } = await start(20)
  const reader = await new StreamReader(await ask({ stream: true })).content()
  const parts = partsOf(hub.pid)
  expect(parts.map(({ role }) => role).sort()).toEqual(['brain', 'edge', 'edge'])
  hub.kill('SIGTERM')
  expect((await reader.over()).isDone).toBe(true)
  expect(await hub.exited).toBe(0)
  expect(parts.filter(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([])
})
