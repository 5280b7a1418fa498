/**
 * The requests of a plan's tasks as the bytes that travel: JSON of one object each. Scrolls and templates feed it; it
 * keeps watch over their sum, because what a client wrote in few characters may be longer once it is written out.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { PlannedTask } from '../../engine/ports/planner.ts'

export class RequestBytes {
  private total = 0

  /** Counts what a task brings along; the fault of a plan that has become too large with it. */
  add({ request, control }: PlannedTask, what: string, param: string): Fault | null {
    this.total += request.byteLength
    if (control !== undefined) this.total += Buffer.byteLength(JSON.stringify(control))
    if (this.total <= bodyBytesMax) return null
    const text = `With ${what} the requests take more than ${bodyBytesMax} bytes in all: shorten the prompts.`
    return fault('invalid_request', text, { param })
  }
}
