/**
 * Keys as the hub shows them, and the terms of a new one as its form has them: which requests to send, and how limits
 * read in a row. Pure, but for the requests.
 */
import { ask } from '../../state/api.ts'
import { count } from '../../state/format.ts'
import { freshKeys, session, signInWithKey } from '../../state/session.ts'
import { type Action, performSigned, walletOf } from '../../wallet/signing.ts'
import type { Wallet } from '../../wallet/wallets.ts'

interface Budget {
  unit: 'usd' | 'tokens'
  per: 'day' | 'week' | 'month'
  amount: number
}

/** What is left of a budget. */
export interface BudgetStanding {
  per: Budget['per']
  unit: 'tokens' | 'micro_dollars'
  limit: number
  used: number
  reserved: number
  resets_at: string
}

export interface Limits {
  requests_per_minute?: number | null
  tokens_per_minute?: number | null
  budgets?: Budget[] | null
}

export interface Scopes {
  routes?: string[] | null
  models?: string[] | null
  scouts?: string[] | null
  /** What is asked with it is shown to no scout but those that serve it. */
  audit?: false
}

interface Owner {
  id: string
  name: string
  address: string | null
}

export interface Key {
  id: string
  role: 'client' | 'scout' | 'admin'
  name: string
  /** 0 for the key of an account's sessions, which has no secret and stays. */
  generation: number
  last4?: string | null
  account?: string | null
  scopes?: Scopes | null
  limits?: Limits | null
  created: number
  expires?: number | null
  revoked: number | null
  /** In lists: whose it is, the day of its last use, and what is left of its own budgets. */
  owner?: Owner | null
  last_used?: string | null
  left?: BudgetStanding[]
  open?: { scouts: number; streams: number }
}

/** A key with its text, shown once. */
export interface NewKey {
  id: string
  key: string
}

interface NewKeyTerms {
  role: Key['role']
  name: string
  scopes?: Scopes
  limits?: Limits
  expires?: number
}

/** What the form says, without what it leaves open. */
export function termsOf(fields: FormData): NewKeyTerms {
  const text = (name: string) => String(fields.get(name) ?? '').trim()
  const list = (name: string) =>
    text(name)
      .split(/[\s,]+/)
      .filter((one) => one !== '')
  const number = (name: string) => (text(name) === '' ? null : Number(text(name)))
  const role = text('role') as Key['role']
  const models = list('models')
  const scouts = list('scouts')
  const isShown = fields.get('unshown') === null
  const scopes: Scopes = {
    ...(models.length > 0 && { models }),
    ...(scouts.length > 0 && { scouts }),
    ...(!isShown && { audit: false }),
  }
  const amount = number('budget')
  const [unit, per] = text('budget-of').split(' ') as [Budget['unit'], Budget['per']]
  const perMinute = number('requests')
  const limits: Limits = {
    ...(perMinute !== null && { requests_per_minute: perMinute }),
    ...(amount !== null && { budgets: [{ unit, per, amount }] }),
  }
  const days = number('days')
  return {
    role,
    name: text('name'),
    ...(Object.keys(scopes).length > 0 && { scopes }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(days !== null && { expires: Math.floor(Date.now() / 1_000) + days * 86_400 }),
  }
}

/** Made by a signature where the session's account is a wallet's, else by the session itself. */
export async function makeKey(terms: NewKeyTerms): Promise<NewKey> {
  const made = await minted({ type: 'make_key', key: terms }, () =>
    ask<NewKey>('/v1/admin/keys', { method: 'POST', body: terms }),
  )
  keepFresh(terms.role, made.key)
  return made
}

/** The name of a key that was made without asking for one. */
export function firstName(role: 'client' | 'scout'): string {
  return `${role === 'client' ? 'App' : 'Scout'}, ${new Date().toISOString().slice(0, 10)}`
}

/**
 * For somebody who has no session yet: one signature makes the key, and the key opens a session of its own. Throws a
 * refusal.
 */
export async function beginWithKey(wallet: Wallet, role: 'client' | 'scout'): Promise<void> {
  const made = await performSigned<NewKey>(wallet, { type: 'make_key', key: { role, name: firstName(role) } })
  keepFresh(role, made.key)
  await signInWithKey(made.key)
}

/** The same id with a new secret. */
export async function regenerateKey({ id, role, generation }: Key): Promise<NewKey> {
  const made = await minted({ type: 'regenerate_key', id, generation }, () =>
    ask<NewKey>(`/v1/admin/keys/${id}/regenerate`, { method: 'POST', body: { generation } }),
  )
  keepFresh(role, made.key)
  return made
}

async function minted(action: Action, bySession: () => Promise<NewKey>): Promise<NewKey> {
  const { account, mints } = session.value!
  if (mints !== 'signature' || !account?.address) return bySession()
  return performSigned<NewKey>(await walletOf(account.address), action, account.address)
}

function keepFresh(role: Key['role'], text: string): void {
  if (role !== 'admin') freshKeys.value = { ...freshKeys.value, [role]: text }
}

/** Limits in one line; empty when there is none. */
export function limitsText({ requests_per_minute: requests, tokens_per_minute: tokens, budgets }: Limits): string {
  const parts = [
    ...(requests ? [`${count(requests)} requests a minute`] : []),
    ...(tokens ? [`${count(tokens)} tokens a minute`] : []),
    ...(budgets ?? []).map(
      ({ unit, per, amount }) => `${unit === 'usd' ? `$${amount}` : `${count(amount)} tokens`} a ${per}`,
    ),
  ]
  return parts.join(', ')
}

export function scopesText({ routes, models, scouts, audit }: Scopes): string {
  const names = [...(routes ?? []), ...(models ?? []), ...(scouts ?? [])]
  return [...names, ...(audit === false ? ['not shown to check answers'] : [])].join(', ')
}
