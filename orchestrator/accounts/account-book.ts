/**
 * The accounts themselves: makes and changes them, each with its audit row in the same transaction, and tells the
 * keyring what that means for their keys. An account gets a secretless key along, under which its sessions run.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { type KeyLimits, limitsOf } from '../../shared/keys/key-terms.ts'
import type { System } from '../../shared/system.ts'
import type { Actor, Keyring } from '../engine/keyring.ts'
import type { AccountRow, AccountStore } from '../engine/ports/account-store.ts'
import type { AccountChanges, NewAccount } from '../engine/ports/accounts.ts'
import type { BatchStore, StoreWrite } from '../engine/ports/store.ts'
import { noAddress, unknownAccount } from './sign-in/refusals.ts'
import { plainAddress } from './wallet/ethereum.ts'

const idBytes = 9
/** The name of the key under which the sessions of an account run. */
const sessionKeyName = 'Playground'

const addressTaken = fault(
  'invalid_request',
  '`address` is that of another account: GET /v1/admin/accounts lists it.',
  {
    param: 'address',
  },
)

type Maker = Omit<Actor, 'id'> & { id: string | null }

export class AccountBook {
  constructor(
    private readonly store: AccountStore & BatchStore,
    private readonly keyring: Keyring,
    private readonly system: System,
  ) {}

  /**
   * A new account and the writes that store it, with the key of its sessions. `by` without an id: the account itself,
   * as whoever signs up makes it.
   */
  newAccount(wanted: NewAccount & Pick<AccountRow, 'state'>, by: Maker): { row: AccountRow; writes: StoreWrite[] } {
    const id = `acc_${Buffer.from(this.system.randomBytes(idBytes)).toString('hex')}`
    const row: AccountRow = { id, ...wanted, createdMs: this.system.wallMs() }
    const actor = { id: by.id ?? id, address: by.address }
    const { writes } = this.keyring.newKey('client', sessionKeyName, { account: id, isSecretless: true }, actor)
    const note = this.keyring.note(actor, 'account.made', id, null, shownAccount(row))
    return { row, writes: [{ write: 'account', row }, note, ...writes] }
  }

  make(wanted: NewAccount, by: Actor): AccountRow | Fault {
    const address = this.freeAddress(wanted.address, null)
    if (typeof address === 'object' && address !== null) return address
    const { row, writes } = this.newAccount({ ...wanted, address, state: 'active' }, by)
    this.store.commit(writes)
    return row
  }

  change(id: string, changes: AccountChanges, by: Actor): AccountRow | Fault {
    const before = this.store.account(id)
    if (before === undefined) return unknownAccount
    const address = this.freeAddress(changes.address === undefined ? before.address : changes.address, id)
    if (typeof address === 'object' && address !== null) return address
    const row: AccountRow = { ...before, ...changes, address }
    const isClosed = before.state === 'active' && row.state !== 'active'
    const action = isClosed ? 'account.closed' : 'account.changed'
    const note = this.keyring.note(by, action, id, shownAccount(before), shownAccount(row))
    this.store.commit([{ write: 'changeAccount', row }, note])
    this.keyring.accountChanged(id, isClosed)
    return row
  }

  /** The address as it is stored, if it is one and no other account's than that of `id`. */
  private freeAddress(text: string | null, id: string | null): string | null | Fault {
    if (text === null) return null
    const address = plainAddress(text)
    if (address === null) return noAddress
    const owner = this.store.accountByAddress(address)
    return owner === undefined || owner.id === id ? address : addressTaken
  }

  /** The key under which the sessions of this account run. */
  sessionKey(account: string): string {
    const key = this.store.keysOfAccount(account).find(({ generation }) => generation === 0)
    if (key === undefined) throw new Error(`account ${account} has no key for its sessions`)
    return key.id
  }
}

/** What the audit log keeps of an account. */
function shownAccount({ address, name, role, state, limits }: AccountRow): object {
  const shown: KeyLimits | null = limits === null ? null : limitsOf(limits)
  return { address, name, role, state, limits: shown }
}
