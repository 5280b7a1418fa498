/**
 * Keys, accounts and audit rows as lines for a terminal: one each, with nothing in it that a terminal would carry out.
 * Pure; the key command prints them.
 */
import type { AccountRow, AuditRow, KeyRow } from '../engine/ports/account-store.ts'

/** `owner`: the account whose it is; undefined where it is nobody's. */
export function keyLine(row: KeyRow, owner: AccountRow | undefined): string {
  const { id, role, name, createdMs, scopes, limits, expiresMs, revokedMs } = row
  const notes = [
    owner === undefined ? '' : `of ${owner.name || owner.address} (${owner.id})`,
    scopes ?? '',
    limits ?? '',
    expiresMs === null ? '' : `until ${day(expiresMs)}`,
    revokedMs === null ? '' : `revoked ${day(revokedMs)}`,
  ]
  const noted = notes.filter((note) => note !== '').map((note) => `  ${printable(note)}`)
  return `${id}  ${role.padEnd(6)}  ${day(createdMs)}  ${printable(name)}${noted.join('')}\n`
}

export function accountLine({ id, role, state, createdMs, name, address, limits }: AccountRow): string {
  const notes = [address, limits].filter((note) => note !== null).map((note) => `  ${printable(note)}`)
  const rank = `${role.padEnd(6)}  ${state.padEnd(9)}`
  return `${id}  ${rank}  ${day(createdMs)}  ${printable(name)}${notes.join('')}\n`
}

export function auditLine({ seq, atMs, actor, address, action, subject, before, after }: AuditRow): string {
  const time = new Date(atMs).toISOString().slice(0, 19)
  const change = [before, after].map((side) => (side === null ? '-' : printable(side))).join(' -> ')
  return `${seq}  ${time}  ${actor}${address && ` (${printable(address)})`}  ${action}  ${subject}  ${change}\n`
}

/** Names that an older version took may hold what a terminal would carry out. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, '\ufffd')
}

function day(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10)
}
