/**
 * Makes tasks: of a client's request, or of an intent. Every task is made here, field by field and in this order: a
 * spread would make objects of other shapes, which costs every later access.
 */

import type { TaskState } from '../../../shared/task-state.ts'
import type { Intent, ModelEntry, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'

/** One list for all tasks that no scout has had. */
const nobody: readonly string[] = []
/** And one for all that no other task needs; see `addChild`. */
const noTasks: Task[] = []

type Request = Pick<
  Task,
  'tenant' | 'weight' | 'priority' | 'kind' | 'model' | 'promptBytes' | 'stream' | 'routing' | 'deadlineMs'
>

/** A new task, in no table or queue yet. The request's `deadlineMs` counts from now. */
export function newTask(
  core: CoreState,
  id: number,
  request: Request,
  entry: ModelEntry,
  intent: Intent | null,
  state: TaskState = 'ready',
): Task {
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
    stream: request.stream,
    contentBegan: false,
    timerSlot: -1,
    dueMs: 0,
    deadlineMs: core.nowMs + request.deadlineMs,
    promptBytes: request.promptBytes,
    attempt: 0,
    charged: 0,
    handedBack: 0,
    outrun: 0,
    routing: request.routing,
    tenant: request.tenant,
    weight: request.weight,
    priority: request.priority,
    kind: request.kind,
    model: request.model,
    submittedMs: core.nowMs,
    queuedMs: core.nowMs,
    firstLeasedMs: 0,
    retryMs: 0,
    migrations: 0,
    triedScouts: nobody,
    triedOperators: nobody,
    lastFault: null,
    doubt: null,
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
