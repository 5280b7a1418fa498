/**
 * Gives up a client that keeps its connection and reads nothing. `pull-stream.ts` starts it when the client has been
 * given something and stops it when the client asks for more.
 */
import type { RequestContext } from '../request-context.ts'
import { IdleTimer } from './idle-timer.ts'

export class StallTimer {
  private readonly idleTimer: IdleTimer

  constructor(
    private readonly context: RequestContext,
    onStall: () => void,
  ) {
    this.idleTimer = new IdleTimer(context.edge.system, () => {
      onStall()
      // Its socket is full, so the runtime has to cut it.
      context.server.timeout(context.request, 1)
    })
  }

  start(): void {
    this.idleTimer.set(this.context.edge.settings.clientStallMs)
  }

  stop(): void {
    this.idleTimer.off()
  }

  /** The stream is over. */
  end(): void {
    this.idleTimer.end()
  }
}
