/**
 * One task and the life it leads. The state changes only through `move`, which asserts the table below; the fields
 * that belong to a state (leases, place in the queue) are set and cleared by whoever makes the move.
 *
 *     blocked --> ready --> leased --> done | failed | cancelled
 *      |  ^ |       ^          |
 *      |  | |       +-delayed--+        every state that is not terminal may also end in failed or cancelled
 *      |  | +--> skipped
 *      v  |
 *     conducting --> done | failed      a node that the hub itself carries out, blocked again whenever it has grown
 */
import type { TaskState } from '../../../shared/task-state.ts'
import type { Intent, Lease, ModelEntry, RoutingOptions, Task } from '../model/entities.ts'
import type { CoreState } from '../state.ts'

export const taskMoves: Record<TaskState, readonly TaskState[]> = {
  blocked: ['ready', 'deciding', 'failed', 'cancelled', 'skipped'],
  ready: ['leased', 'failed', 'cancelled'],
  delayed: ['ready', 'failed', 'cancelled'],
  leased: ['ready', 'delayed', 'done', 'failed', 'cancelled'],
  deciding: ['blocked', 'done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
  skipped: [],
}

/** Nothing asked for. */
export const defaultRouting: RoutingOptions = {
  sort: 'latency',
  only: [],
  ignore: [],
  attemptsMax: Number.MAX_SAFE_INTEGER,
  hedgeAfterMs: null,
  continues: false,
  requires: null,
}

/** One list for all that nobody had yet. */
const nobody: readonly string[] = []

/** And one for all that no other task needs; see `addChild`. */
const noTasks: Task[] = []

type Request = Pick<
  Task,
  'tenant' | 'weight' | 'priority' | 'kind' | 'model' | 'promptBytes' | 'stream' | 'routing' | 'deadlineMs'
>

/** A new task, ready and in no queue yet. The request's `deadlineMs` counts from now. */
export function newTask(
  core: CoreState,
  id: number,
  given: Request,
  entry: ModelEntry,
  intent: Intent | null,
  state: TaskState = 'ready',
): Task {
  // Field by field: a spread makes an object of another shape, which costs every later look at it.
  return {
    timed: 'task',
    // What every frame about the task looks at stands together.
    id,
    state,
    lease: null,
    hedge: null,
    entry,
    sought: 0,
    intent,
    stream: given.stream,
    contentBegan: false,
    timerSlot: -1,
    dueMs: 0,
    deadlineMs: core.nowMs + given.deadlineMs,
    promptBytes: given.promptBytes,
    attempt: 0,
    charged: 0,
    returned: 0,
    outrun: 0,
    routing: given.routing,
    tenant: given.tenant,
    weight: given.weight,
    priority: given.priority,
    kind: given.kind,
    model: given.model,
    submittedMs: core.nowMs,
    queuedMs: core.nowMs,
    firstLeasedMs: 0,
    retryMs: 0,
    migrations: 0,
    triedScouts: nobody,
    triedOperators: nobody,
    lastFault: null,
    control: false,
    blockers: 0,
    children: noTasks,
    ownDeadlineMs: Number.POSITIVE_INFINITY,
    near: '',
    chain: 0,
    heapIndex: -1,
    sequence: core.sequence++,
  }
}

/** Notes that `child` needs this task. */
export function addChild(task: Task, child: Task): void {
  if (task.children === noTasks) task.children = [child]
  else task.children.push(child)
}

/** Notes that the scout of this lease has had the task, so that another attempt goes elsewhere where it can. */
export function noteTried(task: Task, { scout, operator }: Lease): void {
  task.triedScouts = withName(task.triedScouts, scout)
  if (operator !== '') task.triedOperators = withName(task.triedOperators, operator)
}

/** Each name once: placement compares how many have tried with how many there are. */
function withName(tried: readonly string[], name: string): readonly string[] {
  return tried.length === 0 ? [name] : tried.includes(name) ? tried : [...tried, name]
}

/** The only way a task changes its state. */
export function move(task: Task, to: TaskState): void {
  if (!taskMoves[task.state].includes(to)) throw new Error(`task ${task.id}: ${task.state} -> ${to} is no legal move`)
  task.state = to
}

export function isTerminal(task: Task): boolean {
  return taskMoves[task.state].length === 0
}
