/**
 * Marks in the log of intents: which ones are open, by the hub that has them, so that others find them when it is gone.
 * A mark is set before its intent is there and outlives it rather than not: whoever looks reads the intent itself. One
 * that is wiped may be wiped late, whatever the servers answered. So a mark is wiped up to its own number, and an
 * intent that is open again gets a new one behind that.
 */
import { openListedMax } from '../../../shared/limits/cluster/journal.ts'
import type { Membership } from '../membership.ts'
import type { SharedLog } from './log.ts'

/** Marks of one hub, and the number that none of these is beyond. */
export interface Marked {
  end: number
  intents: readonly string[]
}

interface MarksParts {
  log: Pick<SharedLog, 'append' | 'last' | 'subjects' | 'erase'>
  membership: Pick<Membership, 'own' | 'prefix'>
  /** Tries again until it is sure. */
  insist: (attempt: () => Promise<true | 'unsure'>) => Promise<true>
}

const nothing = new Uint8Array(0)
/** In the place of an intent. */
const begin = 'begin'

export class Marks {
  /** Numbers of this hub's marks, of intents that it has. */
  private readonly own = new Map<string, number>()

  constructor(private readonly parts: MarksParts) {}

  /** `isAnew`: one that is there may be about to be wiped, and does not count. */
  async set(intent: string, isAnew = false): Promise<void> {
    const { log, membership, insist } = this.parts
    const subject = this.subjectOf(membership.own.name, intent)
    let last = 0
    await insist(async () => {
      for (;;) {
        const outcome = await log.append(subject, nothing, last)
        const end = outcome === 'conflict' ? await log.last(subject) : outcome
        if (typeof end === 'string' || end === last) return 'unsure'
        const seq = typeof end === 'number' ? end : end.seq
        if (typeof end === 'object' || (!isAnew && end > 0)) {
          this.own.set(intent, seq)
          return true
        }
        last = seq
      }
    })
  }

  /** The intent is over. */
  wipe(intent: string): void {
    const seq = this.own.get(intent)
    this.own.delete(intent)
    if (seq !== undefined) this.wipeOf(this.parts.membership.own.name, intent, seq)
  }

  /** Another hub has it: its mark may stay. */
  forget(intent: string): void {
    this.own.delete(intent)
  }

  /** What was appended before this is shown by a listing after it. */
  async settle(): Promise<void> {
    const { log, membership, insist } = this.parts
    const subject = this.subjectOf(membership.own.name, begin)
    await insist(async () => {
      const last = await log.last(subject)
      const outcome = last === 'unsure' ? last : await log.append(subject, nothing, last)
      // Where there is no room nothing was appended just before.
      return typeof outcome === 'object' || outcome === 'full' ? true : 'unsure'
    })
  }

  /** Intents that this hub had when it marked them; some may be over, or another hub's by now. */
  async of(hub: string): Promise<Marked | 'unsure'> {
    const listed = await this.parts.log.subjects(this.subjectOf(hub, '*'), openListedMax)
    if (listed === 'unsure') return listed
    const intents = listed.subjects.map((subject) => subject.slice(subject.lastIndexOf('.') + 1))
    return { end: listed.end, intents: intents.filter((intent) => intent !== begin) }
  }

  /** A mark as it was listed. */
  wipeOf(hub: string, intent: string, end: number): void {
    void this.parts.log.erase(this.subjectOf(hub, intent), end)
  }

  /** All that were listed, at once: for the servers that is as much as one of them. */
  wipeAllOf(hub: string, { end }: Marked): void {
    void this.parts.log.erase(this.subjectOf(hub, '*'), end)
  }

  private subjectOf(hub: string, intent: string): string {
    return `${this.parts.membership.prefix}.open.${hub}.${intent}`
  }
}
