/**
 * Looks into the database that a hub left behind and counts what was promised and not kept. It reads the tables
 * themselves, so that it does not depend on the code that it checks.
 */
import { Database } from 'bun:sqlite'

export interface Findings {
  intents: number
  tasks: number
  attempts: number
  /** Acknowledged ids that are not in the database. */
  lost: number
  /** Acknowledged intents that did not get done. */
  undone: number
  /** Tasks with more than one settlement, result or booking, and done tasks without them; intents with two ends. */
  doubled: number
  /** Keys with more than one intent. */
  repeated: number
  /** Attempts of nodes that were over already, and of nodes whose needs were not. */
  again: number
  early: number
}

/** `acknowledged` are the ids that clients were given. The hub must be over. */
export function audit(path: string, acknowledged: Iterable<string>): Findings {
  const db = new Database(path)
  const count = (sql: string) => db.prepare<{ n: number }, []>(sql).get()!.n
  try {
    const states = new Map<string, string>()
    for (const { id, state } of db.prepare<{ id: string; state: string }, []>('SELECT id, state FROM intent').all()) {
      states.set(id, state)
    }
    const promised = [...acknowledged]
    return {
      intents: states.size,
      tasks: count('SELECT count(*) AS n FROM task'),
      attempts: count('SELECT coalesce(sum(attempt), 0) AS n FROM task'),
      lost: promised.filter((id) => !states.has(id)).length,
      undone: promised.filter((id) => states.get(id) !== 'done').length,
      doubled: count(settledWrongly) + count(bookedWrongly) + count(endedWrongly),
      repeated: count('SELECT count(*) AS n FROM intent') - count('SELECT count(*) AS n FROM idempotency'),
      again: count(startedAgain),
      early: count(startedEarly),
    }
  } finally {
    db.close()
  }
}

/** By the events that readers were shown: one settlement for each task that is over, none for the others. */
const settledWrongly = `SELECT count(*) AS n FROM task LEFT JOIN (
    SELECT intent_seq, json_extract(data, '$.node') AS node, count(*) AS told FROM event
    WHERE type = 'task_settled' GROUP BY 1, 2
  ) AS settled ON settled.intent_seq = task.intent_seq AND settled.node = task.node
  WHERE coalesce(told, 0) != (task.state IN ('done', 'failed', 'cancelled', 'skipped'))`

const bookedWrongly = `SELECT count(*) AS n FROM task
  WHERE (SELECT count(*) FROM result WHERE result.task = task.task) != (task.state = 'done')
  OR (SELECT count(*) FROM usage WHERE usage.task = task.task) != (task.state = 'done' AND task.stage IS NULL)`

/** Attempts as readers were shown them, and ends, each with its place in the order of its intent. */
const told = `WITH started AS (
    SELECT intent_seq, seq, json_extract(data, '$.node') AS node FROM event WHERE type = 'task_started'
  ), settled AS (
    SELECT intent_seq, seq, json_extract(data, '$.node') AS node FROM event WHERE type = 'task_settled'
  )`

const startedAgain = `${told} SELECT count(*) AS n FROM started JOIN settled USING (intent_seq, node)
  WHERE started.seq > settled.seq`

const startedEarly = `${told}, needed AS (
    SELECT task.intent_seq, task.node, need.value AS need FROM task, json_each(task.needs) AS need
  )
  SELECT count(*) AS n FROM started JOIN needed USING (intent_seq, node)
  LEFT JOIN settled ON settled.intent_seq = started.intent_seq AND settled.node = needed.need
  WHERE coalesce(settled.seq, 9e9) > started.seq`

const endedWrongly = `SELECT count(*) AS n FROM intent
  WHERE (SELECT count(*) FROM event WHERE event.intent_seq = intent.seq AND type = 'done') != (state != 'running')`
