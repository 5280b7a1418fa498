/**
 * Accounts and sign-in as the client edge knows them: puts the wallet's sign-in, login links, sessions and the account
 * book together. Everything that is changed is committed before anything is answered, with its audit row in the same
 * transaction; a store that cannot write throws, and nothing has changed.
 */
import type { Fault } from '../../shared/faults.ts'
import { sessionMs, verificationsPerMinute } from '../../shared/limits/keys.ts'
import type { System } from '../../shared/system.ts'
import { type Actor, hubActor, type KeyHolder, type Keyring } from '../engine/keyring.ts'
import type { AccountRow, AccountStore, AuditFilter } from '../engine/ports/account-store.ts'
import type {
  AccountChanges,
  Accounts,
  MadeKey,
  NewAccount,
  Session,
  SignedAction,
  SignedIn,
  SignupMode,
  Visitor,
} from '../engine/ports/accounts.ts'
import { signupModes } from '../engine/ports/accounts.ts'
import type { BatchStore, StoreWrite } from '../engine/ports/store.ts'
import { AccountBook } from './account-book.ts'
import { Looks } from './looks.ts'
import { type LiveSession, type SessionOwner, Sessions } from './sessions/sessions.ts'
import { fragmentOf, LoginLinks } from './sign-in/login-links.ts'
import * as refusals from './sign-in/refusals.ts'
import { Tries } from './sign-in/tries.ts'
import { WalletSignIn } from './sign-in/wallet-sign-in.ts'

const signupSetting = 'signup'

interface AccountParts {
  store: AccountStore & BatchStore
  keyring: Keyring
  system: System
  /** What holds until an administrator sets it otherwise. */
  signup: SignupMode
}

export class HubAccounts implements Accounts {
  readonly book: AccountBook
  readonly links: LoginLinks
  readonly sessions: Sessions
  private readonly store: AccountStore & BatchStore
  private readonly keyring: Keyring
  private readonly system: System
  private readonly signupDefault: SignupMode
  private readonly wallet: WalletSignIn
  private readonly looks: Looks
  private readonly shown = new Tries(verificationsPerMinute)

  constructor({ store, keyring, system, signup }: AccountParts) {
    this.store = store
    this.keyring = keyring
    this.system = system
    this.signupDefault = signup
    this.book = new AccountBook(store, keyring, system)
    this.links = new LoginLinks(store, keyring, this.book, system)
    this.sessions = new Sessions(store, keyring, system)
    this.wallet = new WalletSignIn(system)
    this.looks = new Looks(store, keyring, system)
    keyring.onDropped((key) => this.sessions.keyDropped(key))
  }

  /** The end of an address that signs the operator in, made as long as there is no account. */
  firstLogin(): string | undefined {
    if (this.accounts({ limit: 1 }).length > 0) return undefined
    const made = this.links.make(null, hubActor)
    return 'code' in made ? undefined : fragmentOf(made.token)
  }

  // ------------------------------------------------------------ signing in

  challenge(visitor: Visitor, wanted: { address: string; chainId: number; action: SignedAction }) {
    return this.wallet.challenge(visitor, wanted)
  }

  verify(visitor: Visitor, given: { message: string; signature: string }): SignedIn | MadeKey | Fault {
    const waitMs = this.shown.add(visitor.address, this.system.nowMs())
    if (waitMs !== null) return refusals.tooManyTries(waitMs)
    const signed = this.wallet.verify(visitor, given)
    if ('code' in signed) return signed
    const known = this.store.accountByAddress(signed.address)
    const { row, writes } = known === undefined ? this.signUp(signed.address, visitor) : { row: known, writes: [] }
    if (row === null) return refusals.noSignup
    if (row.state !== 'active') {
      this.store.commit(writes)
      return refusals.closed[row.state]
    }
    const by: Actor = { id: row.id, address: visitor.address }
    if (signed.action.type === 'sign_in') return this.begin(ownerOf(row), by, writes)
    if (writes.length > 0) this.store.commit(writes)
    return this.mint(row, signed.action, by)
  }

  useLink(visitor: Visitor, token: string): SignedIn | Fault {
    const waitMs = this.shown.add(visitor.address, this.system.nowMs())
    if (waitMs !== null) return refusals.tooManyTries(waitMs)
    const used = this.links.use(token)
    if ('code' in used) return used
    const { account, writes } = used
    return this.begin(ownerOf(account), { id: account.id, address: visitor.address }, writes)
  }

  useKey(visitor: Visitor, key: string): SignedIn | Fault {
    const waitMs = this.shown.add(visitor.address, this.system.nowMs())
    if (waitMs !== null) return refusals.tooManyTries(waitMs)
    const check = this.keyring.verify(key)
    if (!check.ok) return refusals.badKey(check.flaw)
    if (check.home !== undefined) return refusals.badKey('it is a key of another hub of the network: sign in there')
    const { id, account, generation } = check
    return this.begin({ account, key: id, generation }, { id, address: visitor.address }, [])
  }

  /** The account that a new address gets, if any; `row` is null when none does. */
  private signUp(address: string, visitor: Visitor): { row: AccountRow | null; writes: StoreWrite[] } {
    const mode = this.signup()
    if (mode === 'off') return { row: null, writes: [] }
    const state = mode === 'open' ? ('active' as const) : ('waiting' as const)
    const name = `${address.slice(0, 6)}…${address.slice(-4)}`
    const wanted = { name, address, role: 'member' as const, limits: null, state }
    return this.book.newAccount(wanted, { id: null, address: visitor.address })
  }

  private begin(owner: SessionOwner, by: Actor, before: StoreWrite[]): SignedIn {
    const { token, row, writes } = this.sessions.newSession(owner)
    const note = this.keyring.note(by, 'session.begun', owner.account ?? owner.key!, null, { key: owner.key })
    this.store.commit([...before, ...writes, note])
    const session = this.shownSession(this.sessions.begun(row))
    if (session === null) throw new Error('a session that has just begun is over')
    return { token, session }
  }

  private mint(account: AccountRow, action: Exclude<SignedAction, { type: 'sign_in' }>, by: Actor): MadeKey | Fault {
    const isAdmin = account.role === 'admin'
    if (action.type === 'regenerate_key') {
      const row = this.store.keyById(action.id)
      if (row === undefined || (row.tenant !== account.id && !isAdmin)) return refusals.unknownKey
      const made = this.keyring.regenerate(action.id, action.generation, by)
      if (typeof made === 'object') return made
      return made === 'changed' ? refusals.keyChanged : refusals.unknownKey
    }
    const { role, name, scopes, limits, expiresMs, account: asked } = action.key
    const owner = asked ?? account.id
    if (!isAdmin && (role === 'admin' || owner !== account.id)) return refusals.adminsOnly
    const flaw = this.keyring.ownerFlaw(owner)
    if (flaw !== null) return flaw
    return this.keyring.issue(role, name, { account: owner, scopes, limits, expiresMs }, by)
  }

  // ------------------------------------------------------------ sessions

  session(token: string): Session | null {
    const live = this.sessions.find(token)
    return live && this.shownSession(live)
  }

  endSession({ digest, account, key }: Session, by: Actor): void {
    const subject = account?.id ?? key!
    const note = this.keyring.note(by, 'session.ended', subject, null, { count: 1 })
    this.store.commit([{ write: 'forgetSession', digest }, note])
    this.sessions.ended([digest])
  }

  endSessions({ account, key }: Session, by: Actor): number {
    const digests = this.sessions.of({ account: account?.id ?? null, key }).map(({ digest }) => digest)
    const ends = digests.map((digest): StoreWrite => ({ write: 'forgetSession', digest }))
    const subject = account?.id ?? key!
    this.store.commit([...ends, this.keyring.note(by, 'session.ended', subject, null, { count: digests.length })])
    this.sessions.ended(digests)
    return digests.length
  }

  /** Null when what it rests on does not hold any more: its account is closed, its key revoked or replaced. */
  private shownSession(live: LiveSession): Session | null {
    const { row } = live
    const account = row.account === null ? null : (this.store.account(row.account) ?? null)
    live.runsUnder ??= this.book.sessionKey(row.account!)
    const check = this.keyring.holder(live.runsUnder)
    if (!check.ok || (row.key !== null && check.generation !== row.generation)) return null
    const isAdmin = row.key === null ? account?.role === 'admin' : check.role === 'admin'
    const holder: KeyHolder = row.key === null && isAdmin ? { ...check, role: 'admin' } : check
    const bySignature = row.key === null && account !== null && account.address !== null
    const isFresh = isAdmin && !bySignature && this.sessions.isFresh(live)
    return {
      ...{ digest: row.digest, holder, account, key: row.key, createdMs: row.createdMs },
      expiresMs: row.createdMs + sessionMs,
      mints: bySignature ? 'signature' : isFresh ? 'session' : 'never',
      mintsUntilMs: isFresh ? this.system.wallMs() + live.freshUntilMs - this.system.nowMs() : null,
    }
  }

  // ------------------------------------------------------------ for administrators

  account(id: string): AccountRow | undefined {
    return this.store.account(id)
  }

  accounts(filter: Parameters<AccountStore['accounts']>[0]): AccountRow[] {
    return this.store.accounts(filter)
  }

  makeAccount(wanted: NewAccount, by: Actor): AccountRow | Fault {
    return this.book.make(wanted, by)
  }

  changeAccount(id: string, changes: AccountChanges, by: Actor): AccountRow | Fault {
    return this.book.change(id, changes, by)
  }

  signup(): SignupMode {
    const set = this.store.settings().get(signupSetting)
    return signupModes.find((mode) => mode === set) ?? this.signupDefault
  }

  setSignup(mode: SignupMode, by: Actor): void {
    const note = this.keyring.note(by, 'setting.changed', signupSetting, { value: this.signup() }, { value: mode })
    this.store.commit([{ write: 'setting', name: signupSetting, value: mode }, note])
  }

  audit(filter: AuditFilter) {
    return this.store.audit(filter)
  }

  noteLook(subject: string, tenant: string | null, by: Actor): void {
    this.looks.note(subject, tenant, by)
  }
}

function ownerOf({ id }: AccountRow): SessionOwner {
  return { account: id, key: null, generation: null }
}
