/**
 * Requests that wait for a whole answer. Nothing moves on their connections meanwhile, which is no reason to close them
 * as idle, and a client that leaves has to be noticed. Handlers begin and end each wait. Most end so soon that neither
 * comes up, so both are done for those that a sweep finds: the abort signal of a request, which the runtime makes when
 * it is first asked for and which remembers a client that has left by then, and the server's timeout.
 */
import { httpIdleMs, idleExemptMs, leaveSweepMs } from '../../shared/limits/http.ts'
import type { System, Timer } from '../../shared/system.ts'
import { SlotList } from './slot-list.ts'

/** The part of a request's context that a wait uses; the last fields are kept here only. */
interface WaitingRequest {
  readonly request: Request
  readonly server: Pick<Bun.Server<unknown>, 'timeout'>
  readonly startedMs: number
  /** Its place in the list of waits, while it is one of them. */
  listSlot: number
  /** To be called if the client leaves; null once its signal does that, or nothing waits any more. */
  onLeave: (() => void) | null
  /** What its signal calls; null before it is asked for. */
  leaveListener: (() => void) | null
  /** Whether its connection is not closed for being idle. */
  isIdleExempt: boolean
}

const once = { once: true }

export class WholeWaits {
  private readonly waiting = new SlotList<WaitingRequest>()
  private timer: Timer | null = null

  constructor(private readonly system: System) {}

  /** `onLeave` is called once if the client leaves or has left, soon after. End the wait in any case. */
  begin(context: WaitingRequest, onLeave: () => void): void {
    context.onLeave = onLeave
    this.waiting.add(context)
    this.timer ??= this.system.after(leaveSweepMs, () => this.sweep())
  }

  end(context: WaitingRequest): void {
    this.waiting.remove(context)
    context.onLeave = null
    if (context.leaveListener !== null) context.request.signal.removeEventListener('abort', context.leaveListener)
    context.leaveListener = null
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
    if (this.waiting.items.length === 0) return
    const nowMs = this.system.nowMs()
    for (const context of this.waiting.items) {
      const openMs = nowMs - context.startedMs
      if (context.onLeave !== null && openMs >= leaveSweepMs) watch(context, context.onLeave)
      if (context.isIdleExempt || openMs < idleExemptMs) continue
      context.isIdleExempt = true
      context.server.timeout(context.request, 0)
    }
    this.timer = this.system.after(leaveSweepMs, () => this.sweep())
  }
}

function watch(context: WaitingRequest, onLeave: () => void): void {
  context.onLeave = null
  const { signal } = context.request
  if (signal.aborted) return onLeave()
  context.leaveListener = onLeave
  signal.addEventListener('abort', onLeave, once)
}
