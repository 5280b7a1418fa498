/**
 * One task as whoever judges scouts sees it: what of its answer is of interest as an attempt begins, and the answer
 * when it is committed. The relay has one where somebody looks at answers, and none otherwise.
 */
import type { Served, TaskKind } from '../../../../shared/task.ts'
import type { AnswerWitness, Interest, WatchedTask } from '../../ports/trust/witness.ts'
import type { AttemptStream } from '../attempt-stream.ts'

export class AnswerWatch implements WatchedTask {
  attempts = 0

  constructor(
    private readonly witness: AnswerWitness,
    readonly tenant: string,
    readonly kind: TaskKind,
    private readonly request: Uint8Array,
    private readonly stream: boolean,
    /** Milliseconds that the client gives it. */
    private readonly deadlineMs: number,
    readonly isDirected: boolean,
  ) {}

  get requestBytes(): number {
    return this.request.length
  }

  /** Of an attempt that begins at the beginning. */
  interest(served: Served, attempt: number): Interest {
    this.attempts = attempt
    return this.kind === 'chat' ? this.witness.interest(served, this) : 'none'
  }

  /** The answer is committed. */
  seen(attemptStream: AttemptStream, body: Uint8Array): void {
    const { witness, tenant, stream, isDirected, deadlineMs, request } = this
    const { served, interest, usage } = attemptStream
    witness.settled(served, usage.completionTokens, attemptStream.answerBytes)
    if (interest === 'none') return
    attemptStream.retain(attemptStream.end())
    const { kept: lines } = attemptStream
    witness.answered({ interest, tenant, served, stream, isDirected, request, deadlineMs, lines, body })
  }
}
