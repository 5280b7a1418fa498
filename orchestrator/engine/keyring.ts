/**
 * Authentication: makes keys, checks what callers present, replaces secrets, revokes. Edges ask it on every request and
 * every dial-in; it uses the store and the pepper, and it tells its listeners of each key that stops working so that
 * live sockets and streams end. A key itself exists only while it is made and in its owner's hands: everything kept,
 * here or in the store, is its HMAC-SHA-256 under the pepper. Every change shares a transaction with its audit row.
 *
 * Another process may change keys beside a running hub, and other hubs of a network theirs; whoever notices says so
 * with `changedElsewhere`. What a key is known by in a network, its print, needs no pepper: it hides 256 random bits.
 */
import { timingSafeEqual } from 'node:crypto'
import { type Fault, fault } from '../../shared/faults.ts'
import { type KeyRole, makeKey, parseKey } from '../../shared/keys/api-key.ts'
import { type KeyLimits, type KeyScopes, limitsOf, noLimits, noScopes, scopesOf } from '../../shared/keys/key-terms.ts'
import { accountKeysMax, keyCacheMax } from '../../shared/limits/keys.ts'
import type { System } from '../../shared/system.ts'
import type { AccountRow, AccountState, AuditAction, KeyFilter, KeyRow, KeyStore } from './ports/account-store.ts'
import type { KeyNetwork, SharedKeyStore } from './ports/network/shared-keys.ts'
import { accountOfShared, keyOfShared, printOf, printOfKey } from './ports/network/shared-keys.ts'
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
  /** The identity of the hub that made it, when that is another one of the network. */
  readonly home?: string
}

/** `isPassing`: nobody can say so far; it is to be presented again. */
export type KeyCheck = Readonly<{ ok: true } & KeyHolder> | Readonly<{ ok: false; flaw: string; isPassing?: true }>

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
 * `sessions`: it is the one under which the sessions of its account run. `elsewhere`: it is another hub's.
 */
export type KeyTrouble = 'unknown' | 'changed' | 'sessions' | 'elsewhere'

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
const unknownKey = {
  ok: false,
  flaw: 'this hub does not know the key: it may be of another hub, or was replaced',
} as const
const notKnownYet: KeyCheck = {
  ...{ ok: false, flaw: 'this hub is still learning the keys of its network: try again in a moment' },
  isPassing: true,
}
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
  private network: KeyNetwork | null = null

  /** `adminKey`: any text that is to pass as an admin's key besides those in the store; it cannot be revoked. */
  constructor(
    private readonly store: KeyStore & SharedKeyStore & BatchStore,
    pepper: Uint8Array,
    private readonly system: System,
    adminKey?: string,
  ) {
    this.hasher = new Bun.CryptoHasher('sha256', pepper)
    this.adminDigest = adminKey === undefined ? null : Buffer.from(this.digest(adminKey), 'hex')
    this.sweptMs = system.wallMs()
  }

  /** Keys of other hubs count from now on, as far as the network says so. */
  joinNetwork(network: KeyNetwork): void {
    this.network = network
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
    const noted = this.note(by, 'key.made', id, null, shownTerms(row))
    return { key, row, writes: [{ write: 'key' as const, row }, ...(isSecretless ? [] : [printOfKey(id, key)]), noted] }
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
    if ('flaw' in parsed) return { ok: false, flaw: parsed.flaw }
    const row = this.store.keyByDigest(digest)
    if (this.network === null) return this.lookUp(row, digest)
    return row === undefined ? this.lookUpShared(presented, digest) : this.lookUpMet(row, presented, digest)
  }

  /** One of this hub's own, which the network is to know by its print. */
  private lookUpMet(row: KeyRow, presented: string, digest: string): KeyCheck {
    if (this.store.keyPrint(row.id) === undefined) this.network!.met(row.id, printOf(presented))
    return this.lookUp(row, digest)
  }

  private lookUpShared(presented: string, digest: string): KeyCheck {
    const network = this.network!
    const shared = this.store.sharedByPrint(printOf(presented))
    if (shared !== undefined && network.counts(shared.home))
      return this.lookUp(keyOfShared(shared), digest, shared.home)
    return network.isCurrent() ? unknownKey : notKnownYet
  }

  /** The same of a key that is known by its id, as a session knows it. */
  holder(id: string): KeyCheck {
    if (id === environmentAdmin.id && this.adminDigest !== null) return environmentAdmin
    const digest = this.digests.get(id)
    const known = digest === undefined ? undefined : this.known.get(digest)
    if (known !== undefined) return this.isOver(known) ? expired : known.holder
    const row = this.store.keyById(id)
    return this.lookUp(row, row?.digest)
  }

  /** Replaces the secret of a key and nothing else; the old one stops working at once. Throws when the store does. */
  regenerate(id: string, generation: number, by = hubActor): { key: string; row: KeyRow } | KeyTrouble {
    const before = this.live(id)
    if (before === undefined) return this.absence(id)
    if (before.generation !== generation || generation === 0) return 'changed'
    const key = this.secret(before.role)
    const fresh = { digest: this.digest(key), last4: key.slice(-4), generation: generation + 1 }
    const row: KeyRow = { ...before, ...fresh }
    const [was, is] = [{ generation }, { generation: row.generation }]
    const trouble = this.change(before, row, this.note(by, 'key.regenerated', id, was, is), printOfKey(id, key))
    if (trouble !== null) return trouble
    this.drop(id)
    return { key, row }
  }

  /** Null when it is done. Throws when the store does. */
  revoke(id: string, by = hubActor): KeyTrouble | null {
    const before = this.live(id)
    if (before === undefined) return this.absence(id)
    if (before.generation === 0) return 'sessions'
    const row: KeyRow = { ...before, revokedMs: this.system.wallMs() }
    const trouble = this.change(before, row, this.note(by, 'key.revoked', id, shownTerms(before), null))
    if (trouble === null) this.drop(id)
    return trouble
  }

  /** Changes what a key allows, or its name. Its sockets and streams go on. Throws when the store does. */
  amend(id: string, changes: KeyChanges, by = hubActor): KeyRow | KeyTrouble {
    const before = this.live(id)
    if (before === undefined) return this.absence(id)
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
    const own = this.store.keysOfAccount(account).map(({ id }) => id)
    for (const id of [...own, ...this.store.sharedOf({ account })]) {
      if (isClosed) this.drop(id)
      else this.uncache(id)
    }
  }

  /** Another process, or its hub, has changed this key; `isDropped`: what its secret was has stopped working. */
  changedElsewhere(id: string, isDropped: boolean): void {
    const expiresMs = (this.store.keyById(id) ?? this.store.shared(id))?.expiresMs ?? Number.POSITIVE_INFINITY
    if (isDropped || expiresMs <= this.sweptMs) this.drop(id)
    else this.uncache(id)
  }

  /** Of the secret that was good here last; 1, with which each key begins, where that is not remembered. */
  generationOf(id: string): number {
    return this.known.get(this.digests.get(id) ?? '')?.holder.generation ?? 1
  }

  /** Drops the keys that have expired since the last call. */
  sweep(): void {
    const nowMs = this.system.wallMs()
    if (nowMs <= this.sweptMs) return
    for (const id of this.store.keysExpiring(this.sweptMs, nowMs)) this.drop(id)
    if (this.network !== null) for (const id of this.store.sharedExpiring(this.sweptMs, nowMs)) this.drop(id)
    this.sweptMs = nowMs
  }

  /** Keys of other hubs are looked up anew. */
  forgetShared(): void {
    for (const { holder } of [...this.known.values()]) if (holder.home !== undefined) this.uncache(holder.id)
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

  /** Why there is no such key to change. */
  private absence(id: string): KeyTrouble {
    return this.store.shared(id) === undefined ? 'unknown' : 'elsewhere'
  }

  /** Commits a change of a key; `changed` when another process was faster. */
  private change(
    { generation }: KeyRow,
    row: KeyRow,
    note: StoreWriteOf<'audit'>,
    ...print: StoreWriteOf<'keyPrint'>[]
  ): KeyTrouble | null {
    try {
      this.store.commit([{ write: 'changeKey', row, generation }, note, ...print])
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

  /** What it is remembered by: `digest`; by nothing when that is unknown. `home`: of the other hub that made it. */
  private lookUp(row: KeyRow | undefined, digest: string | undefined, home?: string): KeyCheck {
    if (row === undefined) return unknownKey
    if (row.revokedMs !== null) return { ok: false, flaw: 'the key was revoked: ask for a new one' }
    const account = this.accountOf(row.account)
    if (account !== undefined && account.state !== 'active') return { ok: false, flaw: closedAccounts[account.state] }
    const { id, tenant, role, name, weight, generation } = row
    const terms = { scopes: scopesOf(row.scopes), limits: limitsOf(row.limits) }
    const accountLimits = limitsOf(account?.limits ?? null)
    const owner = { ok: true as const, id, tenant, account: row.account, role, name, weight, generation }
    const expiresMs = row.expiresMs ?? Number.POSITIVE_INFINITY
    const expiresAtMs = this.system.nowMs() + expiresMs - this.system.wallMs()
    const holder = Object.freeze({ ...owner, ...terms, accountLimits, ...(home !== undefined && { home }) })
    const known: Known = { holder, expiresMs, expiresAtMs }
    if (this.isOver(known)) return expired
    if (digest === undefined) return holder
    if (this.known.size >= keyCacheMax) this.forgetOldest()
    this.known.set(digest, known)
    this.digests.set(id, digest)
    return holder
  }

  private accountOf(id: string | null): AccountRow | undefined {
    if (id === null) return undefined
    const shared = this.network === null ? undefined : this.store.shared(id)
    return this.store.account(id) ?? (shared && accountOfShared(shared))
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
