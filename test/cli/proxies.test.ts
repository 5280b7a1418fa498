import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { LiveHub } from '../support/hub/live-hub.ts'
import { HttpProxy } from '../support/machine/http-proxy.ts'
import { startCommand } from '../support/machine/programs.ts'
import { selfSigned } from '../support/machine/self-signed.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { type OpenAiStandIn, startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'

/**
 * Machines that reach the world through a proxy only. The hub and the models have names here that nothing but the proxy
 * knows, so whatever goes past it fails.
 */

let hub: LiveHub
let models: OpenAiStandIn
let proxy: HttpProxy

beforeAll(() => {
  hub = new LiveHub()
  models = startOpenAiStandIn({ models: ['m'] })
})
afterAll(async () => {
  await models.stop()
  await hub.close()
})
beforeEach(async () => {
  proxy = await HttpProxy.open()
})
afterEach(() => proxy.close())

const portOf = (url: string) => new URL(url).port
const hubAt = (host: string) => `http://${host}:${portOf(hub.url)}`

function environment(more: Record<string, string> = {}): Record<string, string> {
  const far = { ORCHESTRATOR_URL: hubAt('hub.test'), COMPATIBLE_URL: `http://models.test:${models.port}/v1` }
  return { ...far, SCOUT_KEY: hub.scoutKey, SCOUT_NAME: 'far', PROVIDERS: 'compatible', HTTP_PROXY: proxy.url, ...more }
}

test('a scout reaches hub and models through it, and serves', async () => {
  const program = startCommand(['start'], temporaryFolder(), environment())
  await program.wrote(/Connected as/)
  await hub.connected('far', 4)
  const response = await hub.post('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'Hi' }] })
  expect(response.status).toBe(200)
  expect(proxy.asked).toContain(`CONNECT hub.test:${portOf(hub.url)}`)
  expect(proxy.asked.filter((line) => line.includes('models.test')).length).toBeGreaterThanOrEqual(2)
  program.signal('SIGTERM')
  expect(await program.exited).toBe(0)
})

test('doctor tries everything the same way, and says which way it is', async () => {
  const program = startCommand(['doctor'], temporaryFolder(), environment())
  expect(await program.exited, program.stdout).toBe(0)
  expect(program.stdout).toMatch(new RegExp(`^ok {4}Hub .*through the proxy ${proxy.host}`, 'm'))
  expect(program.stdout).toMatch(/^ok {4}Key /m)
  expect(program.stdout).toMatch(/^ok {4}Provider .*offers 1 model: m/m)
  const hosts = new Set(proxy.asked.map((line) => /(hub|models)\.test/.exec(line)?.[1]))
  expect(hosts).toEqual(new Set(['hub', 'models']))
})

test('this machine itself is reached past it', async () => {
  const near = { ORCHESTRATOR_URL: hub.url, COMPATIBLE_URL: models.baseURL, HTTPS_PROXY: proxy.url }
  const program = startCommand(['doctor'], temporaryFolder(), environment(near))
  expect(await program.exited, program.stdout).toBe(0)
  expect(program.stdout).not.toContain('proxy')
  expect(proxy.asked).toEqual([])
})

test('what NO_PROXY names is reached past it, though nothing is there', async () => {
  const program = startCommand(['doctor'], temporaryFolder(), environment({ no_proxy: 'other.test,hub.test' }))
  expect(await program.exited).toBe(1)
  expect(program.stdout).toMatch(/^fail {2}Hub /m)
  expect(proxy.asked.filter((line) => line.includes('hub.test'))).toEqual([])
  expect(proxy.asked.some((line) => line.includes('models.test'))).toBe(true)
})

test('its name and password are sent to it, and shown nowhere', async () => {
  const address = `http://me:s%40cret@${proxy.host}`
  const program = startCommand(['doctor'], temporaryFolder(), environment({ HTTP_PROXY: address }))
  expect(await program.exited, program.stdout).toBe(0)
  expect(new Set(proxy.credentials)).toEqual(new Set([`Basic ${btoa('me:s@cret')}`]))
  expect(program.stdout + program.stderr).not.toMatch(/s%40cret|s@cret/)
})

test('one that refuses is named as the cause', async () => {
  proxy.refuseWith = 407
  const secure = environment({ ORCHESTRATOR_URL: 'https://hub.test', HTTPS_PROXY: proxy.url })
  const program = startCommand(['doctor'], temporaryFolder(), secure)
  expect(await program.exited).toBe(1)
  expect(program.stdout).toMatch(
    /^fail {2}Hub .*through the proxy .*the proxy refuses the way to it; correct HTTPS_PROXY or HTTP_PROXY/m,
  )
  const scout = startCommand(['start'], temporaryFolder(), environment({ COMPATIBLE_URL: models.baseURL }))
  await scout.wrote(/the proxy refuses the way to it/)
})

test('one that is not there is named as the cause', async () => {
  const gone = { HTTP_PROXY: 'http://127.0.0.1:9', COMPATIBLE_URL: models.baseURL }
  const program = startCommand(['doctor'], temporaryFolder(), environment(gone))
  expect(await program.exited).toBe(1)
  expect(program.stdout).toMatch(/^fail {2}Hub .*the proxy cannot be reached; correct HTTPS_PROXY or HTTP_PROXY/m)
  const scout = startCommand(['start'], temporaryFolder(), environment(gone))
  await scout.wrote(/the proxy cannot be reached/)
})

test("a certificate is checked through it: the tunnel is no reason to trust the host's", async () => {
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, tls: selfSigned, fetch: () => new Response('no') })
  const secure = { ORCHESTRATOR_URL: `https://hub.test:${server.port}`, HTTPS_PROXY: proxy.url }
  const scout = startCommand(['start'], temporaryFolder(), environment(secure))
  await scout.wrote(/certificate/)
  expect(proxy.asked).toContain(`CONNECT hub.test:${server.port}`)
  await server.stop(true)
})

test('a variable that names none is refused before anything is tried', async () => {
  const socks = environment({ HTTP_PROXY: 'socks5://me:secret@proxy:1080' })
  const program = startCommand(['start'], temporaryFolder(), socks)
  expect(await program.exited).toBe(2)
  expect(program.stderr).toMatch(/^HTTP_PROXY must be the http or https URL of a proxy/m)
  expect(program.stderr).not.toContain('secret')
})
