import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { readConfig } from '../../orchestrator/config.ts'

const origins = '* or origins with commas between, as https://app.example.com or http://localhost:5173'
const orEach = 'to allow every origin, or name each one'
const page = 'an address without a path, as https://hub.example'
const networks = 'addresses or networks with commas between, as 127.0.0.1 or 10.0.0.0/8'
const pages = { publicUrl: null, signup: 'off', edges: 0, trust: 'observe', auditMicroDollars: null }
const rest = { corsOrigins: [], trustedProxies: [], privateUrls: 'refuse', requestBytesMax: 33_554_432, ...pages }
const ledger = { receipts: 'on', points: 'show' }
const byItself = { clusterServers: [], isClusterSecure: false, clusterLogin: null, clusterRoster: null }
const defaults = {
  host: '127.0.0.1',
  port: 8080,
  dataDir: './data',
  adminKey: null,
  logLevel: 'info',
  ...rest,
  ...ledger,
  ...byItself,
}

test('nothing set, or everything set to nothing, gives the defaults', () => {
  expect(readConfig({})).toEqual(defaults)
  expect(readConfig({ HOST: '', PORT: '', DATA_DIR: ' ', ADMIN_KEY: '', LOG_LEVEL: '' })).toEqual(defaults)
})

test('everything set is taken, and the result cannot be changed', () => {
  const adminKey = 'k'.repeat(32)
  const config = readConfig({
    HOST: '::',
    PORT: '0',
    DATA_DIR: '/var/lib/my data',
    ADMIN_KEY: adminKey,
    CORS_ORIGINS: 'https://App.example.com:443/, http://localhost:5173',
    LOG_LEVEL: 'silent',
    TRUSTED_PROXIES: '127.0.0.1, fd00::/8',
    PRIVATE_URLS: 'allow',
    REQUEST_MAX_MIB: '64',
    PUBLIC_URL: 'https://Hub.example:443/',
    SIGNUP: 'approve',
    TRUST: 'enforce',
    RECEIPTS: 'off',
    POINTS: 'off',
    CLUSTER_URL: 'tls://one.example, tls://[::1]:4223/',
    CLUSTER_ROSTER: './roster-epoch-2.json',
    CLUSTER_USER: 'hub',
    CLUSTER_PASSWORD: 'secret',
    HOME: '/root',
  })
  const corsOrigins = ['https://app.example.com', 'http://localhost:5173']
  const sizes = { requestBytesMax: 67_108_864, publicUrl: 'https://hub.example', signup: 'approve', edges: 0 }
  const taken = {
    corsOrigins,
    trustedProxies: ['127.0.0.1', 'fd00::/8'],
    privateUrls: 'allow',
    ...sizes,
    trust: 'enforce',
  }
  const cluster = {
    clusterServers: ['one.example:4222', '[::1]:4223'],
    isClusterSecure: true,
    clusterRoster: './roster-epoch-2.json',
    clusterLogin: { user: 'hub', password: 'secret' },
  }
  const own = { host: '::', port: 0, dataDir: '/var/lib/my data', adminKey, logLevel: 'silent' }
  expect(config).toEqual({ ...own, ...taken, ...cluster, auditMicroDollars: null, receipts: 'off', points: 'off' })
  expect(Object.isFrozen(config)).toBe(true)
})

test('what audits may cost is taken in dollars, where the hub has a price list', () => {
  expect(readConfig({ AUDIT_DAILY_USD: '2.50' })).toMatchObject({ auditMicroDollars: 2_500_000 })
  for (const text of ['0', '-1', '1e3', '0.0000001', '1000000', 'much']) {
    const flaw = `AUDIT_DAILY_USD must be dollars above 0 and below a million, as 2.50, but it is "${text}".`
    expect(readConfig({ AUDIT_DAILY_USD: text })).toEqual([flaw])
  }
  expect(readConfig({ AUDIT_DAILY_USD: '1', RECEIPTS: 'off', POINTS: 'off' })).toEqual([
    'AUDIT_DAILY_USD needs RECEIPTS=on: what an audit costs follows from the price list of receipts.',
  ])
})

test('the number of edges is taken, and is 0 where `auto` finds few cores', () => {
  expect(readConfig({ HUB_EDGES: '7' })).toMatchObject({ edges: 7 })
  const cores = availableParallelism()
  expect(readConfig({ HUB_EDGES: 'auto' })).toMatchObject({ edges: cores < 3 ? 0 : Math.min(32, cores - 1) })
})

test('a hub of a network may have edges', () => {
  const clusterServers = ['one.example:4222']
  const config = readConfig({ CLUSTER_URL: 'tls://one.example', HUB_EDGES: '2' })
  expect(config).toMatchObject({ edges: 2, clusterServers })
})

test('points are spent where there are receipts, and not in a network', () => {
  expect(readConfig({ POINTS: 'spend' })).toMatchObject({ points: 'spend' })
  const receipts = 'POINTS=spend needs RECEIPTS=on: what a task costs follows from its receipt.'
  expect(readConfig({ POINTS: 'spend', RECEIPTS: 'off' })).toEqual([receipts])
  const network =
    'A hub of a network (CLUSTER_URL) cannot have its points spent for now: ' +
    'set POINTS to show, or leave CLUSTER_URL out.'
  expect(readConfig({ POINTS: 'spend', CLUSTER_URL: 'tls://one.example' })).toEqual([network])
})

const clusterUrl =
  'CLUSTER_URL must be addresses as tls://nats.example:4222 with commas between, all tls:// or all nats://, ' +
  'without a user or password.'

test.each([
  ['CLUSTER_URL', 'nats.example', clusterUrl],
  ['CLUSTER_URL', 'tls://nats.example, nats://nats.example', clusterUrl],
  ['CLUSTER_URL', 'nats://hub:secret@nats.example', clusterUrl],
  ['CLUSTER_USER', 'hub', 'CLUSTER_USER and CLUSTER_PASSWORD belong together: set both or neither.'],
  ['CLUSTER_ROSTER', 'a.json', 'CLUSTER_ROSTER does nothing without CLUSTER_URL: set that, or neither.'],
  ['PORT', '65536', 'PORT must be a whole number from 0 to 65535, but it is "65536".'],
  ['PORT', '-1', 'PORT must be a whole number from 0 to 65535, but it is "-1".'],
  ['PORT', '80.5', 'PORT must be a whole number from 0 to 65535, but it is "80.5".'],
  ['PORT', '0x50', 'PORT must be a whole number from 0 to 65535, but it is "0x50".'],
  ['PORT', 'http', 'PORT must be a whole number from 0 to 65535, but it is "http".'],
  ['HOST', 'http://0.0.0.0', 'HOST must be an address to listen on, as 127.0.0.1, but it is "http://0.0.0.0".'],
  ['HOST', '127.0.0.1:80', 'HOST must be an address to listen on, as 127.0.0.1, but it is "127.0.0.1:80".'],
  ['CORS_ORIGINS', 'app.example.com', `CORS_ORIGINS must be ${origins}, but "app.example.com" is no origin.`],
  ['CORS_ORIGINS', '*, https://a.example', `CORS_ORIGINS names * beside other origins: leave * alone ${orEach}.`],
  ['PRIVATE_URLS', 'no', 'PRIVATE_URLS must be allow or refuse, but it is "no".'],
  ['HUB_EDGES', '33', 'HUB_EDGES must be auto or a whole number from 0 to 32, but it is "33".'],
  ['HUB_EDGES', 'all', 'HUB_EDGES must be auto or a whole number from 0 to 32, but it is "all".'],
  ['REQUEST_MAX_MIB', '3', 'REQUEST_MAX_MIB must be a whole number from 4 to 64, but it is "3".'],
  ['REQUEST_MAX_MIB', '65', 'REQUEST_MAX_MIB must be a whole number from 4 to 64, but it is "65".'],
  ['REQUEST_MAX_MIB', '20MB', 'REQUEST_MAX_MIB must be a whole number from 4 to 64, but it is "20MB".'],
  ['TRUSTED_PROXIES', '127.0.0.1,10.0.0.0/40', `TRUSTED_PROXIES must be ${networks}, but "10.0.0.0/40" is neither.`],
  ['PUBLIC_URL', 'hub.example', `PUBLIC_URL must be ${page}, but it is "hub.example".`],
  ['PUBLIC_URL', 'https://hub.example/chasm', `PUBLIC_URL must be ${page}, but it is "https://hub.example/chasm".`],
  ['PUBLIC_URL', 'ftp://hub.example', `PUBLIC_URL must be ${page}, but it is "ftp://hub.example".`],
  ['PUBLIC_URL', 'https://a@hub.example', `PUBLIC_URL must be ${page}, but it is "https://a@hub.example".`],
  ['SIGNUP', 'yes', 'SIGNUP must be one of off, approve, open, but it is "yes".'],
  ['DATA_DIR', 'a\0b', 'DATA_DIR must be the path of a folder, but it is "a\\u0000b".'],
  [
    'LOG_LEVEL',
    'verbose',
    'LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, but it is "verbose".',
  ],
])('%s=%s is refused with one sentence', (name, text, sentence) => {
  expect(readConfig({ [name]: text })).toEqual([sentence])
})

test.each([
  ['short', 'hunter2'],
  ['long', 'k'.repeat(257)],
  ['with a space', `${'k'.repeat(31)} k`],
  ['not of letters a header can carry', 'ü'.repeat(32)],
])('an ADMIN_KEY that is %s is refused without being shown', (_what, adminKey) => {
  const complaints = readConfig({ ADMIN_KEY: adminKey })
  expect(complaints).toEqual([expect.stringMatching(/^ADMIN_KEY must be 32 to 256 letters, .*\.$/)])
  expect(JSON.stringify(complaints)).not.toContain(adminKey)
})

test('every wrong variable is said at once', () => {
  const complaints = readConfig({ HOST: '/', PORT: 'x', ADMIN_KEY: 'x', LOG_LEVEL: 'x', DATA_DIR: 'fine' })
  expect(complaints).toEqual([
    expect.stringContaining('HOST'),
    expect.stringContaining('PORT'),
    expect.stringContaining('ADMIN_KEY'),
    expect.stringContaining('LOG_LEVEL'),
  ])
})
