/**
 * The outputs of all attempts. It sends while the link has room, one frame of each attempt in turn, so that a large
 * body delays neither the others nor a heartbeat; and it keeps what was sent until the hub acknowledges the settlement.
 * The executor opens attempts, and passes on acknowledgements and the verdicts of a new session; the work loop pumps.
 *
 * | an output is | entered | left | holds meanwhile |
 * |---|---|---|---|
 * | in turn | by a write, or by `resume` | when it has nothing to send | its frames may leave in this session |
 * | idle | when it has nothing to send | by a write, or by the end of the session | kept for the acknowledgement |
 * | parked | by `cut`, when it is resumable | by the verdicts of the next session | nothing of it is sent |
 * | forgotten | by an acknowledgement, a verdict, `cut` or `limit` | never | writes to it are ignored |
 */
import { unackedBytesMax, unackedResultMs } from '../../shared/limits/scout.ts'
import { concurrencyMax, fragmentBacklogBytes } from '../../shared/limits/wire.ts'
import type { FrameOf, ScoutFrame } from '../../shared/protocol/frames.ts'
import type { AnswerSigning } from './answer-signing.ts'
import { AttemptOutput, keyOf } from './attempt-output.ts'

/** The way out, as the outbox sees it. */
export interface Exit {
  /** 0 when a frame of this size may leave now, else milliseconds until it is worth asking again, or Infinity. */
  waitMs(data: boolean, bytes: number): number
  send(frame: ScoutFrame): void
}

export class Outbox {
  /** Every attempt whose settlement is not acknowledged, oldest first. */
  private readonly kept = new Map<string, AttemptOutput>()
  /** Those in turn, in their order. */
  private readonly turns = new Set<AttemptOutput>()
  /** Those of an earlier session that the present one has given no verdict on. */
  private readonly parked = new Set<AttemptOutput>()

  /** `invite` returns how many tasks the scout has room for, now that a settlement makes room. */
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
    for (const { phase } of this.kept.values()) if (phase === 'settled') count++
    return count
  }

  has(task: number, attempt: number): boolean {
    return this.kept.has(keyOf(task, attempt))
  }

  /** A new attempt. `nonce` is kept, so it must not share memory with a frame. */
  open(task: number, attempt: number, nonce: Uint8Array, signing: AnswerSigning | null = null): AttemptOutput {
    const output = new AttemptOutput(task, attempt, nonce, signing)
    this.kept.set(output.key, output)
    return output
  }

  /** Something was written: it waits for its turn, unless it is parked or forgotten. */
  wrote(output: AttemptOutput): void {
    if (this.kept.get(output.key) === output && !this.parked.has(output)) this.turns.add(output)
  }

  /**
   * Sends what may leave now, but no more than a backlog's worth, so that what arrives meanwhile gets its turn. Returns
   * after how many milliseconds to call again: Infinity when nothing waits.
   */
  pump(): number {
    let bytes = 0
    for (const output of this.turns) {
      if (bytes > fragmentBacklogBytes) return 0
      this.turns.delete(output)
      const next = output.peek()
      if (next === null) continue
      const waitMs = this.exit.waitMs(next.data, next.bytes)
      if (waitMs > 0) {
        this.turns.add(output)
        return waitMs
      }
      const frame = output.take()
      if (frame.type === 'settle') frame.credits = frame.body === null ? 0 : this.invite()
      this.exit.send(frame)
      bytes += next.bytes
      // Added behind the others, and met again by this very loop: a Set iterates over what is added meanwhile.
      if (output.busy) this.turns.add(output)
    }
    return Number.POSITIVE_INFINITY
  }

  /** The session is over. Returns the attempts that cannot outlive it; they are forgotten. */
  cut(): AttemptOutput[] {
    this.turns.clear()
    const lost: AttemptOutput[] = []
    for (const output of this.kept.values()) {
      if (output.resumable) this.parked.add(output)
      else lost.push(output)
    }
    for (const output of lost) this.forget(output)
    return lost
  }

  /** Every lease still held, for the hello. Results kept too long are dropped first. */
  held(nowMs: number): [task: number, attempt: number, nonce: Uint8Array][] {
    this.limit(nowMs)
    return [...this.kept.values()].map(({ task, attempt, nonce }) => [task, attempt, nonce])
  }

  /** The hub's verdicts on what was held. Returns the attempts that are over; they are forgotten. */
  resume(verdicts: FrameOf<'welcome'>['held']): AttemptOutput[] {
    for (const [task, attempt, verdict, chunk] of verdicts) {
      const output = this.kept.get(keyOf(task, attempt))
      if (output === undefined || verdict !== 'resumed' || !output.resume(chunk)) continue
      this.parked.delete(output)
      this.turns.add(output)
    }
    const over = [...this.parked]
    for (const output of over) this.forget(output)
    return over
  }

  /** The hub has acknowledged a settlement, or given up an attempt that has none yet. Returns its output. */
  settled(task: number, attempt: number): AttemptOutput | undefined {
    const output = this.kept.get(keyOf(task, attempt))
    if (output !== undefined) this.forget(output)
    return output
  }

  forget(output: AttemptOutput): void {
    this.kept.delete(output.key)
    this.turns.delete(output)
    this.parked.delete(output)
    output.release()
  }

  /** Drops the oldest results beyond the limits of time, bytes and number. Work under way is never dropped. */
  limit(nowMs: number): void {
    let bytes = 0
    for (const { keptBytes } of this.kept.values()) bytes += keptBytes
    for (const output of this.kept.values()) {
      const { settledAtMs, keptBytes } = output
      if (settledAtMs === null) continue
      const tooOld = nowMs - settledAtMs > unackedResultMs
      if (!tooOld && bytes <= unackedBytesMax && this.kept.size <= concurrencyMax) continue
      this.forget(output)
      bytes -= keptBytes
    }
  }
}
