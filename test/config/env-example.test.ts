import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../orchestrator/config.ts'

const lines = readFileSync(join(import.meta.dirname, '..', '..', '.env.example'), 'utf8').split('\n')
const shown = lines.flatMap((line) => line.match(/^# ([A-Z_]+)=(.*)$/)?.slice(1) ?? [])
const defaults = Object.fromEntries(
  Array.from({ length: shown.length / 2 }, (_, at) => shown.slice(2 * at, 2 * at + 2)),
)

test('copying .env.example changes nothing: every line is a comment or empty', () => {
  expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
})

test('each variable has a line of meaning right above it', () => {
  const unexplained = lines.filter((line, at) => /^# [A-Z_]+=/.test(line) && !/^# [^=]*[.:;]/.test(lines[at - 1] ?? ''))
  expect(unexplained).toEqual([])
})

test("the orchestrator's variables are shown with the defaults they really have", () => {
  expect(Object.keys(defaults)).toEqual(expect.arrayContaining(['HOST', 'PORT', 'DATA_DIR', 'ADMIN_KEY', 'LOG_LEVEL']))
  const { HOST, PORT, DATA_DIR, LOG_LEVEL, ADMIN_KEY, CORS_ORIGINS, TRUSTED_PROXIES, PRIVATE_URLS } = defaults
  const { REQUEST_MAX_MIB, PUBLIC_URL, SIGNUP, TRUST, AUDIT_DAILY_USD, HUB_EDGES, RECEIPTS, POINTS } = defaults
  const { CLUSTER_URL, CLUSTER_ROSTER, CLUSTER_USER, CLUSTER_PASSWORD } = defaults
  expect({
    host: HOST,
    port: Number(PORT),
    dataDir: DATA_DIR,
    adminKey: ADMIN_KEY || null,
    corsOrigins: CORS_ORIGINS === '' ? [] : CORS_ORIGINS,
    logLevel: LOG_LEVEL,
    trustedProxies: TRUSTED_PROXIES === '' ? [] : TRUSTED_PROXIES,
    privateUrls: PRIVATE_URLS,
    requestBytesMax: Number(REQUEST_MAX_MIB) * 1_048_576,
    publicUrl: PUBLIC_URL || null,
    signup: SIGNUP,
    trust: TRUST,
    auditMicroDollars: AUDIT_DAILY_USD || null,
    receipts: RECEIPTS,
    points: POINTS,
    clusterServers: CLUSTER_URL === '' ? [] : CLUSTER_URL,
    isClusterSecure: false,
    clusterRoster: CLUSTER_ROSTER || null,
    clusterLogin: CLUSTER_USER || CLUSTER_PASSWORD || null,
    edges: Number(HUB_EDGES),
  }).toEqual(readConfig({}))
})
