/**
 * The keys and accounts of this hub, as far as the network has to be told of them: what has changed, by the audit log
 * of the store, and the records that say so. Where the store turns out to be older than what was told before, what was
 * revoked, replaced or made since comes back from the network. `key-sharing.ts` calls, and reads what was told.
 */
import { sharedAtOnce } from '../../../shared/limits/cluster/keys.ts'
import { hubActor, type Keyring } from '../../engine/keyring.ts'
import type { AccountStore } from '../../engine/ports/account-store.ts'
import {
  accountOfShared,
  keyOfShared,
  type SharedKeyTerms,
  type SharedRow,
} from '../../engine/ports/network/shared-keys.ts'
import type { SharedLog } from '../journal/log.ts'
import type { Membership } from '../membership.ts'
import type { ProjectionStore } from './projection.ts'
import { recordBytes, type SharedThing, sharedAccount, sharedKey } from './record.ts'

interface OwnKeysParts {
  log: SharedLog
  membership: Pick<Membership, 'own' | 'prefix' | 'sign' | 'key'>
  store: ProjectionStore & Pick<AccountStore, 'listKeys' | 'accounts' | 'auditAfter' | 'lastAuditSeq'>
  keyring: Pick<Keyring, 'changedElsewhere' | 'note'>
  report: { warn(fields: object, message: string): void }
}

/** Rows that are read at once. */
const portionRows = 500

export class OwnKeys {
  /** Those that may have to be told of. */
  private readonly due = new Set<string>()
  /** How far the audit log was read; null: everything of this hub is to be compared first. */
  private auditSeq: number | null = null
  /** With which number the subject of a key ends, where that is not its last record. */
  private readonly ends = new Map<string, number>()
  /** Of keys that were made by an older program, and presented now. */
  private readonly prints = new Map<string, string>()
  private isFull = false

  constructor(private readonly parts: OwnKeysParts) {}

  met(id: string, print: string): void {
    if (this.prints.size < portionRows) this.prints.set(id, print)
  }

  /** What may have to be told of. */
  gather(): void {
    const { store } = this.parts
    const met = [...this.prints]
    if (met.length > 0) store.commit(met.map(([id, print]) => ({ write: 'keyPrint', id, print })))
    for (const [id] of met) {
      this.prints.delete(id)
      this.due.add(id)
    }
    if (this.auditSeq === null) return this.gatherAll()
    for (let rows = store.auditAfter(this.auditSeq, portionRows); rows.length > 0; ) {
      for (const { action, subject } of rows) if (/^(key|account)\./.test(action)) this.due.add(subject)
      this.auditSeq = rows.at(-1)!.seq
      rows = store.auditAfter(this.auditSeq, portionRows)
    }
  }

  private gatherAll(): void {
    const { store } = this.parts
    this.takeBack()
    this.auditSeq = store.lastAuditSeq()
    let before: string | undefined
    do {
      const accounts = store.accounts({ ...(before !== undefined && { before }), limit: portionRows })
      for (const { id } of accounts) this.due.add(id)
      before = accounts.at(-1)?.id
    } while (before !== undefined)
    for (const { id } of store.listKeys()) this.due.add(id)
  }

  /** True when some of it was told. */
  async tell(): Promise<boolean> {
    const due = this.dueNow()
    const outcomes = await Promise.all(due.map((id) => this.tellOf(id, this.thingOf(id)!)))
    return outcomes.includes(true)
  }

  /** Accounts before keys: a key is of an account that is known. */
  private dueNow(): string[] {
    const due: string[] = []
    for (const isOfTurn of [isAccount, isKey]) {
      for (const id of this.due) {
        if (due.length === sharedAtOnce) return due
        if (isOfTurn(id) && this.isNews(id)) due.push(id)
      }
      if (due.length > 0) break
    }
    return due
  }

  /** Whether the network does not know yet what this hub has to say of it. */
  private isNews(id: string): boolean {
    const thing = this.thingOf(id)
    const known = this.parts.store.shared(id)
    if (known !== undefined && thing !== null && isBehind(thing, known)) this.catchUp(known)
    // What was gone before anybody knew it is nobody's concern.
    const isNews = thing !== null && !(known === undefined && isRevoked(thing)) && !(known && says(known, thing))
    if (!isNews) {
      this.due.delete(id)
      this.ends.delete(id)
    }
    return isNews
  }

  /** The store is an older copy: what was revoked or replaced since stays so. */
  private catchUp(known: SharedRow): void {
    const { store, keyring } = this.parts
    const own = store.keyById(known.id)!
    const { digest, generation, revokedMs, last4 } = keyOfShared(known)
    const row = { ...own, digest, generation, revokedMs, last4 }
    // Edges end what was open with it by what the audit log says.
    const action = revokedMs === null ? 'key.regenerated' : 'key.revoked'
    const note = keyring.note(hubActor, action, own.id, null, { from: 'the network' })
    const print = { write: 'keyPrint', id: own.id, print: known.print! } as const
    store.commit([{ write: 'changeKey', row, generation: own.generation }, print, note])
    keyring.changedElsewhere(own.id, true)
  }

  /** What this hub has told of and lost is its own again. */
  private takeBack(): void {
    const { store, keyring, membership } = this.parts
    const lost = store.sharedOf({ home: membership.key }).filter((id) => this.thingOf(id) === null)
    for (const isOfTurn of [isAccount, isKey]) {
      for (const id of lost.filter(isOfTurn)) {
        const shared = store.shared(id)!
        const note = keyring.note(hubActor, isKey(id) ? 'key.made' : 'account.made', id, null, { from: 'the network' })
        if (!isKey(id)) store.commit([{ write: 'account', row: accountOfShared(shared) }, note])
        else if (store.keyById(id) === undefined) {
          const print = { write: 'keyPrint', id, print: shared.print! } as const
          store.commit([{ write: 'key', row: keyOfShared(shared) }, print, note])
        }
      }
    }
  }

  private thingOf(id: string): SharedThing | null {
    const { store } = this.parts
    const account = store.account(id)
    if (account !== undefined) return sharedAccount(account)
    const key = store.keyById(id)
    return key === undefined ? null : sharedKey(key, store.keyPrint(id))
  }

  /** True when it was told. */
  private async tellOf(id: string, thing: SharedThing): Promise<boolean> {
    const { log, membership, store, report } = this.parts
    const previous = store.shared(id)?.seq ?? 0
    const bytes = recordBytes({ previous, thing })
    if (bytes === null) {
      this.due.delete(id)
      report.warn({ id }, 'a key has more terms than the network can be told of: it holds here alone')
      return false
    }
    const subject = `${membership.prefix}.keys.${membership.own.name}.${id}`
    const last = Math.max(previous, this.ends.get(id) ?? 0)
    const outcome = await log.append(subject, membership.sign(subject, bytes), last)
    // Somebody has written there what does not count, or this hub has and did not hear of it.
    const end = outcome === 'conflict' ? await log.last(subject) : 'unsure'
    if (end !== 'unsure') this.ends.set(id, end)
    const isFull = outcome === 'full'
    if (isFull && !this.isFull) report.warn({}, 'the stream of keys is full: changes of keys hold at this hub alone')
    if (outcome !== 'unsure') this.isFull = isFull
    // Whether it counts or not: it is said.
    if (typeof outcome === 'object') this.due.delete(id)
    return typeof outcome === 'object'
  }
}

function says(known: SharedRow, thing: SharedThing): boolean {
  return (['id', 'print', 'account', 'expiresMs', 'terms'] as const).every((name) => known[name] === thing[name])
}

function isRevoked({ print, terms }: SharedThing): boolean {
  return print !== null && (JSON.parse(terms) as SharedKeyTerms).revokedMs !== null
}

/** Whether what this hub has is from before the key was revoked, or its secret replaced. */
function isBehind(thing: SharedThing, known: SharedRow): boolean {
  if (thing.print === null || known.print === null) return false
  const [own, told] = [thing, known].map(({ terms }) => JSON.parse(terms) as SharedKeyTerms) as [
    SharedKeyTerms,
    SharedKeyTerms,
  ]
  return (told.revokedMs !== null && own.revokedMs === null) || told.generation > own.generation
}

function isAccount(id: string): boolean {
  return id.startsWith('acc_')
}

function isKey(id: string): boolean {
  return id.startsWith('key_')
}
