/**
 * What becomes of an intent is written into the journal that hubs share before it is written into the own store. The
 * journal in front of the store sends here what concerns intents: one record for each intent of an entry, all that
 * gathered while others were on their way at once. Entries land in the order in which they came, and then go on to the
 * store. Of an intent that another hub has taken over nothing is written any more, in neither of the two.
 */
import { laneBytesMax, laneEntriesMax } from '../../../shared/limits/cluster/journal.ts'
import type { System } from '../../../shared/system.ts'
import type { IntentLog, IntentRecord } from '../ports/intents.ts'
import { type StoreWrite, sizeOfWrite } from '../ports/store.ts'
import { intentOfWrite, isBound, travels } from './travelling-writes.ts'

/** `lost`: intents of which nothing was written, because another hub has them. */
export type Landed = (lost: ReadonlySet<string>) => void

interface Entry {
  writes: readonly StoreWrite[]
  /** Whose intent each write belongs to; null for none. */
  intents: readonly (string | null)[]
  bytes: number
  then: Landed
  /** When given, the entry is a new promise that can still be refused. */
  refuse: Refuse | null
}

/** `apart`: the servers are away; `full`: they have no room for new intents. */
type Refuse = (why: 'apart' | 'full') => void

export interface IntentLaneParts {
  log: IntentLog
  system: Pick<System, 'soon'>
  /** The intent that a task belongs to. */
  intentOf: (task: number) => string | undefined
  /** Writes into the own store, behind all that was given to it before. */
  store: (writes: readonly StoreWrite[], then: () => void) => void
  /** Nothing can be appended, or it can again. */
  onTrouble: (isTroubled: boolean) => void
  /** These were found to be another hub's; called after what waited for them went on. */
  onLost: (intents: readonly string[]) => void
  /** Runs what follows from an append: an error in it is a defect of the engine. */
  contain: (work: () => void) => void
}

export class IntentLane {
  private waiting: Entry[] = []
  private inFlight = 0
  private scheduled = false
  /** Other hubs have these, and something of them may still come here. */
  private readonly lost = new Set<string>()

  constructor(private readonly parts: IntentLaneParts) {
    parts.log.onTrouble((isTroubled) => {
      if (isTroubled) this.refuseNew()
      else this.schedule()
      parts.onTrouble(isTroubled)
    })
  }

  /** Whether something has not landed. */
  get busy(): boolean {
    return this.waiting.length > 0 || this.inFlight > 0
  }

  /** Whether these writes have to come this way: they concern intents, or have to stay behind what does. */
  takes(writes: readonly StoreWrite[]): boolean {
    if (writes.length === 0) return this.busy
    return writes.some((write) => travels(write))
  }

  /** `intent`: to which all of these belong, where that is not to be found out. */
  add(writes: readonly StoreWrite[], then: Landed, refuse: Refuse | null = null, intent?: string): void {
    const { log } = this.parts
    if (refuse !== null && log.trouble !== null) return refuse('apart')
    if (refuse !== null && log.full !== null && writes.some(({ write }) => write === 'intent')) return refuse('full')
    const intents = writes.map((write) => (isBound(write) ? (intent ?? this.intentOf(write)) : null))
    const bytes = writes.reduce((sum, write) => sum + sizeOfWrite(write).bytes, 0)
    this.waiting.push({ writes, intents, bytes, then, refuse })
    this.schedule()
  }

  /** The same for what can still be refused, also because another hub has the intent by now. */
  promise(
    writes: readonly StoreWrite[],
    then: () => void,
    refuse: (why: 'apart' | 'full' | 'elsewhere') => void,
  ): void {
    const isOf = (lost: ReadonlySet<string>) =>
      lost.size > 0 && writes.some((write) => 'intent' in write && lost.has(String(write.intent)))
    this.add(writes, (lost) => (isOf(lost) ? refuse('elsewhere') : then()), refuse)
  }

  /** From now on this hub has the intent again, if it had lost it. */
  regain(intent: string): void {
    this.lost.delete(intent)
  }

  private intentOf(write: StoreWrite): string {
    const found = intentOfWrite(write, this.parts.intentOf)
    if (found === undefined) throw new Error(`a write of kind ${write.write} belongs to no intent`)
    return found
  }

  private schedule(): void {
    if (this.scheduled || this.inFlight > 0 || this.waiting.length === 0) return
    this.scheduled = true
    this.parts.system.soon(this.run)
  }

  private readonly run = (): void => {
    this.scheduled = false
    if (this.inFlight > 0 || this.waiting.length === 0) return
    const batch = this.nextBatch()
    const records = this.recordsOf(batch)
    this.inFlight = batch.length
    if (records.length === 0) return this.land(batch, new Set())
    const { log, contain } = this.parts
    const failed = (error: unknown) =>
      contain(() => {
        throw error
      })
    log.append(records).then((lost) => contain(() => this.land(batch, lost)), failed)
  }

  private nextBatch(): Entry[] {
    let count = 0
    let bytes = 0
    while (count < this.waiting.length && count < laneEntriesMax && bytes < laneBytesMax) {
      bytes += this.waiting[count]!.bytes
      count++
    }
    const batch = this.waiting.slice(0, count)
    this.waiting = this.waiting.slice(count)
    return batch
  }

  /** In the order in which the intents first come up; what was written along with the begin of one travels with it. */
  private recordsOf(batch: readonly Entry[]): IntentRecord[] {
    const byIntent = new Map<string, StoreWrite[]>()
    for (const { writes, intents } of batch) {
      const begun = writes.find((write) => write.write === 'intent')?.intent.id ?? null
      for (const [at, write] of writes.entries()) {
        const intent = travels(write) ? intents[at]! : write.write === 'idempotency' ? begun : null
        if (intent === null || this.lost.has(intent)) continue
        const known = byIntent.get(intent)
        if (known === undefined) byIntent.set(intent, [write])
        else known.push(write)
      }
    }
    return [...byIntent].map(([intent, writes]) => ({ intent, writes }))
  }

  private land(batch: readonly Entry[], lost: ReadonlySet<string>): void {
    const news = [...lost].filter((intent) => !this.lost.has(intent))
    for (const intent of news) this.lost.add(intent)
    for (const { writes, intents, then } of batch) {
      const kept = this.lost.size === 0 ? writes : writes.filter((_, at) => !this.isLost(intents[at] ?? null))
      // What is lost while this waits for the store was appended before.
      const of = this.lost.size === 0 ? nothingLost : new Set(this.lost)
      this.parts.store(kept, () => then(of))
    }
    this.inFlight = 0
    if (news.length > 0) this.parts.store([], () => this.parts.onLost(news))
    this.schedule()
  }

  private isLost(intent: string | null): boolean {
    return intent !== null && this.lost.has(intent)
  }

  /** The servers are away: whoever was promised nothing yet hears so. */
  private refuseNew(): void {
    const refused = this.waiting.filter(({ refuse }) => refuse !== null)
    this.waiting = this.waiting.filter(({ refuse }) => refuse === null)
    for (const { refuse } of refused) refuse!('apart')
  }
}

const nothingLost: ReadonlySet<string> = new Set()
