/**
 * The environment, read once: every variable of the orchestrator becomes one frozen, checked Config, or a list of
 * sentences that say which variables are wrong and what they want. `main.ts` and the key command call it; nothing else
 * looks at the environment. An empty variable counts as unset, as a copied `.env` line without a value means it.
 */
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { quoteFlaw } from '../shared/env-file.ts'
import { requestBodyBytesDefault } from '../shared/limits/http.ts'
import { adminKeyCharsMax, adminKeyCharsMin } from '../shared/limits/keys.ts'
import { edgesMax } from '../shared/limits/process.ts'
import { bodyBytesMax, requestBodyBytesMax } from '../shared/limits/wire.ts'
import { TrustedProxies } from '../shared/network/client-address.ts'
import { readOrigins } from '../shared/network/web-origin.ts'
import { type SignupMode, signupModes } from './engine/ports/accounts.ts'
import { type PointsMode, pointsModes } from './engine/ports/ledger/ledger.ts'
import { type TrustMode, trustModes } from './engine/ports/trust/witness.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export interface Config {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly dataDir: string
  readonly adminKey: string | null
  /** Origins whose pages may use this hub from a browser, as browsers write them; `*` alone for all. */
  readonly corsOrigins: readonly string[]
  readonly logLevel: (typeof logLevels)[number]
  /** Networks of reverse proxies whose word on the address of a client counts. */
  readonly trustedProxies: readonly string[]
  /** Whether requests may name URLs of private networks. */
  readonly privateUrls: 'allow' | 'refuse'
  /** The largest body of an interactive request. */
  readonly requestBytesMax: number
  /** The origin at which people reach this hub with a browser; null: this machine alone. */
  readonly publicUrl: string | null
  /** The servers between the hubs of a network, `host:port` each; empty: a hub by itself. */
  readonly clusterServers: readonly string[]
  /** Whether they have to speak TLS. */
  readonly isClusterSecure: boolean
  /** What they ask for; null for nothing. */
  readonly clusterLogin: { readonly user: string; readonly password: string } | null
  /** Path of a roster file to take in; null: the one in the data folder. */
  readonly clusterRoster: string | null
  /** Whether answers of scouts are audited, and whether anything but a penalty follows. */
  readonly trust: TrustMode
  /** What audits may cost within a day, in micro-dollars of the hub's price list; null for no bound. */
  readonly auditMicroDollars: number | null
  /** Whether the hub counts work and signs receipts. */
  readonly receipts: 'on' | 'off'
  /** Whether people are shown points. */
  readonly points: PointsMode
  /** Whether unknown wallets get an account, until an administrator sets it otherwise. */
  readonly signup: SignupMode
  /** Processes that hold the sockets of clients and scouts beside the brain; 0 for one process that does all. */
  readonly edges: number
}

const MiB = 1024 * 1024
const microDollars = 1_000_000
const spendingInNetwork =
  'A hub of a network (CLUSTER_URL) cannot have its points spent for now: set POINTS to show, or leave CLUSTER_URL out.'
const hostName = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/
const adminKeyForm = new RegExp(`^[\\x21-\\x7e]{${adminKeyCharsMin},${adminKeyCharsMax}}$`)

const schema = z.object({
  HOST: z
    .string()
    .refine((text) => isIP(text) !== 0 || hostName.test(text), wants('HOST', 'an address to listen on, as 127.0.0.1'))
    .default('127.0.0.1'),
  PORT: z
    .string()
    .refine((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65535, wants('PORT', 'a whole number from 0 to 65535'))
    .default('8080')
    .transform(Number),
  DATA_DIR: z
    .string()
    .refine((text) => !text.includes('\0'), wants('DATA_DIR', 'the path of a folder'))
    .default('./data'),
  // The sentence never repeats what was given: it is a secret, even when it is a bad one.
  ADMIN_KEY: z
    .string()
    .regex(adminKeyForm, {
      error: `ADMIN_KEY must be ${adminKeyCharsMin} to ${adminKeyCharsMax} letters, digits or signs and no spaces.`,
    })
    .nullable()
    .default(null),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((text, context) => {
      const origins = readOrigins(text.split(/[\s,]+/).filter((origin) => origin !== ''))
      if (!('flaw' in origins)) return origins
      context.addIssue({ code: 'custom', message: `CORS_ORIGINS ${origins.flaw}.` })
      return z.NEVER
    }),
  LOG_LEVEL: z.enum(logLevels, wants('LOG_LEVEL', `one of ${logLevels.join(', ')}`)).default('info'),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) => text.split(/[\s,]+/).filter((cidr) => cidr !== ''))
    .superRefine((cidrs, context) => {
      const parsed = TrustedProxies.parse(cidrs)
      if (!('flaw' in parsed)) return
      const wanted = 'addresses or networks with commas between, as 127.0.0.1 or 10.0.0.0/8'
      const message = `TRUSTED_PROXIES must be ${wanted}, but ${JSON.stringify(parsed.flaw)} is neither.`
      context.addIssue({ code: 'custom', message })
    }),
  PRIVATE_URLS: z.enum(['allow', 'refuse'], wants('PRIVATE_URLS', 'allow or refuse')).default('refuse'),
  REQUEST_MAX_MIB: z
    .string()
    .refine(
      (text) => /^\d{1,2}$/.test(text) && isRequestSize(Number(text) * MiB),
      wants('REQUEST_MAX_MIB', `a whole number from ${bodyBytesMax / MiB} to ${requestBodyBytesMax / MiB}`),
    )
    .default(String(requestBodyBytesDefault / MiB))
    .transform((text) => Number(text) * MiB),
  PUBLIC_URL: z
    .string()
    .refine(
      (text) => publicOrigin(text) !== null,
      wants('PUBLIC_URL', 'an address without a path, as https://hub.example'),
    )
    .transform((text) => publicOrigin(text))
    .nullable()
    .default(null),
  RECEIPTS: z.enum(['on', 'off'], wants('RECEIPTS', 'on or off')).default('on'),
  POINTS: z.enum(pointsModes, wants('POINTS', `one of ${pointsModes.join(', ')}`)).default('show'),
  SIGNUP: z.enum(signupModes, wants('SIGNUP', `one of ${signupModes.join(', ')}`)).default('off'),
  TRUST: z.enum(trustModes, wants('TRUST', `one of ${trustModes.join(', ')}`)).default('observe'),
  AUDIT_DAILY_USD: z
    .string()
    .refine(
      (text) => /^\d{1,6}(\.\d{1,6})?$/.test(text) && Number(text) > 0,
      wants('AUDIT_DAILY_USD', 'dollars above 0 and below a million, as 2.50'),
    )
    .transform((text) => Math.round(Number(text) * microDollars))
    .nullable()
    .default(null),
  CLUSTER_URL: z
    .string()
    .default('')
    .transform((text, context) => {
      const urls = text.split(/[\s,]+/).filter((url) => url !== '')
      const servers = urls.map(clusterServer)
      const isSecure = urls.some((url) => url.startsWith('tls:'))
      const isMixed = isSecure && !urls.every((url) => url.startsWith('tls:'))
      if (!servers.includes(null) && !isMixed) return { servers: servers as string[], isSecure }
      // A password may stand in it: the sentence does not repeat what was given.
      const form = 'addresses as tls://nats.example:4222 with commas between, all tls:// or all nats://'
      const wanted = `${form}, without a user or password`
      context.addIssue({ code: 'custom', message: `CLUSTER_URL must be ${wanted}.` })
      return z.NEVER
    }),
  CLUSTER_ROSTER: z.string().nullable().default(null),
  CLUSTER_USER: z.string().nullable().default(null),
  CLUSTER_PASSWORD: z.string().nullable().default(null),
  HUB_EDGES: z
    .string()
    .refine(
      (text) => text === 'auto' || (/^\d{1,2}$/.test(text) && Number(text) <= edgesMax),
      wants('HUB_EDGES', `auto or a whole number from 0 to ${edgesMax}`),
    )
    .default('0')
    .transform((text) => (text === 'auto' ? edgesFor(availableParallelism()) : Number(text))),
})

/** One edge beside the brain does no more than one process that does both. */
function edgesFor(cores: number): number {
  return cores < 3 ? 0 : Math.min(edgesMax, cores - 1)
}

/** `host:port` of a server between hubs; null for what is none. */
function clusterServer(text: string): string | null {
  const url = /^(nats|tls):\/\/[^/?#@]+\/?$/.test(text) ? URL.parse(text) : null
  return url === null || url.hostname === '' ? null : `${url.hostname}:${url.port || '4222'}`
}

/** What is missing of settings that belong together. */
function clusterFlaws({
  CLUSTER_URL,
  CLUSTER_ROSTER,
  CLUSTER_USER,
  CLUSTER_PASSWORD,
  POINTS,
}: z.infer<typeof schema>): string[] {
  const [user, password] = [CLUSTER_USER !== null, CLUSTER_PASSWORD !== null]
  if (user !== password) return ['CLUSTER_USER and CLUSTER_PASSWORD belong together: set both or neither.']
  if (CLUSTER_URL.servers.length > 0 && POINTS === 'spend') return [spendingInNetwork]
  if (CLUSTER_URL.servers.length > 0 || !(user || CLUSTER_ROSTER !== null)) return []
  return [`${user ? 'CLUSTER_USER' : 'CLUSTER_ROSTER'} does nothing without CLUSTER_URL: set that, or neither.`]
}

function pointsFlaws({ POINTS, RECEIPTS, AUDIT_DAILY_USD: audits }: z.infer<typeof schema>): string[] {
  if (RECEIPTS === 'on') return []
  const spend = 'POINTS=spend needs RECEIPTS=on: what a task costs follows from its receipt.'
  const bound = 'AUDIT_DAILY_USD needs RECEIPTS=on: what an audit costs follows from the price list of receipts.'
  return [...(POINTS === 'spend' ? [spend] : []), ...(audits !== null ? [bound] : [])]
}

/** As browsers write it; null for what is no address of a page, or holds more than that. */
function publicOrigin(text: string): string | null {
  const url = /^https?:\/\/[^/?#@]+\/?$/i.test(text) ? URL.parse(text) : null
  return url === null ? null : url.origin
}

function isRequestSize(bytes: number): boolean {
  return bytes >= bodyBytesMax && bytes <= requestBodyBytesMax
}

/** The checked configuration, or every complaint at once, one sentence each. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config | string[] {
  const given: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const text = env[name]?.trim()
    if (text) given[name] = text
  }
  const quoted = Object.entries(given).flatMap(([name, text]) => quoteFlaw(name, text) ?? [])
  if (quoted.length > 0) return quoted
  const parsed = schema.safeParse(given)
  if (!parsed.success) return parsed.error.issues.map((issue) => issue.message)
  const flaws = [...clusterFlaws(parsed.data), ...pointsFlaws(parsed.data)]
  if (flaws.length > 0) return flaws
  const { CLUSTER_URL: cluster, CLUSTER_ROSTER: clusterRoster } = parsed.data
  const { CLUSTER_USER: user, CLUSTER_PASSWORD: password } = parsed.data
  const { HOST, PORT, DATA_DIR, ADMIN_KEY, CORS_ORIGINS, LOG_LEVEL, TRUSTED_PROXIES, PRIVATE_URLS } = parsed.data
  const { REQUEST_MAX_MIB: requestBytesMax, PUBLIC_URL: publicUrl, SIGNUP: signup, HUB_EDGES: edges } = parsed.data
  const { RECEIPTS: receipts, POINTS: points } = parsed.data
  return Object.freeze({
    host: HOST,
    port: PORT,
    dataDir: DATA_DIR,
    adminKey: ADMIN_KEY,
    corsOrigins: CORS_ORIGINS,
    logLevel: LOG_LEVEL,
    trustedProxies: TRUSTED_PROXIES,
    privateUrls: PRIVATE_URLS,
    requestBytesMax,
    publicUrl,
    receipts,
    points,
    signup,
    trust: parsed.data.TRUST,
    auditMicroDollars: parsed.data.AUDIT_DAILY_USD,
    clusterServers: cluster.servers,
    isClusterSecure: cluster.isSecure,
    clusterLogin: user === null || password === null ? null : { user, password },
    clusterRoster,
    edges,
  })
}

/** That of an environment which sets nothing; tests and benches begin with it. */
export function defaultConfig(): Config {
  return readConfig({}) as Config
}

function wants(name: string, what: string) {
  return { error: (issue: { input?: unknown }) => `${name} must be ${what}, but it is ${JSON.stringify(issue.input)}.` }
}
