/**
 * Authentication: makes keys, checks what callers present, replaces secrets, revokes. Edges ask it on every request and
 * every dial-in; it uses the store and the pepper, and it tells its listeners of each key that stops working so that
 * live sockets and streams end. A key itself exists only while it is made and in its owner's hands: everything kept,
 * here or in the store, is its HMAC-SHA-256 under the pepper. Every change shares a transaction with its audit row.
 *
 * Another process may change keys beside a running hub; whoever notices says so with `changedElsewhere`.
 */
import { timingSafeEqual } from 'node:crypto'
import { type Fault, fault } from '../../shared/faults.ts'
import { type KeyRole, makeKey, parseKey } from '../../shared/keys/api-key.ts'
import { type KeyLimits, type KeyScopes, limitsOf, noLimits, noScopes, scopesOf } from '../../shared/keys/key-terms.ts'
import { accountKeysMax, keyCacheMax } from '../../shared/limits/keys.ts'
import type { System } from '../../shared/system.ts'
import type { AccountState, AuditAction, KeyFilter, KeyRow, KeyStore } from './ports/account-store.ts'
import { type BatchStore, StoreError, type StoreWriteOf } from './ports/store.ts'

/** Who a good key belongs to and what it allows. Shared: never changed. */
export interface KeyHolder {
  /** The key's own id. */
  readonly id: string
  /** Whose work and records it reaches. */
  readonly tenant: string
  readonly account: string | null
  readonly role: KeyRole
  readonly name: string
  readonly weight: number
  readonly generation: number
  readonly scopes: KeyScopes
  readonly limits: KeyLimits
  /** Of its account; the tighter ones win. */
  readonly accountLimits: KeyLimits
}

export type KeyCheck = Readonly<{ ok: true } & KeyHolder> | Readonly<{ ok: false; flaw: string }>

/** Who makes a change, for the audit log. */
export interface Actor {
  /** The id of an account or key. */
  id: string
  /** From where; empty for this machine. */
  address: string
}

/** A command on the hub's machine, and the hub itself. */
export const consoleActor: Actor = { id: 'console', address: '' }
export const hubActor: Actor = { id: 'hub', address: '' }

/** What a key is made with beside role and name. */
interface KeyTerms {
  /** Turns in the queue for each one of a tenant with weight 1; above zero. */
  weight?: number
  account?: string | null
  /** As the store keeps them. */
  scopes?: string | null
  limits?: string | null
  expiresMs?: number | null
  /** Without a secret: it can only be used inside of a session. */
  isSecretless?: boolean
}

export type KeyChanges = Partial<Pick<KeyRow, 'name' | 'weight' | 'scopes' | 'limits' | 'expiresMs'>>

/**
 * `unknown`: there is no such key, or it was revoked. `changed`: it is not of the generation that was looked at.
 * `sessions`: it is the one under which the sessions of its account run.
 */
export type KeyTrouble = 'unknown' | 'changed' | 'sessions'

interface Known {
  holder: Extract<KeyCheck, { ok: true }>
  /** By the wall clock, and by the one that nobody sets. */
  expiresMs: number
  expiresAtMs: number
}

const idBytes = 6
const environmentAdmin = Object.freeze({
  ...{ ok: true as const, id: 'env-admin', tenant: 'env-admin', account: null, role: 'admin' as const },
  ...{ name: 'ADMIN_KEY', weight: 1, generation: 1, scopes: noScopes, limits: noLimits, accountLimits: noLimits },
})
const noSuchOwner = fault('invalid_request', '`account` is none of this hub: the list of accounts has them.', {
  param: 'account',
})
const tooManyKeys = fault('permission_denied', 'This account has as many keys as one may have: revoke one first.')
const expired: KeyCheck = { ok: false, flaw: 'the key has expired: ask for a new one, or have its end moved' }
const closedAccounts: Record<Exclude<AccountState, 'active'>, string> = {
  waiting: 'its account waits to be let in: ask the operator',
  suspended: 'its account is suspended: ask the operator',
}

export class Keyring {
  /** By digest: keys that were good when last looked up. Least recently added goes first. */
  private readonly known = new Map<string, Known>()
  /** The digests of those, by the id of their key. */
  private readonly digests = new Map<string, string>()
  private readonly listeners: ((id: string) => void)[] = []
  private readonly hasher: Bun.CryptoHasher
  private readonly adminDigest: Uint8Array | null
  /** Keys that expire later than this have not been dropped for it. */
  private sweptMs: number

  /** `adminKey`: any text that is to pass as an admin's key besides those in the store; it cannot be revoked. */
  constructor(
    private readonly store: KeyStore & BatchStore,
    pepper: Uint8Array,
    private readonly system: System,
    adminKey?: string,
  ) {
    this.hasher = new Bun.CryptoHasher('sha256', pepper)
    this.adminDigest = adminKey === undefined ? null : Buffer.from(this.digest(adminKey), 'hex')
    this.sweptMs = system.wallMs()
  }

  /** Makes and stores a key. The returned text is the only copy there will ever be. Throws when the store does. */
  issue(role: KeyRole, name: string, terms: KeyTerms = {}, by = hubActor): { key: string; row: KeyRow } {
    const { key, row, writes } = this.newKey(role, name, terms, by)
    this.store.commit(writes)
    return { key, row }
  }

  /** A new key and the writes that store it, for whoever commits them together with others. */
  newKey(role: KeyRole, name: string, terms: KeyTerms, by: Actor) {
    const { weight = 1, account = null, scopes = null, limits = null, expiresMs = null, isSecretless = false } = terms
    const key = isSecretless ? '' : this.secret(role)
    const id = `key_${Buffer.from(this.system.randomBytes(idBytes)).toString('hex')}`
    const row: KeyRow = {
      ...{ id, role, name, weight, tenant: account ?? id, account, scopes, limits, expiresMs, revokedMs: null },
      // Nobody knows what has this digest.
      digest: isSecretless ? Buffer.from(this.system.randomBytes(32)).toString('hex') : this.digest(key),
      generation: isSecretless ? 0 : 1,
      createdMs: this.system.wallMs(),
      last4: isSecretless ? null : key.slice(-4),
    }
    const writes = [{ write: 'key' as const, row }, this.note(by, 'key.made', id, null, shownTerms(row))]
    return { key, row, writes }
  }

  /** Whose key this is, or one sentence about why it is refused. Malformed text never reaches the store. */
  verify(presented: string): KeyCheck {
    const digest = this.digest(presented)
    // What is found by its digest needs no further look: almost every key that is presented was presented before.
    const known = this.known.get(digest)
    if (known === undefined) return this.verifyNew(presented, digest)
    return this.isOver(known) ? expired : known.holder
  }

  private verifyNew(presented: string, digest: string): KeyCheck {
    if (this.adminDigest !== null && timingSafeEqual(Buffer.from(digest, 'hex'), this.adminDigest)) {
      return environmentAdmin
    }
    const parsed = parseKey(presented)
    return 'flaw' in parsed ? { ok: false, flaw: parsed.flaw } : this.lookUp(this.store.keyByDigest(digest))
  }

  /** The same of a key that is known by its id, as a session knows it. */
  holder(id: string): KeyCheck {
    if (id === environmentAdmin.id && this.adminDigest !== null) return environmentAdmin
    const digest = this.digests.get(id)
    const known = digest === undefined ? undefined : this.known.get(digest)
    if (known === undefined) return this.lookUp(this.store.keyById(id))
    return this.isOver(known) ? expired : known.holder
  }

  /** Replaces the secret of a key and nothing else; the old one stops working at once. Throws when the store does. */
  regenerate(id: string, generation: number, by = hubActor): { key: string; row: KeyRow } | KeyTrouble {
    const before = this.live(id)
    if (before === undefined) return 'unknown'
    if (before.generation !== generation || generation === 0) return 'changed'
    const key = this.secret(before.role)
    const fresh = { digest: this.digest(key), last4: key.slice(-4), generation: generation + 1 }
    const row: KeyRow = { ...before, ...fresh }
    const [was, is] = [{ generation }, { generation: row.generation }]
    const trouble = this.change(before, row, this.note(by, 'key.regenerated', id, was, is))
    if (trouble !== null) return trouble
    this.drop(id)
    return { key, row }
  }

  /** Null when it is done. Throws when the store does. */
  revoke(id: string, by = hubActor): KeyTrouble | null {
    const before = this.live(id)
    if (before === undefined) return 'unknown'
    if (before.generation === 0) return 'sessions'
    const row: KeyRow = { ...before, revokedMs: this.system.wallMs() }
    const trouble = this.change(before, row, this.note(by, 'key.revoked', id, shownTerms(before), null))
    if (trouble === null) this.drop(id)
    return trouble
  }

  /** Changes what a key allows, or its name. Its sockets and streams go on. Throws when the store does. */
  amend(id: string, changes: KeyChanges, by = hubActor): KeyRow | KeyTrouble {
    const before = this.live(id)
    if (before === undefined) return 'unknown'
    const row: KeyRow = { ...before, ...changes }
    const note = this.note(by, 'key.changed', id, shownTerms(before), shownTerms(row))
    const trouble = this.change(before, row, note)
    if (trouble !== null) return trouble
    this.uncache(id)
    if (row.expiresMs !== null && row.expiresMs <= this.sweptMs) this.drop(id)
    return row
  }

  /** Every key of the store, revoked ones too, oldest first. */
  list(): KeyRow[] {
    return this.store.listKeys()
  }

  /** A page of them, newest first. */
  page(filter: KeyFilter): KeyRow[] {
    return this.store.keys(filter)
  }

  /** Why a key cannot be made for this account; null when it can. */
  ownerFlaw(account: string | null): Fault | null {
    if (account === null) return null
    if (this.store.account(account) === undefined) return noSuchOwner
    return this.store.keysOfAccount(account).length >= accountKeysMax ? tooManyKeys : null
  }

  row(id: string): KeyRow | undefined {
    return this.store.keyById(id)
  }

  /** `listener` is called with the id of each key that stops working from now on, after it has. */
  onDropped(listener: (id: string) => void): void {
    this.listeners.push(listener)
  }

  /** All keys of an account are looked up anew; `isClosed`: they have stopped working. */
  accountChanged(account: string, isClosed: boolean): void {
    for (const { id } of this.store.keysOfAccount(account)) {
      if (isClosed) this.drop(id)
      else this.uncache(id)
    }
  }

  /** Another process has changed this key; `isDropped`: what its secret was has stopped working. */
  changedElsewhere(id: string, isDropped: boolean): void {
    const expiresMs = this.store.keyById(id)?.expiresMs ?? Number.POSITIVE_INFINITY
    if (isDropped || expiresMs <= this.sweptMs) this.drop(id)
    else this.uncache(id)
  }

  /** Drops the keys that have expired since the last call. */
  sweep(): void {
    const nowMs = this.system.wallMs()
    if (nowMs <= this.sweptMs) return
    for (const id of this.store.keysExpiring(this.sweptMs, nowMs)) this.drop(id)
    this.sweptMs = nowMs
  }

  /** HMAC-SHA-256 under the pepper, hex; for every other secret that only its holder may know. */
  digest(text: string): string {
    return this.hasher.copy().update(text).digest('hex')
  }

  /** An audit row. Neither side may hold a secret. */
  note(by: Actor, action: AuditAction, subject: string, before: object | null, after: object | null) {
    const texts = { before: before && JSON.stringify(before), after: after && JSON.stringify(after) }
    const row = { atMs: this.system.wallMs(), actor: by.id, address: by.address, action, subject, ...texts }
    return { write: 'audit', row } satisfies StoreWriteOf<'audit'>
  }

  private secret(role: KeyRole): string {
    return makeKey(role, (count) => this.system.randomBytes(count))
  }

  private live(id: string): KeyRow | undefined {
    const row = this.store.keyById(id)
    return row?.revokedMs === null ? row : undefined
  }

  /** Commits a change of a key; `changed` when another process was faster. */
  private change({ generation }: KeyRow, row: KeyRow, note: StoreWriteOf<'audit'>): KeyTrouble | null {
    try {
      this.store.commit([{ write: 'changeKey', row, generation }, note])
      return null
    } catch (error) {
      if (error instanceof StoreError && error.trouble === 'fenced') return 'changed'
      throw error
    }
  }

  private drop(id: string): void {
    this.uncache(id)
    for (const listener of this.listeners) listener(id)
  }

  private uncache(id: string): void {
    const digest = this.digests.get(id)
    if (digest !== undefined) this.known.delete(digest)
    this.digests.delete(id)
  }

  private lookUp(row: KeyRow | undefined): KeyCheck {
    if (row === undefined) {
      return { ok: false, flaw: 'this hub does not know the key: it may be of another hub, or was replaced' }
    }
    if (row.revokedMs !== null) return { ok: false, flaw: 'the key was revoked: ask for a new one' }
    const account = row.account === null ? undefined : this.store.account(row.account)
    if (account !== undefined && account.state !== 'active') return { ok: false, flaw: closedAccounts[account.state] }
    const { id, tenant, role, name, weight, generation } = row
    const terms = { scopes: scopesOf(row.scopes), limits: limitsOf(row.limits) }
    const accountLimits = limitsOf(account?.limits ?? null)
    const owner = { ok: true as const, id, tenant, account: row.account, role, name, weight, generation }
    const expiresMs = row.expiresMs ?? Number.POSITIVE_INFINITY
    const expiresAtMs = this.system.nowMs() + expiresMs - this.system.wallMs()
    const known: Known = { holder: Object.freeze({ ...owner, ...terms, accountLimits }), expiresMs, expiresAtMs }
    if (this.isOver(known)) return expired
    if (this.known.size >= keyCacheMax) this.forgetOldest()
    this.known.set(row.digest, known)
    this.digests.set(id, row.digest)
    return known.holder
  }

  private forgetOldest(): void {
    const [digest, { holder }] = this.known.entries().next().value!
    this.known.delete(digest)
    this.digests.delete(holder.id)
  }

  private isOver({ expiresMs, expiresAtMs }: Known): boolean {
    if (expiresMs === Number.POSITIVE_INFINITY) return false
    return this.system.wallMs() >= expiresMs || this.system.nowMs() >= expiresAtMs
  }
}

/** What the audit log keeps of a key. */
function shownTerms({ role, name, weight, account, scopes, limits, expiresMs }: KeyRow): object {
  const terms = { scopes: scopes && scopesOf(scopes), limits: limits && limitsOf(limits), expiresMs }
  return { role, name, weight, account, ...terms }
}
