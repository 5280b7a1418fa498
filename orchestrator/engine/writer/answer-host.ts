/**
 * What answers ask of the rest of the engine while they are on their way: relays and durable sinks report the first
 * content, hold a scout back, and end with their reader. It turns that into events and commands to the scouts' edge.
 */
import { ByteAccount } from '../../../shared/byte-account.ts'
import { fault } from '../../../shared/faults.ts'
import { unreadBytesMax, unreadBytesPerTenantMax } from '../../../shared/limits/http.ts'
import type { AnswerSinkHost } from '../answers/answer-sink.ts'
import type { ScoutLinks } from '../ports/scouts.ts'
import type { Listings } from '../reports/listings.ts'
import type { Writer } from './writer.ts'

export class AnswerHost implements AnswerSinkHost {
  readonly unread = new ByteAccount(unreadBytesMax, unreadBytesPerTenantMax)

  constructor(
    private readonly writer: Writer,
    private readonly links: ScoutLinks,
    private readonly listings: Listings,
  ) {}

  /**
   * Stepped at once. Something that arrived earlier in this turn may void the attempt, and then the task begins anew
   * elsewhere: its content must not have reached the reader.
   */
  contentBegan(task: number, attempt: number): void {
    this.writer.add({ type: 'contentBegan', task, attempt })
    this.writer.flush()
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.links.flow(session, task, attempt, paused)
  }

  position(task: number): number | null {
    return this.listings.position(task)
  }

  abandon(task: number): void {
    this.writer.add({ type: 'cancel', task, fault: fault('cancelled', 'The client closed the request.') })
  }
}
