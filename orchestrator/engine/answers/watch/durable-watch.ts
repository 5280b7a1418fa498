/**
 * One durable task as whoever judges scouts sees it: the request of its first attempt, and its answer once that is
 * committed. Later attempts, and those that a restart of the hub took up, are none of their business: others have seen
 * their requests, or nobody knows who has. What is kept meanwhile is bounded, with what is kept of chats.
 */
import type { ByteAccount } from '../../../../shared/byte-account.ts'
import { auditedPromptBytesMax, witnessedBytesMax } from '../../../../shared/limits/trust/audits.ts'
import { operatorOf } from '../../../../shared/scouts/scout-id.ts'
import type { Served, TaskKind } from '../../../../shared/task.ts'
import type { AnswerObserver, Interest } from '../../ports/trust/witness.ts'
import type { AttemptStream } from '../attempt-stream.ts'

/** Of an attempt whose answer is of interest. */
interface Kept {
  attempt: number
  interest: Interest
  request: Uint8Array
  operator: string
}

/** What a client asks. */
interface DurableTask {
  tenant: string
  kind: TaskKind
  isDirected: boolean
  /** It may be asked again of other scouts. */
  isShown: boolean
  /** Milliseconds that an attempt has. */
  deadlineMs: number
}

/** Who looks at answers, and the account of what is kept for that, of chats as well; null while nobody does. */
export interface Watchers {
  now: { witness: AnswerObserver; account: ByteAccount } | null
}

const nothing = new Uint8Array(0)

export class DurableWatch {
  private kept: Kept | null = null

  constructor(
    private readonly watchers: Watchers,
    private readonly task: DurableTask,
  ) {}

  /** The request of an attempt that begins. */
  sent(attempt: number, served: Served, request: Uint8Array): void {
    this.release()
    const { now } = this.watchers
    if (now === null) return
    const { witness, account } = now
    const { tenant, kind, isDirected, isShown } = this.task
    const { length: requestBytes } = request
    const { interest } = witness.note(served, { tenant, kind, isDirected, isShown, requestBytes, attempts: attempt })
    if (interest === 'none' || !isShown || attempt > 1 || requestBytes > auditedPromptBytesMax) return
    const operator = operatorOf(served.scout)
    if (account.take(operator, requestBytes) === null) this.kept = { attempt, interest, request, operator }
  }

  /** The answer is committed. Of embeddings it is `body`. */
  seen(attemptStream: AttemptStream, lines: readonly Uint8Array[], body: Uint8Array): void {
    const witness = this.watchers.now?.witness
    const { attempt, served, facts, answerBytes } = attemptStream
    witness?.settled(served, facts.completionTokens, answerBytes)
    const { kept } = this
    this.release()
    if (witness === undefined || kept === null || kept.attempt !== attempt) return
    const { tenant, kind, isDirected, deadlineMs } = this.task
    const { interest, request } = kept
    const isText = kind === 'chat'
    const said = isText ? { lines: firstOf(lines), body: nothing } : { lines: [], body }
    witness.answered({ interest, tenant, kind, served, stream: isText, isDirected, request, deadlineMs, ...said })
  }

  /** Nobody looks any more; may be called again. */
  release(): void {
    const { kept } = this
    this.kept = null
    if (kept !== null) this.watchers.now?.account.give(kept.operator, kept.request.length)
  }
}

/** As much as is looked at. */
function firstOf(lines: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0
  const first: Uint8Array[] = []
  for (const line of lines) {
    bytes += line.length
    if (bytes > witnessedBytesMax) break
    first.push(line)
  }
  return first
}
