/** Rows of the store with every column filled, the batches that tests make of them, and everything a store shows. */
import type {
  AccountRow,
  AuditRow,
  KeyRow,
  LoginLinkRow,
  SessionRow,
} from '../../../orchestrator/engine/ports/account-store.ts'
import {
  type IdempotencyRow,
  type IntentRow,
  type ResponseRow,
  type Store,
  StoreError,
  type StoreWrite,
  type StoreWriteOf,
  type TaskRow,
  type UsageRow,
} from '../../../orchestrator/engine/ports/store.ts'
import type { UsageTally } from '../../../orchestrator/engine/ports/usage.ts'

export const nonce = Uint8Array.from({ length: 16 }, (_, at) => at * 17)

export function keyRow(id: string, changes: Partial<KeyRow> = {}): KeyRow {
  const owner = { tenant: id, account: null, generation: 1, scopes: null, limits: null }
  const rest = { digest: `digest-${id}`, weight: 1, createdMs: 1_000, expiresMs: null, revokedMs: null, last4: 'wxyz' }
  return { id, role: 'client', name: `key ${id}`, ...owner, ...rest, ...changes }
}

export function newKey(id: string, changes: Partial<KeyRow> = {}): StoreWriteOf<'key'> {
  return { write: 'key', row: keyRow(id, changes) }
}

export function accountRow(id: string, changes: Partial<AccountRow> = {}): AccountRow {
  const rest = { address: null, name: `account ${id}`, role: 'member' as const, limits: null, createdMs: 1_000 }
  return { id, state: 'active', ...rest, ...changes }
}

export function newAccount(id: string, changes: Partial<AccountRow> = {}): StoreWriteOf<'account'> {
  return { write: 'account', row: accountRow(id, changes) }
}

export function loginLink(digest: string, changes: Partial<LoginLinkRow> = {}): StoreWriteOf<'loginLink'> {
  return { write: 'loginLink', row: { digest, account: 'acc_1', createdMs: 10, expiresMs: 30, ...changes } }
}

export function sessionRow(digest: string, changes: Partial<SessionRow> = {}): SessionRow {
  return { digest, account: 'acc_1', key: null, generation: null, createdMs: 10, seenMs: 20, expiresMs: 30, ...changes }
}

export function auditWrite(subject: string, changes: Partial<AuditRow> = {}): StoreWriteOf<'audit'> {
  const row = { atMs: 5, actor: 'console', address: '', action: 'key.made' as const, before: null, after: '{}' }
  return { write: 'audit', row: { ...row, subject, ...changes } }
}

export function intentRow(id: string, changes: Partial<IntentRow> = {}): IntentRow {
  const times = { createdMs: 1_700_000_000_000, deadlineMs: 1_700_000_600_000, finishedMs: null }
  const rest = { metadata: '{"label":"a"}', fault: null, resultNode: 'answer', budgetTokens: null, key: null }
  return { id, tenant: 'key_a', state: 'running', priority: 5, ...times, ...rest, ...changes }
}

export function taskRow(task: number, intent: string, changes: Partial<TaskRow> = {}): TaskRow {
  const plan = { task, intent, node: `node-${task}`, kind: 'chat' as const, model: 'demo', needs: '[]' }
  const lease = changes.state === 'leased' ? { nonce, scout: 'box', instance: 'i-1', attempt: 1 } : noLease
  const rest = { charged: 0, returned: 0, served: null, promptTokens: 0, completionTokens: 0, fault: null }
  const own = { stage: null, waits: null, terms: null }
  return { ...plan, state: 'ready', ...lease, ...rest, ...own, ...changes }
}

const noLease = { nonce: null, scout: null, instance: null, attempt: 0 }

/** An intent with these tasks, each with a request of its own. */
export function newIntent(intent: IntentRow, tasks: TaskRow[] = []): StoreWriteOf<'intent'> {
  return { write: 'intent', intent, tasks, requests: tasks.map(({ task }) => new TextEncoder().encode(`ask ${task}`)) }
}

export function settle(task: number, changes: Partial<StoreWriteOf<'settle'>> = {}): StoreWriteOf<'settle'> {
  const answer = { result: Uint8Array.of(1, 2, 3), served: '{"scout":"box"}', promptTokens: 11, completionTokens: 22 }
  return { write: 'settle', task, attempt: 1, nonce, ...answer, ...changes }
}

export function event(intent: string, seq: number): StoreWriteOf<'event'> {
  return {
    write: 'event',
    event: { intent, seq, type: 'planned', data: `{"n":${seq}}`, atMs: 1_700_000_000_000 + seq },
  }
}

export function usageRow(task: number, changes: Partial<UsageRow> = {}): UsageRow {
  const tokens = { promptTokens: 10, completionTokens: 20, atMs: 1_700_000_000_000 }
  const charged = { key: 'key_a', microDollars: 5, isEstimated: false }
  return { tenant: 'key_a', task, scout: 'box', provider: 'demo', model: 'demo', ...tokens, ...charged, ...changes }
}

export function usageTally(changes: Partial<UsageTally> = {}): UsageTally {
  const counts = { tasks: 1, failed: 0, promptTokens: 10, completionTokens: 20, microDollars: 5, estimated: 0 }
  return { hour: 472_222, tenant: 'key_a', key: 'key_a', model: 'demo', ...counts, ...changes }
}

export function idempotencyRow(key: string, changes: Partial<IdempotencyRow> = {}): IdempotencyRow {
  const scope = { tenant: 'key_a', route: 'POST /v1/intents', key }
  return { ...scope, bodyHash: 'ab12', createdMs: 1_700_000_000_000, status: 0, answer: null, ...changes }
}

export function responseRow(id: string, changes: Partial<ResponseRow> = {}): ResponseRow {
  const bodies = { request: Uint8Array.of(1), answer: Uint8Array.of(2) }
  return { id, tenant: 'key_a', createdMs: 1_700_000_000_000, ...bodies, intent: null, ...changes }
}

/** Everything that the port shows, but for rows that only answer to their names. */
export function contents(store: Store, idempotencyKeys: string[] = [], responses: string[] = []) {
  const intents = store.intents({ tenant: null, limit: 10_000 })
  return {
    keys: store.listKeys(),
    accounts: store.accounts({ limit: 10_000 }),
    audit: store.audit({ limit: 10_000 }),
    settings: store.settings(),
    intents: intents.map((intent) => ({
      intent,
      tasks: store.tasksOf(intent.id).map((task) => ({
        ...task,
        request: store.request(task.task),
        result: store.result(task.task),
      })),
      events: store.eventsAfter(intent.id, 0, 10_000),
    })),
    open: [...store.openIntents()],
    usage: store.usage(null),
    responses: responses.map((id) => store.response(id)),
    idempotency: idempotencyKeys.map((key) => store.idempotency('key_a', 'POST /v1/intents', key)),
  }
}

/** Commits, and says what became of it. */
export function outcome(store: Store, writes: StoreWrite[]): 'committed' | StoreError['trouble'] {
  try {
    store.commit(writes)
    return 'committed'
  } catch (error) {
    if (error instanceof StoreError) return error.trouble
    throw error
  }
}
