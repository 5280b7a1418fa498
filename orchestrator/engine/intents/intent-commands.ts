/**
 * What clients ask to be done with durable intents: accept a plan, cancel an intent, retry a node. Each command writes
 * through the journal and gives the core its event once it is committed. What the core makes of it becomes rows in
 * `intent-changes.ts`; what an earlier process left open is taken up in `recovery.ts`.
 */
import { type Fault, fault, mayPass } from '../../../shared/faults.ts'
import {
  durableTasksMax,
  durableTasksPerTenantMax,
  intentDeadlineMs,
  intentDeathsMax,
} from '../../../shared/limits/intents.ts'
import type { System } from '../../../shared/system.ts'
import type { Accept, Event } from '../../core/events.ts'
import { type CoreState, hubDraining } from '../../core/state.ts'
import type { Charges } from '../charges/charges.ts'
import { admitPlan, chargedKeyOf, closeAll, retriedTabs, tabsByTask } from '../charges/plan-tabs.ts'
import type { IdempotencyKeys } from '../durability/idempotency.ts'
import { type Journal, unkept } from '../durability/journal.ts'
import { diedTwice } from '../durability/set-aside.ts'
import type { KeyStore } from '../ports/account-store.ts'
import { type ChargedKey, type Tab, unlimitedKey } from '../ports/charged-key.ts'
import type { Accepted, IntentSubmission, Viewer } from '../ports/intents.ts'
import type { SharedKeyStore } from '../ports/network/shared-keys.ts'
import type { IntentStore, OpenIntent, RetriedTask, StoreWrite } from '../ports/store.ts'
import { acceptEvent, faultOf, intentRow, keptRequest, maySee, readEvent, taskRow, termsOf } from './intent-rows.ts'
import type { LiveIntents } from './live-intents.ts'
import { tasksToRetry } from './retry.ts'

export interface CommandParts {
  system: System
  store: Pick<IntentStore, 'intent' | 'openIntent' | 'deaths'> &
    Pick<KeyStore, 'keys' | 'keyById' | 'account'> &
    Pick<SharedKeyStore, 'shared'>
  journal: Journal
  core: Pick<CoreState, 'draining'>
  idempotencyKeys: IdempotencyKeys
  dispatch: (event: Event) => void
  /** Steps through what was dispatched, now: what a step writes then comes before what the caller writes. */
  flush: () => void
  nextTask: () => number
  charges: Charges
}

/** A command that waits for a retry: called with null after its commit, or with why the retry was refused. */
type AfterRetry = (refusal: Fault | null) => void

export class IntentCommands {
  /** Intents whose retry is not committed yet, each with the cancels that came meanwhile. */
  private readonly retrying = new Map<string, AfterRetry[]>()
  /** Intents whose removal is not committed yet. */
  private readonly forgetting = new Set<string>()
  /** Tasks of commands whose commit is pending: all, and by tenant. */
  private pendingTasks = 0
  private readonly pendingByTenant = new Map<string, number>()

  constructor(
    private readonly parts: CommandParts,
    private readonly live: Pick<LiveIntents, 'openTasks' | 'openTasksOf' | 'intent' | 'remember'>,
  ) {}

  /** Whether finished intents must be kept now, because one of them is about to go on. */
  get isRetrying(): boolean {
    return this.retrying.size > 0
  }

  // ------------------------------------------------------------ accept

  accept(submission: IntentSubmission): Promise<Accepted> {
    const { idempotency, tenant } = submission
    if (idempotency === undefined) return this.add(submission)
    const isWorn = (answer: Uint8Array) => submission.toldOutcome === true && this.mayEndOtherwise(intentIn(answer))
    const begun = this.parts.idempotencyKeys.claim({ tenant, ...idempotency }, isWorn)
    if (begun.type === 'refused') return Promise.resolve(begun)
    if (begun.type === 'replay') {
      return Promise.resolve({ type: 'accepted', id: intentIn(begun.answer), replayed: true })
    }
    return this.add(submission, begun.row).finally(begun.release)
  }

  /** Whether it failed for something that may have passed meanwhile. */
  private mayEndOtherwise(id: string): boolean {
    const row = this.parts.store.intent(id)
    const cause = row?.state === 'failed' ? faultOf(row.fault) : null
    return cause !== null && mayPass(cause.code)
  }

  private add(submission: IntentSubmission, answerRow?: (answer: Uint8Array) => StoreWrite): Promise<Accepted> {
    const { tenant, key = unlimitedKey(tenant) } = submission
    const { system, nextTask, charges } = this.parts
    const refusal = this.refusal(tenant, submission.plan.tasks.length)
    const admitted = refusal ?? admitPlan(charges, key, submission.plan.tasks)
    if ('code' in admitted) return Promise.resolve({ type: 'refused', fault: admitted })
    const { weight, deadlineMs } = submission
    const nowMs = system.wallMs()
    const intent = intentRow(submission, intentId(system, nowMs), nowMs)
    const tasks = admitted.tasks.map((task) => taskRow(intent.id, nextTask(), task))
    const requests = admitted.tasks.map(keptRequest)
    const tabs = tabsByTask(tasks, admitted.tabs)
    const planned = { nodes: admitted.tasks.map(({ node, model, needs }) => ({ node, model, needs })) }
    const event = { intent: intent.id, seq: 1, type: 'planned', data: JSON.stringify(planned), atMs: nowMs }
    const writes: StoreWrite[] = [
      { write: 'intent', intent, tasks, requests },
      { write: 'event', event },
    ]
    if (answerRow !== undefined) writes.push(answerRow(Buffer.from(intent.id)))
    const open: OpenIntent = { intent, tasks, requestBytes: requests.map(({ length }) => length), lastSeq: 1 }
    return new Promise((resolve) => {
      this.commit(writes, tenant, tasks.length, (refused) => {
        if (refused !== null) {
          closeAll(charges, tabs.values())
          return resolve({ type: 'refused', fault: refused })
        }
        this.begin(open, acceptEvent(open, weight, deadlineMs), key, tabs)
        resolve({ type: 'accepted', id: intent.id, replayed: false })
      })
    })
  }

  /** Commits what makes so many tasks open, then calls `then` with null, or with why it was refused. */
  private commit(
    writes: readonly StoreWrite[],
    tenant: string,
    tasks: number,
    then: (refused: Fault | null) => void,
  ): void {
    this.pend(tenant, tasks)
    const conclude = (refused: Fault | null) => {
      this.pend(tenant, -tasks)
      then(refused)
    }
    this.parts.journal.promise(
      writes,
      () => conclude(null),
      (refusal) => conclude(unkept(refusal)),
    )
  }

  /** Why so many more tasks cannot be open; null when they can. */
  private refusal(tenant: string, tasks: number): Fault | null {
    if (this.parts.core.draining) return hubDraining()
    const ofTenant = this.live.openTasksOf(tenant) + (this.pendingByTenant.get(tenant) ?? 0)
    const later = { retryAfterMs: 10_000 }
    if (ofTenant + tasks > durableTasksPerTenantMax) {
      return fault('queue_full', 'Too many tasks of your intents are open. Try again when some are done.', later)
    }
    if (this.live.openTasks + this.pendingTasks + tasks <= durableTasksMax) return null
    return fault('queue_full', 'Too many tasks of intents are open. Try again later.', later)
  }

  private pend(tenant: string, more: number): void {
    this.pendingTasks += more
    const pending = (this.pendingByTenant.get(tenant) ?? 0) + more
    if (pending > 0) this.pendingByTenant.set(tenant, pending)
    else this.pendingByTenant.delete(tenant)
  }

  /** The intent is committed: it is live, and the core has it. */
  private begin(open: OpenIntent, event: Accept, key: ChargedKey, tabs?: ReadonlyMap<number, Tab>): void {
    this.live.remember(open, key, tabs)
    this.parts.dispatch(event)
  }

  // ------------------------------------------------------------ cancel

  cancel(id: string, viewer: Viewer): Promise<Fault | null> {
    const row = this.parts.store.intent(id)
    if (row === undefined || !maySee(row, viewer)) return Promise.resolve(noSuchIntent)
    const afterRetry = this.retrying.get(id)
    if (afterRetry !== undefined) {
      return new Promise((resolve) => {
        afterRetry.push((refusal) => resolve(refusal ?? this.cancelRunning(id)))
      })
    }
    // What is over stays as it is, whatever the disk does.
    return row.state === 'running' ? this.cancelRunning(id) : Promise.resolve(null)
  }

  private cancelRunning(id: string): Promise<Fault | null> {
    const { dispatch, flush } = this.parts
    dispatch({ type: 'cancelIntent', intent: id, fault: fault('cancelled', 'The client cancelled the intent.') })
    // The promise below is kept by the commit of what the cancellation writes, so it comes behind that.
    flush()
    return this.ordered([])
  }

  /** Resolves when these writes, and all that was added before, are committed; or with why they are not. */
  private ordered(writes: readonly StoreWrite[]): Promise<Fault | null> {
    return new Promise((resolve) => {
      this.parts.journal.promise(
        writes,
        () => resolve(null),
        (refusal) => resolve(unkept(refusal)),
      )
    })
  }

  /** From here on it cannot be retried; a retry that is under way is waited for, and cancelled. */
  async forget(id: string, viewer: Viewer): Promise<Fault | null> {
    do {
      const refused = await this.cancel(id, viewer)
      if (refused !== null) return refused
    } while (this.retrying.has(id))
    this.forgetting.add(id)
    const unwritten = await this.ordered([{ write: 'forgetIntent', intent: id }])
    this.forgetting.delete(id)
    return unwritten
  }

  // ------------------------------------------------------------ retry

  retry(id: string, node: string, viewer: Viewer): Promise<Fault | null> {
    const { store, system } = this.parts
    const over = store.openIntent(id)
    if (over === undefined || !maySee(over.intent, viewer) || this.forgetting.has(id))
      return Promise.resolve(noSuchIntent)
    const isOver = over.intent.state !== 'running' && this.live.intent(id) === undefined && !this.retrying.has(id)
    const refused = isOver ? this.unfit(over) : null
    if (refused !== null) return Promise.resolve(refused)
    const tasks = isOver ? tasksToRetry(over.tasks, node) : stillRunning
    if ('code' in tasks) return Promise.resolve(tasks)
    const { tenant } = over.intent
    const noRoom = this.refusal(tenant, tasks.length)
    if (noRoom !== null) return Promise.resolve(noRoom)
    const key = chargedKeyOf(store, over.intent)
    const tabs = this.retriedTabs(over, tasks, key)
    if ('code' in tabs) return Promise.resolve(tabs)
    const nowMs = system.wallMs()
    const nodes = tasks.map(({ task }) => over.tasks.find((row) => row.task === task)!.node)
    const data = JSON.stringify({ node, nodes })
    const writes: StoreWrite[] = [
      { write: 'retry', intent: id, deadlineMs: nowMs + intentDeadlineMs, tasks },
      { write: 'event', event: { intent: id, seq: over.lastSeq + 1, type: 'retried', data, atMs: nowMs } },
    ]
    this.retrying.set(id, [])
    return new Promise((resolve) => {
      this.commit(writes, tenant, tasks.length, (refusal) => {
        const waiting = this.retrying.get(id)!
        this.retrying.delete(id)
        if (refusal === null) this.goOn(id, key, tabs)
        else closeAll(this.parts.charges, tabs.values())
        resolve(refusal)
        for (const then of waiting) then(refusal)
      })
    })
  }

  /** Why an intent that is over cannot go on at all; null when it can. */
  private unfit(over: OpenIntent): Fault | null {
    if ((this.parts.store.deaths().get(over.intent.id) ?? 0) >= intentDeathsMax) return diedTwice
    const event = readEvent(over, 1, intentDeadlineMs)
    return 'code' in event ? event : null
  }

  private retriedTabs(
    { tasks: rows }: OpenIntent,
    tasks: readonly RetriedTask[],
    key: ChargedKey,
  ): Map<number, Tab> | Fault {
    const retried = new Set(tasks.map(({ task }) => task))
    const again = rows.filter(({ task }) => retried.has(task)).map((row) => ({ row, terms: termsOf(row) }))
    return retriedTabs(this.parts.charges, key, again)
  }

  private goOn(id: string, key: ChargedKey, tabs: ReadonlyMap<number, Tab>): void {
    const { store } = this.parts
    const open = store.openIntent(id)!
    const [newestKey] = store.keys({ tenant: open.intent.tenant, limit: 1 })
    this.begin(open, acceptEvent(open, newestKey?.weight ?? 1, intentDeadlineMs), key, tabs)
  }
}

/** The intent that is kept under an Idempotency-Key. */
function intentIn(answer: Uint8Array): string {
  return Buffer.from(answer).toString()
}

export const noSuchIntent = fault('not_found', 'There is no such intent, or it is no longer kept.', { param: 'id' })

const stillRunning = fault(
  'invalid_request',
  'This intent is still running: wait for its end, or cancel it, before a node of it is tried again.',
)

/** Sorts by the time of its creation; the rest is random. */
function intentId(system: System, nowMs: number): string {
  return `int_${nowMs.toString(16).padStart(12, '0')}${Buffer.from(system.randomBytes(10)).toString('hex')}`
}
