/**
 * One task as whoever judges scouts sees it: what of its answer is of interest as an attempt begins, and the answer
 * when it is committed. The relay has one where somebody looks at answers, and none otherwise.
 */
import type { ByteAccount } from '../../../../shared/byte-account.ts'
import { trustWords } from '../../../../shared/scouts/trust-words.ts'
import type { TaskKind } from '../../../../shared/task.ts'
import type { AnswerObserver, GrantNote, WatchedTask } from '../../ports/trust/witness.ts'
import type { AttemptStream } from '../attempt-stream.ts'
import { WatchedLines } from './watched-lines.ts'

export class AnswerWatch implements WatchedTask {
  attempts = 0

  constructor(
    private readonly witness: AnswerObserver,
    readonly tenant: string,
    readonly kind: TaskKind,
    private readonly request: Uint8Array,
    private readonly stream: boolean,
    /** Milliseconds that the client gives it. */
    private readonly deadlineMs: number,
    readonly isDirected: boolean,
    readonly isShown: boolean,
    /** Of all answers that are looked at. */
    private readonly account: ByteAccount,
  ) {}

  get requestBytes(): number {
    return this.request.length
  }

  /**
   * An attempt begins: what is known of its scout, and what of its answer is kept, which is nothing where it goes on
   * behind another one's. `noted`: what came with its grant.
   */
  begin(attemptStream: AttemptStream, noted: GrantNote | undefined): void {
    const { attempt, served, continuing } = attemptStream
    this.attempts = attempt
    const { interest, state, seat } = noted ?? this.witness.note(served, this)
    attemptStream.trust = state && trustWords[state]
    attemptStream.seat = seat
    // Who noted it elsewhere does not know whether it may be shown.
    if (interest === 'none' || continuing || !this.isShown) return
    attemptStream.watched = new WatchedLines(interest, served.scout, this.account)
  }

  /** The answer is committed. */
  seen(attemptStream: AttemptStream, body: Uint8Array): void {
    const { witness, tenant, kind, stream, isDirected, deadlineMs, request } = this
    const { served, watched, facts, seat } = attemptStream
    witness.settled(served, facts.completionTokens, attemptStream.answerBytes, seat)
    watched?.add(attemptStream.end())
    // Where another scout has seen the request nobody could be asked again who is known not to have.
    if (watched === null || watched.lines === null || this.attempts > 1) return
    const { interest, lines } = watched
    const { textStart, textEnd } = facts
    const said = { lines, body, textStart, textEnd }
    witness.answered({ interest, tenant, kind, served, stream, isDirected, request, deadlineMs, ...said, seat })
  }
}
