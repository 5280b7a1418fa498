import { describe, expect, test } from 'vitest'
import { readConfig } from '../../scout/config.ts'
import { makeKey } from '../../shared/keys/api-key.ts'
import { realSystem } from '../../shared/system.ts'

const { randomBytes } = realSystem()
const key = makeKey('scout', randomBytes)
const good = { SCOUT_KEY: key }

const errorsOf = (env: Record<string, string>) => readConfig({ ...good, ...env }, 'host')

describe('the configuration of a scout', () => {
  test('needs nothing but a key', () => {
    expect(readConfig(good, 'my host.local')).toEqual({
      url: 'ws://127.0.0.1:8080/v1/scout',
      key,
      name: 'my-host.local',
      concurrency: 4,
      requestBytesMax: 4_194_304,
      logLevel: 'info',
      logFormat: 'auto',
      signingKeyFile: null,
      // What error texts are searched for.
      secrets: [key],
    })
  })

  test.each([
    ['http://hub:9000', 'ws://hub:9000/v1/scout'],
    ['https://hub.example', 'wss://hub.example/v1/scout'],
    ['wss://hub.example/', 'wss://hub.example/v1/scout'],
    ['https://hub.example/v1', 'wss://hub.example/v1/scout'],
    ['https://hub.example/v1/scout', 'wss://hub.example/v1/scout'],
    ['https://hub.example/chasm/', 'wss://hub.example/chasm/v1/scout'],
    ['http://[::1]:8080', 'ws://[::1]:8080/v1/scout'],
  ])('dials %s at %s', (given, url) => {
    expect(errorsOf({ ORCHESTRATOR_URL: given })).toMatchObject({ url })
  })

  test.each([
    [{ ORCHESTRATOR_URL: 'hub:8080' }, /^ORCHESTRATOR_URL must be an http, https, ws or wss URL/],
    [{ ORCHESTRATOR_URL: 'ftp://hub' }, /^ORCHESTRATOR_URL must be/],
    [{ ORCHESTRATOR_URL: 'http://me:pw@hub' }, /^ORCHESTRATOR_URL must not hold a name or password.*SCOUT_KEY/],
    [{ SCOUT_KEY: '' }, /^SCOUT_KEY is not set: run `chasm-scout init`, or set it to a key of the role scout/],
    [{ SCOUT_KEY: 'sk-123' }, /^SCOUT_KEY cannot be used: this is not a Chasm key/],
    [{ SCOUT_KEY: key.slice(0, -1) }, /^SCOUT_KEY cannot be used: the key is cut short/],
    [{ SCOUT_KEY: makeKey('client', randomBytes) }, /^SCOUT_KEY holds a key of the role client, but wants/],
    [{ SCOUT_NAME: 'x'.repeat(65) }, /^SCOUT_NAME must be 1 to 64 characters/],
    [{ SCOUT_CONCURRENCY: '0' }, /^SCOUT_CONCURRENCY must be a whole number of tasks from 1 to 256/],
    [{ SCOUT_CONCURRENCY: '1.5' }, /^SCOUT_CONCURRENCY must be/],
    [{ SCOUT_CONCURRENCY: 'many' }, /^SCOUT_CONCURRENCY must be/],
    [{ SCOUT_REQUEST_MAX_MIB: '3' }, /^SCOUT_REQUEST_MAX_MIB must be a whole number of mebibytes from 4 to 64/],
    [{ SCOUT_REQUEST_MAX_MIB: '65' }, /^SCOUT_REQUEST_MAX_MIB must be/],
    [{ SCOUT_REQUEST_MAX_MIB: '4.5' }, /^SCOUT_REQUEST_MAX_MIB must be/],
    [{ LOG_FORMAT: 'xml' }, /^LOG_FORMAT must be one of auto, json/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be one of debug, info, warn, error, silent/],
  ] as [Record<string, string>, RegExp][])('refuses %o with one sentence that says what to do', (env, sentence) => {
    const errors = errorsOf(env)
    expect(errors).toEqual([expect.stringMatching(sentence)])
    expect(String(errors)).not.toContain(key.slice(12, 40))
  })

  test('reports every error at once', () => {
    const env = { SCOUT_KEY: '', ORCHESTRATOR_URL: 'x', SCOUT_CONCURRENCY: '-1', LOG_LEVEL: '?' }
    expect(errorsOf(env)).toHaveLength(4)
  })

  test('that is unusable ends the process with code 2 and the sentences on standard error', async () => {
    const scout = Bun.spawn([process.execPath, 'scout/main.ts'], {
      env: { ...process.env, SCOUT_KEY: '', SCOUT_CONCURRENCY: 'x', VLLM_URL: 'nope' },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const errors = await new Response(scout.stderr).text()
    expect(await scout.exited).toBe(2)
    expect(
      errors
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['SCOUT_KEY', 'SCOUT_CONCURRENCY', 'VLLM_URL'])
  })
})
