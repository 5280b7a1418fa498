import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { LiveHub } from '../support/hub/live-hub.ts'
import { certificateFor } from '../support/machine/certificate.ts'
import { HttpProxy } from '../support/machine/http-proxy.ts'
import { startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { type OpenAiStandIn, startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'

/**
 * A hub and a provider behind TLS, which are reached through tunnels of a proxy only: their names exist nowhere else.
 * Their certificates are made here, and the scout is told to trust them as a company's own authority.
 */

const names = ['hub.test', 'models.test']
const certificate = certificateFor(names)
let hub: LiveHub
let models: OpenAiStandIn
let proxy: HttpProxy
let secureHub: TlsFront
let secureModels: TlsFront

/** Takes TLS off and passes the rest on, as the reverse proxy of a deployment does. */
interface TlsFront {
  port: number
  close(): void
}

function tlsInFrontOf(port: number): Promise<TlsFront> {
  const sockets = new Set<Socket | TLSSocket>()
  const server = createServer(certificate, (client) => {
    const behind = connect(port, '127.0.0.1')
    client.pipe(behind).pipe(client)
    for (const socket of [client, behind]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        behind.destroy()
      })
    }
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as { port: number }).port,
        close() {
          server.close()
          for (const socket of sockets) socket.destroy()
        },
      })
    })
  })
}

beforeAll(async () => {
  hub = new LiveHub()
  models = startOpenAiStandIn({ models: ['m'] })
  secureHub = await tlsInFrontOf(Number(new URL(hub.url).port))
  secureModels = await tlsInFrontOf(models.port)
})
afterAll(async () => {
  secureHub.close()
  secureModels.close()
  await models.stop()
  await hub.close()
})
beforeEach(async () => {
  proxy = await HttpProxy.open()
})
afterEach(() => proxy.close())

function environment(more: Record<string, string> = {}): Record<string, string> {
  const authorityFile = join(temporaryFolder(), 'authority.pem')
  writeFileSync(authorityFile, certificate.cert)
  return {
    ORCHESTRATOR_URL: `https://hub.test:${secureHub.port}`,
    COMPATIBLE_URL: `https://models.test:${secureModels.port}/v1`,
    COMPATIBLE_API_KEY: 'their-key',
    SCOUT_KEY: hub.scoutKey,
    SCOUT_NAME: 'secure',
    PROVIDERS: 'compatible',
    HTTPS_PROXY: proxy.url,
    NODE_EXTRA_CA_CERTS: authorityFile,
    ...more,
  }
}

test('a scout reaches hub and provider by wss and https through tunnels, and serves', async () => {
  const program = startCommand(['start'], temporaryFolder(), environment())
  await program.wrote(/Connected as secure/)
  await hub.connected('secure', 4)
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] }
  const whole = await hub.post('/v1/chat/completions', body)
  expect(whole.status).toBe(200)
  const streamed = await hub.post('/v1/chat/completions', { ...body, stream: true })
  expect(await streamed.text()).toContain('data: [DONE]')
  // Nothing was asked of the proxy but tunnels: it never had a key in its hands.
  const tunnels = [`CONNECT hub.test:${secureHub.port}`, `CONNECT models.test:${secureModels.port}`]
  expect(new Set(proxy.asked)).toEqual(new Set(tunnels))
  program.signal('SIGTERM')
  expect(await program.exited).toBe(0)
})

test('doctor takes the same way, by name and password where the proxy wants them', async () => {
  const secure = environment({ HTTPS_PROXY: `http://me:s%40cret@${proxy.host}` })
  const program = startCommand(['doctor'], temporaryFolder(), secure)
  expect(await program.exited, program.stdout).toBe(0)
  expect(program.stdout).toMatch(new RegExp(`^ok {4}Hub .*wss://hub.test.*through the proxy ${proxy.host}`, 'm'))
  expect(program.stdout).toMatch(/^ok {4}Key /m)
  expect(program.stdout).toMatch(/^ok {4}Provider .*offers 1 model: m/m)
  expect(proxy.asked.every((line) => line.startsWith('CONNECT '))).toBe(true)
  expect(new Set(proxy.credentials)).toEqual(new Set([`Basic ${btoa('me:s@cret')}`]))
  expect(program.stdout + program.stderr).not.toMatch(/s%40cret|s@cret|their-key/)
})

test('without the authority nothing is sent through the tunnels, and it says what to set', async () => {
  const seenBefore = models.seen.length
  const program = startCommand(['doctor'], temporaryFolder(), environment({ NODE_EXTRA_CA_CERTS: '' }))
  expect(await program.exited).toBe(1)
  expect(program.stdout).toMatch(/^fail {2}Hub .*NODE_EXTRA_CA_CERTS in the environment/m)
  expect(program.stdout).toMatch(/^fail {2}Provider .*compatible/m)
  expect(models.seen).toHaveLength(seenBefore)
})

test('a certificate for another name is refused through the tunnel as well', async () => {
  const other = environment({ ORCHESTRATOR_URL: `https://other.test:${secureHub.port}` })
  const program = startCommand(['doctor'], temporaryFolder(), other)
  expect(await program.exited).toBe(1)
  expect(program.stdout).toMatch(/^fail {2}Hub .*its certificate is for another host name/m)
})

test('a proxy that refuses the tunnel is named as the cause for both', async () => {
  proxy.refuseWith = 403
  const program = startCommand(['doctor'], temporaryFolder(), environment())
  expect(await program.exited).toBe(1)
  expect(program.stdout).toMatch(/^fail {2}Hub .*the proxy refuses the way to it/m)
  expect(program.stdout).toMatch(/^fail {2}Provider /m)
})
