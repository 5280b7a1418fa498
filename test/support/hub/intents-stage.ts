/**
 * A hub's engine with durable intents on a store that outlives it: plans are given as a drawing (each node with what it
 * needs), events are read like a client reads them, and the hub can die and come back on the same disk.
 */
import type { CoreSettings } from '../../../orchestrator/core/settings.ts'
import type { Accepted, IntentEvent, IntentSubmission } from '../../../orchestrator/engine/ports/intents.ts'
import type { PlannedTask, PlannerFunctions } from '../../../orchestrator/engine/ports/planner.ts'
import { type Store, StoreError, type StoreTrouble } from '../../../orchestrator/engine/ports/store.ts'
import { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { bytesOf, deltaLine, EngineBench, type EngineWorld, finishLine, type Work } from './engine-bench.ts'

/** Each node with the nodes it needs; the last one is the result. */
export type Drawing = Record<string, string[]>

/** A disk that can be in trouble. */
export class FickleDisk {
  readonly disk = new MemoryDisk()
  trouble: StoreTrouble | null = null

  open(): Store {
    const store = memoryStore(this.disk)
    const attempt = <Rest extends unknown[], Result>(work: (...rest: Rest) => Result) => {
      return (...rest: Rest): Result => {
        if (this.trouble !== null) throw new StoreError(this.trouble, 'as the test says')
        return work(...rest)
      }
    }
    return { ...store, commit: attempt(store.commit), forgetBefore: attempt(store.forgetBefore) }
  }
}

export class IntentsBench extends EngineBench {
  constructor(
    readonly fickle = new FickleDisk(),
    settings: Partial<CoreSettings> = {},
    epoch = 3,
    readonly store = fickle.open(),
    private readonly planner: PlannerFunctions | null = null,
    world: EngineWorld = {},
  ) {
    super(settings, store, epoch, planner, world)
  }

  /** A hub with this planner. */
  static planning(planner: PlannerFunctions, settings: Partial<CoreSettings> = {}): IntentsBench {
    const fickle = new FickleDisk()
    return new IntentsBench(fickle, settings, 3, fickle.open(), planner)
  }

  /** What waits for a commit is committed. */
  turn(): void {
    this.system.pass(0)
  }

  accept(drawing: Drawing, fields: Partial<IntentSubmission> = {}): Promise<Accepted> {
    const tasks = Object.entries(drawing).map(([node, needs]): PlannedTask => {
      const request = bytesOf(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: node }] }))
      return { node, kind: 'chat', model: 'm', needs, request }
    })
    const plan = { tasks, resultNode: tasks.at(-1)!.node }
    const rest = { weight: 1, priority: 5, deadlineMs: 3_600_000, metadata: {} }
    const accepted = this.engine.intents.accept({ tenant: 'key_a', plan, ...rest, ...fields })
    this.turn()
    return accepted
  }

  /** The id of an intent that must be accepted. */
  async accepted(drawing: Drawing, fields: Partial<IntentSubmission> = {}): Promise<string> {
    const accepted = await this.accept(drawing, fields)
    if (accepted.type === 'refused') throw new Error(accepted.fault.message)
    return accepted.id
  }

  /** The one lease granted since the last look, once it is committed. */
  override work(): Work {
    this.turn()
    return super.work()
  }

  /** Says `text`, ends and settles it. */
  finish(work: Work, text: string): void {
    work.started()
    work.say(deltaLine(text), finishLine)
    work.done()
    this.turn()
  }

  /** Everything a client that comes with this id gets at once. */
  events(id: string, lastEventId: string | null = null): IntentEvent[] {
    const reader = this.engine.intents.events(id, null, lastEventId)!
    const events: IntentEvent[] = []
    for (let part = reader.take(); part !== null; part = reader.take()) {
      events.push(...part.events)
      if (part.ended) break
    }
    reader.close()
    return events
  }

  /** The hub dies; another one starts on its disk. */
  restart(settings: Partial<CoreSettings> = {}): IntentsBench {
    return new IntentsBench(this.fickle, settings, 4, this.fickle.open(), this.planner)
  }

  /** The scout of this work greets again, presenting its lease; returns its new session. */
  rejoin({ lease: { task, attempt, nonce }, session }: Work, credits = 0): number {
    const held: FrameOf<'hello'>['held'] = [[task, attempt, nonce]]
    return this.join(['m'], credits, { name: `scout-${session}`, instance: `instance-${session}`, held })
  }
}

/** Type, node and, for chunks, attempt and index of each event. */
export function outline(events: readonly IntentEvent[]): string[] {
  return events.map(({ type, data }) => {
    const { node, attempt, index, state } = JSON.parse(data) as Record<string, unknown>
    return [type, node, attempt, index, state].filter((part) => part !== undefined).join(' ')
  })
}
