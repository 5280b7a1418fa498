/**
 * What this hub's store knows of the keys and accounts of its network, made of the records in their log. Anybody who
 * can reach the servers may write there. A record counts if it is signed by an authority of the epoch that it names,
 * under the subject of that hub, follows the last one that counts, and concerns what nobody else made before: ids and
 * prints are drawn at random and unknown to others until they are in the log. So every hub that reads the log has the
 * same rows. Whether the hub that made a key is one of the network now is asked when the key is used.
 */
import type { KeyStore } from '../../engine/ports/account-store.ts'
import type { SharedKeyStore, SharedRow } from '../../engine/ports/network/shared-keys.ts'
import type { BatchStore } from '../../engine/ports/store.ts'
import type { LoggedMessage } from '../journal/log.ts'
import { isSignedBy, openMessage } from '../roster/message.ts'
import type { RosterChain } from '../roster/roster-chain.ts'
import { type KeyRecord, readRecord } from './record.ts'

export type ProjectionStore = Pick<KeyStore, 'keyById' | 'account'> & SharedKeyStore & BatchStore

/** A row that is another one now. */
export interface SharedChange {
  before: SharedRow | undefined
  row: SharedRow
}

interface Judged extends KeyRecord {
  home: string
}

/** `later`: signed under a roster that is not known here, by nobody who is known. */
type Taken = SharedChange | 'later' | null

export class Projection {
  constructor(
    private readonly store: ProjectionStore,
    /** The identity of this hub. */
    private readonly own: string,
  ) {}

  /** Null for what does not count. Throws when the store does. */
  take({ subject, seq, message }: LoggedMessage, chain: RosterChain): Taken {
    const judged = judge(message, subject, chain)
    if (judged === null || judged === 'later') return judged
    const { previous, thing, home } = judged
    const before = this.store.shared(thing.id)
    const follows = before === undefined ? previous === 0 : before.home === home && before.seq === previous
    if (!follows || !this.isFree(judged)) return null
    const row: SharedRow = { ...thing, home, seq }
    this.store.commit([{ write: 'shared', row }])
    return { before, row }
  }

  /** Whether nobody else has made this, or what it is of. */
  private isFree({ thing: { id, print, account }, home }: Judged): boolean {
    const { store, own } = this
    const isOthers = home !== own && (store.keyById(id) !== undefined || store.account(id) !== undefined)
    if (isOthers) return false
    if (account !== null && store.shared(account)?.home !== home) return false
    const holder = print === null ? undefined : store.sharedByPrint(print)
    return holder === undefined || holder.id === id
  }
}

function judge(message: Uint8Array, subject: string, chain: RosterChain): Judged | 'later' | null {
  const opened = openMessage(message)
  if (opened === null || opened.head.to !== null) return null
  const { from, epoch } = opened.head
  const [hub, id] = subject.split('.').slice(-2)
  if (hub !== from.name) return null
  const authority = chain.authorityAt(epoch, from.name)
  if (authority === undefined) return epoch > chain.epoch ? 'later' : null
  const record = readRecord(opened.payload)
  if (record === null || record.thing.id !== id) return null
  return isSignedBy(opened, subject, authority.publicKey) ? { ...record, home: authority.key } : null
}
