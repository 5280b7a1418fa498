/**
 * Counts the work of one task for its receipt, beside whoever carries its answer: what was asked, which scouts hold it,
 * and at the end what was done. The counter makes one for each task whose answers pass here, and remembers which
 * requests scouts hold now, so that a scout that asks the hub for what the hub asked it is found.
 */

import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { type System, secretUnit } from '../../../shared/system.ts'
import type { Served, TaskKind } from '../../../shared/task.ts'
import type { Steps, TurnLane } from '../../../shared/turn-lane.ts'
import { LeasedRequests } from '../../ledger/points/request-memory.ts'
import type { RequestsHeldElsewhere, TellHeld } from '../ports/ledger/held-requests.ts'
import type { AnswerCount, RequestCount, Signed, WorkDone } from '../ports/ledger/work.ts'
import { countInSteps, countRequest, isLongRequest } from './request-count.ts'
import { SpokenAnswer } from './spoken-answer.ts'

export interface CountedTask {
  task: number
  tenant: string
  kind: TaskKind
  /** The request names who alone may serve it. */
  isDirected: boolean
  /** As which task another hub knows it, for which it is done. */
  asker?: string
}

/** An attempt that has ended with an answer, or with a part of one. */
export interface Outcome {
  attempt: number
  served: Served
  answer: AnswerCount
  isPartial: boolean
  isContinued: boolean
  signed: Signed | null
}

/** What there is where answers are carried in several processes. */
interface Elsewhere {
  /** At an edge: the brain is told. */
  tell?: TellHeld
  /** In the brain: what edges have told. */
  others?: RequestsHeldElsewhere
}

export class WorkCounter {
  private readonly leased: LeasedRequests
  private readonly unit: () => number
  private readonly others: RequestsHeldElsewhere | null

  constructor(
    system: Pick<System, 'randomBytes'>,
    /** For long requests. */
    private readonly lane: Pick<TurnLane, 'add'>,
    { tell, others }: Elsewhere = {},
  ) {
    this.unit = () => secretUnit(system)
    this.leased = new LeasedRequests(undefined, tell)
    this.others = others ?? null
    others?.beside(this.leased)
  }

  begin(of: CountedTask): TaskCount {
    this.others?.asks(of.tenant)
    return new TaskCount(of, this.leased, this.unit, this.lane, this.others)
  }

  /** These operators are clients as well. */
  watch(names: readonly string[]): void {
    for (const name of names) this.leased.watch(name)
  }
}

/** An attempt by the operator who holds it, with what it was sent; null while that is not counted. */
interface Held {
  attempt: number
  operator: string
  textsHash: number | null
}

/** Shared by all that nobody holds; never added to. */
const noneHeld: Held[] = []

export class TaskCount {
  private body: Uint8Array | null = null
  private request: RequestCount | null = null
  /** A long request is being counted: in turns of the lane, and in those of the check of its answer. */
  private counting: Generator<void, RequestCount> | null = null
  /** Who holds it; made for the first one. */
  private held = noneHeld
  private begun: Held | null = null

  constructor(
    private readonly of: CountedTask,
    private readonly leased: LeasedRequests,
    private readonly unit: () => number,
    private readonly lane: Pick<TurnLane, 'add'>,
    private readonly others: RequestsHeldElsewhere | null,
  ) {}

  /** For what one attempt answers. */
  answer(): SpokenAnswer {
    return new SpokenAnswer(this.unit)
  }

  /** An attempt begins at this scout; its request follows. */
  begin(attempt: number, scout: string): void {
    this.begun = { attempt, operator: operatorOf(scout), textsHash: null }
  }

  /** The request of the attempt that has begun, as its scout gets it. */
  sent(body: Uint8Array): void {
    const { begun } = this
    if (this.body !== body || (this.request === null && this.counting === null)) this.count(body)
    this.body = body
    this.begun = null
    if (begun === null) return
    if (this.held === noneHeld) this.held = [begun]
    else this.held.push(begun)
    this.lease()
  }

  private count(body: Uint8Array): void {
    this.counting = null
    this.request = isLongRequest(body) ? null : countRequest(body)
    if (this.request !== null) return
    const counting = countInSteps(body)
    this.counting = counting
    this.lane.add(() => this.counting !== counting || this.goOn(counting))
  }

  /** One step; true when it was the last. */
  private goOn(counting: Generator<void, RequestCount>): boolean {
    const { done, value } = counting.next()
    if (done !== true) return false
    this.request = value
    this.counting = null
    this.lease()
    return true
  }

  /** Whoever holds it is remembered by what it says. */
  private lease(): void {
    if (this.request === null) return
    const { textsHash } = this.request
    for (const held of this.held) {
      if (held.textsHash === null && this.leased.lease(held.operator, textsHash)) held.textsHash = textsHash
    }
  }

  /**
   * The steps that are left until the request is counted, for the check of its answer; null where none are. `remade`:
   * makes it again where it was sent before a restart of the hub, which no chat outlives.
   */
  left(remade: (() => Steps<Uint8Array | null>) | null = null): Steps<void> | null {
    return this.request === null ? this.rest(remade) : null
  }

  private *rest(remade: (() => Steps<Uint8Array | null>) | null): Steps<void> {
    if (this.counting === null && remade !== null) {
      const body = yield* remade()
      if (body !== null) this.count(body)
    }
    while (this.counting !== null && !this.goOn(this.counting)) yield
  }

  /** The scout of this attempt holds it no more. */
  released(attempt: number): void {
    const at = this.held.findIndex((held) => held.attempt === attempt)
    if (at < 0) return
    this.release(this.held.splice(at, 1))
  }

  private release(held: readonly Held[]): void {
    for (const { operator, textsHash } of held) if (textsHash !== null) this.leased.release(operator, textsHash)
  }

  /** No scout holds it any more. */
  releasedAll(): void {
    this.release(this.held)
    this.held = noneHeld
    this.body = null
    this.counting = null
  }

  /**
   * What was done. Null where the request was not counted to its end: it is long, and its client left while the answer
   * had just begun.
   */
  over({ attempt, answer, served, isPartial, isContinued, signed }: Outcome): WorkDone | null {
    const { request } = this
    if (request === null) return null
    const { task, kind, tenant, isDirected, asker = '' } = this.of
    this.releasedAll()
    const { textsHash } = request
    const isLoop = this.leased.holds(tenant, textsHash) || this.others?.holds(tenant, textsHash) === true
    return {
      task,
      attempt,
      kind,
      served,
      tenant,
      asker,
      request,
      answer,
      isDirected,
      isLoop,
      isPartial,
      isContinued,
      signed,
    }
  }
}
