import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { makeKey } from '../../../shared/keys/api-key.ts'
import { decodeFromHub } from '../../../shared/protocol/codec.ts'
import { realSystem } from '../../../shared/system.ts'
import { until } from '../../support/clocks/until.ts'
import { startCommand } from '../../support/machine/programs.ts'
import { selfSigned } from '../../support/machine/self-signed.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { FakeHub } from '../../support/scout/fake-hub.ts'
import { ScoutStage } from '../../support/scout/scout-stage.ts'
import { bombs } from '../../support/wire/bombs.ts'

const concurrency = 4

describe('a hub that means harm', () => {
  let stage: ScoutStage
  beforeEach(async () => {
    stage = new ScoutStage(undefined, concurrency)
    await stage.start()
  })
  afterEach(() => stage.close())

  test('with any of the bombs ends its own session and nothing else: the scout is back and works', async () => {
    // One of them is only a bomb on its way to a hub.
    const forScouts = Object.values(bombs).filter((bomb) => decodeFromHub(bomb).type === 'malformed')
    expect(forScouts.length).toBeGreaterThan(25)
    for (const bomb of forScouts) {
      const session = await stage.connected()
      session.raw(bomb)
      await session.ended()
    }
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    call.done()
    expect((await session.answered(1)).settle.outcome).toBe('done')
  })

  test('with a million leases gets no more done at once than the scout has declared', async () => {
    const session = await stage.connected()
    for (let task = 1; task <= 2_000; task++) session.task(task)
    expect(await session.ended()).toMatchObject({ code: 4400, reason: 'more tasks than credits' })
    await stage.connected()
    expect(session.credits).toBe(concurrency)
    expect(stage.scout.status().inFlight).toBeLessThanOrEqual(concurrency)
    expect(stage.provider.calls.length).toBeLessThanOrEqual(concurrency)
  })

  test('with new work in session after session has no more running at once either', async () => {
    for (let round = 0; round < 20; round++) {
      const session = await stage.connected()
      for (let n = 0; n < concurrency; n++) session.task(round * concurrency + n + 1)
      await until('the tasks to be taken', () => stage.scout.status().inFlight === concurrency)
      expect(stage.provider.calls.filter(({ aborted }) => !aborted).length).toBeLessThanOrEqual(concurrency)
      session.cut()
      await session.ended()
    }
    const last = await stage.connected()
    expect(last.credits).toBe(concurrency)
  })

  test('with a flood of goodbyes and standings does not fill the log', async () => {
    const session = await stage.connected()
    for (let n = 0; n < 2_000; n++) {
      session.send({ type: 'hubDrain', windowMs: 0, reason: `${n}` })
      const paused: [string, number][] = n % 2 === 0 ? [['../../etc/passwd', 1_000]] : []
      const counts = { considered: n, won: 0, lostLatency: n, lostPrice: 0, lostCapacity: 0, lostTrust: 0 }
      const none = { done: 0, failed: 0, failurePermille: 0 }
      session.send({ type: 'standing', ...counts, ...none, window: 1, paused })
    }
    session.send({ type: 'ping', ping: 7, acks: [] })
    await session.heard('pong', ({ ping }) => ping === 7)
    expect(stage.log.filter(({ level }) => level !== 'debug').length).toBeLessThan(6)
  })
})

/** A scout as a process that has nothing but its folder, and a hub that it dials. */
function loneScout(url: string, env: Record<string, string> = {}) {
  const folder = temporaryFolder()
  for (const name of ['home', 'tmp']) mkdirSync(join(folder, name))
  const places = { HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp'), XDG_RUNTIME_DIR: join(folder, 'run') }
  // The runtime's own cache is no doing of the scout.
  const noCache = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0' }
  const key = makeKey('scout', realSystem().randomBytes)
  const who = { ORCHESTRATOR_URL: url, SCOUT_KEY: key, SCOUT_NAME: '../../x', PROVIDERS: 'demo' }
  const program = startCommand([], folder, { ...who, ...places, LOG_LEVEL: 'debug', ...noCache, ...env })
  return { folder, key, program }
}

describe('a scout', () => {
  test('writes nothing but its socket, whatever a hub calls things', async () => {
    const hub = new FakeHub()
    onTestFinished(() => hub.stop())
    const { folder, program } = loneScout(hub.url)
    const evil = '../../../../tmp/evil'
    const session = await hub.session({ scout: `${evil}/${evil}` })
    await session.heard('credit')
    session.task(1, { model: evil })
    session.task(2, { model: 'demo-small' }, { messages: [{ role: 'user', content: evil }], user: evil })
    expect((await session.answered(1)).settle.fault).toBe('not_offered')
    expect((await session.answered(2)).settle.outcome).toBe('done')
    const [socket, ...more] = readdirSync(join(folder, 'state'))
    expect(socket).toMatch(/^[0-9a-f]{16}\.sock$/)
    expect(more).toEqual([])
    for (const name of ['home', 'tmp']) expect(readdirSync(join(folder, name))).toEqual([])
    expect(readdirSync(folder).sort()).toEqual(['home', 'state', 'tmp'])
    program.signal('SIGKILL')
  })

  test('takes its key nowhere that a redirect sends it', async () => {
    const elsewhere = new FakeHub()
    onTestFinished(() => elsewhere.stop())
    const statuses = [301, 302, 307, 308]
    let asked = 0
    const redirecting = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => Response.redirect(elsewhere.url.replace('ws', 'http'), statuses[asked++ % statuses.length]!),
    })
    onTestFinished(() => redirecting.stop(true))
    const { program } = loneScout(`http://127.0.0.1:${redirecting.port}`)
    await program.wrote(/this address sends elsewhere \(HTTP 30\d\)/)
    expect(elsewhere.dials).toEqual([])
  })

  test.each([{}, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }])(
    'tells no hub with a bad certificate its key (%o)',
    async (env) => {
      let heard = 0
      const server = Bun.serve({
        hostname: '127.0.0.1',
        port: 0,
        tls: selfSigned,
        fetch() {
          heard++
          return new Response('thanks')
        },
      })
      onTestFinished(() => server.stop(true))
      const { program } = loneScout(`https://127.0.0.1:${server.port}`, env)
      await program.wrote(/its certificate is signed by nobody but itself and is not trusted/)
      expect(heard).toBe(0)
    },
  )

  test('trusts an authority that its operator names', async () => {
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      tls: selfSigned,
      fetch: () => new Response('no', { status: 401 }),
    })
    onTestFinished(() => server.stop(true))
    const folder = temporaryFolder()
    const path = join(folder, 'authority.pem')
    await Bun.write(path, selfSigned.cert)
    const { program } = loneScout(`https://127.0.0.1:${server.port}`, { NODE_EXTRA_CA_CERTS: path })
    await program.wrote(/The orchestrator does not know the key in SCOUT_KEY/)
    expect(await program.exited).toBe(1)
  })
})
