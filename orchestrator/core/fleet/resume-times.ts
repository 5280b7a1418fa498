/**
 * When the first of a model's paused scouts may be asked again. Each model has a heap of the pauses of its scouts, as
 * they stood when they began or were moved; what does not hold any more (moved, over, its scout gone) is dropped when
 * it comes to the top, or when the heap has grown to twice what the model's scouts can fill. So the question costs the
 * same in any fleet. Fed by `pauses.ts`; asked for answers that say when to come back.
 */
import { autoModel } from '../../../shared/task.ts'
import type { ModelEntry, Pause, Resume } from '../model/object-graph.ts'

/** A heap this much longer than twice the scouts of its model is looked through. */
const spareLength = 16

/** The pause begins, or ends at another time than before. */
export function noteResume(pause: Pause): void {
  const { holder, model } = pause
  const kinds = holder.klass.entries.filter((entry) => entry.model === model).map(({ kind }) => kind)
  for (const entry of holder.klass.entries) {
    if (entry.model === model || (entry.model === autoModel && kinds.includes(entry.kind))) add(entry, pause)
  }
}

function add(entry: ModelEntry, pause: Pause): void {
  entry.resumes ??= []
  if (entry.resumes.length > 2 * entry.offerers + spareLength) {
    const valid = entry.resumes.filter((resume) => holds(entry, resume))
    entry.resumes = []
    for (const resume of valid) push(entry.resumes, resume)
  }
  push(entry.resumes, { atMs: pause.dueMs, pause })
}

/** When the earliest pause ends if all scouts that offer the model are paused; null if one is not, or it is unknown. */
export function resumesAtMs(entry: ModelEntry): number | null {
  const { resumes, offerers, scouts } = entry
  if (offerers === 0 || scouts > 0 || resumes === null) return null
  for (let [top] = resumes; top !== undefined; [top] = resumes) {
    if (holds(entry, top)) return top.atMs
    pop(resumes)
  }
  return null
}

function holds(entry: ModelEntry, { atMs, pause }: Resume): boolean {
  const { holder, model, dueMs, timerSlot } = pause
  const isOn = timerSlot !== -1 && dueMs === atMs && holder.pauses?.get(model) === pause
  return isOn && holder.state === 'ready' && holder.klass.entries.includes(entry)
}

function push(heap: Resume[], resume: Resume): void {
  let at = heap.length
  heap.push(resume)
  while (at > 0) {
    const up = (at - 1) >> 1
    if (heap[up]!.atMs <= resume.atMs) break
    heap[at] = heap[up]!
    at = up
  }
  heap[at] = resume
}

function pop(heap: Resume[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let down = 2 * at + 1
    if (down >= heap.length) break
    if (down + 1 < heap.length && heap[down + 1]!.atMs < heap[down]!.atMs) down++
    if (heap[down]!.atMs >= last.atMs) break
    heap[at] = heap[down]!
    at = down
  }
  heap[at] = last
}
