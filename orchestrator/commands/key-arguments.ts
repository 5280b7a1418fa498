/**
 * The words of the key command: which command, on what, with which options; or one sentence of usage. Options become
 * the body that the matching route of the API takes, so that both are checked by the same schemas. Pure.
 */
import { parseArgs } from 'node:util'
import { keyRoles } from '../../shared/keys/api-key.ts'

const commandNames = [
  ...['make', 'list', 'regenerate', 'revoke', 'scopes', 'limits', 'accounts', 'account', 'login', 'settings', 'audit'],
] as const
type CommandName = (typeof commandNames)[number]

export interface KeyCommand {
  name: CommandName
  /** What stands behind the command: ids, names. */
  words: string[]
  /** As the API takes them; only what was given. */
  body: Record<string, unknown>
  /** Options that are no part of a body. */
  subject: string | null
  limit: number
}

const usage = `Usage: npm run -s key -- COMMAND
  client|scout|admin [NAME]     make a key: --account ID, scopes, limits, --expires 30d|DATE
  list                          all keys
  regenerate ID                 a new secret for a key; the old one stops working at once
  revoke ID                     a key stops working at once
  scopes ID                     of a key: --routes chat,intents|all --models a,b*|all --scouts a,b|all --audit yes|no
                                --expires never
  limits ID                     of a key or an account: --requests-per-minute N --tokens-per-minute N --budget 5usd/day
  accounts                      all accounts
  account NAME                  make one: --address 0x… --role admin|member and limits
  account ID --state STATE      change one: active, suspended; --name --role --address 0x…|none
  login [ID]                    a link that signs in once, as the operator or as this account
  settings [--signup MODE]      off, approve or open
  audit [--subject ID] [--limit N]
`

const text = { type: 'string' } as const
const options = {
  ...{ account: text, routes: text, models: text, scouts: text, audit: text, expires: text, name: text, address: text },
  ...{ role: text, state: text, signup: text, subject: text, limit: text },
  ...{ 'requests-per-minute': text, 'tokens-per-minute': text },
  budget: { type: 'string', multiple: true },
} as const

type Given = { [Name in keyof typeof options]?: string | string[] }

const rowsDefault = 50
/** How many words may follow each command. */
const wordsOf: Record<CommandName, [min: number, max: number]> = {
  ...{ make: [1, 2], list: [0, 0], regenerate: [1, 1], revoke: [1, 1], scopes: [1, 1], limits: [1, 1] },
  ...{ accounts: [0, 0], account: [1, 1], login: [0, 1], settings: [0, 0], audit: [0, 0] },
}

/** `nowMs`: wall clock. */
export function readKeyCommand(args: string[], nowMs: number): KeyCommand | { flaw: string } {
  let values: Given
  let words: string[]
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true })
    values = parsed.values as Given
    words = parsed.positionals
  } catch (error) {
    return { flaw: `${(error as Error).message}.\n${usage}` }
  }
  const [first = '', ...rest] = words
  const isRole = keyRoles.some((role) => role === first)
  const name = isRole ? 'make' : commandNames.find((known) => known === first && known !== 'make')
  if (name === undefined) return { flaw: usage }
  const given = isRole ? words : rest
  const [min, max] = wordsOf[name]
  if (given.length < min || given.length > max) return { flaw: usage }
  const body = bodyOf(values, nowMs)
  if ('flaw' in body) return { flaw: body.flaw as string }
  const limit = Number(values.limit ?? rowsDefault)
  if (!Number.isInteger(limit) || limit < 1) return { flaw: '--limit must be a whole number above zero.\n' }
  return { name, words: given, body, subject: (values.subject as string | undefined) ?? null, limit }
}

function bodyOf(values: Given, nowMs: number): Record<string, unknown> | { flaw: string } {
  const body: Record<string, unknown> = {}
  for (const name of ['account', 'name', 'role', 'state', 'signup'] as const) {
    if (values[name] !== undefined) body[name] = values[name]
  }
  if (values.address !== undefined) body.address = values.address === 'none' ? null : values.address
  if (!['yes', 'no', undefined].includes(values.audit as string | undefined))
    return { flaw: '--audit must be yes or no.\n' }
  const scopes = scopesOf(values)
  if (scopes !== null) body.scopes = scopes
  const limits = limitsOf(values)
  if (limits !== null && 'flaw' in limits) return limits as { flaw: string }
  if (limits !== null) body.limits = limits
  if (values.expires !== undefined) {
    const expires = secondsOf(values.expires as string, nowMs)
    if (expires === undefined) return { flaw: '--expires must be days as 30d, a date as 2030-01-31, or never.\n' }
    body.expires = expires
  }
  return body
}

/** null when none was given; what was not named stays unrestricted. */
function scopesOf(values: Given): Record<string, string[] | boolean | null> | null {
  const { audit } = values
  const named = (['routes', 'models', 'scouts'] as const).filter((name) => values[name] !== undefined)
  if (named.length === 0 && audit === undefined) return null
  const lists = Object.fromEntries(named.map((name) => [name, listOf(values[name] as string)]))
  return { ...lists, ...(audit !== undefined && { audit: audit === 'yes' }) }
}

function listOf(text: string): string[] | null {
  return text === 'all' ? null : text.split(',').map((part) => part.trim())
}

function limitsOf(values: Given): Record<string, unknown> | { flaw: string } | null {
  const limits: Record<string, unknown> = {}
  for (const name of ['requests-per-minute', 'tokens-per-minute'] as const) {
    if (values[name] !== undefined) limits[name.replaceAll('-', '_')] = numberOf(values[name] as string)
  }
  if (values.budget !== undefined) {
    const texts = (values.budget as string[]).filter((text) => text !== 'none')
    const budgets = texts.map((text) => /^(\d+(?:\.\d+)?)(usd|tokens)\/(day|week|month)$/.exec(text))
    if (budgets.includes(null)) return { flaw: '--budget must be as 5usd/day, 100000tokens/week, or none.\n' }
    limits.budgets = budgets.map((match) => ({ unit: match![2], per: match![3], amount: Number(match![1]) }))
  }
  return Object.keys(limits).length === 0 ? null : limits
}

/** null for none; what is no number stays as it is, for the schema to refuse. */
function numberOf(text: string): number | string | null {
  if (text === 'none') return null
  return /^\d+$/.test(text) ? Number(text) : text
}

/** Seconds since 1970; null for never, undefined for what is no time. */
function secondsOf(text: string, nowMs: number): number | null | undefined {
  if (text === 'never') return null
  const days = /^(\d{1,5})d$/.exec(text)?.[1]
  if (days !== undefined) return Math.floor(nowMs / 1000) + Number(days) * 86_400
  const dateMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(dateMs) ? undefined : dateMs / 1000
}
