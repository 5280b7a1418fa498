/**
 * Everything the core knows, in one place, changed in place by the modules beside it. `freed` and `homeless` are the
 * step's own worklists: an event first changes what is, then `matching.ts` brings free scouts and homeless tasks
 * together, so that no module has to call back into another.
 */

import { type Fault, fault } from '../../shared/faults.ts'
import type { Change, Effect } from './events.ts'
import { CapabilityIndex } from './fleet/capability-index.ts'
import { Roster } from './fleet/roster.ts'
import type { CancelWatch, Intent, ModelEntry, Pause, Scout, Task } from './model/entities.ts'
import { sameNonce } from './model/nonce.ts'
import { Random } from './model/random.ts'
import { SlotTable } from './model/slot-table.ts'
import { TimerWheel } from './model/timer-wheel.ts'
import type { CoreSettings } from './settings.ts'

/** Whatever can be due; told apart by `timed`. */
export type Deadline = Task | Pause | CancelWatch | ModelEntry

interface Committed {
  task: number
  attempt: number
  nonce: Uint8Array
}

/** A prime, so that the first tasks of one epoch fall on later ones of others. */
const placesPerEpoch = 7_919

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
  readonly index = new CapabilityIndex()
  readonly roster: Roster
  readonly wheel: TimerWheel<Deadline>
  /** Every task that is not terminal. */
  readonly tasks = new SlotTable<Task>()
  /**
   * The last committed settlements, each in the place of its task's number. Tasks are numbered in a row, so a place is
   * written over when about as many later tasks have settled as there are places.
   */
  readonly committed: (Committed | null)[]
  /** Durable intents that are not over. */
  readonly intents = new Map<string, Intent>()
  /** Durable tasks whose lease waits for its scout; `orphans.ts` keeps them. */
  readonly orphans = new Map<string, Set<Task>>()
  /** Leases in force, held or waiting for their scout. */
  leases = 0
  /** Tasks in queues: all; those that a client waits for; the latter by tenant. */
  queued = 0
  queuedByClients = 0
  readonly queuedByTenant = new Map<string, number>()
  /** Until when unknown models are held open after a restart. */
  readonly bootGraceUntilMs: number
  draining = false
  /** The store cannot write just now, and the durable tasks that were taken out of their queues meanwhile. */
  storeTroubled = false
  readonly passedOver = new Set<Task>()
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
    this.committed = new Array<Committed | null>(settings.committedKept).fill(null)
    this.random = new Random(seed)
    this.makeNonce = makeNonce
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

  rememberCommitted(task: number, attempt: number, nonce: Uint8Array): void {
    this.committed[this.placeOf(task)] = { task, attempt, nonce }
  }

  /** Whether this very settlement was committed before, as far as is remembered. */
  wasCommitted(task: number, attempt: number, nonce: Uint8Array): boolean {
    const known = this.committed[this.placeOf(task)]
    return known?.task === task && known.attempt === attempt && sameNonce(known.nonce, nonce)
  }

  /** Every start of the hub numbers its tasks from 2^32 higher on: without a shift all would begin in one place. */
  private placeOf(task: number): number {
    return (task + Math.floor(task / 2 ** 32) * placesPerEpoch) % this.committed.length
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
