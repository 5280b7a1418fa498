/**
 * Writes about accounts, keys, sessions, login links, the audit log and settings as SQL, each inside the transaction of
 * its batch. A condition that does not hold throws `fenced`, by the count of changed rows or by a constraint.
 */
import type { AccountStore, AccountWrite } from '../../../engine/ports/account-store.ts'
import { StoreError, type StoreWriteOf } from '../../../engine/ports/store.ts'
import type { Statements } from '../statements.ts'
import { type TransactionSteps, transact } from '../transaction.ts'

type Text = string | null
type Writes<Kinds extends AccountWrite['write']> = { [One in Kinds]: (write: StoreWriteOf<One>) => void }

export function accountWrites(statements: Statements): Writes<AccountWrite['write']> {
  return { ...ownerWrites(statements), ...keyWrites(statements), ...signInWrites(statements), ...notes(statements) }
}

function oneRow({ changes }: { changes: number }, otherwise: () => string): void {
  if (changes !== 1) throw new StoreError('fenced', otherwise())
}

function ownerWrites(statements: Statements): Writes<'account' | 'changeAccount'> {
  const add = statements.keep<never, [string, Text, string, string, string, Text, number]>(
    'INSERT INTO account (id, address, name, role, state, limits, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const change = statements.keep<never, [Text, string, string, string, Text, string]>(
    'UPDATE account SET address = ?, name = ?, role = ?, state = ?, limits = ? WHERE id = ?',
  )
  return {
    account({ row: { id, address, name, role, state, limits, createdMs } }) {
      add.run(id, address, name, role, state, limits, createdMs)
    },
    changeAccount({ row: { id, address, name, role, state, limits } }) {
      oneRow(change.run(address, name, role, state, limits, id), () => `there is no account ${id}`)
    },
  }
}

function keyWrites(statements: Statements): Writes<'key' | 'changeKey'> {
  const add = statements.keep<
    never,
    [
      ...[string, string, string, string, number, string, Text, number, Text, Text],
      ...[number, number | null, number | null, Text],
    ]
  >(`INSERT INTO api_key (id, role, name, digest, weight, tenant, account, generation, scopes, limits,
       created_ms, expires_ms, revoked_ms, last4)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const change = statements.keep<
    never,
    [...[string, string, number, number, Text, Text, number | null, number | null, Text], ...[string, number]]
  >(`UPDATE api_key SET name = ?, digest = ?, weight = ?, generation = ?, scopes = ?, limits = ?, expires_ms = ?,
       revoked_ms = ?, last4 = ?
     WHERE id = ? AND generation = ? AND revoked_ms IS NULL`)
  return {
    key({ row }) {
      add.run(
        ...([row.id, row.role, row.name, row.digest, row.weight, row.tenant, row.account] as const),
        ...([row.generation, row.scopes, row.limits] as const),
        ...([row.createdMs, row.expiresMs, row.revokedMs, row.last4] as const),
      )
    },
    changeKey({ row, generation }) {
      const changed = change.run(
        ...([row.name, row.digest, row.weight, row.generation, row.scopes, row.limits] as const),
        ...([row.expiresMs, row.revokedMs, row.last4, row.id, generation] as const),
      )
      oneRow(changed, () => `key ${row.id} is not there, was revoked, or is not of generation ${generation}`)
    },
  }
}

type SignInKind = 'session' | 'forgetSession' | 'loginLink' | 'useLoginLink'

function signInWrites(statements: Statements): Writes<SignInKind> {
  const put = statements.keep<never, [string, Text, Text, number | null, number, number, number]>(
    `INSERT INTO session (digest, account, key, generation, created_ms, seen_ms, expires_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (digest) DO UPDATE SET account = excluded.account, key = excluded.key,
       generation = excluded.generation, created_ms = excluded.created_ms, seen_ms = excluded.seen_ms,
       expires_ms = excluded.expires_ms`,
  )
  const forget = statements.keep<never, [string]>('DELETE FROM session WHERE digest = ?')
  const addLink = statements.keep<never, [string, string, number, number]>(
    'INSERT INTO login_link (digest, account, created_ms, expires_ms) VALUES (?, ?, ?, ?)',
  )
  const useLink = statements.keep<never, [string]>('DELETE FROM login_link WHERE digest = ?')
  return {
    session({ row: { digest, account, key, generation, createdMs, seenMs, expiresMs } }) {
      put.run(digest, account, key, generation, createdMs, seenMs, expiresMs)
    },
    forgetSession({ digest }) {
      forget.run(digest)
    },
    loginLink({ row: { digest, account, createdMs, expiresMs } }) {
      addLink.run(digest, account, createdMs, expiresMs)
    },
    useLoginLink({ digest }) {
      oneRow(useLink.run(digest), () => 'there is no such login link')
    },
  }
}

function notes(statements: Statements): Writes<'audit' | 'setting'> {
  const note = statements.keep<never, [number, string, string, string, string, Text, Text]>(
    'INSERT INTO audit (at_ms, actor, address, action, subject, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const set = statements.keep<never, [string, string]>(
    'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  )
  const unset = statements.keep<never, [string]>('DELETE FROM setting WHERE name = ?')
  return {
    audit({ row: { atMs, actor, address, action, subject, before, after } }) {
      note.run(atMs, actor, address, action, subject, before, after)
    },
    setting({ name, value }) {
      if (value === null) unset.run(name)
      else set.run(name, value)
    },
  }
}

/** Removes what is over, a bounded number of rows at a time. */
export function signInRetention(statements: Statements, steps: TransactionSteps): AccountStore['forgetSignIns'] {
  const sessions = statements.keep<never, [number, number]>(
    `DELETE FROM session WHERE seq IN
       (SELECT seq FROM session WHERE expires_ms < ? ORDER BY expires_ms LIMIT ?)`,
  )
  const links = statements.keep<never, [number, number]>(
    `DELETE FROM login_link WHERE digest IN
       (SELECT digest FROM login_link WHERE expires_ms < ? ORDER BY expires_ms LIMIT ?)`,
  )
  // Numbers grow with time, so the oldest rows are found without an index on their time.
  const audit = statements.keep<never, [number, number]>(
    'DELETE FROM audit WHERE at_ms < ? AND seq IN (SELECT seq FROM audit ORDER BY seq LIMIT ?)',
  )
  return (nowMs, auditMs, limit) =>
    transact(steps, () => {
      const signIns = sessions.run(nowMs, limit).changes + links.run(nowMs, limit).changes
      return signIns + audit.run(auditMs, limit).changes
    })
}
