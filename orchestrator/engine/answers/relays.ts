/**
 * The relays of all requests that clients wait for, by task. The client desk adds one for each request; the effect
 * runner removes it with the task's end.
 */
import { SlotTable } from '../../core/model/slot-table.ts'
import type { Relay } from './relay.ts'

export class Relays {
  private readonly byTask = new SlotTable<Relay>()

  get size(): number {
    return this.byTask.size
  }

  get(task: number): Relay | undefined {
    return this.byTask.get(task)
  }

  add(relay: Relay): void {
    this.byTask.set(relay.task, relay)
  }

  /** The relay that was there. */
  remove(task: number): Relay | undefined {
    const relay = this.byTask.get(task)
    if (relay !== undefined) this.byTask.delete(task)
    return relay
  }

  /** Task numbers in ascending order, as a list of its own. */
  tasks(): number[] {
    return Array.from(this.byTask, ([task]) => task).sort((a, b) => a - b)
  }
}
