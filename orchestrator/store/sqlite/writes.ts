/**
 * Every kind of write of the port as SQL. Each runs inside the transaction of its batch; a write whose condition does
 * not hold throws `fenced` and so takes the whole batch back. The condition is part of the statement itself, and the
 * count of changed rows shows whether it held.
 */
import { StoreError, type StoreWrite, type StoreWriteOf } from '../../engine/ports/store.ts'
import { accountWrites } from './accounts/account-writes.ts'
import { sharedKeyWrites } from './accounts/shared-keys.ts'
import { ledgerWrites } from './ledger/ledger-tables.ts'
import { snapshotWrites } from './ledger/snapshot-tables.ts'
import type { Statements } from './statements.ts'
import { disputeWrites } from './trust/dispute-tables.ts'
import { trustWrites } from './trust/trust-tables.ts'
import { reportWrites } from './usage/report-tables.ts'
import { type Unbooked, usageWrites } from './usage/usage-writes.ts'

type Kind = StoreWrite['write']

/** One function per kind of write. */
type Writes<Kinds extends Kind> = { [One in Kinds]: (write: StoreWriteOf<One>) => void }

/** Performs one write of any kind. Must be called inside a transaction. */
export function sqliteWriter(statements: Statements, unbooked: Unbooked): (write: StoreWrite) => void {
  const writes: Writes<Kind> = {
    ...intentWrites(statements),
    ...taskWrites(statements),
    ...settlement(statements),
    ...controlWrites(statements),
    ...aheadWrites(statements),
    ...retryWrites(statements),
    ...usageWrites(statements, unbooked),
    ...reportWrites(statements),
    ...blameWrites(statements),
    ...idempotencyWrites(statements),
    ...responseWrites(statements),
    ...accountWrites(statements),
    ...ledgerWrites(statements),
    ...snapshotWrites(statements),
    ...trustWrites(statements),
    ...sharedKeyWrites(statements),
    ...disputeWrites(statements),
  }
  return (write) => (writes[write.write] as (write: StoreWrite) => void)(write)
}

/** `otherwise` returns the text about the condition that did not hold. */
function oneRow({ changes }: { changes: number }, otherwise: () => string): void {
  if (changes !== 1) throw new StoreError('fenced', otherwise())
}

type Nullable = string | null

function intentWrites(statements: Statements): Writes<'intent' | 'intentEnd' | 'event'> {
  const addIntent = statements.keep<
    never,
    [string, string, string, number, number, number, number | null, string, Nullable, string, number | null, Nullable]
  >(`INSERT INTO intent (id, tenant, state, priority, created_ms, deadline_ms, finished_ms, metadata, fault,
       result_node, budget_tokens, key)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const addTask = taskInsert(statements)
  const endIntent = statements.keep<never, [string, Nullable, number, string]>(
    `UPDATE intent SET state = ?, fault = ?, finished_ms = ? WHERE id = ? AND state = 'running'`,
  )
  const addEvent = statements.keep<never, [string, number, string, string, number]>(
    `INSERT INTO event (intent_seq, seq, type, data, at_ms)
     SELECT intent.seq, ?2, ?3, ?4, ?5 FROM intent WHERE intent.id = ?1
     AND ?2 = 1 + coalesce((SELECT max(event.seq) FROM event WHERE event.intent_seq = intent.seq), 0)`,
  )
  return {
    intent({ intent: row, tasks, requests }) {
      if (tasks.length !== requests.length) {
        throw new StoreError('fenced', `intent ${row.id}: ${tasks.length} tasks with ${requests.length} requests`)
      }
      const times = [row.createdMs, row.deadlineMs, row.finishedMs] as const
      const { lastInsertRowid } = addIntent.run(
        ...([row.id, row.tenant, row.state, row.priority] as const),
        ...times,
        ...([row.metadata, row.fault, row.resultNode, row.budgetTokens, row.key] as const),
      )
      for (const [place, task] of tasks.entries()) addTask(Number(lastInsertRowid), place, task, requests[place]!)
    },
    intentEnd({ intent, state, fault, finishedMs }) {
      oneRow(endIntent.run(state, fault, finishedMs, intent), () => `intent ${intent} is not running`)
    },
    event({ event: { intent, seq, type, data, atMs } }) {
      const otherwise = () => `${seq} is not the number of the next event of intent ${intent}`
      oneRow(addEvent.run(intent, seq, type, data, atMs), otherwise)
    },
  }
}

type NewTask = StoreWriteOf<'intent'>['tasks'][number]

function taskInsert(statements: Statements) {
  const columns = [
    'task, intent_seq, place, node, kind, model, needs, state, attempt, charged, returned',
    'nonce, scout, instance, served, prompt_tokens, completion_tokens, fault, stage, waits, terms',
  ].join(', ')
  const addTask = statements.keep<
    never,
    [
      ...[number, number, number, string, string, string, string, string, number, number, number],
      ...[Uint8Array | null, Nullable, Nullable, Nullable, number, number, Nullable],
      ...[number | null, Nullable, Nullable],
    ]
  >(`INSERT INTO task (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const addRequest = statements.keep<never, [number, Uint8Array]>('INSERT INTO request (task, body) VALUES (?, ?)')
  const ahead = statements.keep<{ task: number }, [number]>('SELECT task FROM request_ahead WHERE task = ?')
  return (intentSeq: number, place: number, row: NewTask, request: Uint8Array | null) => {
    if (request === null && ahead.get(row.task) === null) {
      throw new StoreError('fenced', `task ${row.task} joins without a request`)
    }
    addTask.run(
      ...([row.task, intentSeq, place, row.node, row.kind, row.model, row.needs] as const),
      ...([row.state, row.attempt, row.charged, row.returned, row.nonce, row.scout, row.instance] as const),
      ...([row.served, row.promptTokens, row.completionTokens, row.fault] as const),
      ...([row.stage, row.waits, row.terms] as const),
    )
    if (request !== null) addRequest.run(row.task, request)
  }
}

function aheadWrites(statements: Statements): Writes<'requestsAhead' | 'forgetRequestsAhead'> {
  const add = statements.keep<never, [number, Uint8Array]>('INSERT INTO request_ahead (task, body) VALUES (?, ?)')
  const forget = statements.keep<never, [number]>(
    'DELETE FROM request_ahead WHERE task = ?1 AND NOT EXISTS (SELECT 1 FROM task WHERE task = ?1)',
  )
  return {
    requestsAhead({ tasks, requests }) {
      if (tasks.length !== requests.length) {
        throw new StoreError('fenced', `${tasks.length} tasks with ${requests.length} requests ahead`)
      }
      for (const [at, task] of tasks.entries()) add.run(task, requests[at]!)
    },
    forgetRequestsAhead({ tasks }) {
      for (const task of tasks) forget.run(task)
    },
  }
}

/** A task that nobody has leased any more. */
const noLease = 'nonce = NULL, scout = NULL, instance = NULL'

function taskWrites(statements: Statements): Writes<'lease' | 'release' | 'unblock' | 'end'> {
  const lease = statements.keep<never, [number, Uint8Array, string, string, number]>(
    `UPDATE task SET state = 'leased', attempt = ?, nonce = ?, scout = ?, instance = ?
     WHERE task = ? AND state = 'ready'`,
  )
  const release = statements.keep<never, [number, number, number, number]>(
    `UPDATE task SET state = 'ready', ${noLease}, charged = ?, returned = ?
     WHERE task = ? AND state = 'leased' AND attempt = ?`,
  )
  const unblock = statements.keep<never, [number]>(
    `UPDATE task SET state = 'ready' WHERE task = ? AND state = 'blocked'`,
  )
  const end = statements.keep<never, [string, number, Nullable, number]>(
    `UPDATE task SET state = ?, ${noLease}, charged = ?, fault = ?
     WHERE task = ? AND state IN ('blocked', 'ready', 'leased')`,
  )
  return {
    lease({ task, attempt, nonce, scout, instance }) {
      oneRow(lease.run(attempt, nonce, scout, instance, task), () => `task ${task} is not ready`)
    },
    release({ task, attempt, charged, returned }) {
      const otherwise = () => `task ${task} is not leased with attempt ${attempt}`
      oneRow(release.run(charged, returned, task, attempt), otherwise)
    },
    unblock({ task }) {
      oneRow(unblock.run(task), () => `task ${task} is not blocked`)
    },
    end({ task, state, charged, fault }) {
      oneRow(end.run(state, charged, fault, task), () => `task ${task} is unknown or has ended`)
    },
  }
}

function settlement(statements: Statements): Writes<'settle'> {
  const settle = statements.keep<never, [string, number, number, number, number, Uint8Array]>(
    `UPDATE task SET state = 'done', scout = NULL, instance = NULL, served = ?, prompt_tokens = ?, completion_tokens = ?
     WHERE task = ? AND state = 'leased' AND attempt = ? AND nonce = ?`,
  )
  const addResult = statements.keep<never, [number, Uint8Array]>('INSERT INTO result (task, body) VALUES (?, ?)')
  return {
    settle({ task, attempt, nonce, result, served, promptTokens, completionTokens }) {
      const otherwise = () => `task ${task} is not leased with attempt ${attempt} and this nonce`
      oneRow(settle.run(served, promptTokens, completionTokens, task, attempt, nonce), otherwise)
      addResult.run(task, result)
    },
  }
}

function controlWrites(statements: Statements): Writes<'decide' | 'expand'> {
  const decide = statements.keep<never, [number, number]>(
    `UPDATE task SET state = 'done' WHERE task = ? AND state = 'blocked' AND stage = ?`,
  )
  const addResult = statements.keep<never, [number, Uint8Array]>('INSERT INTO result (task, body) VALUES (?, ?)')
  const expand = statements.keep<never, [string, number, number]>(
    `UPDATE task SET stage = stage + 1, waits = ? WHERE task = ? AND state = 'blocked' AND stage = ?`,
  )
  const end = statements.keep<{ intentSeq: number; place: number }, [number]>(
    `SELECT intent_seq AS intentSeq, max(place) + 1 AS place FROM task
     WHERE intent_seq = (SELECT intent_seq FROM task WHERE task = ?)`,
  )
  const addTask = taskInsert(statements)
  const otherwise = (task: number, stage: number) => () => `task ${task} is no control node or not at stage ${stage}`
  return {
    decide({ task, stage, result }) {
      oneRow(decide.run(task, stage), otherwise(task, stage))
      addResult.run(task, result)
    },
    expand({ task, stage, waits, tasks, requests }) {
      if (tasks.length !== requests.length) {
        throw new StoreError('fenced', `task ${task} expands by ${tasks.length} tasks with ${requests.length} requests`)
      }
      oneRow(expand.run(waits, task, stage), otherwise(task, stage))
      const { intentSeq, place } = end.get(task)!
      for (const [at, row] of tasks.entries()) addTask(intentSeq, place + at, row, requests[at]!)
    },
  }
}

function retryWrites(statements: Statements): Writes<'retry'> {
  const reopen = statements.keep<never, [number, string]>(
    `UPDATE intent SET state = 'running', fault = NULL, finished_ms = NULL, deadline_ms = ?
     WHERE id = ? AND state != 'running'`,
  )
  const revive = statements.keep<never, [string, number, string]>(
    `UPDATE task SET state = ?, charged = 0, returned = 0, fault = NULL
     WHERE task = ? AND state IN ('failed', 'cancelled', 'skipped')
       AND intent_seq = (SELECT seq FROM intent WHERE id = ?)`,
  )
  return {
    retry({ intent, deadlineMs, tasks }) {
      oneRow(reopen.run(deadlineMs, intent), () => `intent ${intent} is not over`)
      for (const { task, state } of tasks) {
        oneRow(revive.run(state, task, intent), () => `task ${task} is not over, or done, or of another intent`)
      }
    },
  }
}

function blameWrites(statements: Statements): Writes<'blame'> {
  const note = statements.keep<never, [number, string]>(
    `INSERT INTO suspect (intent_seq, deaths) SELECT seq, ? FROM intent WHERE id = ?
     ON CONFLICT (intent_seq) DO UPDATE SET deaths = max(deaths, excluded.deaths)`,
  )
  return {
    blame({ intent, deaths }) {
      note.run(deaths, intent)
    },
  }
}

function idempotencyWrites(statements: Statements): Writes<'idempotency' | 'forgetIdempotency'> {
  const put = statements.keep<never, [string, string, string, string, number, number, Uint8Array | null]>(
    `INSERT INTO idempotency (tenant, route, key, body_hash, created_ms, status, answer) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, route, key) DO UPDATE SET body_hash = excluded.body_hash,
       created_ms = excluded.created_ms, status = excluded.status, answer = excluded.answer`,
  )
  const forget = statements.keep<never, [string, string, string]>(
    'DELETE FROM idempotency WHERE tenant = ? AND route = ? AND key = ?',
  )
  return {
    idempotency({ row: { tenant, route, key, bodyHash, createdMs, status, answer } }) {
      put.run(tenant, route, key, bodyHash, createdMs, status, answer)
    },
    forgetIdempotency({ tenant, route, key }) {
      forget.run(tenant, route, key)
    },
  }
}

function responseWrites(statements: Statements): Writes<'response' | 'forgetResponse' | 'forgetIntent' | 'dropIntent'> {
  const put = statements.keep<never, [string, string, number, Uint8Array, Uint8Array | null, Nullable]>(
    `INSERT INTO response (id, tenant, created_ms, request, answer, intent_seq)
     SELECT ?1, ?2, ?3, ?4, ?5, (SELECT seq FROM intent WHERE id = ?6)
     WHERE ?6 IS NULL OR EXISTS (SELECT 1 FROM intent WHERE id = ?6)
     ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, created_ms = excluded.created_ms,
       request = excluded.request, answer = excluded.answer, intent_seq = excluded.intent_seq`,
  )
  const forget = statements.keep<never, [string]>('DELETE FROM response WHERE id = ?')
  const forgetIntent = statements.keep<never, [string]>(`DELETE FROM intent WHERE id = ? AND state != 'running'`)
  const dropIntent = statements.keep<never, [string]>('DELETE FROM intent WHERE id = ?')
  return {
    response({ row: { id, tenant, createdMs, request, answer, intent } }) {
      put.run(id, tenant, createdMs, request, answer, intent)
    },
    forgetResponse({ id }) {
      forget.run(id)
    },
    forgetIntent({ intent }) {
      forgetIntent.run(intent)
    },
    dropIntent({ intent }) {
      dropIntent.run(intent)
    },
  }
}
