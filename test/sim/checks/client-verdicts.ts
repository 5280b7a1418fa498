/**
 * What scouts say about clients. Only strangers call a request invalid here, and all of them are one operator: such a
 * verdict may end a client's task only when nobody else could be asked, or was asked, or had no time. Invariant 30.
 */
import type { CoreState } from '../../../orchestrator/core/state.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import { secondOpinionMs, tickMs } from '../../../shared/limits/scheduling.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { isHonest, type Ledger } from './ledger.ts'

interface Word {
  atMs: number
  /** Another operator offered the model, before and after the hub heard it. */
  hadOther: boolean
  /** An honest scout had the task besides, or got it afterwards. */
  wasAsked: boolean
}

export class ClientVerdicts {
  /** The first of each task. */
  private readonly words = new Map<number, Word>()

  constructor(
    private readonly ledger: Ledger,
    private readonly fail: (invariant: number, what: string) => void,
  ) {}

  /** A scout settles a task; before the hub has heard of it. */
  said(core: CoreState, nowMs: number, session: number, frame: FrameOf<'settle'>): void {
    const { task, attempt, outcome, fault } = frame
    // What is handed back says nothing about the request, whatever reason is given.
    const isVerdict = outcome === 'failed' || outcome === 'cancelled'
    if (!isVerdict || fault !== 'invalid_request' || this.words.has(task)) return
    const { leases } = this.ledger.task(task)
    const own = leases.find((lease) => lease.attempt === attempt && lease.session === session)
    if (own === undefined) return
    const wasAsked = leases.some(({ scout }) => isHonest(scout))
    this.words.set(task, { atMs: nowMs, hadOther: hasOther(core, task), wasAsked })
  }

  /** Whether something was said of this task that is not final yet. */
  isOpen(task: number): boolean {
    return this.words.has(task)
  }

  /** And after it has. */
  heard(core: CoreState, task: number): void {
    const word = this.words.get(task)
    // One that is over by now is judged by what was before.
    if (word !== undefined && core.tasks.has(task)) word.hadOther &&= hasOther(core, task)
  }

  given(task: number, operator: string): void {
    const word = this.words.get(task)
    if (word !== undefined && isHonest(operator)) word.wasAsked = true
  }

  /** A client's task has failed, and the client has seen nothing of an answer. */
  failed(task: number, code: FaultCode, nowMs: number, queueTimeoutMs: number): void {
    if (code !== 'invalid_request') return
    const word = this.words.get(task)
    if (word === undefined) return this.fail(30, `task ${task} is called invalid by nobody`)
    const isLate = nowMs - word.atMs >= Math.min(secondOpinionMs, queueTimeoutMs) - 2 * tickMs
    if (word.hadOther && !word.wasAsked && !isLate) {
      this.fail(30, `task ${task} ended by the word of one operator, while another offered its model`)
    }
  }
}

function hasOther({ tasks, draining }: CoreState, id: number): boolean {
  const task = tasks.get(id)
  return !draining && task !== undefined && [...task.entry.operators.keys()].some(isHonest)
}
