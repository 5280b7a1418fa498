/**
 * Links that sign in once, for whoever sits at the hub's machine: the way in for the first administrator, and for
 * everybody whose wallet or key is lost. The token is in the fragment of the address, which browsers send to nobody;
 * only its digest is stored.
 */
import type { Fault } from '../../../shared/faults.ts'
import { loginLinkMs } from '../../../shared/limits/keys.ts'
import type { System } from '../../../shared/system.ts'
import type { Actor, Keyring } from '../../engine/keyring.ts'
import type { AccountRow, AccountStore } from '../../engine/ports/account-store.ts'
import type { BatchStore, StoreWrite } from '../../engine/ports/store.ts'
import type { AccountBook } from '../account-book.ts'
import * as refusals from './refusals.ts'

const tokenBytes = 32
const tokenForm = /^[\w-]{43}$/

/** What is behind the address of the page: the whole link but for that. */
export function fragmentOf(token: string): string {
  return `/#login=${token}`
}

export class LoginLinks {
  /** When links that this process made are over, by the clock that nobody sets. Those that are go with the next. */
  private readonly ends = new Map<string, number>()

  constructor(
    private readonly store: AccountStore & BatchStore,
    private readonly keyring: Keyring,
    private readonly book: AccountBook,
    private readonly system: System,
  ) {}

  /** The token of a link for this account; without one for an administrator without a wallet, made if there is none. */
  make(account: string | null, by: Actor): { token: string; account: AccountRow } | Fault {
    const { row, writes } = account === null ? this.operator(by) : { row: this.store.account(account), writes: [] }
    if (row === undefined) return refusals.unknownAccount
    if (row.state !== 'active') return refusals.closed[row.state]
    const token = Buffer.from(this.system.randomBytes(tokenBytes)).toString('base64url')
    const createdMs = this.system.wallMs()
    const link = { digest: this.digest(token), account: row.id, createdMs, expiresMs: createdMs + loginLinkMs }
    const note = this.keyring.note(by, 'link.made', row.id, null, null)
    this.store.commit([...writes, { write: 'loginLink', row: link }, note])
    const nowMs = this.system.nowMs()
    for (const [digest, endMs] of this.ends) if (endMs <= nowMs) this.ends.delete(digest)
    this.ends.set(link.digest, nowMs + loginLinkMs)
    return { token, account: row }
  }

  /** Whose link it was, and the write that uses it up. */
  use(token: string): { account: AccountRow; writes: StoreWrite[] } | Fault {
    const link = tokenForm.test(token) ? this.store.loginLink(this.digest(token)) : undefined
    if (link === undefined || this.isOver(link)) return refusals.badLink
    const account = this.store.account(link.account)!
    if (account.state !== 'active') return refusals.closed[account.state]
    return { account, writes: [{ write: 'useLoginLink', digest: link.digest }] }
  }

  /** By both clocks: setting the one of the wall back makes no link work longer than it may. */
  private isOver({ digest, createdMs, expiresMs }: { digest: string; createdMs: number; expiresMs: number }): boolean {
    const wallMs = this.system.wallMs()
    const endMs = this.ends.get(digest) ?? Number.POSITIVE_INFINITY
    return wallMs >= expiresMs || wallMs < createdMs || this.system.nowMs() >= endMs
  }

  private operator(by: Actor): { row: AccountRow; writes: StoreWrite[] } {
    const row = this.store.operatorAccount()
    if (row !== undefined) return { row, writes: [] }
    const wanted = { name: 'operator', address: null, role: 'admin' as const, limits: null, state: 'active' as const }
    return this.book.newAccount(wanted, by)
  }

  private digest(token: string): string {
    return this.keyring.digest(`link ${token}`)
  }
}
