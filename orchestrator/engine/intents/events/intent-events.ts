/**
 * Reads the events of an intent for one client. What happened is in the store, numbered; the lines of answers in
 * progress are in the sinks of its tasks. A reader merges both and can be resumed: its event ids name the last stored
 * event and how far it is in each running attempt, which stays valid after a restart, because a scout sends its lines
 * again. So that an id fits into a header, only a bounded number of attempts is read while they run; the chunks of the
 * others follow when they settle.
 */
import {
  eventsPortion,
  eventsPortionChars,
  expandedIdCharsMax,
  followedNodesMax,
} from '../../../../shared/limits/intents.ts'
import { reservedField } from '../../../../shared/protocol/reserved-fields.ts'
import type { IntentEvent, IntentEvents } from '../../ports/intents.ts'
import type { EventRow, IntentStore } from '../../ports/store.ts'
import type { Followed, FollowedTask, Follower } from './followed.ts'

/** Names of nodes that joined by expansion may hold dots, so the numbers are the last two parts. */
const placeForm = new RegExp(`^([A-Za-z0-9_.-]{1,${expandedIdCharsMax}})\\.(\\d{1,9})\\.(\\d{1,9})$`)

/** How far a reader is in one attempt. */
interface Place {
  attempt: number
  index: number
}

export class EventReader implements IntentEvents, Follower {
  /** Number of the last stored event that it has. */
  seq = 0
  private readonly places = new Map<string, Place>()
  private ended = false
  /** Characters of chunks that this look may still bring. */
  private room = 0
  private waiter: (() => void) | null = null

  constructor(
    private readonly intent: string,
    private readonly live: Followed<FollowedTask> | null,
    private readonly store: Pick<IntentStore, 'eventsAfter'>,
    lastEventId: string | null,
  ) {
    if (lastEventId !== null && !this.seek(lastEventId)) this.rewind()
    live?.follow(this)
  }

  take(): { events: IntentEvent[]; ended: boolean } | null {
    if (this.ended) return { events: [], ended: true }
    const events: IntentEvent[] = []
    this.room = eventsPortionChars
    const rows = this.store.eventsAfter(this.intent, this.seq, eventsPortion)
    // A row whose chunks do not all fit comes with the next look.
    const isWhole = rows.every((row) => this.addRow(row, events))
    if (isWhole && rows.length < eventsPortion) {
      for (const task of this.live?.tasks ?? []) this.addChunks(task, events)
      // After an end that was read earlier the intent may have gone on.
      if (rows.at(-1)?.type === 'done') this.ended = true
      // Of an intent that was over before it was asked for, nothing more will ever come.
      if (this.live === null || this.live.isLetGo) this.ended = true
    }
    if (rows.some(({ type }) => type === 'task_settled')) this.live?.freeLines()
    return events.length > 0 || this.ended ? { events, ended: this.ended } : null
  }

  async readable(): Promise<void> {
    if (this.ended || this.live === null || this.live.isLetGo || this.hasNews(this.live)) return
    await new Promise<void>((resolve) => {
      this.waiter = resolve
      this.live!.onNews(resolve)
    })
  }

  close(): void {
    this.live?.unfollow(this)
    this.ended = true
    const { waiter } = this
    if (waiter === null) return
    this.live?.offNews(waiter)
    waiter()
  }

  private hasNews(live: Followed<FollowedTask>): boolean {
    if (this.store.eventsAfter(this.intent, this.seq, 1).length > 0) return true
    return live.tasks.some((task) => {
      if (this.isOver(task)) return false
      const { node, sink } = task
      const place = this.places.get(node)
      if (place === undefined && this.isFull) return false
      const read = place?.attempt === sink.attempt ? place.index : 0
      return sink.lines.length > read
    })
  }

  /** False when the row has to wait, because not all chunks before it fit. */
  private addRow(row: EventRow, events: IntentEvent[]): boolean {
    // The chunks of a task precede its end. Of an attempt that was reset none are left.
    const { node } = JSON.parse(row.data) as { node?: string }
    const task = this.live?.tasks.find((candidate) => candidate.node === node)
    if (task !== undefined && row.type === 'task_settled' && !this.addChunks(task, events, true)) return false
    if (node !== undefined && row.type !== 'task_started') this.places.delete(node)
    this.seq = row.seq
    events.push({ id: this.id(), type: row.type as IntentEvent['type'], data: timed(row) })
    return true
  }

  private isOver({ settledSeq }: FollowedTask): boolean {
    return settledSeq > 0 && settledSeq <= this.seq
  }

  /** Whether the reader is in as many attempts as an id may name; another one waits for the end of one of them. */
  private get isFull(): boolean {
    return this.places.size >= followedNodesMax
  }

  /** False when some did not fit. */
  private addChunks(task: FollowedTask, events: IntentEvent[], isOver = false): boolean {
    const { node, sink } = task
    const { attempt, lines } = sink
    if (attempt === 0 || this.isOver(task)) return true
    let place = this.places.get(node)
    if (place?.attempt !== attempt) {
      this.places.delete(node)
      if (lines.length === 0 || (this.isFull && !isOver)) return true
      place = { attempt, index: 0 }
      this.places.set(node, place)
    }
    while (place.index < lines.length) {
      if (this.room <= 0) return false
      const line = Buffer.from(lines[place.index]!).toString('utf8')
      const whose = reservedField('node', JSON.stringify(node)) + reservedField('attempt', attempt)
      const head = `{${whose}${reservedField('index', place.index)}`
      place.index++
      const event: IntentEvent = { id: this.id(), type: 'chunk', data: head + line.slice(1) }
      this.room -= event.id.length + event.data.length
      events.push(event)
    }
    return true
  }

  /** `<last stored event>` and, for every attempt that the reader is in, `~<node>.<attempt>.<lines read>`. */
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

/** The event's data with the time at which it was written, for whoever looks at an intent later. */
function timed({ data, atMs }: EventRow): string {
  const time = `{"at_ms":${atMs}`
  return data === '{}' ? `${time}}` : `${time},${data.slice(1)}`
}
