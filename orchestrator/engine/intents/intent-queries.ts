/**
 * What clients read of durable intents: views out of the store, and readers of their events. A tenant sees its own
 * intents, an admin all of them; unknown and foreign ids look the same.
 */
import type { IntentEvents, Intents, IntentView, TaskView, Viewer } from '../ports/intents.ts'
import type { IntentFilter, IntentStore } from '../ports/store.ts'
import type { Followed, FollowedTask } from './events/followed.ts'
import { EventReader } from './events/intent-events.ts'
import { intentView, maySee, summed, taskView } from './intent-rows.ts'

export class IntentQueries {
  constructor(
    private readonly store: Pick<IntentStore, 'intent' | 'intents' | 'tasksOf' | 'request' | 'result' | 'eventsAfter'>,
    private readonly live: { intent(id: string): Followed<FollowedTask> | undefined },
  ) {}

  intent(id: string, viewer: Viewer): IntentView | undefined {
    const row = this.store.intent(id)
    return row && maySee(row, viewer) ? intentView(summed(row, this.store.tasksOf(id))) : undefined
  }

  list(viewer: Viewer, filter: Omit<IntentFilter, 'tenant'>): IntentView[] {
    return this.store.intents({ tenant: viewer, ...filter }).map(intentView)
  }

  tasks(id: string): TaskView[] {
    return this.store.tasksOf(id).map(taskView)
  }

  whole(id: string, viewer: Viewer): ReturnType<Intents['whole']> {
    const { store } = this
    const row = store.intent(id)
    if (row === undefined || !maySee(row, viewer)) return undefined
    const tasks = store.tasksOf(id)
    const last = row.state === 'done' ? tasks.find(({ node }) => node === row.resultNode) : undefined
    return { view: intentView(summed(row, tasks)), tasks: tasks.map(taskView), result: last && store.result(last.task) }
  }

  result(id: string, node: string): Uint8Array | undefined {
    const row = this.store.tasksOf(id).find((task) => task.node === node)
    return row && this.store.result(row.task)
  }

  request(id: string, node: string): Uint8Array | undefined {
    const row = this.store.tasksOf(id).find((task) => task.node === node)
    return row && this.store.request(row.task)
  }

  events(id: string, viewer: Viewer, lastEventId: string | null): IntentEvents | undefined {
    const row = this.store.intent(id)
    if (row === undefined || !maySee(row, viewer)) return undefined
    return new EventReader(id, this.live.intent(id) ?? null, this.store, lastEventId)
  }
}
