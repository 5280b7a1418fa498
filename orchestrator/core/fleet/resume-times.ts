/**
 * When the first of a model's paused scouts may be asked again. Each model has a heap of the pauses of its scouts, as
 * they stood when they began or were moved; what does not hold any more (moved, over, its scout gone) is dropped when
 * it comes to the top, or when the heap has doubled since it was last looked through. So the question costs the same in
 * any fleet. Fed by `pauses.ts`; asked for answers that say when to come back.
 */
import { autoModel } from '../../../shared/task.ts'
import type { ModelEntry, Pause, Resume, Resumes, Scout } from '../model/object-graph.ts'

/** A heap is looked through when it is this much longer than twice what was left of it the last time. */
const spareLength = 16
/** Pauses looked at one by one for a task that not every scout may have. */
const looksMax = 64

/** The pause begins, or ends at another time than before. */
export function noteResume(pause: Pause): void {
  const { klass } = pause.holder
  for (const entry of klass.entries) {
    if (entry.model !== pause.model) continue
    add(entry, pause)
    for (const auto of klass.entries) if (auto.kind === entry.kind && auto.model === autoModel) add(auto, pause)
  }
}

/** The scout offers something else: its pauses hold for that as well. */
export function noteResumes({ klass, pauses }: Scout): void {
  if (pauses === null) return
  const autos = klass.entries.filter(({ model }) => model === autoModel)
  for (const entry of klass.entries) {
    const pause = entry.model === autoModel ? undefined : pauses.get(entry.model)
    if (pause === undefined) continue
    add(entry, pause)
    for (const auto of autos) if (auto.kind === entry.kind) add(auto, pause)
  }
}

function add(entry: ModelEntry, pause: Pause): void {
  entry.resumes ??= { heap: [], tidyAt: spareLength }
  const { resumes } = entry
  if (resumes.heap.length >= resumes.tidyAt) tidy(entry, resumes)
  push(resumes.heap, { atMs: pause.dueMs, pause })
}

/** Leaves what holds, each pause once. */
function tidy(entry: ModelEntry, resumes: Resumes): void {
  const valid = new Set(resumes.heap.filter((resume) => holds(entry, resume)).map(({ pause }) => pause))
  resumes.heap.length = 0
  for (const pause of valid) push(resumes.heap, { atMs: pause.dueMs, pause })
  resumes.tidyAt = 2 * valid.size + spareLength
}

/** When the earliest pause ends if all scouts that offer the model are paused; null if one is not, or it is unknown. */
export function resumesAtMs(entry: ModelEntry): number | null {
  const { resumes, offerers, scouts } = entry
  if (offerers === 0 || scouts > 0 || resumes === null) return null
  const { heap } = resumes
  for (let [top] = heap; top !== undefined; [top] = heap) {
    if (holds(entry, top)) return top.atMs
    pop(heap)
  }
  return null
}

/**
 * The same of those scouts alone that may have a task. Where none of the first pauses is one of theirs, it is not
 * before the time of all.
 */
export function resumesAtMsOf(entry: ModelEntry, mayHave: (scout: Scout) => boolean): number | null {
  const soonestMs = resumesAtMs(entry)
  if (soonestMs === null) return null
  const looked = entry.resumes!.heap.slice(0, looksMax)
  const theirs = looked.filter((resume) => holds(entry, resume) && mayHave(resume.pause.holder))
  return theirs.length === 0 ? soonestMs : Math.min(...theirs.map(({ atMs }) => atMs))
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
