/**
 * What a stranger may say about somebody's request; the checker asks here.
 *
 * 29. No durable task ends as its client's fault on the word of one operator, while another one offers the model: that
 *     one is asked, or was waited for in vain.
 */
import { isConstrained } from '../../../orchestrator/core/fleet/placement.ts'
import type { CoreState } from '../../../orchestrator/core/state.ts'
import type { StoreWriteOf } from '../../../orchestrator/engine/ports/store.ts'
import { secondOpinionMs } from '../../../shared/limits/scheduling.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import type { Checker } from './invariants.ts'
import type { SessionBook } from './ledger.ts'

/** Here only strangers say it of a request, and never rightly. */
const verdict = 'invalid_request'

/** A word that is not enough alone. */
interface Word {
  saidMs: number
  operator: string
}

function operatorOf({ scout }: SessionBook): string {
  return scout.slice(0, scout.indexOf('/'))
}

export class Verdicts {
  private readonly words = new Map<number, Word>()

  constructor(
    private readonly checker: Pick<Checker, 'ledger' | 'fail'>,
    private readonly core: () => CoreState | undefined,
  ) {}

  /** Before the engine hears it. */
  heard(session: number, { task: id, attempt, outcome, fault }: FrameOf<'settle'>, nowMs: number): void {
    const book = this.checker.ledger.sessions.get(session)
    const isHeld = this.checker.ledger
      .task(id)
      .leases.some((lease) => lease.attempt === attempt && lease.session === session)
    if (book === undefined || !isHeld || outcome !== 'failed' || fault !== verdict) return
    const core = this.core()
    const task = core?.tasks.get(id)
    if (core === undefined || core.draining || task === undefined || isConstrained(task)) return
    const operator = operatorOf(book)
    const hasOthers = [...task.entry.operators.keys()].some((other) => other !== operator)
    if (hasOthers && !this.words.has(id)) this.words.set(id, { saidMs: nowMs, operator })
  }

  /** Another operator is asked: what it says is the second word. */
  granted(session: SessionBook, task: number): void {
    if (this.words.get(task)?.operator !== operatorOf(session)) this.words.delete(task)
  }

  ended({ task, state, fault }: StoreWriteOf<'end'>, nowMs: number): void {
    const word = this.words.get(task)
    this.words.delete(task)
    if (word === undefined || fault === null || !fault.includes(`"${verdict}"`)) return
    // Skipped or cancelled: what ended it is the end of another node, whose cause it has.
    if (state !== 'failed') return
    if (nowMs - word.saidMs >= secondOpinionMs || this.core()?.draining) return
    this.checker.fail(29, `task ${task} ended on the word of ${word.operator} alone`)
  }
}
