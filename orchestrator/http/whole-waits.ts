/**
 * Requests that wait for a whole answer. Nothing moves on their connections meanwhile, which is no reason to close them
 * as idle, and a client that leaves has to be noticed. Handlers begin and end each wait; most end long before the
 * server would call the connection idle, so the server's timeout is changed only for the few that a sweep finds.
 */
import { httpIdleMs, waitSweepMs } from '../../shared/limits/http.ts'
import type { System, Timer } from '../../shared/system.ts'

/** The part of a request's context that a wait uses; the last two fields are kept here only. */
interface WaitingRequest {
  readonly request: Request
  readonly server: Pick<Bun.Server<unknown>, 'timeout'>
  /** Where it is in the list of waits, while it is one of them. */
  waitSlot: number
  /** Whether its connection is not closed for being idle. */
  isIdleExempt: boolean
}

const once = { once: true }

export class WholeWaits {
  private readonly waiting: WaitingRequest[] = []
  private timer: Timer | null = null

  constructor(private readonly system: System) {}

  /** `onLeave` is called once if the client leaves, at once if it has left. End the wait in any case. */
  begin(context: WaitingRequest, onLeave: () => void): void {
    context.waitSlot = this.waiting.length
    this.waiting.push(context)
    this.timer ??= this.system.after(waitSweepMs, () => this.sweep())
    const { signal } = context.request
    if (signal.aborted) onLeave()
    else signal.addEventListener('abort', onLeave, once)
  }

  end(context: WaitingRequest): void {
    const last = this.waiting.pop()!
    if (last !== context) {
      this.waiting[context.waitSlot] = last
      last.waitSlot = context.waitSlot
    }
    if (context.isIdleExempt) context.server.timeout(context.request, httpIdleMs / 1000)
    context.isIdleExempt = false
  }

  /** Nothing is swept any more. */
  stop(): void {
    this.timer?.cancel()
    this.timer = null
  }

  private sweep(): void {
    this.timer = null
    if (this.waiting.length === 0) return
    for (const context of this.waiting) {
      if (context.isIdleExempt) continue
      context.isIdleExempt = true
      context.server.timeout(context.request, 0)
    }
    this.timer = this.system.after(waitSweepMs, () => this.sweep())
  }
}
