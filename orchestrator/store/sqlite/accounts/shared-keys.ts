/**
 * Keys and accounts of a network's hubs as SQL: what was told of each, and the prints of this hub's own keys.
 */
import type { SharedKeyStore, SharedKeyWrite, SharedRow } from '../../../engine/ports/network/shared-keys.ts'
import type { Statements } from '../statements.ts'

type WriteOf<Kind extends SharedKeyWrite['write']> = Extract<SharedKeyWrite, { write: Kind }>

interface SharedKeyWrites {
  shared(write: WriteOf<'shared'>): void
  keyPrint(write: WriteOf<'keyPrint'>): void
}

const columns = 'id, home, seq, print, account, expires_ms AS expiresMs, terms'

export function sharedKeyWrites(statements: Statements): SharedKeyWrites {
  const put = statements.keep<
    never,
    [string, string, number, string | null, string | null, number | null, string]
  >(`INSERT INTO shared_key (id, home, seq, print, account, expires_ms, terms) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET home = excluded.home, seq = excluded.seq, print = excluded.print,
       account = excluded.account, expires_ms = excluded.expires_ms, terms = excluded.terms`)
  const print = statements.keep<never, [string, string]>(
    'INSERT INTO key_print (id, print) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET print = excluded.print',
  )
  return {
    shared({ row }) {
      put.run(row.id, row.home, row.seq, row.print, row.account, row.expiresMs, row.terms)
    },
    keyPrint(write) {
      print.run(write.id, write.print)
    },
  }
}

export function sharedKeyReads(statements: Statements): SharedKeyStore {
  const byId = statements.keep<SharedRow, [string]>(`SELECT ${columns} FROM shared_key WHERE id = ?`)
  const byPrint = statements.keep<SharedRow, [string]>(`SELECT ${columns} FROM shared_key WHERE print = ?`)
  const ofHome = statements.keep<{ id: string }, [string]>('SELECT id FROM shared_key WHERE home = ? ORDER BY id')
  const ofAccount = statements.keep<{ id: string }, [string]>('SELECT id FROM shared_key WHERE account = ? ORDER BY id')
  const expiring = statements.keep<{ id: string }, [number, number]>(
    'SELECT id FROM shared_key WHERE expires_ms > ? AND expires_ms <= ? ORDER BY expires_ms, id',
  )
  const last = statements.keep<{ seq: number }, []>('SELECT coalesce(max(seq), 0) AS seq FROM shared_key')
  const after = statements.keep<SharedRow, [number, number]>(
    `SELECT ${columns} FROM shared_key WHERE seq > ? ORDER BY seq LIMIT ?`,
  )
  const print = statements.keep<{ print: string }, [string]>('SELECT print FROM key_print WHERE id = ?')
  const ids = (rows: { id: string }[]) => rows.map(({ id }) => id)
  return {
    shared: (id) => byId.get(id) ?? undefined,
    sharedByPrint: (of) => byPrint.get(of) ?? undefined,
    sharedOf: (owner) => ids('home' in owner ? ofHome.all(owner.home) : ofAccount.all(owner.account)),
    sharedExpiring: (afterMs, untilMs) => ids(expiring.all(afterMs, untilMs)),
    lastSharedSeq: () => last.get()!.seq,
    sharedAfter: (seq, limit) => after.all(seq, limit),
    keyPrint: (id) => print.get(id)?.print,
  }
}
