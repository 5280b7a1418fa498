/**
 * What answers ask of the rest of the engine while they are on their way: relays and durable sinks report the first
 * content, hold a scout back, and end with their reader. It turns that into messages to the brain and commands to the
 * scouts' edge.
 */
import { ByteAccount } from '../../../shared/byte-account.ts'
import { type Fault, fault } from '../../../shared/faults.ts'
import { streamOverrunBytes, unreadBytesMax, unreadBytesPerTenantMax } from '../../../shared/limits/http.ts'
import { frameBytesMax } from '../../../shared/limits/wire.ts'
import type { WorkCounter } from '../counting/task-count.ts'
import type { BrainPort } from '../ports/brain.ts'
import type { AttemptLinks } from '../ports/scouts.ts'
import type { AnswerSinkHost } from './answer-sink.ts'

/** What may come for one reader after its scout was asked to pause; a frame more than one session leaves room for. */
export const afterPauseBytesMax = streamOverrunBytes + frameBytesMax

/** Why an answer ends for which there is no more room. */
export const tooSlow = fault(
  'client_stalled',
  'The answer was read too slowly to be kept waiting any longer: read faster, or ask again.',
)
export const tooMuchUnread = fault(
  'client_stalled',
  'Too much waits already of answers that are not read: read them faster, or ask for fewer at once.',
)

export const noBody = fault('internal_error', 'The answer was committed without its body.')
export const lostAfterContent = fault('scout_lost', 'The scout that worked on this lost its connection.')

/** Whether the client's side ended it. */
export function isLeft({ code }: Fault): boolean {
  return code === 'cancelled' || code === 'client_stalled'
}

export class AnswerHost implements AnswerSinkHost {
  readonly unread = new ByteAccount(unreadBytesMax, unreadBytesPerTenantMax)

  constructor(
    private readonly brain: BrainPort,
    private readonly scouts: Pick<AttemptLinks, 'flow'>,
    readonly works: WorkCounter | null = null,
  ) {}

  /**
   * Decided on at once. Something that arrived earlier in this turn may void the attempt, and then the task begins anew
   * elsewhere: its content must not have reached the reader.
   */
  contentBegan(task: number, attempt: number): void {
    this.brain.fromClients({ type: 'contentBegan', task, attempt })
    this.brain.flush()
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.scouts.flow(session, task, attempt, paused)
  }

  where(task: number): void {
    this.brain.fromClients({ type: 'where', task })
  }

  abandon(task: number): void {
    this.fail(task, fault('cancelled', 'The client closed the request.'))
  }

  fail(task: number, cause: Fault): void {
    this.brain.fromClients({ type: 'cancel', task, fault: cause })
  }
}
