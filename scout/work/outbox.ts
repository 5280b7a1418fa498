/**
 * Everything that attempts have to say to the hub. It sends while the link has room, one frame of each attempt in turn,
 * so that a large body delays neither the others nor a heartbeat; and it keeps what was sent until the hub acknowledges
 * the settlement. The executor opens attempts and writes into them; the verdicts of a new session come through it too.
 */
import { unackedBytesMax, unackedResultMs } from '../../shared/limits/scout.ts'
import { concurrencyMax, fragmentBacklogBytes } from '../../shared/limits/wire.ts'
import type { FrameOf, ScoutFrame } from '../../shared/protocol/frames.ts'
import { keyOf, Outgoing } from './attempt-output.ts'

/** The way out, as the outbox sees it. */
export interface Exit {
  /** 0 when a frame of this size may leave now, else milliseconds until it is worth asking again, or Infinity. */
  waitMs(data: boolean, bytes: number): number
  send(frame: ScoutFrame): void
}

export class Outbox {
  /** Every attempt whose settlement is not acknowledged, oldest first. */
  private readonly kept = new Map<string, Outgoing>()
  /** Those with something to send in this session, in the order of their turn. */
  private readonly turns = new Set<Outgoing>()
  /** Attempts written in an earlier session that the present one has not asked for yet. */
  private readonly parked = new Set<Outgoing>()

  /** `invite` says how many tasks the scout has room for, now that a settlement makes room. */
  constructor(
    private readonly exit: Exit,
    private readonly invite: () => number,
  ) {}

  get size(): number {
    return this.kept.size
  }

  /** Settlements that have not left in full: their places at the hub are still taken. */
  get unsentSettlements(): number {
    let count = 0
    for (const attempt of this.kept.values()) if (attempt.settledAtMs !== null && !attempt.finished) count++
    return count
  }

  has(task: number, attempt: number): boolean {
    return this.kept.has(keyOf(task, attempt))
  }

  /** A new attempt. `nonce` is kept, so it must not share memory with a frame. */
  open(task: number, attempt: number, nonce: Uint8Array): Outgoing {
    const outgoing = new Outgoing(task, attempt, nonce)
    this.kept.set(outgoing.key, outgoing)
    return outgoing
  }

  /** Something was written: it waits for its turn, unless its session is over and no new one has asked for it. */
  wrote(outgoing: Outgoing): void {
    if (this.kept.get(outgoing.key) === outgoing && !this.parked.has(outgoing)) this.turns.add(outgoing)
  }

  /**
   * Sends what may leave now, but no more than a backlog's worth, so that what arrives meanwhile gets its turn. Returns
   * after how many milliseconds to call again: Infinity when nothing waits.
   */
  pump(): number {
    let bytes = 0
    for (const outgoing of this.turns) {
      if (bytes > fragmentBacklogBytes) return 0
      this.turns.delete(outgoing)
      const next = outgoing.peek()
      if (next === null) continue
      const waitMs = this.exit.waitMs(next.data, next.bytes)
      if (waitMs > 0) {
        this.turns.add(outgoing)
        return waitMs
      }
      const frame = outgoing.take()
      if (frame.type === 'settle') frame.credits = frame.body === null ? 0 : this.invite()
      this.exit.send(frame)
      bytes += next.bytes
      // Added behind the others, and met again by this very loop: a Set iterates over what is added meanwhile.
      if (outgoing.busy) this.turns.add(outgoing)
    }
    return Number.POSITIVE_INFINITY
  }

  /** The session is over. Returns the attempts that cannot outlive it; they are forgotten. */
  cut(): Outgoing[] {
    this.turns.clear()
    const lost: Outgoing[] = []
    for (const outgoing of this.kept.values()) {
      if (outgoing.resumable) this.parked.add(outgoing)
      else lost.push(outgoing)
    }
    for (const outgoing of lost) this.forget(outgoing)
    return lost
  }

  /** Every lease still held, for the hello. Results kept too long are dropped first. */
  held(nowMs: number): [task: number, attempt: number, nonce: Uint8Array][] {
    this.limit(nowMs)
    return [...this.kept.values()].map(({ task, attempt, nonce }) => [task, attempt, nonce])
  }

  /** The hub's verdicts on what was held. Returns the attempts that are over; they are forgotten. */
  resume(verdicts: FrameOf<'welcome'>['held']): Outgoing[] {
    for (const [task, attempt, verdict, chunk] of verdicts) {
      const outgoing = this.kept.get(keyOf(task, attempt))
      if (outgoing === undefined || verdict !== 'resumed' || !outgoing.resume(chunk)) continue
      this.parked.delete(outgoing)
      this.turns.add(outgoing)
    }
    const over = [...this.parked]
    for (const outgoing of over) this.forget(outgoing)
    return over
  }

  /** The hub has acknowledged a settlement, or given up an attempt that has none yet. Returns what it was about. */
  settled(task: number, attempt: number): Outgoing | undefined {
    const outgoing = this.kept.get(keyOf(task, attempt))
    if (outgoing !== undefined) this.forget(outgoing)
    return outgoing
  }

  forget(outgoing: Outgoing): void {
    this.kept.delete(outgoing.key)
    this.turns.delete(outgoing)
    this.parked.delete(outgoing)
    outgoing.release()
  }

  /** Drops the oldest results beyond the limits of time, bytes and number. Work under way is never dropped. */
  limit(nowMs: number): void {
    let bytes = 0
    for (const { keptBytes } of this.kept.values()) bytes += keptBytes
    for (const outgoing of this.kept.values()) {
      const { settledAtMs, keptBytes } = outgoing
      if (settledAtMs === null) continue
      const tooOld = nowMs - settledAtMs > unackedResultMs
      if (!tooOld && bytes <= unackedBytesMax && this.kept.size <= concurrencyMax) continue
      this.forget(outgoing)
      bytes -= keptBytes
    }
  }
}
