/**
 * An intent as its readers follow it: its tasks with the lines of their answers, who follows, and who waits for news.
 * The lines of a task that has ended stay for as long as a follower lacks them and there is room. Live intents are
 * followed (`live-intents.ts`), and copies of those of other hubs (`handover/mirrored-intent.ts`).
 */
import type { ByteAccount } from '../../../../shared/byte-account.ts'

/** A reader of an intent's events: the number of the last event that it has. */
export interface Follower {
  readonly seq: number
}

/** Where the lines of one task's answer are. */
export interface FollowedSink {
  /** The attempt whose lines these are; 0 while there is none. */
  readonly attempt: number
  readonly lines: readonly Uint8Array[]
  /** Of its lines. */
  readonly linesBytes: number
  /** Forgets the lines of this attempt. */
  void(attempt: number): void
  /** The end of the task is committed: only its lines are kept. */
  settled(): void
}

export interface FollowedTask {
  readonly node: string
  /** Number of the event of its end; 0 before. Readers get its lines before that event and never after. */
  readonly settledSeq: number
  readonly sink: FollowedSink
}

export class Followed<Task extends FollowedTask> {
  readonly tasks: Task[] = []
  private readonly followers = new Set<Follower>()
  private readonly waiters = new Set<() => void>()
  /** Settled tasks whose lines some follower lacks, each with the bytes that are counted for it. */
  private held: { task: Task; bytes: number }[] = []
  private isOver = false
  /** Another hub goes on with it, or there is no room for it: who follows it here has to ask anew. */
  isLetGo = false

  constructor(
    readonly id: string,
    readonly tenant: string,
    /** Of lines that are kept for followers, by tenant. */
    private readonly keptLines: ByteAccount,
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

  get isFollowed(): boolean {
    return this.followers.size > 0
  }

  follow(follower: Follower): void {
    this.followers.add(follower)
  }

  /** The last one may have been cut off and come back at once: what it lacks stays until the next task settles. */
  unfollow(follower: Follower): void {
    this.followers.delete(follower)
    if (this.followers.size > 0 || this.isOver) this.freeLines()
  }

  /** The end of this task is committed: its lines stay for as long as a follower lacks them and there is room. */
  settled(task: Task): void {
    const bytes = task.sink.linesBytes
    task.sink.settled()
    if (this.keptLines.take(this.tenant, bytes) !== null) task.sink.void(task.sink.attempt)
    else this.held.push({ task, bytes })
    this.freeLines()
  }

  letGo(): void {
    this.isLetGo = true
    this.wake()
  }

  /** Nothing of it runs any more, and who asks for its events from now on gets none of its lines. */
  over(): void {
    this.isOver = true
    this.freeLines()
    this.wake()
  }

  /** Frees the lines of settled tasks whose end every follower has; called when one has read such an end. */
  freeLines(): void {
    if (this.held.length === 0) return
    let reached = Number.POSITIVE_INFINITY
    for (const { seq } of this.followers) reached = Math.min(reached, seq)
    this.held = this.held.filter(({ task: { settledSeq, sink }, bytes }) => {
      if (settledSeq > reached) return true
      sink.void(sink.attempt)
      this.keptLines.give(this.tenant, bytes)
      return false
    })
  }
}
