/**
 * What the hub holds in memory of durable intents that are not over: their tasks, the sinks that collect the answers of
 * open tasks, and who follows their events. Commands add intents, expansions add tasks, and committed changes remove
 * both. Commands, changes, readers and the effect runner look things up here; what is stored, and when, is theirs.
 */

import { ByteAccount } from '../../../shared/byte-account.ts'
import { type Fault, fault } from '../../../shared/faults.ts'
import { isAudited } from '../../../shared/keys/key-terms.ts'
import { keptLinesBytesMax, keptLinesBytesPerTenantMax } from '../../../shared/limits/intents.ts'
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import { isTerminalState } from '../../../shared/task-state.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import type { Change, Event } from '../../core/events.ts'
import type { AnswerSinkHost } from '../answers/answer-sink.ts'
import { DurableWatch, type Watchers } from '../answers/watch/durable-watch.ts'
import type { Charges } from '../charges/charges.ts'
import { closeAll, reopenedTab } from '../charges/plan-tabs.ts'
import { underNote, underNoteInSteps } from '../durability/set-aside.ts'
import type { ChargedKey, Tab } from '../ports/charged-key.ts'
import type { PlannerFunctions } from '../ports/planner.ts'
import type { IntentStore, OpenIntent, TaskRow } from '../ports/store.ts'
import { DurableSink, type Repair } from './durable-sink.ts'
import { Followed, type FollowedTask } from './events/followed.ts'
import type { Pending } from './expansion.ts'
import { termsOf, waitsOf } from './intent-rows.ts'
import { renderRequest } from './render.ts'

export interface LiveTask extends FollowedTask {
  task: number
  live: LiveIntent
  sink: DurableSink
  settledSeq: number
  /** How many times it has expanded; null unless it is a control node. */
  stage: number | null
  /** What was decided of it and is not written yet. */
  pending: Pending | null
  /** The same as the core will be told of it. */
  decided: Event | null
  /** What it costs; null for a control node, and once it is closed. */
  tab: Tab | null
  /** Its end is known, and may not be committed yet. */
  isOver: boolean
}

/** An intent that is not over. */
export class LiveIntent extends Followed<LiveTask> {
  /** Every task of it, also those that are over, by its node's name. */
  readonly numbers = new Map<string, number>()

  constructor(
    id: string,
    tenant: string,
    /** Whose key pays. */
    readonly key: ChargedKey,
    /** Number of the last event, committed or pending. */
    public seq: number,
    keptLines: ByteAccount,
  ) {
    super(id, tenant, keptLines)
  }
}

/**
 * Made by a control node: of those the answers of a vote have one request, which several scouts get, so that none can
 * be asked of another one who would not know it.
 */
function isGrown(node: string): boolean {
  return node.includes('.')
}

const noTabs: ReadonlyMap<number, Tab> = new Map()

interface LiveIntentsParts {
  store: Pick<IntentStore, 'request' | 'result' | 'noteInHand'>
  /** null in a hub that was given no planner. */
  planner: PlannerFunctions | null
  host: AnswerSinkHost
  spend: (bytes: number) => void
  charges: Charges
}

export class LiveIntents {
  private readonly intents = new Map<string, LiveIntent>()
  /** Tasks that are not terminal, or whose end is not committed yet. */
  private readonly open = new Map<number, LiveTask>()

  private readonly openByTenant = new Map<string, number>()
  private readonly keptLines = new ByteAccount(keptLinesBytesMax, keptLinesBytesPerTenantMax)

  /** Whoever looks at answers. */
  readonly watchers: Watchers = { now: null }

  constructor(private readonly parts: LiveIntentsParts) {}

  get openTasks(): number {
    return this.open.size
  }

  openTasksOf(tenant: string): number {
    return this.openByTenant.get(tenant) ?? 0
  }

  intent(id: string): LiveIntent | undefined {
    return this.intents.get(id)
  }

  task(task: number): LiveTask | undefined {
    return this.open.get(task)
  }

  /** Takes in an intent that is committed. `key`: whose pays. `tabs`: those that are open already. */
  remember({ intent, tasks, lastSeq }: OpenIntent, key: ChargedKey, tabs: ReadonlyMap<number, Tab> = noTabs): void {
    const live = new LiveIntent(intent.id, intent.tenant, key, lastSeq, this.keptLines)
    this.intents.set(intent.id, live)
    this.join(live, tasks, tabs)
  }

  /** These tasks belong to the intent from now on; they may need each other. */
  join(live: LiveIntent, rows: readonly TaskRow[], tabs: ReadonlyMap<number, Tab>): void {
    for (const { node, task } of rows) live.numbers.set(node, task)
    for (const row of rows) if (!isTerminalState(row.state)) this.add(live, row, tabs.get(row.task) ?? null)
  }

  /** The task is over without an answer: nothing was used of what was set aside for it, or for what would join it. */
  close(task: LiveTask): void {
    const { charges } = this.parts
    task.isOver = true
    closeAll(charges, [task.tab])
    task.tab = null
    if (task.pending?.type === 'expand') closeAll(charges, task.pending.tabs.values())
    task.pending = null
  }

  private add(live: LiveIntent, row: TaskRow, openTab: Tab | null): void {
    const { task, node, stage } = row
    const tab = stage === null ? (openTab ?? reopenedTab(this.parts.charges, live.key, row, termsOf(row))) : null
    const sink = this.sinkOf(live, row)
    const record: LiveTask = {
      task,
      node,
      live,
      sink,
      settledSeq: 0,
      stage,
      pending: null,
      decided: null,
      tab,
      isOver: false,
    }
    live.tasks.push(record)
    this.open.set(task, record)
    this.count(live.tenant, 1)
  }

  private count(tenant: string, more: 1 | -1): void {
    const open = this.openTasksOf(tenant) + more
    if (open > 0) this.openByTenant.set(tenant, open)
    else this.openByTenant.delete(tenant)
  }

  private sinkOf(live: LiveIntent, row: TaskRow): DurableSink {
    const { host, store, planner, spend } = this.parts
    const { task, node, kind, model } = row
    const terms = termsOf(row)
    const parents = waitsOf(row).map((need) => ({ node: need, task: live.numbers.get(need)! }))
    const render = planner?.render ?? null
    function* made(repair: Repair | null): Steps<Uint8Array | Fault> {
      try {
        return yield* renderRequest({ store, task, node, kind, parents, terms, render, repair, spend })
      } catch (error) {
        // If it ended the process, the next process would make the same request and end too.
        const reason = error instanceof Error ? error.message : String(error)
        return fault('internal_error', `The request of this task cannot be made (${reason.slice(0, 200)}).`)
      }
    }
    const request = (repair: Repair | null) => underNoteInSteps(store, live.id, made(repair))
    const { contract } = terms
    const breach =
      contract === undefined || planner === null
        ? null
        : (text: string) => underNote(store, live.id, () => planner.checkContract(contract, text))
    const isDirected = (terms.routing?.only?.length ?? 0) > 0
    const { watchers } = this
    const watched = { tenant: live.tenant, kind, isDirected, isShown: isAudited(live.key.scopes) }
    const deadlineMs = Math.min(terms.deadlineMs ?? requestDeadlineMs, requestDeadlineMs)
    const watch = isGrown(node) ? null : new DurableWatch(watchers, { ...watched, deadlineMs })
    const count = host.works?.begin({ task, tenant: live.tenant, kind, isDirected }) ?? null
    return new DurableSink({ task, kind, model, request, breach, onLines: () => live.wake(), count, watch }, host)
  }

  /** After the commit of this change: removes what is over, and wakes the readers. */
  committed(change: Change): void {
    if (change.change === 'intentEnd') {
      const ended = this.intents.get(change.intent)
      this.intents.delete(change.intent)
      return ended?.over()
    }
    const task = this.open.get(change.task)
    if (task === undefined) return
    if (change.change === 'settle' || change.change === 'end' || change.change === 'decide') {
      this.open.delete(change.task)
      this.count(task.live.tenant, -1)
      task.live.settled(task)
    }
    task.live.wake()
  }
}
