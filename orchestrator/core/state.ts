/**
 * The whole state of the core in one place, changed in place by the modules beside it. `freed` and `unplaced` are the
 * step's own worklists: an event first changes the state, then `matching.ts` brings free scouts and unplaced tasks
 * together, so that no module has to call back into another.
 */

import { type Fault, fault } from '../../shared/faults.ts'
import type { Change, Effect } from './events.ts'
import { DepartedModels } from './fleet/absence.ts'
import { CapabilityIndex } from './fleet/capability-index.ts'
import { LostInstances } from './fleet/restarts.ts'
import { Roster } from './fleet/roster.ts'
import { CommittedSettlements } from './model/committed-settlements.ts'
import type { CancelWatch, Intent, ModelEntry, Pause, Scout, Suspect, Task } from './model/object-graph.ts'
import { Random } from './model/random.ts'
import { SlotTable } from './model/slot-table.ts'
import { TimerWheel } from './model/timer-wheel.ts'
import type { CoreSettings } from './settings.ts'
import { ServedSums } from './stats/served-sums.ts'

/** Everything that can be due; `timed` is its kind. */
export type Deadline = Task | Pause | CancelWatch | ModelEntry | Suspect

export interface CoreSeed {
  settings: CoreSettings
  seed: number
  nowMs: number
  /** A fresh unpredictable nonce of `nonceBytes`. */
  makeNonce: () => Uint8Array
}

export class CoreState {
  readonly settings: CoreSettings
  readonly random: Random
  readonly makeNonce: () => Uint8Array
  readonly index: CapabilityIndex
  readonly roster: Roster
  readonly wheel: TimerWheel<Deadline>
  /** Every task that is not terminal. */
  readonly tasks = new SlotTable<Task>()
  readonly committed: CommittedSettlements
  /** Durable intents that are not over. */
  readonly intents = new Map<string, Intent>()
  /** Tasks whose lease waits for its scout, by instance; `orphans.ts` keeps them. */
  readonly orphans = new Map<string, Set<Task>>()
  /** Leases in force, held or waiting for their scout. */
  leases = 0
  /** Tasks in queues: all; those that a client waits for; the latter by tenant. */
  queued = 0
  queuedByClients = 0
  readonly queuedByTenant = new Map<string, number>()
  /** Until when unknown models are held open after a restart. */
  bootGraceUntilMs: number
  draining = false
  /** The store cannot write just now. */
  storeTroubled = false
  /** Ready durable tasks that were taken out of their queues meanwhile; see `queueing.ts`. */
  readonly awaitingStore = new Set<Task>()
  /** Tenants whose tasks ended scouts lately, with those of their tasks that wait aside; see `trust/suspects.ts`. */
  readonly suspects = new Map<string, Suspect>()
  /** Models of which every scout is paused since the last tick, while tasks wait for them. */
  readonly limited = new Set<ModelEntry>()
  readonly departed = new DepartedModels()
  /** Of all identities, for reports. */
  readonly served = new ServedSums()
  readonly lostInstances = new LostInstances()
  sequence = 0

  /** Time of the event being handled, and where its effects go. */
  nowMs: number
  out: Effect[] = []
  /** Scouts that may be able to take a waiting task. */
  readonly freed: Scout[] = []
  /** Ready tasks that are in no queue yet. */
  readonly unplaced: Task[] = []

  constructor({ settings, seed, nowMs, makeNonce }: CoreSeed) {
    this.settings = settings
    this.committed = new CommittedSettlements(settings.committedKept)
    this.random = new Random(seed)
    this.makeNonce = makeNonce
    this.index = new CapabilityIndex(settings, (entry) => {
      this.departed.note(entry)
      this.wheel.disarm(entry)
    })
    this.roster = new Roster(this.index, settings)
    this.wheel = new TimerWheel(nowMs)
    this.nowMs = nowMs
    this.bootGraceUntilMs = nowMs + settings.bootGraceMs
  }

  emit(effect: Effect): void {
    this.out.push(effect)
  }

  persist(change: Change): void {
    this.out.push({ type: 'persist', change })
  }
}

/** Why nothing is taken, and nothing waits any longer, while the hub leaves. */
export function hubDraining(): Fault {
  return fault('hub_draining', 'The orchestrator is restarting. Try again in a moment.')
}

/** A task's end before it ever became one: refused at the door. */
export function refuse(core: CoreState, task: number, cause: Fault): void {
  core.emit({ type: 'finished', task, fault: cause, attempts: 0, queuedMs: 0 })
}
