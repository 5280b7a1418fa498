/**
 * What each identity served since the sums were last taken: the core adds to them as attempts end, the engine takes
 * them every minute and has them written down by the day. Bounded: an identity is a stranger's text, and of more of
 * them than fit the rest is not counted until the next time.
 */
import { servedSumsMax } from '../../../shared/limits/store.ts'
import type { ScoutRecord } from '../model/scout.ts'

export interface ServedSum {
  scout: string
  /** Attempts that ended with an answer, and those that failed for which the scout is to blame. */
  done: number
  failed: number
  /** Read and written, as believed; what it wrote where nobody counted. */
  tokens: number
  /** From the grants to the ends of what is done; tasks at the same time count each. */
  busyMs: number
}

type Identity = Pick<ScoutRecord, 'scout'>

export class ServedSums {
  private sums = new Map<string, ServedSum>()

  answered(of: Identity, tokens: number, busyMs: number): void {
    const sum = this.sumOf(of)
    if (sum === null) return
    sum.done++
    sum.tokens += tokens
    sum.busyMs += busyMs
  }

  failed(of: Identity): void {
    const sum = this.sumOf(of)
    if (sum !== null) sum.failed++
  }

  /** All sums; they begin anew. */
  take(): Iterable<ServedSum> {
    const { sums } = this
    this.sums = new Map()
    return sums.values()
  }

  private sumOf({ scout }: Identity): ServedSum | null {
    const known = this.sums.get(scout)
    if (known !== undefined) return known
    if (this.sums.size >= servedSumsMax) return null
    const sum = { scout, done: 0, failed: 0, tokens: 0, busyMs: 0 }
    this.sums.set(scout, sum)
    return sum
  }
}
