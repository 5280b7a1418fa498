/** One attempt as its scout sees it: says pieces of the answer and its end at the edge where the scout is. */
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import type { Outcome } from '../../../shared/task.ts'
import { bytesOf, deltaLine, tail } from '../hub/engine-bench.ts'
import type { EdgeSeat } from './edge-bench.ts'

export class PlayedAttempt {
  private seq = 0
  private offset = 0

  constructor(
    public seat: EdgeSeat,
    public session: number,
    readonly lease: FrameOf<'task'>,
  ) {}

  say(...lines: string[]): void {
    const body = bytesOf(lines.map((line) => `${line}\n`).join(''))
    const { task, attempt } = this.lease
    this.seat.desks.scoutEvents.chunk(this.session, { task, attempt, seq: this.seq++, offset: this.offset }, body)
    this.offset += body.length
  }

  /** Leaves pieces out, so that its answer breaks off. */
  leap(): void {
    this.seq++
    this.say(deltaLine('behind a gap'))
  }

  done(credits = 0): void {
    this.settle('done', '', credits, bytesOf(tail))
  }

  /** Hands it back. */
  released(): void {
    this.settle('released', 'scout_draining', 0, bytesOf(''))
  }

  /** Under a nonce that is not its own. */
  forged(): void {
    const nonce = this.lease.nonce.map((byte) => byte ^ 1)
    this.settle('done', '', 0, bytesOf(tail), nonce)
  }

  private settle(outcome: Outcome, fault: string, credits: number, body: Uint8Array, nonce = this.lease.nonce): void {
    const { task, attempt } = this.lease
    const told = { provider: '', fault, message: '', param: '', retryAfterMs: 0 }
    const settlement = { task, attempt, nonce, outcome, chunks: this.seq, credits, ...told }
    this.seat.desks.scoutEvents.settle(this.session, settlement, body)
  }
}
