/**
 * The lines of an intent that another hub has, for who follows it here. They come from that hub, beside the events,
 * which come from the journal, so one may be ahead of the other: lines of an attempt are shown from when the copy knows
 * that it has begun until it knows that it has ended without an answer. Pure; `copies.ts` feeds it.
 */
import type { ByteAccount } from '../../../../shared/byte-account.ts'
import { linesNodesMax } from '../../../../shared/limits/cluster/journal.ts'
import type { LinesAsked, NewLines } from '../../ports/network/live-lines.ts'
import type { StoreWrite, TaskRow } from '../../ports/store.ts'
import { Followed, type FollowedSink, type FollowedTask, type Follower } from '../events/followed.ts'

/** How many lines whoever has all that it wants says that it has. */
const linesOfNoMore = 2 ** 31

class MirroredSink implements FollowedSink {
  /** The attempt that the lines are of, shown or not; 0 for none. */
  of = 0
  isShown = false
  /** There was no room for what follows. */
  isCut = false
  linesBytes = 0
  readonly kept: Uint8Array[] = []
  /** Of `linesBytes`, what is in the account. */
  private counted = 0

  constructor(
    private readonly tenant: string,
    private readonly account: ByteAccount,
  ) {}

  get attempt(): number {
    return this.isShown ? this.of : 0
  }

  get lines(): readonly Uint8Array[] {
    return this.isShown ? this.kept : []
  }

  /** False when nothing of it was new. */
  add({ attempt, from, lines }: NewLines): boolean {
    if (attempt < this.of) return false
    if (attempt > this.of) this.begin(attempt)
    const before = this.kept.length
    // They were asked for twice, or something before them is missing.
    if (from > before || this.isCut) return false
    for (const text of lines.slice(before - from)) {
      const line = Buffer.from(text)
      this.isCut = this.account.take(this.tenant, line.length) !== null
      if (this.isCut) break
      this.counted += line.length
      this.linesBytes += line.length
      this.kept.push(line)
    }
    return this.kept.length > before
  }

  private begin(attempt: number): void {
    this.forget()
    this.of = attempt
  }

  void(attempt: number): void {
    if (attempt === this.of) this.forget()
  }

  settled(): void {
    this.giveBack()
  }

  private forget(): void {
    this.giveBack()
    this.of = 0
    this.isShown = false
    this.isCut = false
    this.linesBytes = 0
    this.kept.length = 0
  }

  private giveBack(): void {
    this.account.give(this.tenant, this.counted)
    this.counted = 0
  }
}

interface MirroredTask extends FollowedTask {
  sink: MirroredSink
  settledSeq: number
}

export class MirroredIntent extends Followed<MirroredTask> {
  /** Number of the last event of the copy. */
  seq = 0
  private readonly byNode = new Map<string, MirroredTask>()
  /** What the copy says of each node. */
  private readonly rows = new Map<string, Pick<TaskRow, 'attempt' | 'state'>>()

  constructor(
    id: string,
    tenant: string,
    private readonly account: ByteAccount,
    private readonly onFollowed: () => void,
  ) {
    super(id, tenant, account)
  }

  override follow(follower: Follower): void {
    super.follow(follower)
    this.onFollowed()
  }

  /** What is known of attempts in progress. */
  get known(): LinesAsked['known'] {
    const open = this.tasks.filter(({ settledSeq, sink }) => settledSeq === 0 && sink.of > 0)
    return open.slice(0, linesNodesMax).map(({ node, sink: { of: attempt, kept, isCut } }) => {
      return { node, attempt, lines: isCut ? linesOfNoMore : kept.length }
    })
  }

  /** False when nothing of it was new. */
  add(parts: readonly NewLines[]): boolean {
    let isNew = false
    for (const part of parts) {
      const task = this.taskOf(part)
      if (task === null || !task.sink.add(part)) continue
      this.show(task)
      isNew = true
    }
    if (isNew) this.wake()
    return isNew
  }

  /** The copy is another one: what was written, and what its tasks are now. */
  wrote(writes: readonly StoreWrite[], rows: readonly TaskRow[]): void {
    const nodes = new Map<number, string>()
    for (const { task, node, attempt, state } of rows) {
      nodes.set(task, node)
      this.rows.set(node, { attempt, state })
    }
    for (const write of writes) {
      if (write.write === 'release') this.byNode.get(nodes.get(write.task) ?? '')?.sink.void(write.attempt)
    }
    for (const task of this.tasks) this.show(task)
    for (const write of writes) {
      if (write.write !== 'event') continue
      this.seq = write.event.seq
      if (write.event.type === 'task_settled') this.end(write.event)
    }
  }

  /** Nobody follows it. */
  clear(): void {
    for (const { sink, settledSeq } of this.tasks) if (settledSeq === 0) sink.void(sink.of)
  }

  /** There is no room for the copy. */
  override letGo(): void {
    super.letGo()
    this.clear()
    this.over()
  }

  /** Of a node that is known here, and for an attempt that is under way or will be. */
  private taskOf({ node, attempt }: NewLines): MirroredTask | null {
    const row = this.rows.get(node)
    const isOpen = row !== undefined && (attempt > row.attempt || (attempt === row.attempt && row.state === 'leased'))
    if (!isOpen) return null
    const known = this.byNode.get(node)
    if (known !== undefined && known.settledSeq === 0) return known
    if (known === undefined && this.known.length >= linesNodesMax) return null
    const task = { node, settledSeq: 0, sink: new MirroredSink(this.tenant, this.account) }
    if (known !== undefined) this.tasks.splice(this.tasks.indexOf(known), 1)
    this.byNode.set(node, task)
    this.tasks.push(task)
    return task
  }

  private show({ node, sink, settledSeq }: MirroredTask): void {
    if (settledSeq > 0 || sink.of === 0) return
    const { attempt } = this.rows.get(node)!
    if (attempt > sink.of) sink.void(sink.of)
    else sink.isShown = attempt === sink.of
  }

  private end({ data, seq }: { data: string; seq: number }): void {
    const { node } = JSON.parse(data) as { node: string }
    const task = this.byNode.get(node)
    if (task === undefined || task.settledSeq > 0) return
    task.settledSeq = seq
    this.settled(task)
  }
}
