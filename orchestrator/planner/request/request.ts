/**
 * The requests of a plan's tasks as the bytes that travel: JSON of one object each. Scrolls and templates feed it; it
 * keeps watch over their sum, because what a client wrote in few characters may be longer once it is written out. It
 * asks for the room before anything is written, and counts what was written after.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { jsonChars } from '../../../shared/json/json-size.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { PlannedTask } from '../../engine/ports/planner.ts'

export class RequestBytes {
  private total = 0

  /** Whether so many characters more fit in; the fault of a plan that would become too large with them. */
  room(chars: number, what: string, param: string): Fault | null {
    return this.total + chars <= bodyBytesMax ? null : tooMuch(what, param)
  }

  /** Counts what a task brings along; the fault of a plan that has become too large with it. */
  add({ request, control }: PlannedTask, what: string, param: string): Fault | null {
    this.total += request.byteLength
    if (control !== undefined) {
      const refused = this.room(jsonChars(control, bodyBytesMax), what, param)
      if (refused !== null) return refused
      this.total += Buffer.byteLength(JSON.stringify(control))
    }
    return this.room(0, what, param)
  }
}

function tooMuch(what: string, param: string): Fault {
  const text = `With ${what} the requests take more than ${bodyBytesMax} bytes in all: shorten the prompts.`
  return fault('invalid_request', text, { param })
}
