/**
 * Marks in the log of intents: which ones are open, by the hub that has them, so that others find them when it is gone.
 * One mark names all intents that were begun or taken in one turn, because to the servers a mark costs as much as a
 * record. It is set before its intents are there and outlives them rather than not: whoever looks reads the intents
 * themselves. It never changes, and its name never comes again, so that one that is wiped late is no other one. When
 * half of its intents are over, what is left goes into another mark.
 */
import {
  markBytesMax,
  markIntentsMax,
  markReadsAtOnce,
  marksThinnedMax,
  openListedMax,
} from '../../../shared/limits/cluster/journal.ts'
import type { Membership } from '../membership.ts'
import type { SharedLog } from './log.ts'

export interface Mark {
  name: string
  intents: readonly string[]
}

/** Marks of one hub, and the number that none of these is beyond. `isWhole`: there are no others up to that. */
export interface Marked {
  end: number
  marks: readonly Mark[]
  isWhole: boolean
}

/** One of this process, with those of its intents that it still has. */
interface OwnMark {
  name: string
  named: number
  left: Set<string>
}

interface MarksParts {
  log: Pick<SharedLog, 'append' | 'last' | 'next' | 'subjects' | 'erase'>
  membership: Pick<Membership, 'own' | 'prefix'>
  /** Tries again until it is sure. */
  insist: (attempt: () => Promise<true | 'unsure'>) => Promise<true>
}

const nothing = new Uint8Array(0)
/** In the place of a mark. */
const begin = 'begin'
/** Ids of intents, as they may stand in a subject. */
const idForm = /^[\w-]{1,128}$/

export class Marks {
  /** The mark of each intent that this process has. */
  private readonly own = new Map<string, OwnMark>()
  /** Those with half of their intents, or less. */
  private readonly thin = new Set<OwnMark>()
  /** What is to be marked with the next one. */
  private gathered: string[] = []
  private marked = Promise.resolve()
  private count = 0

  constructor(private readonly parts: MarksParts) {}

  /** Resolves once it is marked, with all that is asked for in the same turn and while others are under way. */
  set(intent: string): Promise<void> {
    if (this.own.has(intent)) return Promise.resolve()
    this.gathered.push(intent)
    if (this.gathered.length === 1) this.marked = this.marked.then(() => this.markGathered())
    return this.marked
  }

  private async markGathered(): Promise<void> {
    const intents = this.gathered
    this.gathered = []
    await this.mark(intents, () => true)
  }

  /** `isStill`: whether the intent is to be in it once it is there. */
  private async mark(intents: readonly string[], isStill: (intent: string) => boolean): Promise<void> {
    const chunks = Array.from({ length: Math.ceil(intents.length / markIntentsMax) }, (_, at) =>
      intents.slice(at * markIntentsMax, (at + 1) * markIntentsMax),
    )
    const markSome = async (some: readonly string[]) => {
      const mark = { name: await this.append(some), named: some.length, left: new Set<string>() }
      for (const intent of some.filter(isStill)) {
        this.wipe(intent)
        mark.left.add(intent)
        this.own.set(intent, mark)
      }
      this.note(mark)
    }
    await Promise.all(chunks.map(markSome))
  }

  /** The name under which it is there. */
  private async append(intents: readonly string[]): Promise<string> {
    const { log, membership, insist } = this.parts
    const message = Buffer.from(intents.join('\n'))
    let name = this.nextName()
    await insist(async () => {
      const subject = this.subjectOf(membership.own.name, name)
      const outcome = await log.append(subject, message, 0)
      if (typeof outcome === 'object') return true
      const found = outcome === 'conflict' ? await log.next(subject, 0) : null
      if (found === null || found === 'unsure') return 'unsure'
      // Of an append before, whose answer was lost; or of somebody who has no business there.
      if (Buffer.compare(found.message, message) === 0) return true
      name = this.nextName()
      return 'unsure'
    })
    return name
  }

  /** The intent is over, or another hub's. */
  wipe(intent: string): void {
    const mark = this.own.get(intent)
    this.own.delete(intent)
    if (mark === undefined) return
    mark.left.delete(intent)
    this.note(mark)
  }

  private note(mark: OwnMark): void {
    if (mark.left.size === 0) {
      this.thin.delete(mark)
      this.wipeOf(this.parts.membership.own.name, mark.name)
    } else if (mark.left.size <= mark.named / 2) this.thin.add(mark)
  }

  /** What is left of thin marks becomes one, so that whoever looks reads at most twice what is open. */
  async gather(): Promise<void> {
    const thin = [...this.thin.values().take(marksThinnedMax)]
    if (thin.length === 0) return
    for (const mark of thin) this.thin.delete(mark)
    const left = thin.flatMap((mark) => [...mark.left])
    await this.mark(left, (intent) => this.own.has(intent))
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

  /**
   * Intents that this hub had when it marked them; some may be over, or another hub's by now. Of this hub itself: those
   * that earlier processes marked.
   */
  async of(hub: string): Promise<Marked | 'unsure'> {
    const listed = await this.parts.log.subjects(this.subjectOf(hub, '*'), openListedMax)
    if (listed === 'unsure') return listed
    const names = listed.subjects
      .map((subject) => subject.slice(subject.lastIndexOf('.') + 1))
      .filter((name) => name !== begin && !this.isOfThisProcess(hub, name))
    const marks: Mark[] = []
    let intents = 0
    while (marks.length < names.length && intents < openListedMax) {
      const some = names.slice(marks.length, marks.length + markReadsAtOnce)
      for (const mark of await Promise.all(some.map((name) => this.read(hub, name)))) {
        if (mark === 'unsure') return mark
        marks.push(mark)
        intents += mark.intents.length
      }
    }
    const isWhole = listed.subjects.length < openListedMax && marks.length === names.length
    return { end: listed.end, marks, isWhole }
  }

  /** One that is not there any more is none of the next listing. */
  private async read(hub: string, name: string): Promise<Mark | 'unsure'> {
    const found = await this.parts.log.next(this.subjectOf(hub, name), 0)
    if (found === null || found === 'unsure') return 'unsure'
    return { name, intents: intentsIn(found.message) }
  }

  /** A mark as it was listed. */
  wipeOf(hub: string, name: string): void {
    void this.parts.log.erase(this.subjectOf(hub, name))
  }

  /** All that were listed, at once: for the servers that is as much as one of them. */
  wipeAllOf(hub: string, { end }: Marked): void {
    void this.parts.log.erase(this.subjectOf(hub, '*'), end)
  }

  private isOfThisProcess(hub: string, name: string): boolean {
    const { own } = this.parts.membership
    return hub === own.name && name.startsWith(`${own.boot}-`)
  }

  private nextName(): string {
    return `${this.parts.membership.own.boot}-${++this.count}`
  }

  private subjectOf(hub: string, name: string): string {
    return `${this.parts.membership.prefix}.open.${hub}.${name}`
  }
}

/** What is no mark names nothing. */
function intentsIn(message: Uint8Array): string[] {
  if (message.length > markBytesMax) return []
  const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString()
  return text.split('\n', markIntentsMax).filter((intent) => idForm.test(intent))
}
