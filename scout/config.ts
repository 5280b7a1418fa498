/**
 * The scout's own part of its environment, as one frozen, validated value: where to dial, with which key, under which
 * name. What its providers are is read beside them, in `providers/configured.ts`. Every error is a sentence that names
 * the variable and what it must be, and all of them are reported at once. No sentence repeats a key.
 */
import { hostname } from 'node:os'
import { pastedFlaw, quoteFlaw } from '../shared/env-file.ts'
import { parseKey } from '../shared/keys/api-key.ts'
import { bodyBytesMax, concurrencyMax, nameCharsMax, requestBodyBytesMax } from '../shared/limits/wire.ts'
import { proxyFlaws } from '../shared/network/proxy-rule.ts'
import { scoutPath } from '../shared/protocol/frames.ts'
import { secretsIn } from '../shared/secrets.ts'
import { type LogFormat, type LogLevel, logFormats, logLevels } from './log.ts'

export interface ScoutConfig {
  /** Where the orchestrator's scout endpoint is: a ws or wss URL. */
  url: string
  key: string
  name: string
  /** Tasks at once. */
  concurrency: number
  /** The largest request that is taken. */
  requestBytesMax: number
  logLevel: LogLevel
  /** `auto`: a live status on a terminal, JSON lines elsewhere. */
  logFormat: LogFormat
  /** The file of the key with which answers are signed; null where they are not. */
  signingKeyFile: string | null
  /** What must not be told to the hub, whoever writes it into an error. */
  secrets: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

const defaultUrl = 'http://127.0.0.1:8080'
const defaultConcurrency = 4
const MiB = 1024 * 1024

/** The configuration in `env`, or a sentence for each variable that cannot be used. `host` names a nameless scout. */
export function readConfig(env: Environment, host = hostname()): Readonly<ScoutConfig> | string[] {
  const errors = proxyFlaws(env)
  const config = {
    url: readUrl(env, errors),
    key: readScoutKey(env, errors),
    name: readName(env, host, errors),
    concurrency: readConcurrency(env, errors),
    requestBytesMax: readRequestBytes(env, errors),
    logLevel: readWord(env, 'LOG_LEVEL', logLevels, 'info', errors),
    logFormat: readWord(env, 'LOG_FORMAT', logFormats, 'auto', errors),
    signingKeyFile: read(env, 'SCOUT_SIGNING_KEY') || null,
    secrets: secretsIn(env),
  }
  return errors.length > 0 ? errors : Object.freeze(config)
}

const schemes: Record<string, string> = { 'http:': 'ws:', 'https:': 'wss:', 'ws:': 'ws:', 'wss:': 'wss:' }

/** The endpoint's URL; a path is kept as a prefix, and the `/v1` of a client's base URL is not doubled. */
function readUrl(env: Environment, errors: string[]): string {
  const text = read(env, 'ORCHESTRATOR_URL') || defaultUrl
  const pasted = pastedFlaw('ORCHESTRATOR_URL', text)
  if (pasted !== null) {
    errors.push(pasted)
    return ''
  }
  const endpoint = endpointOf(text)
  if (endpoint === null) errors.push(`ORCHESTRATOR_URL must be an http, https, ws or wss URL, such as ${defaultUrl}.`)
  if (endpoint === 'secret') {
    errors.push('ORCHESTRATOR_URL must not hold a name or password: the key goes into SCOUT_KEY.')
    return ''
  }
  return endpoint ?? ''
}

/** Where scouts dial at this address; null when it is none, `secret` when it holds a name or password. */
export function endpointOf(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  const scheme = url === null ? undefined : schemes[url.protocol]
  if (url === null || scheme === undefined || url.hostname === '') return null
  if (url.username !== '' || url.password !== '') return 'secret'
  const prefix = url.pathname.replace(/\/+$/, '').replace(/\/v1(\/scout)?$/, '')
  return `${scheme}//${url.host}${prefix}${scoutPath}`
}

function readScoutKey(env: Environment, errors: string[]): string {
  const key = read(env, 'SCOUT_KEY')
  const how = "the orchestrator's operator makes one with `npm run key -- scout`"
  if (key === '') {
    errors.push(`SCOUT_KEY is not set: run \`chasm-scout init\`, or set it to a key of the role scout; ${how}.`)
    return ''
  }
  const parsed = parseKey(key)
  const pasted = pastedFlaw('SCOUT_KEY', key)
  if (pasted !== null) errors.push(pasted)
  else if ('flaw' in parsed) errors.push(`SCOUT_KEY cannot be used: ${parsed.flaw}.`)
  else if (parsed.role !== 'scout') {
    errors.push(`SCOUT_KEY holds a key of the role ${parsed.role}, but wants one of the role scout; ${how}.`)
  }
  return key
}

function readName(env: Environment, host: string, errors: string[]): string {
  const text = read(env, 'SCOUT_NAME')
  if (text === '') return host.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, nameCharsMax) || 'scout'
  if (/^(["'`]).*\1$/.test(text)) {
    errors.push(quoteFlaw('SCOUT_NAME', text)!)
    return ''
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  if (text.length <= nameCharsMax && !/[\u0000-\u001f\u007f]/.test(text)) return text
  errors.push(`SCOUT_NAME must be 1 to ${nameCharsMax} characters without control characters.`)
  return ''
}

function readConcurrency(env: Environment, errors: string[]): number {
  const text = read(env, 'SCOUT_CONCURRENCY')
  if (text === '') return defaultConcurrency
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= concurrencyMax) return count
  errors.push(`SCOUT_CONCURRENCY must be a whole number of tasks from 1 to ${concurrencyMax}.`)
  return defaultConcurrency
}

function readRequestBytes(env: Environment, errors: string[]): number {
  const text = read(env, 'SCOUT_REQUEST_MAX_MIB')
  if (text === '') return bodyBytesMax
  const bytes = Number(text) * MiB
  if (Number.isInteger(Number(text)) && bytes >= bodyBytesMax && bytes <= requestBodyBytesMax) return bytes
  const range = `${bodyBytesMax / MiB} to ${requestBodyBytesMax / MiB}`
  errors.push(`SCOUT_REQUEST_MAX_MIB must be a whole number of mebibytes from ${range}.`)
  return bodyBytesMax
}

function readWord<Word extends string>(
  env: Environment,
  variable: string,
  words: readonly Word[],
  otherwise: Word,
  errors: string[],
): Word {
  const text = read(env, variable).toLowerCase() || otherwise
  const word = words.find((known) => known === text)
  if (word === undefined) errors.push(`${variable} must be one of ${words.join(', ')}.`)
  return word ?? otherwise
}

function read(env: Environment, variable: string): string {
  return (env[variable] ?? '').trim()
}
