/**
 * Keys and accounts that hold in a whole network: twice a second this hub appends what has changed here
 * (`own-keys.ts`), and reads what the log has new where it has heard of any, and once a second where it has not. What
 * is revoked elsewhere ends here with its sockets and streams. Nothing of it is on the way of a request: a keyring
 * finds the keys of other hubs in the store of its own.
 */
import { keysFreshMs, keysLookMs, keysReadMs, keysStaleMs } from '../../../shared/limits/cluster/keys.ts'
import type { System } from '../../../shared/system.ts'
import type { Keyring } from '../../engine/keyring.ts'
import type { AccountStore } from '../../engine/ports/account-store.ts'
import type { KeyNetworkState } from '../../engine/ports/network/network-state.ts'
import {
  accountOfShared,
  type KeyNetwork,
  keysOfLeft,
  type SharedKeyTerms,
} from '../../engine/ports/network/shared-keys.ts'
import { StoreError } from '../../engine/ports/store.ts'
import type { LoggedMessage, SharedLog } from '../journal/log.ts'
import { LogReader } from '../journal/log-reader.ts'
import { Looks } from '../looks.ts'
import type { Membership } from '../membership.ts'
import { OwnKeys } from './own-keys.ts'
import { Projection, type ProjectionStore, type SharedChange } from './projection.ts'

export type KeySharingStore = ProjectionStore &
  Pick<AccountStore, 'listKeys' | 'accounts' | 'auditAfter' | 'lastAuditSeq'>

export interface KeySharingParts {
  system: System
  log: SharedLog
  membership: Pick<Membership, 'standing' | 'chain' | 'own' | 'prefix' | 'sign' | 'key'>
  store: KeySharingStore
  keyring: Pick<Keyring, 'joinNetwork' | 'changedElsewhere' | 'accountChanged' | 'forgetShared' | 'note'>
  report: { warn(fields: object, message: string): void }
}

export class KeySharing implements KeyNetwork {
  private readonly projection: Projection
  private readonly own: OwnKeys
  private readonly looks: Looks
  private readonly reader: LogReader
  /** Messages from here on are to be read again with the next roster; null for none. */
  private laterSeq: number | null = null
  /** When all of the log was read for the last time. */
  private currentMs = Number.NEGATIVE_INFINITY
  private readonly startedMs: number
  /** Something may have been appended that was not read. */
  private isDue = true
  private isStale = false
  /** Identities of the hubs whose keys count. */
  private homes: ReadonlySet<string>

  constructor(private readonly parts: KeySharingParts) {
    const { log, store, membership, system } = parts
    this.projection = new Projection(store, membership.key)
    this.own = new OwnKeys(parts)
    this.looks = new Looks(system, keysLookMs, () => this.look())
    this.reader = new LogReader({
      ...{ log, pattern: `${membership.prefix}.keys.*.*`, cursor: store.lastSharedSeq() },
      take: (message) => this.take(message),
      isStopped: () => this.looks.isStopped,
    })
    this.homes = this.homesNow()
    this.startedMs = system.nowMs()
    parts.keyring.joinNetwork(this)
  }

  start(): void {
    this.looks.start()
  }

  stop(): void {
    this.looks.stop()
  }

  /** Somebody has written, or says so: it is looked for with the next look. */
  heard(): void {
    this.isDue = true
  }

  /** The roster is another one: keys of hubs that are not in it end, and records that came early are read again. */
  followed(): void {
    const before = this.homes
    this.homes = this.homesNow()
    const { store, keyring } = this.parts
    for (const id of keysOfLeft(before, this.homes, store)) keyring.changedElsewhere(id, true)
    if (this.laterSeq === null) return
    this.reader.back(this.laterSeq)
    this.laterSeq = null
    this.isDue = true
  }

  // ------------------------------------------------------------ what edges are told

  get state(): KeyNetworkState {
    return { homes: [...this.homes], isStale: this.isStale, isCurrent: this.isCurrent() }
  }

  // ------------------------------------------------------------ what the keyring asks

  counts(home: string): boolean {
    return !this.isStale && this.homes.has(home)
  }

  isCurrent(): boolean {
    return this.parts.system.nowMs() - this.currentMs < keysFreshMs
  }

  met(id: string, print: string): void {
    this.own.met(id, print)
  }

  // ------------------------------------------------------------ looks

  private async look(): Promise<void> {
    try {
      await this.readAndTell()
    } catch (error) {
      // The disk has no room, or fails: there is another look.
      if (!(error instanceof StoreError)) throw error
      this.parts.report.warn({ why: error.message }, 'keys of the network cannot be written down')
    }
    this.notice()
  }

  private async readAndTell(): Promise<void> {
    const { log, membership } = this.parts
    if (log.apart !== null || membership.standing !== 'member') return
    const isDue = this.isDue || this.parts.system.nowMs() - this.currentMs >= keysReadMs
    if (isDue && !(await this.readOn())) return
    if (this.looks.isStopped) return
    this.own.gather()
    // What was told is known once it was read.
    while ((await this.own.tell()) && (await this.readOn()) && !this.looks.isStopped);
  }

  /** Whether this hub has been apart for too long to know what was revoked, or is not any more. */
  private notice(): void {
    const { system, keyring } = this.parts
    const isStale = system.nowMs() - Math.max(this.currentMs, this.startedMs) > keysStaleMs
    if (isStale === this.isStale) return
    this.isStale = isStale
    if (isStale) keyring.forgetShared()
  }

  /** Reads the log to its end; false when that is not sure. */
  private async readOn(): Promise<boolean> {
    // What is heard of meanwhile may come behind where this reads to.
    this.isDue = false
    const isRead = await this.reader.readOn()
    if (!isRead) this.isDue = true
    if (isRead) this.currentMs = this.parts.system.nowMs()
    return isRead
  }

  private take(message: LoggedMessage): void {
    const taken = this.projection.take(message, this.parts.membership.chain)
    if (taken === 'later') this.laterSeq ??= message.seq
    else if (taken !== null) this.follow(taken)
  }

  /** What has changed elsewhere takes effect here. */
  private follow({ before, row }: SharedChange): void {
    const { keyring, membership } = this.parts
    if (row.home === membership.key) return
    if (row.print === null) return keyring.accountChanged(row.id, accountOfShared(row).state !== 'active')
    const { revokedMs } = JSON.parse(row.terms) as SharedKeyTerms
    keyring.changedElsewhere(row.id, revokedMs !== null || (before !== undefined && before.print !== row.print))
  }

  private homesNow(): ReadonlySet<string> {
    return new Set(this.parts.membership.chain.latest.hubs.map(({ key }) => key))
  }
}
