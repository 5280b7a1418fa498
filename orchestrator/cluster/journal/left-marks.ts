/**
 * What is still to be looked at of the marks that a hub, or an earlier process of this one, has left. A mark goes once
 * all of its intents mean nothing to it any more; until then it is known here which ones do not, so that they are not
 * read again with each look. Pure.
 */
import { leftMarksMax, markFreshMs, markRelookMs } from '../../../shared/limits/cluster/journal.ts'
import type { Mark, Marked } from './marks.ts'

/** Of one mark that has to stay for now. */
interface Left {
  sinceMs: number
  lookedMs: number
  /** These mean nothing to it any more. */
  rid: Set<string>
}

export class LeftMarks {
  /** By hub and name. */
  private readonly left = new Map<string, Left>()

  constructor(private readonly nowMs: () => number) {}

  /** Each intent once. Of marks that stay for long only now and then. */
  due(hub: string, { marks }: Marked): string[] {
    const nowMs = this.nowMs()
    const due = new Set<string>()
    for (const { name, intents } of marks) {
      const left = this.left.get(keyOf(hub, name))
      const isFresh = left === undefined || nowMs - left.sinceMs < markFreshMs
      if (!isFresh && nowMs - left.lookedMs < markRelookMs) continue
      if (left !== undefined) left.lookedMs = nowMs
      for (const intent of intents) if (left === undefined || !left.rid.has(intent)) due.add(intent)
    }
    return [...due]
  }

  /** The marks that can go now. `rid`: those of what was due that mean nothing any more. */
  over(hub: string, { marks }: Marked, rid: readonly string[]): Mark[] {
    const news = new Set(rid)
    return marks.filter(({ name, intents }) => {
      const key = keyOf(hub, name)
      const known = this.left.get(key)?.rid
      if (intents.every((intent) => news.has(intent) || known?.has(intent) === true)) {
        this.left.delete(key)
        return true
      }
      this.keep(
        key,
        intents.filter((intent) => news.has(intent)),
      )
      return false
    })
  }

  /** What there is no room for is looked at again. */
  private keep(key: string, rid: readonly string[]): void {
    const nowMs = this.nowMs()
    const left = this.left.get(key) ?? { sinceMs: nowMs, lookedMs: nowMs, rid: new Set<string>() }
    for (const intent of rid) left.rid.add(intent)
    if (this.left.size < leftMarksMax) this.left.set(key, left)
  }
}

function keyOf(hub: string, name: string): string {
  return `${hub}.${name}`
}
