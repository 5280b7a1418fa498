/**
 * The work loop: everything the scout sends while it works leaves from `turn`, in one order: what attempts have to
 * send, credits for free places, the pong. A pong from here proves that work moves. The executor wakes it after every
 * change; when a frame may leave is the link's to decide.
 */
import { concurrencyMax } from '../../shared/limits/wire.ts'
import type { System, Timer } from '../../shared/system.ts'
import { Demand } from '../core/demand.ts'
import type { AttemptOutput } from './attempt-output.ts'
import { type Exit, Outbox } from './outbox.ts'

export class WorkLoop {
  readonly outbox: Outbox
  readonly demand: Demand
  /** The newest ping not yet answered. */
  private ping: number | null = null
  private turnDue = false
  private retry: Timer | null = null
  /** Set once the scout drains: called when nothing is left to do. */
  private onIdle: (() => void) | null = null

  /** `running` holds the tasks that are not settled; the loop only counts them. */
  constructor(
    private readonly system: System,
    private readonly exit: Exit,
    private readonly running: ReadonlyMap<string, unknown>,
    concurrency: number,
  ) {
    this.demand = new Demand(concurrency)
    this.outbox = new Outbox(exit, () => this.invite())
  }

  /** An attempt has something to send. */
  wrote(output: AttemptOutput): void {
    this.outbox.wrote(output)
    this.wake()
  }

  wake(): void {
    if (this.turnDue) return
    this.turnDue = true
    this.system.soon(() => this.turn())
  }

  /** Answers this ping with the next turn; a newer one takes its place. */
  pinged(ping: number): void {
    this.ping = ping
    this.wake()
  }

  /** The session is over, and its credits and pings with it. */
  lost(): void {
    this.demand.close()
    this.ping = null
  }

  /** Grants nothing more; `onIdle` is called once every task is settled and acknowledged. */
  drain(onIdle: () => void): void {
    this.onIdle = onIdle
    this.demand.stop()
    this.wake()
  }

  end(): void {
    this.onIdle = null
    this.retry?.cancel()
  }

  private turn(): void {
    this.turnDue = false
    const waitMs = Math.min(this.outbox.pump(), this.grant())
    this.answerPing()
    if (this.onIdle !== null && this.running.size === 0 && this.outbox.size === 0) return this.onIdle()
    if (waitMs === 0) return this.wake()
    if (waitMs === Number.POSITIVE_INFINITY || this.retry !== null) return
    this.retry = this.system.after(waitMs, () => {
      this.retry = null
      this.wake()
    })
  }

  /** Grants credits for free places. Returns when to try again, Infinity when there is nothing to grant. */
  private grant(): number {
    const waitMs = this.exit.waitMs(false, 0)
    if (waitMs > 0) return waitMs
    const count = this.invite()
    if (count > 0) this.exit.send({ type: 'credit', count })
    return Number.POSITIVE_INFINITY
  }

  private answerPing(): void {
    if (this.ping === null) return
    this.exit.send({ type: 'pong', ping: this.ping, running: Math.min(this.running.size, concurrencyMax) })
    this.ping = null
  }

  /** How many tasks there is room for beyond those already invited. */
  private invite(): number {
    // A settlement still on its way holds its place at the hub, so it does here.
    return this.demand.ask(this.running.size + this.outbox.unsentSettlements)
  }
}
