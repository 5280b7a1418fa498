/**
 * Following an intent. What happened to it is in the store, numbered; the pieces of answers under way are in its
 * transcripts. A reader goes through both and can be resumed: its event ids name the last stored event and how far it
 * had come in each running attempt, which still holds after a restart, because a scout sends its lines again. So that
 * an id fits into a header, only so many attempts are told as they run; of the others all pieces come later.
 */
import { eventsPortion, expandedIdCharsMax, followedNodesMax } from '../../../shared/limits/intents.ts'
import { reservedField } from '../../../shared/protocol/reserved-fields.ts'
import type { IntentEvent, IntentEvents } from '../ports/intents.ts'
import type { EventRow, Store } from '../ports/store.ts'
import type { DurableSink } from './durable-sink.ts'
import type { Pending } from './expansion.ts'

export interface LiveTask {
  task: number
  node: string
  live: LiveIntent
  sink: DurableSink
  /** Number of the event that told its end; 0 before. Its pieces are told before that event and never after. */
  settledSeq: number
  /** How many times it has grown; null unless conducted. */
  stage: number | null
  /** What was decided of it and is not written yet. */
  pending: Pending | null
}

/** An intent that is not over. */
export class LiveIntent {
  readonly tasks: LiveTask[] = []
  /** Every task of it, also those that are over, by its node's name. */
  readonly numbers = new Map<string, number>()
  /** Who follows it; without anybody, pieces of settled tasks need not be kept. */
  readers = 0
  private readonly waiters = new Set<() => void>()

  constructor(
    readonly id: string,
    readonly tenant: string,
    /** Number of the last event, committed or on its way. */
    public seq: number,
  ) {}

  /** Something is new. */
  wake(): void {
    for (const waiter of this.waiters) waiter()
    this.waiters.clear()
  }

  onNews(waiter: () => void): void {
    this.waiters.add(waiter)
  }

  offNews(waiter: () => void): void {
    this.waiters.delete(waiter)
  }
}

/** Names of grown nodes may hold dots, so the numbers are the last two parts. */
const placeForm = new RegExp(`^([A-Za-z0-9_.-]{1,${expandedIdCharsMax}})\\.(\\d{1,9})\\.(\\d{1,9})$`)

/** How far a reader has come in one attempt. */
interface Place {
  attempt: number
  index: number
}

export class EventReader implements IntentEvents {
  private seq = 0
  private readonly places = new Map<string, Place>()
  private ended = false
  private closed = false
  private waiter: (() => void) | null = null

  constructor(
    private readonly intent: string,
    private readonly live: LiveIntent | null,
    private readonly store: Store,
    lastEventId: string | null,
  ) {
    if (lastEventId !== null && !this.seek(lastEventId)) this.rewind()
    if (live !== null) live.readers++
  }

  take(): { events: IntentEvent[]; ended: boolean } | null {
    if (this.ended) return { events: [], ended: true }
    const events: IntentEvent[] = []
    const rows = this.store.eventsAfter(this.intent, this.seq, eventsPortion)
    for (const row of rows) this.tell(row, events)
    if (rows.length < eventsPortion) {
      for (const task of this.live?.tasks ?? []) this.tellChunks(task, events)
      // After an end that was told earlier the intent may have gone on.
      if (rows.at(-1)?.type === 'done') this.ended = true
      // Of an intent that was over before it was asked for, nothing more will ever come.
      if (this.live === null) this.ended = true
    }
    return events.length > 0 || this.ended ? { events, ended: this.ended } : null
  }

  async readable(): Promise<void> {
    if (this.ended || this.live === null || this.hasNews(this.live)) return
    await new Promise<void>((resolve) => {
      this.waiter = resolve
      this.live!.onNews(resolve)
    })
  }

  close(): void {
    if (this.live !== null && !this.closed) this.live.readers--
    this.closed = true
    this.ended = true
    const { waiter } = this
    if (waiter === null) return
    this.live?.offNews(waiter)
    waiter()
  }

  private hasNews(live: LiveIntent): boolean {
    if (this.store.eventsAfter(this.intent, this.seq, 1).length > 0) return true
    return live.tasks.some((task) => {
      if (this.isOver(task)) return false
      const { node, sink } = task
      const place = this.places.get(node)
      if (place === undefined && this.isFull) return false
      const told = place?.attempt === sink.attempt ? place.index : 0
      return sink.lines.length > told
    })
  }

  private tell(row: EventRow, events: IntentEvent[]): void {
    // What was said before a task ended comes before its end. Of an attempt that was reset nothing is left to tell.
    const { node } = JSON.parse(row.data) as { node?: string }
    const task = this.live?.tasks.find((candidate) => candidate.node === node)
    if (task !== undefined && row.type === 'task_settled') this.tellChunks(task, events, true)
    if (node !== undefined && row.type !== 'task_started') this.places.delete(node)
    this.seq = row.seq
    events.push({ id: this.id(), type: row.type as IntentEvent['type'], data: row.data })
  }

  private isOver({ settledSeq }: LiveTask): boolean {
    return settledSeq > 0 && settledSeq <= this.seq
  }

  /** Whether as many attempts are begun to be told as an id names; another one waits for the end of one of them. */
  private get isFull(): boolean {
    return this.places.size >= followedNodesMax
  }

  private tellChunks(task: LiveTask, events: IntentEvent[], isOver = false): void {
    const { node, sink } = task
    const { attempt, lines } = sink
    if (attempt === 0 || this.isOver(task)) return
    let place = this.places.get(node)
    if (place?.attempt !== attempt) {
      this.places.delete(node)
      if (lines.length === 0 || (this.isFull && !isOver)) return
      place = { attempt, index: 0 }
      this.places.set(node, place)
    }
    for (; place.index < lines.length; ) {
      const line = Buffer.from(lines[place.index]!).toString('utf8')
      const whose = reservedField('node', JSON.stringify(node)) + reservedField('attempt', attempt)
      const head = `{${whose}${reservedField('index', place.index)}`
      place.index++
      events.push({ id: this.id(), type: 'chunk', data: head + line.slice(1) })
    }
  }

  /** `<last stored event>` and, for every attempt begun to be told, `~<node>.<attempt>.<lines told>`. */
  private id(): string {
    let id = String(this.seq)
    for (const [node, { attempt, index }] of this.places) id += `~${node}.${attempt}.${index}`
    return id
  }

  /** Goes on after this event; false when it is none of this intent's. */
  private seek(id: string): boolean {
    const [seq, ...places] = id.split('~')
    if (!/^\d{1,15}$/.test(seq!)) return false
    this.seq = Number(seq)
    for (const place of places) {
      const match = placeForm.exec(place)
      if (match === null) return false
      this.places.set(match[1]!, { attempt: Number(match[2]), index: Number(match[3]) })
    }
    return this.seq === 0 || this.store.eventsAfter(this.intent, this.seq - 1, 1).at(0)?.seq === this.seq
  }

  private rewind(): void {
    this.seq = 0
    this.places.clear()
  }
}
