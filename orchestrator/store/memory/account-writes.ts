/**
 * Writes about accounts, keys, sessions, login links, the audit log and settings on a MemoryDisk, with the conditions
 * that the SQLite adapter has.
 */
import type { AccountWrite } from '../../engine/ports/account-store.ts'
import type { StoreWriteOf } from '../../engine/ports/store.ts'
import type { MemoryDisk } from './disk.ts'
import { must, put, take, type Undo } from './undo.ts'

type Writes = { [One in AccountWrite['write']]: (disk: MemoryDisk, write: StoreWriteOf<One>, undo: Undo) => void }

function isAddressFree(disk: MemoryDisk, address: string | null, id: string): boolean {
  return address === null || !disk.accounts.values().some((row) => row.address === address && row.id !== id)
}

function isDigestFree(disk: MemoryDisk, digest: string, id: string): boolean {
  return !disk.keys.values().some((row) => row.digest === digest && row.id !== id)
}

function mustHaveAccount(disk: MemoryDisk, account: string | null): void {
  must(account === null || disk.accounts.has(account), () => `there is no account ${account}`)
}

export const accountWrites: Writes = {
  account(disk, { row }, undo) {
    const isFree = !disk.accounts.has(row.id) && isAddressFree(disk, row.address, row.id)
    must(isFree, () => `there is an account ${row.id}, or one of its address`)
    put(disk.accounts, row.id, { ...row }, undo)
  },
  changeAccount(disk, { row }, undo) {
    const before = disk.accounts.get(row.id)
    const isFree = before !== undefined && isAddressFree(disk, row.address, row.id)
    must(isFree, () => `there is no account ${row.id}, or another one of its address`)
    put(disk.accounts, row.id, { ...row, createdMs: before!.createdMs }, undo)
  },
  key(disk, { row }, undo) {
    const isFree = !disk.keys.has(row.id) && isDigestFree(disk, row.digest, row.id)
    must(isFree, () => `there is a key ${row.id}, or one of its digest`)
    must(row.weight > 0, () => `a weight is above zero, not ${row.weight}`)
    mustHaveAccount(disk, row.account)
    put(disk.keys, row.id, { ...row }, undo)
  },
  changeKey(disk, { row, generation }, undo) {
    const before = disk.keys.get(row.id)
    const holds = before?.generation === generation && before.revokedMs === null
    must(holds, () => `key ${row.id} is not there, was revoked, or is not of generation ${generation}`)
    must(isDigestFree(disk, row.digest, row.id), () => 'there is another key with this digest')
    must(row.weight > 0, () => `a weight is above zero, not ${row.weight}`)
    const { role, tenant, account, createdMs } = before!
    put(disk.keys, row.id, { ...row, role, tenant, account, createdMs }, undo)
  },
  session(disk, { row }, undo) {
    mustHaveAccount(disk, row.account)
    must(row.account !== null || row.key !== null, () => 'a session is of an account or of a key')
    put(disk.sessions, row.digest, { ...row }, undo)
  },
  forgetSession(disk, { digest }, undo) {
    take(disk.sessions, digest, undo)
  },
  loginLink(disk, { row }, undo) {
    must(!disk.loginLinks.has(row.digest), () => 'there is a login link with this digest')
    mustHaveAccount(disk, row.account)
    put(disk.loginLinks, row.digest, { ...row }, undo)
  },
  useLoginLink(disk, { digest }, undo) {
    must(disk.loginLinks.has(digest), () => 'there is no such login link')
    take(disk.loginLinks, digest, undo)
  },
  audit(disk, { row }, undo) {
    const seq = disk.lastAudit + 1
    disk.lastAudit = seq
    disk.audit.push({ seq, ...row })
    undo.push(() => {
      disk.lastAudit = seq - 1
      disk.audit.pop()
    })
  },
  setting(disk, { name, value }, undo) {
    if (value === null) take(disk.settings, name, undo)
    else put(disk.settings, name, value, undo)
  },
}
