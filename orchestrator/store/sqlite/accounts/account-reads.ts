/**
 * Queries about accounts, keys, sessions, login links, the audit log and settings as SQL, returned in the port's own
 * rows. Each is one statement over an index; lists have a limit.
 */
import type {
  AccountRow,
  AccountStore,
  AuditRow,
  KeyRow,
  LoginLinkRow,
  SessionRow,
} from '../../../engine/ports/account-store.ts'
import type { Statements } from '../statements.ts'

const accountColumns = 'id, address, name, role, state, limits, created_ms AS createdMs'
const keyColumns = `id, role, name, digest, weight, tenant, account, generation, scopes, limits,
  created_ms AS createdMs, expires_ms AS expiresMs, revoked_ms AS revokedMs, last4`
const sessionColumns = `digest, account, key, generation, created_ms AS createdMs, seen_ms AS seenMs,
  expires_ms AS expiresMs`
const auditColumns = 'seq, at_ms AS atMs, actor, address, action, subject, before, after'

/** More than every number of a row. */
const noBound = Number.MAX_SAFE_INTEGER

type Reads = Omit<AccountStore, 'forgetSignIns'>

export function accountReads(statements: Statements): Reads {
  return { ...keyReads(statements), ...ownerReads(statements), ...signInReads(statements), ...auditReads(statements) }
}

/** Rows of a page are below the row of `before`: below none when it is unknown, anywhere without it. */
function belowIn(table: string): string {
  return `seq < CASE WHEN ?1 IS NULL THEN ${noBound} ELSE (SELECT seq FROM ${table} WHERE id = ?1) END`
}

type KeyReads = Pick<Reads, 'keyByDigest' | 'keyById' | 'listKeys' | 'keys' | 'keysOfAccount' | 'keysExpiring'>

function keyReads(statements: Statements): KeyReads {
  const byDigest = statements.keep<KeyRow, [string]>(`SELECT ${keyColumns} FROM api_key WHERE digest = ?`)
  const byId = statements.keep<KeyRow, [string]>(`SELECT ${keyColumns} FROM api_key WHERE id = ?`)
  const all = statements.keep<KeyRow, []>(`SELECT ${keyColumns} FROM api_key ORDER BY seq`)
  const page = statements.keep<KeyRow, [string | null, number]>(
    `SELECT ${keyColumns} FROM api_key WHERE ${belowIn('api_key')} ORDER BY seq DESC LIMIT ?2`,
  )
  const pageOf = statements.keep<KeyRow, [string | null, number, string]>(
    `SELECT ${keyColumns} FROM api_key WHERE tenant = ?3 AND ${belowIn('api_key')} ORDER BY seq DESC LIMIT ?2`,
  )
  const ofAccount = statements.keep<KeyRow, [string]>(
    `SELECT ${keyColumns} FROM api_key WHERE account = ? AND revoked_ms IS NULL ORDER BY seq`,
  )
  const expiring = statements.keep<{ id: string }, [number, number]>(
    'SELECT id FROM api_key WHERE expires_ms > ? AND expires_ms <= ? AND revoked_ms IS NULL ORDER BY expires_ms',
  )
  return {
    keyByDigest: (digest) => byDigest.get(digest) ?? undefined,
    keyById: (id) => byId.get(id) ?? undefined,
    listKeys: () => all.all(),
    keysOfAccount: (account) => ofAccount.all(account),
    keysExpiring: (afterMs, untilMs) => expiring.all(afterMs, untilMs).map(({ id }) => id),
    keys({ tenant, before, limit }) {
      return tenant === null ? page.all(before ?? null, limit) : pageOf.all(before ?? null, limit, tenant)
    },
  }
}

type OwnerReads = Pick<Reads, 'account' | 'accountByAddress' | 'operatorAccount' | 'accounts' | 'settings'>

function ownerReads(statements: Statements): OwnerReads {
  const byId = statements.keep<AccountRow, [string]>(`SELECT ${accountColumns} FROM account WHERE id = ?`)
  const byAddress = statements.keep<AccountRow, [string]>(`SELECT ${accountColumns} FROM account WHERE address = ?`)
  const operator = statements.keep<AccountRow, []>(
    `SELECT ${accountColumns} FROM account
     WHERE state = 'active' AND role = 'admin' AND address IS NULL ORDER BY seq LIMIT 1`,
  )
  const page = statements.keep<AccountRow, [string | null, number]>(
    `SELECT ${accountColumns} FROM account WHERE ${belowIn('account')} ORDER BY seq DESC LIMIT ?2`,
  )
  const pageOf = statements.keep<AccountRow, [string | null, number, string]>(
    `SELECT ${accountColumns} FROM account WHERE state = ?3 AND ${belowIn('account')} ORDER BY seq DESC LIMIT ?2`,
  )
  const settings = statements.keep<{ name: string; value: string }, []>('SELECT name, value FROM setting ORDER BY name')
  return {
    account: (id) => byId.get(id) ?? undefined,
    accountByAddress: (address) => byAddress.get(address) ?? undefined,
    operatorAccount: () => operator.get() ?? undefined,
    accounts({ state, before, limit }) {
      return state === undefined ? page.all(before ?? null, limit) : pageOf.all(before ?? null, limit, state)
    },
    settings: () => new Map(settings.all().map(({ name, value }) => [name, value])),
  }
}

function signInReads(statements: Statements): Pick<Reads, 'session' | 'sessionsOf' | 'loginLink'> {
  const session = statements.keep<SessionRow, [string]>(`SELECT ${sessionColumns} FROM session WHERE digest = ?`)
  const ofAccount = statements.keep<SessionRow, [string]>(
    `SELECT ${sessionColumns} FROM session WHERE account = ? ORDER BY seq`,
  )
  const ofKey = statements.keep<SessionRow, [string]>(
    `SELECT ${sessionColumns} FROM session WHERE key = ? ORDER BY seq`,
  )
  const link = statements.keep<LoginLinkRow, [string]>(
    'SELECT digest, account, created_ms AS createdMs, expires_ms AS expiresMs FROM login_link WHERE digest = ?',
  )
  return {
    session: (digest) => session.get(digest) ?? undefined,
    sessionsOf: (owner) => ('account' in owner ? ofAccount.all(owner.account) : ofKey.all(owner.key)),
    loginLink: (digest) => link.get(digest) ?? undefined,
  }
}

function auditReads(statements: Statements): Pick<Reads, 'audit' | 'auditAfter' | 'lastAuditSeq' | 'foreignCommits'> {
  const page = statements.keep<AuditRow, [number, number]>(
    `SELECT ${auditColumns} FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?`,
  )
  const pageOf = statements.keep<AuditRow, [number, number, string]>(
    `SELECT ${auditColumns} FROM audit WHERE seq < ?1 AND subject = ?3 ORDER BY seq DESC LIMIT ?2`,
  )
  const after = statements.keep<AuditRow, [number, number]>(
    `SELECT ${auditColumns} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`,
  )
  const last = statements.keep<{ seq: number }, []>('SELECT coalesce(max(seq), 0) AS seq FROM audit')
  const version = statements.keep<{ data_version: number }, []>('PRAGMA data_version')
  return {
    audit({ subject, before = noBound, limit }) {
      return subject === undefined ? page.all(before, limit) : pageOf.all(before, limit, subject)
    },
    auditAfter: (seq, limit) => after.all(seq, limit),
    lastAuditSeq: () => last.get()!.seq,
    foreignCommits: () => version.get()!.data_version,
  }
}
