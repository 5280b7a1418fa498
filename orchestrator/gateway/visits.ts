/**
 * When sessions are looked after: every session in its turn, those that have not greeted until they have, and all of
 * them at once after this process stood still. The gateway adds and removes sessions and asks before it reads a
 * message; what a session does at its visit is its own.
 */
import { standstillMs } from '../../shared/limits/wire.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { ScoutSession } from './session.ts'

/** Each turn visits one of these groups, so that no moment is crowded. */
const groupCount = 10
const turnMs = 100

export class SessionVisits {
  private readonly groups = Array.from({ length: groupCount }, () => new Set<ScoutSession>())
  /** Those that have not greeted, and some that have a moment ago; in the order in which they came. */
  private readonly greeting = new Set<ScoutSession>()
  private turn = 0
  private timer: Timer | null = null
  private dueMs = 0

  constructor(private readonly system: System) {}

  start(): void {
    this.dueMs = this.system.nowMs()
    this.visit()
  }

  stop(): void {
    this.timer?.cancel()
  }

  add(session: ScoutSession): void {
    this.greeting.add(session)
    this.groups[session.id % groupCount]!.add(session)
  }

  remove(session: ScoutSession): void {
    this.groups[session.id % groupCount]!.delete(session)
  }

  private visit(): void {
    this.timer = this.system.after(turnMs, () => this.visit())
    const nowMs = this.system.nowMs()
    this.notice(nowMs)
    this.dueMs = nowMs + turnMs
    this.turn = (this.turn + 1) % groupCount
    for (const session of this.groups[this.turn]!) session.check(nowMs)
    this.hurry(nowMs)
  }

  /** A visit that is long overdue means that this process stood still. Asked before anything is read or judged. */
  notice(nowMs: number): void {
    const lateMs = nowMs - this.dueMs
    if (lateMs < standstillMs || this.timer === null) return
    this.dueMs = nowMs + turnMs
    for (const group of this.groups) for (const session of [...group]) session.stood(lateMs, nowMs)
  }

  /** Gives up who has not greeted in time. The oldest stand first, so who is not due ends the look. */
  private hurry(nowMs: number): void {
    for (const session of this.greeting) {
      if (session.phase === 'greeting' && !session.helloDue(nowMs)) return
      this.greeting.delete(session)
    }
  }
}
