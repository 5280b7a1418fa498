/**
 * Queries about intents as SQL, returned in the port's own rows. Listings never read a body: requests and results are
 * in tables of their own. What may be long is read in pages, each finished before it is returned, so that no read
 * transaction stays open while others write.
 */
import { usageSumMax } from '../../../shared/limits/answers.ts'
import type { IntentState } from '../../../shared/task-state.ts'
import type {
  EventRow,
  IdempotencyRow,
  IdempotencyStore,
  IntentFilter,
  IntentRow,
  IntentStore,
  OpenIntent,
  ResponseRow,
  ResponseStore,
  SummedIntent,
  TaskRow,
  UsageStore,
  UsageSum,
} from '../../engine/ports/store.ts'
import type { Statements } from './statements.ts'

const intentColumns = `intent.id, intent.tenant, intent.state, intent.priority, intent.created_ms AS createdMs,
  intent.deadline_ms AS deadlineMs, intent.finished_ms AS finishedMs, intent.metadata, intent.fault,
  intent.result_node AS resultNode, intent.budget_tokens AS budgetTokens, intent.key`

const taskColumns = `task.task, intent.id AS intent, task.node, task.kind, task.model, task.needs, task.state,
  task.attempt, task.charged, task.returned, task.nonce, task.scout, task.instance, task.served,
  task.prompt_tokens AS promptTokens, task.completion_tokens AS completionTokens, task.fault, task.stage,
  task.waits, task.terms`

/** SQLite knows the length of a blob without reading it. */
const requestBytes = `coalesce(length(request.body), length(ahead.body), -1) AS requestBytes`
const requestTables = `LEFT JOIN request ON request.task = task.task
  LEFT JOIN request_ahead AS ahead ON ahead.task = task.task`

/** SQLite's `sum` fails where whole numbers overflow; this stops there. */
const sumOf = (column: string) => `CAST(min(${usageSumMax}, total(${column})) AS INTEGER)`

const tokenSums = `${sumOf('task.prompt_tokens')} AS promptTokens,
  ${sumOf('task.completion_tokens')} AS completionTokens`

const usageSums = `model, ${sumOf('tasks')} AS tasks, ${sumOf('prompt_tokens')} AS promptTokens,
  ${sumOf('completion_tokens')} AS completionTokens`

const lastSeq = 'coalesce((SELECT max(event.seq) FROM event WHERE event.intent_seq = intent.seq), 0) AS lastSeq'

/** Open intents read at once at boot. */
const openPageRows = 1_000

type Reads = Omit<IntentStore, 'inHand' | 'noteInHand' | 'owedDeaths' | 'noteDeaths'> &
  IdempotencyStore &
  ResponseStore &
  Pick<UsageStore, 'usage'>

export function sqliteReads(statements: Statements): Reads {
  const intent = statements.keep<IntentRow, [string]>(`SELECT ${intentColumns} FROM intent WHERE id = ?`)
  const tasksOf = statements.keep<TaskRow, [string]>(
    `SELECT ${taskColumns} FROM intent JOIN task ON task.intent_seq = intent.seq
     WHERE intent.id = ? ORDER BY task.place`,
  )
  const request = statements.keep<{ body: Uint8Array }, [number]>(
    `SELECT body FROM request WHERE task = ?1
     UNION ALL SELECT ahead.body FROM request_ahead AS ahead JOIN task ON task.task = ahead.task WHERE ahead.task = ?1`,
  )
  const result = statements.keep<{ body: Uint8Array }, [number]>('SELECT body FROM result WHERE task = ?')
  const committed = statements.keep<{ task: number }, [number, number, Uint8Array]>(
    `SELECT task FROM task WHERE task = ? AND state = 'done' AND attempt = ? AND nonce = ?`,
  )
  const eventsAfter = statements.keep<EventRow, [string, number, number]>(
    `SELECT intent.id AS intent, event.seq, event.type, event.data, event.at_ms AS atMs
     FROM intent JOIN event ON event.intent_seq = intent.seq
     WHERE intent.id = ? AND event.seq > ? ORDER BY event.seq LIMIT ?`,
  )
  const response = statements.keep<ResponseRow, [string]>(
    `SELECT response.id, response.tenant, response.created_ms AS createdMs, response.request, response.answer,
       intent.id AS intent
     FROM response LEFT JOIN intent ON intent.seq = response.intent_seq WHERE response.id = ?`,
  )
  const unkept = statements.keep<{ intent: string }, []>(
    `SELECT intent.id AS intent FROM response JOIN intent ON intent.seq = response.intent_seq
     WHERE response.intent_seq IS NOT NULL AND length(response.request) = 0 ORDER BY intent.seq`,
  )
  const idempotency = statements.keep<IdempotencyRow, [string, string, string]>(
    `SELECT tenant, route, key, body_hash AS bodyHash, created_ms AS createdMs, status, answer
     FROM idempotency WHERE tenant = ? AND route = ? AND key = ?`,
  )
  const usageOf = statements.keep<Omit<UsageSum, 'tenant'>, [string]>(
    `SELECT ${usageSums} FROM usage_sum WHERE tenant = ? GROUP BY model ORDER BY model`,
  )
  const usageOfAll = statements.keep<Omit<UsageSum, 'tenant'>, []>(
    `SELECT ${usageSums} FROM usage_sum GROUP BY model ORDER BY model`,
  )
  const deaths = statements.keep<{ id: string; deaths: number }, []>(
    'SELECT intent.id, suspect.deaths FROM suspect JOIN intent ON intent.seq = suspect.intent_seq',
  )
  return {
    intent: (id) => intent.get(id) ?? undefined,
    tasksOf: (id) => tasksOf.all(id),
    request: (task) => request.get(task)?.body,
    result: (task) => result.get(task)?.body,
    isCommitted: (task, attempt, nonce) => committed.get(task, attempt, nonce) !== null,
    eventsAfter: (id, seq, limit) => eventsAfter.all(id, seq, limit),
    idempotency: (tenant, route, key) => idempotency.get(tenant, route, key) ?? undefined,
    response: (id) => response.get(id) ?? undefined,
    unkept: () => unkept.all().map(({ intent }) => intent),
    usage: (tenant) => (tenant === null ? usageOfAll.all() : usageOf.all(tenant)),
    intents: listing(statements),
    openIntents: openIntents(statements),
    openIntent: openIntent(statements),
    deaths: () => new Map(deaths.all().map(({ id, deaths: count }) => [id, count])),
  }
}

/** One statement per shape of filter, each a walk down one index. */
function listing(statements: Statements): (filter: IntentFilter) => SummedIntent[] {
  const newest = (where: string) =>
    `SELECT ${intentColumns}, ${tokenSums}
     FROM (SELECT * FROM intent WHERE ${where} AND seq < ? ORDER BY seq DESC LIMIT ?) AS intent
       LEFT JOIN task ON task.intent_seq = intent.seq
     GROUP BY intent.seq ORDER BY intent.seq DESC`
  const all = statements.keep<SummedIntent, [number, number]>(newest('TRUE'))
  const inState = statements.keep<SummedIntent, [IntentState, number, number]>(newest('state = ?'))
  const ofTenant = statements.keep<SummedIntent, [string, number, number]>(newest('tenant = ?'))
  const ofTenantInState = statements.keep<SummedIntent, [string, IntentState, number, number]>(
    newest('tenant = ? AND state = ?'),
  )
  const place = statements.keep<{ seq: number }, [string]>('SELECT seq FROM intent WHERE id = ?')
  return ({ tenant, state, before, limit }) => {
    const below = before === undefined ? Number.MAX_SAFE_INTEGER : (place.get(before)?.seq ?? 0)
    if (tenant === null) return state === undefined ? all.all(below, limit) : inState.all(state, below, limit)
    if (state === undefined) return ofTenant.all(tenant, below, limit)
    return ofTenantInState.all(tenant, state, below, limit)
  }
}

function openIntent(statements: Statements): IntentStore['openIntent'] {
  const intent = statements.keep<IntentRow & { lastSeq: number }, [string]>(
    `SELECT ${intentColumns}, ${lastSeq} FROM intent WHERE id = ?`,
  )
  const tasks = statements.keep<TaskRow & { requestBytes: number }, [string]>(
    `SELECT ${taskColumns}, ${requestBytes}
     FROM intent JOIN task ON task.intent_seq = intent.seq ${requestTables}
     WHERE intent.id = ? ORDER BY task.place`,
  )
  return (id) => {
    const found = intent.get(id)
    if (found === null) return undefined
    const { lastSeq: last, ...row } = found
    const sized = tasks.all(id)
    const requestBytes = sized.map((task) => task.requestBytes)
    return { intent: row, tasks: sized.map(({ requestBytes: _, ...task }) => task), requestBytes, lastSeq: last }
  }
}

function openIntents(statements: Statements): () => Generator<OpenIntent> {
  const page = statements.keep<IntentRow & { seq: number; lastSeq: number }, [number, number]>(
    `SELECT ${intentColumns}, seq, ${lastSeq}
     FROM intent WHERE state = 'running' AND seq > ? ORDER BY seq LIMIT ?`,
  )
  const tasksOfPage = statements.keep<TaskRow & { requestBytes: number }, [number, number]>(
    `SELECT ${taskColumns}, ${requestBytes}
     FROM intent JOIN task ON task.intent_seq = intent.seq ${requestTables}
     WHERE intent.state = 'running' AND intent.seq > ? AND intent.seq <= ? ORDER BY intent.seq, task.place`,
  )
  return function* () {
    let after = 0
    for (;;) {
      const intents = page.all(after, openPageRows)
      const last = intents.at(-1)
      if (last === undefined) return
      const tasks = tasksOfPage.all(after, last.seq)
      after = last.seq
      let begin = 0
      for (const { seq: _, lastSeq, ...intent } of intents) {
        let end = begin
        while (tasks[end]?.intent === intent.id) end += 1
        const sized = tasks.slice(begin, end)
        const requestBytes = sized.map((task) => task.requestBytes)
        yield { intent, tasks: sized.map(({ requestBytes: _, ...task }) => task), requestBytes, lastSeq }
        begin = end
      }
    }
  }
}
