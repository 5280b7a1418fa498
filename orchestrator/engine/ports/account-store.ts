/**
 * What the store keeps of those who use the hub: accounts, their keys, sessions and login links, what administrators
 * changed, and settings. Every change is a write of a batch, so that it shares a transaction with its audit row; reads
 * are single queries. The keyring and the accounts decide what to write; `store.ts` puts this port beside the others.
 */
import type { KeyRole } from '../../../shared/keys/api-key.ts'

/** `waiting`: signed up, and nobody has let it in. */
export type AccountState = 'waiting' | 'active' | 'suspended'
export const accountStates: readonly AccountState[] = ['waiting', 'active', 'suspended']

type AccountRole = 'admin' | 'member'
export const accountRoles: readonly AccountRole[] = ['admin', 'member']

/** Somebody who owns keys: a wallet's address, or a name that an administrator made. */
export interface AccountRow {
  /** `acc_…`; the tenant of its keys. */
  id: string
  /** Of the wallet: `0x` and 40 hex digits in lower case; null for an account without one. */
  address: string | null
  name: string
  role: AccountRole
  state: AccountState
  /** As JSON of `KeyLimits`; null for none. */
  limits: string | null
  /** Milliseconds since 1970. */
  createdMs: number
}

/** An API key as stored: only its digest, never the key. */
export interface KeyRow {
  /** `key_…`: short and public, shown in listings and logs; it stays when the secret is replaced. */
  id: string
  role: KeyRole
  name: string
  /** HMAC-SHA-256 of the key under the server's pepper, hex. */
  digest: string
  /** Turns in the queue that this tenant gets for each one of another's. */
  weight: number
  /** Whose work and records it reaches: its account's id, else its own. */
  tenant: string
  account: string | null
  /** How many secrets it has had; 0 for one that never had any and can only be used inside of a session. */
  generation: number
  /** As JSON of `KeyScopes` and `KeyLimits`; null for no restriction. */
  scopes: string | null
  limits: string | null
  /** Milliseconds since 1970; `expiresMs` null for never. */
  createdMs: number
  expiresMs: number | null
  revokedMs: number | null
  /** The last four characters of the key; null for a key of an older program, and for one without a secret. */
  last4: string | null
}

/** Somebody who is signed in on a page. */
export interface SessionRow {
  /** HMAC-SHA-256 of the cookie's value under the server's pepper, hex. */
  digest: string
  /** Who signed in; null when a key without an account did. */
  account: string | null
  /** The key that opened it, with its generation then; null for a wallet or a login link. */
  key: string | null
  generation: number | null
  /** Milliseconds since 1970: the sign-in, the last request that was noted, and the end at the latest. */
  createdMs: number
  seenMs: number
  expiresMs: number
}

/** A link that signs in once. */
export interface LoginLinkRow {
  /** HMAC-SHA-256 of the token under the server's pepper, hex. */
  digest: string
  account: string
  createdMs: number
  expiresMs: number
}

/** What can be done to a key, an account, a setting, a dispute. */
export type AuditAction =
  | ('key.made' | 'key.regenerated' | 'key.revoked' | 'key.changed')
  | ('account.made' | 'account.changed' | 'account.closed')
  | ('session.begun' | 'session.ended' | 'link.made' | 'setting.changed' | 'content.read' | 'dispute.ruled')

/** What somebody changed, or looked at. */
export interface AuditRow {
  /** From 1, without gaps, for the whole hub. */
  seq: number
  /** Milliseconds since 1970. */
  atMs: number
  /** The account or key that did it; `console` for a command on the hub's machine, `hub` for the hub itself. */
  actor: string
  /** From where: a network address; empty for `console`. */
  address: string
  action: AuditAction
  /** The id of the account or key, or the name of the setting, that it is about. */
  subject: string
  /** What changed, as JSON of an object; null where there was, or is, nothing. Never a secret. */
  before: string | null
  after: string | null
}

export type AccountWrite =
  /** A new account; neither its id nor its address may be there. */
  | { write: 'account'; row: AccountRow }
  /** Replaces everything but id and time of an account that must be there; its address may be no other account's. */
  | { write: 'changeAccount'; row: AccountRow }
  /** A new key; neither its id nor its digest may be there, its account must be. */
  | { write: 'key'; row: KeyRow }
  /** Replaces what may change of a key; it must be there, not revoked, and of this generation. */
  | { write: 'changeKey'; row: KeyRow; generation: number }
  /** Adds or replaces the row of this digest. Its account must be there. */
  | { write: 'session'; row: SessionRow }
  /** Unknown digests are passed over. */
  | { write: 'forgetSession'; digest: string }
  | { write: 'loginLink'; row: LoginLinkRow }
  /** Removes a login link that must be there. */
  | { write: 'useLoginLink'; digest: string }
  /** Its number is the next one. */
  | { write: 'audit'; row: Omit<AuditRow, 'seq'> }
  /** Adds or replaces; null removes. */
  | { write: 'setting'; name: string; value: string | null }

/** A part of a list in the order of its making, newest first. */
export interface PageFilter {
  /** Only what was made before this one; nothing when it is unknown. */
  before?: string
  limit: number
}

export interface KeyFilter extends PageFilter {
  /** null lists every tenant's. */
  tenant: string | null
}

export interface AuditFilter {
  /** Only rows with smaller numbers. */
  before?: number
  subject?: string
  limit: number
}

/** For the keyring. */
export interface KeyStore {
  keyByDigest(digest: string): KeyRow | undefined
  keyById(id: string): KeyRow | undefined
  /** Of all tenants, oldest first. */
  listKeys(): KeyRow[]
  /** Newest first. */
  keys(filter: KeyFilter): KeyRow[]
  /** Those that are not revoked, oldest first. */
  keysOfAccount(account: string): KeyRow[]
  /** The ids of keys that are not revoked and expire after the first time, at the latest at the second. */
  keysExpiring(afterMs: number, untilMs: number): string[]
  account(id: string): AccountRow | undefined
}

/** For accounts and sign-in. */
export interface AccountStore extends KeyStore {
  accountByAddress(address: string): AccountRow | undefined
  /** The oldest active administrator without a wallet. */
  operatorAccount(): AccountRow | undefined
  /** Newest first. */
  accounts(filter: PageFilter & { state?: AccountState }): AccountRow[]
  session(digest: string): SessionRow | undefined
  /** Of this account, or opened by this key; oldest first. */
  sessionsOf(owner: { account: string } | { key: string }): SessionRow[]
  loginLink(digest: string): LoginLinkRow | undefined
  /** Newest first. */
  audit(filter: AuditFilter): AuditRow[]
  /** Oldest first: what came after this number. */
  auditAfter(seq: number, limit: number): AuditRow[]
  /** 0 when there is none. */
  lastAuditSeq(): number
  settings(): Map<string, string>
  /** A number that changes with each commit of another process or store on the same data, and only then. */
  foreignCommits(): number
  /**
   * Removes up to `limit` sessions and up to `limit` links that were over before `nowMs`, and up to `limit` audit rows
   * older than `auditMs`. Returns how many rows went.
   */
  forgetSignIns(nowMs: number, auditMs: number, limit: number): number
}
