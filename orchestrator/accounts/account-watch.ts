/**
 * What happens to accounts and keys without a request: keys expire, another process (the key command) changes them,
 * sessions and old audit rows are removed. Looks a few times a second, at the cost of three reads; what was changed
 * elsewhere is read off the audit log, in which every change has its row.
 */
import { auditMs, keyWatchMs, signInsForgetMs, signInsForgetRows } from '../../shared/limits/keys.ts'
import { every, type System, type Timer } from '../../shared/system.ts'
import { consoleActor, type Keyring } from '../engine/keyring.ts'
import type { AccountStore, AuditRow } from '../engine/ports/account-store.ts'
import type {
  SharedAccountTerms,
  SharedKeyStore,
  SharedKeyTerms,
  SharedRow,
} from '../engine/ports/network/shared-keys.ts'
import { StoreError } from '../engine/ports/store.ts'

/** Audit rows that are read at once. */
const portionRows = 500

export class AccountWatch {
  private readonly timers: Timer[] = []
  private commits: number
  private seq: number
  /** The last row of what the network says of keys, as far as it was read. */
  private sharedSeq: number

  constructor(
    private readonly store: AccountStore & Pick<SharedKeyStore, 'sharedAfter' | 'lastSharedSeq'>,
    private readonly keyring: Keyring,
    private readonly system: System,
    /**
     * `hub`: it owns the store, and hears of its own changes where it makes them. `edge`: it only reads, and every
     * change is another process's.
     */
    private readonly role: 'hub' | 'edge' = 'hub',
  ) {
    this.commits = store.foreignCommits()
    this.seq = store.lastAuditSeq()
    this.sharedSeq = store.lastSharedSeq()
  }

  start(): void {
    this.timers.push(every(this.system, keyWatchMs, () => this.look()))
    if (this.role === 'hub') this.timers.push(every(this.system, signInsForgetMs, () => this.forget()))
  }

  stop(): void {
    for (const timer of this.timers.splice(0)) timer.cancel()
  }

  private look(): void {
    this.keyring.sweep()
    // In this order: what was written before the look at the commits, and by nobody else, is our own.
    const seq = this.store.lastAuditSeq()
    const commits = this.store.foreignCommits()
    if (commits === this.commits) {
      this.seq = seq
      return
    }
    this.commits = commits
    for (let rows = this.unseen(); rows.length > 0; rows = this.unseen()) {
      for (const row of rows) if (this.role === 'edge' || row.actor === consoleActor.id) this.follow(row)
      this.seq = rows.at(-1)!.seq
    }
    if (this.role === 'edge') this.lookAtNetwork()
  }

  /** What other hubs have changed, which the brain has written down. */
  private lookAtNetwork(): void {
    for (let rows = this.newShared(); rows.length > 0; rows = this.newShared()) {
      for (const row of rows) this.followShared(row)
      this.sharedSeq = rows.at(-1)!.seq
    }
  }

  private newShared(): SharedRow[] {
    return this.store.sharedAfter(this.sharedSeq, portionRows)
  }

  /** Whether a secret was replaced is told by its generation: a row does not say what it was before. */
  private followShared({ id, print, terms }: SharedRow): void {
    const { keyring } = this
    if (print === null) return keyring.accountChanged(id, (JSON.parse(terms) as SharedAccountTerms).state !== 'active')
    const { revokedMs, generation } = JSON.parse(terms) as SharedKeyTerms
    keyring.changedElsewhere(id, revokedMs !== null || generation !== keyring.generationOf(id))
  }

  private unseen(): AuditRow[] {
    return this.store.auditAfter(this.seq, portionRows)
  }

  private follow({ action, subject }: AuditRow): void {
    if (action === 'key.regenerated' || action === 'key.revoked') this.keyring.changedElsewhere(subject, true)
    else if (action === 'key.changed') this.keyring.changedElsewhere(subject, false)
    else if (action === 'account.closed') this.keyring.accountChanged(subject, true)
    else if (action === 'account.changed') this.keyring.accountChanged(subject, false)
  }

  private forget(): void {
    const nowMs = this.system.wallMs()
    try {
      this.store.forgetSignIns(nowMs, nowMs - auditMs, signInsForgetRows)
    } catch (error) {
      // There is another time to forget.
      if (!(error instanceof StoreError)) throw error
    }
  }
}
