/**
 * Counts the work of one task for its receipt, beside whoever carries its answer: what was asked, which scouts hold it,
 * and at the end what was done. The counter makes one for each task whose answers pass here, and remembers which
 * requests scouts hold now, so that a scout that asks the hub for what the hub asked it is found.
 */

import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { type System, secretUnit } from '../../../shared/system.ts'
import type { Served, TaskKind } from '../../../shared/task.ts'
import { LeasedRequests } from '../../ledger/points/request-memory.ts'
import type { AnswerCount, RequestCount, WorkDone } from '../ports/ledger/work.ts'
import { countRequest } from './request-count.ts'
import { SpokenAnswer } from './spoken-answer.ts'

export interface CountedTask {
  task: number
  tenant: string
  kind: TaskKind
  /** The request names who alone may serve it. */
  isDirected: boolean
}

/** An attempt that has ended with an answer, or with a part of one. */
export interface Outcome {
  attempt: number
  served: Served
  answer: AnswerCount
  isPartial: boolean
  isContinued: boolean
}

export class WorkCounter {
  private readonly leased = new LeasedRequests()
  private readonly unit: () => number

  constructor(system: Pick<System, 'randomBytes'>) {
    this.unit = () => secretUnit(system)
  }

  begin(of: CountedTask): TaskCount {
    return new TaskCount(of, this.leased, this.unit)
  }
}

export class TaskCount {
  private body: Uint8Array | null = null
  private request: RequestCount | null = null
  /** Attempts by the operators that hold them, each with what it was sent. */
  private held: { attempt: number; operator: string; textsHash: number }[] = []
  private begun: { attempt: number; operator: string } | null = null

  constructor(
    private readonly of: CountedTask,
    private readonly leased: LeasedRequests,
    private readonly unit: () => number,
  ) {}

  /** For what one attempt answers. */
  answer(): SpokenAnswer {
    return new SpokenAnswer(this.unit)
  }

  /** An attempt begins at this scout; its request follows. */
  begin(attempt: number, scout: string): void {
    this.begun = { attempt, operator: operatorOf(scout) }
  }

  /** The request of the attempt that has begun, as its scout gets it. */
  sent(body: Uint8Array): void {
    const { begun } = this
    if (this.body !== body || this.request === null) this.request = countRequest(body)
    this.body = body
    this.begun = null
    if (begun === null) return
    const { attempt, operator } = begun
    const { textsHash } = this.request
    if (this.leased.lease(operator, textsHash)) this.held.push({ attempt, operator, textsHash })
  }

  /** The scout of this attempt holds it no more. */
  released(attempt: number): void {
    const at = this.held.findIndex((held) => held.attempt === attempt)
    if (at < 0) return
    const [held] = this.held.splice(at, 1)
    this.leased.release(held!.operator, held!.textsHash)
  }

  /** No scout holds it any more. */
  releasedAll(): void {
    for (const { operator, textsHash } of this.held) this.leased.release(operator, textsHash)
    this.held = []
    this.body = null
  }

  /** What was done. `remade`: makes the request again where it was sent before a restart of the hub. */
  over(
    { attempt, answer, served, isPartial, isContinued }: Outcome,
    remade: () => Uint8Array | null = () => null,
  ): WorkDone | null {
    if (this.request === null) {
      const body = remade()
      if (body === null) return null
      this.request = countRequest(body)
    }
    const { request } = this
    const { task, kind, tenant, isDirected } = this.of
    this.releasedAll()
    const isLoop = this.leased.holds(tenant, request.textsHash)
    return { task, attempt, kind, served, tenant, request, answer, isDirected, isLoop, isPartial, isContinued }
  }
}
