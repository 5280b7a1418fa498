/**
 * What the client edge asks of accounts: sign in with a wallet, a link or a key; know a session; make and change
 * accounts and settings; read the audit log. Plain data in and out: no request, cookie or response appears here. The
 * folder `accounts` implements it, `main.ts` connects both.
 */
import type { KeyRole } from '../../../shared/keys/api-key.ts'
import type { Fault } from '../../../shared/faults.ts'
import type { Actor, KeyHolder } from '../keyring.ts'
import type { AccountRow, AccountState, AuditFilter, AuditRow, KeyRow, PageFilter } from './account-store.ts'

/** A request that wants to sign in, as far as it matters who sends it and from which page. */
export interface Visitor {
  /** Its network address. */
  address: string
  /** Host and port of the page, and the same with its scheme. */
  domain: string
  origin: string
}

/** A key that somebody asks for. Scopes and limits as the store keeps them. */
export interface WantedKey {
  role: KeyRole
  name: string
  scopes: string | null
  limits: string | null
  expiresMs: number | null
  /** Whose it is to be, for administrators; null for one's own. */
  account: string | null
}

/** What a wallet signs for. */
export type SignedAction =
  | { type: 'sign_in' }
  | { type: 'make_key'; key: WantedKey }
  | { type: 'regenerate_key'; id: string; generation: number }

/** What a wallet is asked to sign. */
export interface Challenge {
  nonce: string
  message: string
  expiresInMs: number
}

/** How a session makes keys: by a signature for each, by itself for a while, or not. */
type Minting = 'signature' | 'session' | 'never'

export interface Session {
  /** What it is known by here; never the cookie's value. */
  readonly digest: string
  /** What its requests count as. */
  readonly holder: KeyHolder
  readonly account: AccountRow | null
  /** The key that opened it. */
  readonly key: string | null
  readonly createdMs: number
  readonly expiresMs: number
  readonly mints: Minting
  /** Wall-clock milliseconds; null unless it mints by itself. */
  readonly mintsUntilMs: number | null
}

/** `token` goes into the cookie and is kept nowhere. */
export interface SignedIn {
  token: string
  session: Session
}

/** `key` is the only copy there will ever be. */
export interface MadeKey {
  key: string
  row: KeyRow
}

export type SignupMode = 'off' | 'approve' | 'open'
export const signupModes: readonly SignupMode[] = ['off', 'approve', 'open']

export interface NewAccount {
  name: string
  /** In lower case. */
  address: string | null
  role: AccountRow['role']
  limits: string | null
}

export type AccountChanges = Partial<Pick<AccountRow, 'name' | 'address' | 'role' | 'state' | 'limits'>>

export interface Accounts {
  challenge(visitor: Visitor, wanted: { address: string; chainId: number; action: SignedAction }): Challenge | Fault
  /** Uses the challenge up, right or wrong. */
  verify(visitor: Visitor, signed: { message: string; signature: string }): SignedIn | MadeKey | Fault
  useLink(visitor: Visitor, token: string): SignedIn | Fault
  useKey(visitor: Visitor, key: string): SignedIn | Fault
  /** Whose cookie this is; null for nobody's, and once it is over. */
  session(token: string): Session | null
  endSession(session: Session, by: Actor): void
  /** Every session of the same account, or of the same key; how many there were. */
  endSessions(session: Session, by: Actor): number

  account(id: string): AccountRow | undefined
  /** Newest first. */
  accounts(filter: PageFilter & { state?: AccountState }): AccountRow[]
  makeAccount(wanted: NewAccount, by: Actor): AccountRow | Fault
  changeAccount(id: string, changes: AccountChanges, by: Actor): AccountRow | Fault
  signup(): SignupMode
  setSignup(mode: SignupMode, by: Actor): void
  /** Newest first. */
  audit(filter: AuditFilter): AuditRow[]
  /**
   * Somebody is about to be shown what belongs to this tenant, or a list of everybody's (null). Throws when the store
   * cannot write it down.
   */
  noteLook(subject: string, tenant: string | null, by: Actor): void
}
