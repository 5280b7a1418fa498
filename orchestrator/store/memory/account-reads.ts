/**
 * Reads of accounts, keys, sessions, login links, the audit log and settings on a MemoryDisk, as copies, and the
 * forgetting of what is over.
 */
import type { AccountRow, AccountStore, KeyRow, PageFilter } from '../../engine/ports/account-store.ts'
import type { MemoryDisk } from './disk.ts'

type Reads = Omit<AccountStore, 'foreignCommits' | 'forgetSignIns'>

export function accountReads(disk: MemoryDisk): Reads {
  return {
    keyByDigest: (digest) => copyOf(disk.keys.values().find((row) => row.digest === digest)),
    keyById: (id) => copyOf(disk.keys.get(id)),
    listKeys: () => [...disk.keys.values()].map((row) => ({ ...row })),
    keys: (filter) => pageOf(disk.keys, filter, ({ tenant }) => filter.tenant === null || tenant === filter.tenant),
    keysOfAccount(account) {
      const rows = [...disk.keys.values()].filter((row) => row.account === account && row.revokedMs === null)
      return rows.map((row) => ({ ...row }))
    },
    keysExpiring(afterMs, untilMs) {
      const ends = [...disk.keys.values()].flatMap(({ id, expiresMs, revokedMs }) =>
        revokedMs === null && expiresMs !== null && expiresMs > afterMs && expiresMs <= untilMs
          ? [{ id, expiresMs }]
          : [],
      )
      return ends.sort((one, other) => one.expiresMs - other.expiresMs).map(({ id }) => id)
    },
    account: (id) => copyOf(disk.accounts.get(id)),
    accountByAddress: (address) => copyOf(disk.accounts.values().find((row) => row.address === address)),
    operatorAccount() {
      const isOperator = ({ state, role, address }: AccountRow) =>
        state === 'active' && role === 'admin' && address === null
      return copyOf(disk.accounts.values().find(isOperator))
    },
    accounts: (filter) =>
      pageOf(disk.accounts, filter, ({ state }) => filter.state === undefined || state === filter.state),
    session: (digest) => copyOf(disk.sessions.get(digest)),
    sessionsOf(owner) {
      const isOf = (row: { account: string | null; key: string | null }) =>
        'account' in owner ? row.account === owner.account : row.key === owner.key
      return [...disk.sessions.values()].filter(isOf).map((row) => ({ ...row }))
    },
    loginLink: (digest) => copyOf(disk.loginLinks.get(digest)),
    audit({ subject, before, limit }) {
      const rows = disk.audit.toReversed()
      return rows
        .filter((row) => (before === undefined || row.seq < before) && (subject ?? row.subject) === row.subject)
        .slice(0, limit)
        .map((row) => ({ ...row }))
    },
    auditAfter(seq, limit) {
      const rows = disk.audit.filter((row) => row.seq > seq)
      return rows.slice(0, limit).map((row) => ({ ...row }))
    },
    lastAuditSeq: () => disk.audit.at(-1)?.seq ?? 0,
    settings: () => new Map([...disk.settings].sort(([one], [other]) => (one < other ? -1 : 1))),
  }
}

function copyOf<Row>(row: Row | undefined): Row | undefined {
  return row && { ...row }
}

function pageOf<Row extends AccountRow | KeyRow>(
  rows: ReadonlyMap<string, Row>,
  { before, limit }: PageFilter,
  isMeant: (row: Row) => boolean,
): Row[] {
  const all = [...rows.values()]
  const end = before === undefined ? all.length : all.findIndex(({ id }) => id === before)
  const newestFirst = all.slice(0, Math.max(end, 0)).reverse()
  return newestFirst
    .filter(isMeant)
    .slice(0, limit)
    .map((row) => ({ ...row }))
}

export function forgetSignIns(disk: MemoryDisk, nowMs: number, auditMs: number, limit: number): number {
  const over = <Row extends { digest: string; expiresMs: number }>(rows: Map<string, Row>) => {
    const old = [...rows.values()].filter(({ expiresMs }) => expiresMs < nowMs)
    const oldest = old.sort((one, other) => one.expiresMs - other.expiresMs).slice(0, limit)
    for (const { digest } of oldest) rows.delete(digest)
    return oldest.length
  }
  const first = disk.audit.slice(0, limit)
  const kept = first.filter(({ atMs }) => atMs >= auditMs)
  disk.audit = [...kept, ...disk.audit.slice(limit)]
  return over(disk.sessions) + over(disk.loginLinks) + first.length - kept.length
}
