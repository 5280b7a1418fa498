/**
 * Intents that must not be worked on again: the process died under one as often as is allowed, or what is stored of it
 * cannot be used. Before work that may end the process (a request is rendered, an answer is checked, a control node
 * decides, an intent is taken up again) its intent is noted; the note outlives the process and names what it died of.
 * The commands of intents recover with it; here is only what is noted and what is written.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { isTerminalState } from '../../../shared/task-state.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { IntentStore, OpenIntent, StoreWrite } from '../ports/store.ts'

/** Stands in the note while many intents are taken up at once, as after an ordinary start. */
export const takingUpAll = 'all'

/**
 * Does this work under a note. When it throws the note stays: the process ends, and the next one reads it. Nothing is
 * flushed for it, and it is gone before anything else is done.
 */
export function underNote<Result>(store: Pick<IntentStore, 'noteInHand'>, intent: string, work: () => Result): Result {
  store.noteInHand(intent)
  const result = work()
  store.noteInHand(null)
  return result
}

/** The same for work in steps: it is in hand while one of them is done, and not between two. */
export function* underNoteInSteps<Result>(
  store: Pick<IntentStore, 'noteInHand'>,
  intent: string,
  steps: Steps<Result>,
): Steps<Result> {
  for (;;) {
    const { done, value } = underNote(store, intent, () => steps.next())
    if (done === true) return value
    yield
  }
}

/** What a client hears of an intent that was set aside. */
export const diedTwice = fault(
  'internal_error',
  'The orchestrator ended twice while it worked on this intent, so it was set aside and is not tried again: ' +
    'make it smaller or simpler and send it as a new one, and tell the operator.',
)

export function unreadable(reason: string): Fault {
  const text = `What is stored of this intent cannot be used (${reason}), so it was set aside`
  return fault('internal_error', `${text}: send it again, and tell the operator.`)
}

/**
 * Ends an intent that nothing in memory knows: what is open of it fails with this fault, and so does the intent, unless
 * its result is there.
 */
export function setAsideWrites({ intent, tasks, lastSeq }: OpenIntent, cause: Fault, nowMs: number): StoreWrite[] {
  const why = JSON.stringify(cause)
  const writes: StoreWrite[] = []
  let seq = lastSeq
  const report = (type: string, data: object) => {
    seq++
    writes.push({ write: 'event', event: { intent: intent.id, seq, type, data: JSON.stringify(data), atMs: nowMs } })
  }
  for (const { task, node, state, charged } of tasks) {
    if (isTerminalState(state)) continue
    writes.push({ write: 'end', task, state: 'failed', charged, fault: why })
    report('task_settled', { node, state: 'failed', fault: cause })
  }
  const isDone = tasks.some(({ node, state }) => node === intent.resultNode && state === 'done')
  const end = isDone ? ({ state: 'done', fault: null } as const) : ({ state: 'failed', fault: cause } as const)
  const stored = isDone ? null : why
  writes.push({ write: 'intentEnd', intent: intent.id, state: end.state, fault: stored, finishedMs: nowMs })
  report('done', end)
  return writes
}
