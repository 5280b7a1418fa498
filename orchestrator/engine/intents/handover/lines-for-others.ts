/**
 * Lines of answers in progress, for readers of an intent at other hubs: a hub that asks is a follower of the intent
 * like any reader here, for as long as it asks again. It is told at once of what there is, else as soon as there is
 * some, a bounded number of times a second, and is never sent more than it asked for.
 */
import {
  linesAnswerBytesMax,
  linesForgetMs,
  linesGapMs,
  linesNodesMax,
  linesOfHub,
  linesWaitMs,
} from '../../../../shared/limits/cluster/journal.ts'
import type { System, Timer } from '../../../../shared/system.ts'
import type { LinesAsked, LinesFound, NewLines } from '../../ports/network/live-lines.ts'
import type { IntentStore } from '../../ports/store.ts'
import type { Followed, FollowedTask, Follower } from '../events/followed.ts'

type LiveIntent = Followed<FollowedTask>

/** A hub that follows an intent. */
interface Elsewhere extends Follower {
  seq: number
  live: LiveIntent
  forgets: Timer
}

export interface LinesForOthersParts {
  system: System
  live: { intent(id: string): LiveIntent | undefined }
  store: Pick<IntentStore, 'eventsAfter'>
}

const notHere: LinesFound = { isHere: false, hasEvents: false, parts: [] }

export class LinesForOthers {
  /** By the name of the hub, and the intent. */
  private readonly hubs = new Map<string, Map<string, Elsewhere>>()

  constructor(private readonly parts: LinesForOthersParts) {}

  async find(hub: string, asked: LinesAsked): Promise<LinesFound> {
    // One that is over is held for its followers, who may lack its last lines.
    const live = this.parts.live.intent(asked.intent) ?? this.hubs.get(hub)?.get(asked.intent)?.live
    if (live === undefined || !this.follows(hub, live, asked)) return notHere
    if (asked.waits && !this.hasNews(live, asked)) await this.news(live)
    // What comes within a moment goes along.
    if (asked.waits) await this.pass(linesGapMs)
    return live.isLetGo ? notHere : this.found(live, asked)
  }

  stop(): void {
    for (const intents of this.hubs.values()) for (const { forgets } of intents.values()) forgets.cancel()
  }

  /** Keeps what the hub lacks until it asks again; false when it follows too many. */
  private follows(hub: string, live: LiveIntent, { seq }: LinesAsked): boolean {
    const { system } = this.parts
    const intents = this.hubs.get(hub) ?? new Map<string, Elsewhere>()
    this.hubs.set(hub, intents)
    const known = intents.get(live.id)
    if (known === undefined && intents.size >= linesOfHub) return false
    known?.forgets.cancel()
    const isSame = known?.live === live
    if (!isSame) known?.live.unfollow(known)
    const forgets = system.after(linesForgetMs, () => this.forget(hub, live.id))
    const follower: Elsewhere = isSame ? known : { seq, live, forgets }
    follower.seq = seq
    follower.forgets = forgets
    intents.set(live.id, follower)
    live.follow(follower)
    live.freeLines()
    return true
  }

  private forget(hub: string, intent: string): void {
    const intents = this.hubs.get(hub)!
    const follower = intents.get(intent)!
    follower.live.unfollow(follower)
    intents.delete(intent)
    if (intents.size === 0) this.hubs.delete(hub)
  }

  private hasNews(live: LiveIntent, asked: LinesAsked): boolean {
    const { hasEvents, parts } = this.found(live, asked)
    return live.isLetGo || hasEvents || parts.length > 0
  }

  private found(live: LiveIntent, asked: LinesAsked): LinesFound {
    const hasEvents = this.parts.store.eventsAfter(live.id, asked.seq, 1).length > 0
    const known = new Map(asked.known.map((one) => [one.node, one]))
    const parts: NewLines[] = []
    let room = linesAnswerBytesMax
    let nodes = known.size
    for (const { node, sink, settledSeq } of live.tasks) {
      const { attempt, lines } = sink
      const isTold = settledSeq > 0 && settledSeq <= asked.seq
      const has = known.get(node)
      if (attempt === 0 || isTold || (has === undefined && nodes >= linesNodesMax)) continue
      const from = has?.attempt === attempt ? has.lines : 0
      const taken: string[] = []
      for (let at = from; at < lines.length && lines[at]!.length <= room; at++) {
        taken.push(Buffer.from(lines[at]!).toString())
        room -= lines[at]!.length
      }
      if (taken.length === 0) continue
      parts.push({ node, attempt, from, lines: taken })
      if (has === undefined) nodes++
    }
    return { isHere: true, hasEvents, parts }
  }

  /** Until something is new, or nobody should wait any longer. */
  private news(live: LiveIntent): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel()
        live.offNews(done)
        resolve()
      }
      const timer = this.parts.system.after(linesWaitMs, done)
      live.onNews(done)
    })
  }

  private pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.parts.system.after(ms, resolve))
  }
}
