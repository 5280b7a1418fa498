import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeKey } from '../../shared/keys/api-key.ts'
import { realSystem } from '../../shared/system.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { type Program, startCommand } from '../support/machine/programs.ts'
import { selfSigned } from '../support/machine/self-signed.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

/**
 * Each thing that goes wrong for a new user, tried as a new user would: `start` says it in one line, `doctor` too, and
 * both say what to do.
 */

const { randomBytes } = realSystem()
const unknownKey = makeKey('scout', randomBytes)
let hub: LiveHub
let secure: Bun.Server<undefined>
let stranger: Bun.Server<undefined>
let mute: Server
const models = new Map<string, () => Response>()

beforeAll(() => {
  hub = new LiveHub()
  secure = Bun.serve({ hostname: '127.0.0.1', port: 0, tls: selfSigned, fetch: () => new Response('secret') })
  stranger = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request): Response {
      const { pathname } = new URL(request.url)
      if (pathname.startsWith('/moved')) return Response.redirect(`${hub.url}/v1/scout`, 301)
      if (pathname === '/hour-ahead/healthz') {
        const date = new Date(Date.now() + 3_600_000).toUTCString()
        return new Response('{}', { headers: { 'x-chasm': '1', date } })
      }
      if (pathname.startsWith('/nowhere')) return new Response('no', { status: 404 })
      return models.get(pathname)?.() ?? new Response('<html>hello</html>')
    },
  })
  models.set('/refusing/models', () => Response.json({ error: { message: 'bad key' } }, { status: 401 }))
  models.set('/empty/models', () => Response.json({ object: 'list', data: [] }))
  mute = createServer(() => {}).listen(0, '127.0.0.1')
})

afterAll(async () => {
  await hub.close()
  await secure.stop(true)
  await stranger.stop(true)
  mute.close()
})

function environment(more: Record<string, string> = {}): Record<string, string> {
  return { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, SCOUT_NAME: 'new', PROVIDERS: 'demo', ...more }
}

function addressOf(server: { port?: number | undefined }, path = ''): string {
  return `http://127.0.0.1:${server.port}${path}`
}

/** `start` goes on dialing, so its line is waited for; a refusal ends it. */
async function told(env: Record<string, string>, words: RegExp): Promise<Program> {
  const program = startCommand(['start'], temporaryFolder(), env)
  await program.wrote(words)
  return program
}

async function diagnosed(env: Record<string, string>, line: RegExp, folder = temporaryFolder()): Promise<void> {
  const program = startCommand(['doctor'], folder, env)
  expect(await program.exited, program.stderr).toBe(1)
  expect(program.stdout.split('\n')).toContainEqual(expect.stringMatching(line))
  expect(program.stdout).toMatch(/\d things are in the way|One thing is in the way/)
  expect(program.stdout + program.stderr).not.toContain(env.SCOUT_KEY)
}

describe('a key', () => {
  test('that the hub does not know', async () => {
    const env = environment({ SCOUT_KEY: unknownKey })
    const words = /The orchestrator does not know the key in SCOUT_KEY; ask its operator for a scout key/
    const program = await told(env, words)
    expect(await program.exited).toBe(1)
    await diagnosed(env, new RegExp(`^fail  Key .*${words.source}`))
  })

  test('of another role', async () => {
    const env = environment({ SCOUT_KEY: hub.clientKey })
    const words = /SCOUT_KEY holds a key of the role client, but wants one of the role scout; .*npm run key/
    const program = await told(env, words)
    expect(await program.exited).toBe(2)
    await diagnosed(env, new RegExp(`^fail  Settings .*${words.source}`))
  })

  test('that was cut when it was copied', async () => {
    const env = environment({ SCOUT_KEY: unknownKey.slice(0, -3) })
    const words = /SCOUT_KEY cannot be used: the key is cut short: 3 characters are missing at its end/
    await told(env, words)
    await diagnosed(env, words)
  })
})

describe('an address', () => {
  const cases: [name: string, url: () => string, words: RegExp][] = [
    ['where nothing listens', () => 'http://127.0.0.1:1', /nothing listens at this address; start the orchestrator/],
    ['whose host nobody knows', () => 'http://hub.invalid', /nobody knows this host name; check ORCHESTRATOR_URL/],
    ['of a server that is no hub', () => addressOf(stranger), /a web server answers here, but no orchestrator/],
    [
      'that has no such path',
      () => addressOf(stranger, '/nowhere'),
      /there is no orchestrator at this address \(HTTP 404\); check ORCHESTRATOR_URL/,
    ],
    [
      'that sends elsewhere',
      () => addressOf(stranger, '/moved'),
      /this address sends elsewhere \(HTTP 301\); write the final address/,
    ],
    [
      'with https where no TLS is spoken',
      () => hub.url.replace('http', 'https'),
      /this port does not speak TLS; write http:\/\/ in ORCHESTRATOR_URL/,
    ],
    [
      'without https where TLS is spoken',
      () => addressOf(secure),
      /hung up at once; if the orchestrator is behind TLS, write https:\/\//,
    ],
    [
      'whose certificate nobody signed',
      () => addressOf(secure).replace('http', 'https'),
      /its certificate is signed by nobody but itself and is not trusted; set NODE_EXTRA_CA_CERTS/,
    ],
  ]
  test.each(cases)('%s', async (_, url, words) => {
    const env = environment({ ORCHESTRATOR_URL: url() })
    const program = await told(env, words)
    program.signal('SIGTERM')
    expect(await program.exited).toBe(0)
    await diagnosed(env, new RegExp(`^fail  Hub .*${words.source}`))
  })

  test('where something accepts and says nothing is given up by doctor within its time', async () => {
    const { port } = mute.address() as { port: number }
    const words = /nothing answers at this address; check ORCHESTRATOR_URL and the firewalls/
    await diagnosed(environment({ ORCHESTRATOR_URL: `http://127.0.0.1:${port}` }), words)
  })

  test('of a hub whose clock is another', async () => {
    const env = environment({ ORCHESTRATOR_URL: addressOf(stranger, '/hour-ahead') })
    await diagnosed(env, /^warn {2}Clock {7}3(5[5-9]|6[0-4])\d s behind the orchestrator's: set this machine's clock/)
  })

  test('with ws instead of http is taken as it is meant', async () => {
    const env = environment({ ORCHESTRATOR_URL: `${hub.url.replace('http', 'ws')}/v1/scout`, SCOUT_NAME: 'ws' })
    const program = await told(env, /Connected as ws/)
    program.signal('SIGTERM')
    expect(await program.exited).toBe(0)
  })

  test('that is none', async () => {
    const env = environment({ ORCHESTRATOR_URL: 'hub.example.com:8080' })
    const program = await told(env, /ORCHESTRATOR_URL must be an http, https, ws or wss URL, such as http:/)
    expect(await program.exited).toBe(2)
  })
})

describe('a provider', () => {
  const at = (url: string) => environment({ PROVIDERS: 'vllm', VLLM_URL: url })

  test('that is down is named, and the scout waits for it', async () => {
    const env = at('http://127.0.0.1:1/v1')
    const program = await told(env, /Provider vllm cannot list its models: /)
    await program.wrote(/No provider offers a model yet; the scout dials as soon as one does/)
    program.signal('SIGTERM')
    expect(await program.exited).toBe(0)
    await diagnosed(env, /^fail {2}Provider {4}vllm: /)
  })

  test('that refuses its key says which variable to mend', async () => {
    await diagnosed(at(addressOf(stranger, '/refusing')), /^fail {2}Provider {4}vllm: .*401/)
  })

  test('without models says so', async () => {
    const env = at(addressOf(stranger, '/empty'))
    await diagnosed(env, /^fail {2}Provider {4}vllm.* has no model/)
  })

  test('that is asked for and not configured', async () => {
    const env = environment({ PROVIDERS: 'groq' })
    const words = /PROVIDERS names groq, but GROQ_API_KEY is not set: set it, or take groq out of PROVIDERS/
    const program = await told(env, words)
    expect(await program.exited).toBe(2)
    await diagnosed(env, words)
  })
})

describe('the .env', () => {
  test('that is not there leaves the environment alone to say what is missing', async () => {
    const program = await told({}, /SCOUT_KEY is not set: run `chasm-scout init`/)
    expect(await program.exited).toBe(2)
  })

  test('that is there is read, and what is set already wins', async () => {
    const folder = temporaryFolder()
    const lines = Object.entries(environment({ SCOUT_NAME: 'from-file' })).map(([name, value]) => `${name}=${value}`)
    writeFileSync(join(folder, '.env'), lines.join('\n'))
    for (const [env, name] of [
      [{}, 'from-file'],
      [{ SCOUT_NAME: 'from-outside' }, 'from-outside'],
    ] as [Record<string, string>, string][]) {
      const program = startCommand([], folder, env)
      await program.wrote(new RegExp(`Connected as ${name}`))
      program.signal('SIGTERM')
      expect(await program.exited).toBe(0)
    }
  })

  test('that cannot be read', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, '.env'))
    const program = startCommand(['start'], folder, {})
    expect(await program.exited).toBe(2)
    expect(program.stderr).toMatch(/\.env cannot be read \(EISDIR\): give this user the right to read it, or remove it/)
    await diagnosed(environment(), /^fail {2}File .*cannot be read/, folder)
  })

  test('that others may read is worth a warning', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), `SCOUT_KEY=${hub.scoutKey}\n`, { mode: 0o644 })
    const program = startCommand(['doctor'], folder, environment())
    expect(await program.exited).toBe(0)
    expect(program.stdout).toMatch(/^warn {2}File .*run `chmod 600 \.env` there/)
  })
})

describe('a command line', () => {
  test.each([
    [['serve'], /^Unknown command 'serve': `chasm-scout --help` lists the commands/],
    [['status', '--verbose'], /^Unknown option '--verbose': /],
    [['init', '--url'], /^Option '--url <url>' argument missing: /],
    [['start', 'now'], /^Too many arguments for 'start'/],
  ])('%j is refused with one sentence', async (args, sentence) => {
    const program = startCommand(args, temporaryFolder())
    expect(await program.exited).toBe(2)
    expect(program.stderr).toMatch(sentence)
    expect(program.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(program.stdout).toBe('')
  })

  test('--help names every command', async () => {
    const program = startCommand(['--help'], temporaryFolder())
    expect(await program.exited).toBe(0)
    for (const name of ['start', 'init', 'doctor', 'status', 'earnings', 'drain'])
      expect(program.stdout).toContain(`  ${name} `)
  })
})
