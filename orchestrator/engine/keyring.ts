/**
 * Authentication: makes keys, checks what callers present, revokes. Edges ask it on every request and every dial-in;
 * it uses the store and the pepper, and it notifies its listeners of each revocation so that live sockets close.
 * A key itself exists only while it is made and in its owner's hands: everything kept, here or in the store, is its
 * HMAC-SHA-256 under the pepper.
 *
 * The cache trusts that it learns of each revocation: keys are revoked through this object, or an edge's is told by the
 * brain. Another process may add keys beside a running hub (they are looked up when first presented).
 */
import { timingSafeEqual } from 'node:crypto'
import { type KeyRole, makeKey, parseKey } from '../../shared/api-key.ts'
import { keyCacheMax } from '../../shared/limits/keys.ts'
import type { System } from '../../shared/system.ts'
import type { KeyRow, KeyStore } from './ports/store.ts'

type KeyCheck = Readonly<
  { ok: true; id: string; role: KeyRole; name: string; weight: number } | { ok: false; flaw: string }
>

const idBytes = 6
const environmentAdmin: KeyCheck = { ok: true, id: 'env-admin', role: 'admin', name: 'ADMIN_KEY', weight: 1 }

export class Keyring {
  /** Digest -> who that is, for keys that were good when last looked up. Least recently added goes first. */
  private readonly known = new Map<string, KeyCheck>()
  private readonly listeners: ((id: string) => void)[] = []
  private readonly hasher: Bun.CryptoHasher
  private readonly adminDigest: Uint8Array | null

  /** `adminKey`: any text that is to pass as an admin's key besides those in the store; it cannot be revoked. */
  constructor(
    private readonly store: KeyStore,
    pepper: Uint8Array,
    private readonly system: System,
    adminKey?: string,
  ) {
    this.hasher = new Bun.CryptoHasher('sha256', pepper)
    this.adminDigest = adminKey === undefined ? null : this.digest(adminKey)
  }

  /**
   * Makes and stores a key. The returned text is the only copy there will ever be. `weight`: turns in the queue for
   * each one of a tenant with weight 1; above zero. Throws when the store does.
   */
  issue(role: KeyRole, name: string, weight = 1): { key: string; row: KeyRow } {
    const key = makeKey(role, (count) => this.system.randomBytes(count))
    const row: KeyRow = {
      id: `key_${Buffer.from(this.system.randomBytes(idBytes)).toString('hex')}`,
      role,
      name,
      digest: this.digest(key).toString('hex'),
      weight,
      createdMs: this.system.wallMs(),
      revokedMs: null,
    }
    this.store.insertKey(row)
    return { key, row }
  }

  /** Whose key this is, or one sentence about why it is refused. Malformed text never reaches the store. */
  verify(presented: string): KeyCheck {
    const parsed = parseKey(presented)
    const malformed = 'flaw' in parsed
    if (malformed && this.adminDigest === null) return { ok: false, flaw: parsed.flaw }
    const digest = this.digest(presented)
    if (this.adminDigest !== null && timingSafeEqual(digest, this.adminDigest)) return environmentAdmin
    if (malformed) return { ok: false, flaw: parsed.flaw }
    const name = digest.toString('hex')
    return this.known.get(name) ?? this.lookUp(name)
  }

  /** False when there is no such key or it was revoked before. */
  revoke(id: string): boolean {
    if (!this.store.revokeKey(id, this.system.wallMs())) return false
    this.revokedElsewhere(id)
    return true
  }

  /** Another process of this hub has revoked it. */
  revokedElsewhere(id: string): void {
    const row = this.store.keyById(id)
    if (row !== undefined) this.known.delete(row.digest)
    for (const listener of this.listeners) listener(id)
  }

  /** Every key of the store, revoked ones too, oldest first. */
  list(): KeyRow[] {
    return this.store.listKeys()
  }

  /** `listener` is called with the id of each key that is revoked from now on, after it has stopped working. */
  onRevoked(listener: (id: string) => void): void {
    this.listeners.push(listener)
  }

  private lookUp(digest: string): KeyCheck {
    const row = this.store.keyByDigest(digest)
    if (row === undefined) return { ok: false, flaw: 'this hub does not know the key: it may be of another hub' }
    if (row.revokedMs !== null) return { ok: false, flaw: 'the key was revoked: ask for a new one' }
    const check: KeyCheck = { ok: true, id: row.id, role: row.role, name: row.name, weight: row.weight }
    if (this.known.size >= keyCacheMax) this.known.delete(this.known.keys().next().value!)
    this.known.set(digest, check)
    return check
  }

  private digest(text: string): Buffer {
    return this.hasher.copy().update(text).digest()
  }
}
