/**
 * Which proxy a connection goes through, as one rule for all that a scout opens: the hub's websocket, the requests to
 * providers, the looks of `doctor`. `HTTPS_PROXY` is for https and wss, `HTTP_PROXY` for http and ws, `NO_PROXY` names
 * what is reached directly, and this machine itself always is. Lower-case names count first, as they do for curl.
 */
import { isIPv4 } from 'node:net'

type Environment = Readonly<Record<string, string | undefined>>

const variables = ['HTTPS_PROXY', 'HTTP_PROXY'] as const
const defaultPorts: Record<string, string> = { 'http:': '80', 'ws:': '80', 'https:': '443', 'wss:': '443' }

/** The URL of the proxy for `target`; null when it is reached directly. */
export function proxyFor(target: string | URL, env: Environment): string | null {
  const { protocol, hostname, port } = new URL(target)
  const host = plainHost(hostname)
  const proxy = textOf(env, protocol === 'https:' || protocol === 'wss:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (proxy === '' || isLoopback(host)) return null
  const usedPort = port || (defaultPorts[protocol] ?? '')
  const entries = textOf(env, 'NO_PROXY').split(/[\s,]+/)
  return entries.some((entry) => isExempt(entry, host, usedPort)) ? null : (proxyUrl(proxy)?.href ?? null)
}

/** What `fetch` is to be told, whatever the runtime itself would make of the environment. */
export function fetchProxy(target: string | URL, env: Environment): false | { url: string; respectNoProxy: false } {
  const url = proxyFor(target, env)
  return url === null ? false : { url, respectNoProxy: false }
}

/** A proxy as it may be shown: without its name and password. */
export function proxyName(url: string): string {
  return new URL(url).host
}

/** A sentence for each variable that names no proxy. The value is not repeated: it may hold a password. */
export function proxyFlaws(env: Environment): string[] {
  const bad = variables.filter((variable) => textOf(env, variable) !== '' && !proxyUrl(textOf(env, variable)))
  return bad.map((variable) => `${variable} must be the http or https URL of a proxy, such as http://proxy:3128.`)
}

/** A sentence for each setting that will hardly do what is meant by it. */
export function proxyDoubts(env: Environment): string[] {
  const doubts: string[] = []
  const isUnset = variables.every((variable) => textOf(env, variable) === '')
  if (isUnset && textOf(env, 'ALL_PROXY') !== '') {
    doubts.push('ALL_PROXY is not read here: set HTTPS_PROXY, and HTTP_PROXY for plain addresses.')
  }
  for (const variable of [...variables, 'NO_PROXY']) {
    const [lower, upper] = [env[variable.toLowerCase()], env[variable]]
    if (lower === undefined || upper === undefined || lower === upper) continue
    doubts.push(`${variable.toLowerCase()} counts, and ${variable} says something else: take one of them out.`)
  }
  // Without a proxy nothing is excepted from it.
  if (isUnset) return doubts
  for (const entry of textOf(env, 'NO_PROXY').split(/[\s,]+/)) {
    const flaw = entry === '' ? null : exemptionFlaw(entry)
    if (flaw !== null) doubts.push(`NO_PROXY holds ${entry.slice(0, 80)}, ${flaw}.`)
  }
  return doubts
}

/** Why an entry of `NO_PROXY` excepts nothing; null when it may. */
function exemptionFlaw(entry: string): string | null {
  if (entry.includes('://')) return 'a URL, which excepts nothing: write its host, with a port if it is meant'
  if (/\/\d+$/.test(entry)) return 'a network, which excepts nothing: write names, or addresses one by one'
  if (entry.includes('/')) return 'which has a path and excepts nothing: write the host alone'
  if (/[;|]/.test(entry)) return 'which is no host: separate hosts by commas'
  return /\*/.test(entry.replace(/^\*($|\.)/, '')) ? 'whose * excepts nothing there: write .example.com' : null
}

function textOf(env: Environment, variable: string): string {
  return (env[variable.toLowerCase()] ?? env[variable] ?? '').trim()
}

/** Without a scheme it is http, as `proxy:3128`. */
function proxyUrl(text: string): URL | null {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : null
  return url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' ? url : null
}

function plainHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1' || host === '::') return true
  if (isIPv4(host)) return host.startsWith('127.') || host === '0.0.0.0'
  // An IPv4 loopback address in IPv6, as URLs write it.
  return /^::ffff:7f[0-9a-f]{2}:/.test(host)
}

/** `*`, or a host with all below it, with a port or without: `example.com`, `.example.com`, `[::1]:8080`. */
function isExempt(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const [, bracketed, plain, onlyPort] = /^(?:\[([^\]]+)\]|([^:]*|[^:]*:[^:]*:.*))(?::(\d+))?$/.exec(entry) ?? []
  const name = plainHost(bracketed ?? plain ?? '').replace(/^\*?\./, '')
  if (name === '' || (onlyPort !== undefined && onlyPort !== port)) return false
  return host === name || host.endsWith(`.${name}`)
}
