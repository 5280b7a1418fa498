/**
 * Keys and accounts as the hubs of a network tell each other of them: the rows that every hub keeps of what was told,
 * its own among them, and what a keyring asks of the network. A row says which hub it is of; what it allows counts only
 * while that hub is an authority. The keyring reads them, `cluster/keys` writes them, both store adapters keep them.
 */
import type { AccountRow, AccountState, KeyRow } from '../account-store.ts'

/** What the network knows of one key or one account. */
export interface SharedRow {
  /** `key_…` or `acc_…`. */
  id: string
  /** The identity (public key) of the hub that made it. */
  home: string
  /** The number of its last record in the log of the network. */
  seq: number
  /** What a key is known by in the network (`printOf`), also once it was revoked; null for an account. */
  print: string | null
  /** The account of a key; null for an account itself. */
  account: string | null
  /** Milliseconds since 1970 of a key's end; null for never. */
  expiresMs: number | null
  /** The rest, as JSON of `SharedKeyTerms` or `SharedAccountTerms`; checked before it was written. */
  terms: string
}

/** In the order of a row of a key. */
export type SharedKeyTerms = Pick<
  KeyRow,
  'role' | 'name' | 'weight' | 'generation' | 'scopes' | 'limits' | 'createdMs' | 'revokedMs' | 'last4'
>

export type SharedAccountTerms = { name: string; state: AccountState; limits: string | null; createdMs: number }

export type SharedKeyWrite =
  /** Adds or replaces the row of this id; the print of a key may be no other one's. */
  | { write: 'shared'; row: SharedRow }
  /** What this hub's own key is known by in the network; adds or replaces. */
  | { write: 'keyPrint'; id: string; print: string }

export interface SharedKeyStore {
  shared(id: string): SharedRow | undefined
  sharedByPrint(print: string): SharedRow | undefined
  /** The ids of all that this hub made, or of all keys of this account. */
  sharedOf(owner: { home: string } | { account: string }): string[]
  /** The ids of keys that expire after the first time, at the latest at the second. */
  sharedExpiring(afterMs: number, untilMs: number): string[]
  /** Of the row that was written with the highest number; 0 when there is none. */
  lastSharedSeq(): number
  /** Rows that were written with a higher number than this one, in order of their numbers. */
  sharedAfter(seq: number, limit: number): SharedRow[]
  keyPrint(id: string): string | undefined
}

/** What a keyring asks of the network that its hub is in. */
export interface KeyNetwork {
  /** Whether keys of the hub with this identity count now. */
  counts(home: string): boolean
  /** Whether everything that other hubs have made is known here. */
  isCurrent(): boolean
  /** A key of this hub, which was made by an older program, is known by this print. */
  met(id: string, print: string): void
}

/**
 * What the hubs of a network know a key by. Whoever knows it can make no use of it: a key is 256 random bits, which are
 * as far from being guessed with a pepper as without one.
 */
export function printOf(key: string): string {
  return new Bun.CryptoHasher('sha256').update(`chasm key 1\n${key}`).digest('hex')
}

/** The write that keeps it of this hub's own key. */
export function printOfKey(id: string, key: string): Extract<SharedKeyWrite, { write: 'keyPrint' }> {
  return { write: 'keyPrint', id, print: printOf(key) }
}

/** A shared key as a row of this hub's own; its digest is no digest that is looked for. */
export function keyOfShared({ id, print, account, expiresMs, terms }: SharedRow): KeyRow {
  return {
    ...(JSON.parse(terms) as SharedKeyTerms),
    ...{ id, digest: print!, account, expiresMs, tenant: account ?? id },
  }
}

export function accountOfShared({ id, terms }: SharedRow): AccountRow {
  return { ...(JSON.parse(terms) as SharedAccountTerms), id, address: null, role: 'member' }
}

/** Ids of the keys of hubs that were in the network and are not any more. */
export function* keysOfLeft(
  before: ReadonlySet<string>,
  now: ReadonlySet<string>,
  store: Pick<SharedKeyStore, 'sharedOf'>,
): Iterable<string> {
  for (const home of before) if (!now.has(home)) yield* store.sharedOf({ home })
}
