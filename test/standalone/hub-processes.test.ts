/** A hub of several processes, as an operator starts it: killed in every part, and stopped in order. */
import { readdirSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isRunning, killed, partsOf } from '../../bench/fleet/hub-parts.ts'
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

/** The hub with two edges, with its data and its sockets in this folder. */
function hubIn(folder: string) {
  const env = { PATH: process.env.PATH, LOG_LEVEL: 'fatal', TMPDIR: folder }
  const ready = Promise.withResolvers<Ready>()
  const hub = Bun.spawn([process.execPath, '--no-env-file', `${root}orchestrator/main.ts`], {
    env: { ...env, HUB_EDGES: '2', PORT: '0', DATA_DIR: `${folder}/data` },
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (message: Ready) => ready.resolve(message),
  })
  onTestFinished(async () => {
    for (const { pid } of [{ pid: hub.pid }, ...partsOf(hub.pid)]) await killed(pid)
  })
  return { hub, env, ready: ready.promise }
}

/** And a scout of the demo provider that has dialed in. */
async function start(tokensPerSecond = 0) {
  const folder = temporaryFolder()
  const { hub, env, ready } = hubIn(folder)
  const { url, scoutKey, clientKey, loginUrl } = await ready
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
  return { hub, answers, ask, chat, loginUrl, folder, dataDir: `${folder}/data` }
}

test('an edge that is killed comes back, and chats are answered', async () => {
  const { hub, answers } = await start()
  const [first] = partsOf(hub.pid).filter(({ role }) => role === 'edge')
  await killed(first!.pid)
  await until('another edge', () => {
    const edges = partsOf(hub.pid).filter(({ role }) => role === 'edge')
    return edges.length === 2 && edges.every(({ pid }) => pid !== first!.pid)
  })
  await answers()
})

/** The brain's process number, and those of the edges. */
function processesOf(pid: number) {
  const parts = partsOf(pid)
  const pidsOf = (wanted: string) => parts.filter(({ role }) => role === wanted).map((part) => part.pid)
  return { brain: pidsOf('brain')[0], edges: pidsOf('edge').sort() }
}

/** Chats, a few at once, until they are told to end; what came of each. */
function load(chat: () => Promise<number>) {
  const statuses: number[] = []
  let isOver = false
  const loops = Array.from({ length: 6 }, async () => {
    while (!isOver) statuses.push(await chat())
  })
  const end = async () => {
    isOver = true
    await Promise.all(loops)
    return statuses
  }
  return { statuses, end }
}

describe('a brain that is gone', () => {
  test('drops no socket: streams go on, and requests wait for the next one', async () => {
    const { hub, ask, chat } = await start(20)
    const before = processesOf(hub.pid)
    const streams = await Promise.all(
      Array.from({ length: 4 }, async () => new StreamReader(await ask({ stream: true })).content()),
    )
    const chats = load(chat)
    await killed(before.brain!)
    await until('another brain', () => {
      const { brain } = processesOf(hub.pid)
      return brain !== undefined && brain !== before.brain
    })
    const answered = chats.statuses.length
    await until('chats to be answered', () => chats.statuses.length > answered + 20)
    for (const reader of streams) expect((await reader.over()).isDone).toBe(true)
    expect(new Set(await chats.end())).toEqual(new Set([200]))
    expect(processesOf(hub.pid).edges).toEqual(before.edges)
  })

  test('makes room for another one when it is told to', async () => {
    const { hub, ask, chat, dataDir } = await start(20)
    const before = processesOf(hub.pid)
    const reader = await new StreamReader(await ask({ stream: true })).content()
    const chats = load(chat)
    const command = [process.execPath, '--no-env-file', `${root}orchestrator/commands/restart-brain.ts`]
    const restart = Bun.spawn(command, { env: { PATH: process.env.PATH, DATA_DIR: dataDir }, stdout: 'pipe' })
    expect(await new Response(restart.stdout).text()).toMatch(/^Another brain is there after \d+ ms\.\n$/)
    expect(await restart.exited).toBe(0)
    expect((await reader.over()).isDone).toBe(true)
    expect(new Set(await chats.end())).toEqual(new Set([200]))
    const { brain, edges } = processesOf(hub.pid)
    expect(brain).not.toBe(before.brain)
    expect(edges).toEqual(before.edges)
  })

  test('is ended when it stands still', async () => {
    const { hub, answers } = await start()
    const before = processesOf(hub.pid)
    process.kill(before.brain!, 'SIGSTOP')
    await until('another brain', () => {
      const { brain } = processesOf(hub.pid)
      return brain !== undefined && brain !== before.brain
    })
    await answers()
    expect(processesOf(hub.pid).edges).toEqual(before.edges)
  })
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
  expect(parts.filter(({ pid }) => isRunning(pid))).toEqual([])
})

describe('the folder of sockets', () => {
  const foldersIn = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('chasm-hub-'))

  test('goes with the processes when who looks after them is killed', async () => {
    const { hub, folder } = await start()
    expect(foldersIn(folder)).toHaveLength(1)
    hub.kill('SIGKILL')
    await until('it to be gone', () => foldersIn(folder).length === 0)
  })

  test('that all of them left when they were killed goes with the next start', async () => {
    const { hub, folder } = await start()
    const [left] = foldersIn(folder)
    const parts = partsOf(hub.pid)
    // None of them gets to do anything about the end of another one.
    for (const { pid } of parts) process.kill(pid, 'SIGSTOP')
    for (const { pid } of [{ pid: hub.pid }, ...parts]) await killed(pid)
    expect(foldersIn(folder)).toEqual([left])
    await hubIn(folder).ready
    await until('it to be gone', () => !foldersIn(folder).includes(left!))
    expect(foldersIn(folder)).toHaveLength(1)
  })
})
