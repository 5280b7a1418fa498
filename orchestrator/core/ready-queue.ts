/**
 * Tasks of one model that wait for a scout. Tenants take turns by deficit round robin (Shreedhar and Varghese, 1995;
 * every task costs one), so that one tenant's thousand requests delay another's single one by one place. Inside a
 * tenant the earliest deadline goes first, then the earliest arrival. Bounds are the roster of all queues' business:
 * the core counts and refuses before it adds.
 */
import type { Task } from './task.ts'

/** Binary heap by deadline, then arrival; each task knows its place, so removing any of them is logarithmic. */
class TenantQueue {
  readonly heap: Task[] = []
  constructor(readonly tenant: string) {}

  push(task: Task): void {
    task.heapIndex = this.heap.length
    this.heap.push(task)
    this.rise(task)
  }

  remove(task: Task): void {
    const hole = task.heapIndex
    const last = this.heap.pop()!
    task.heapIndex = -1
    if (last === task) return
    this.heap[hole] = last
    last.heapIndex = hole
    this.rise(last)
    this.sink(last)
  }

  private rise(task: Task): void {
    for (let at = task.heapIndex; at > 0; ) {
      const up = (at - 1) >> 1
      if (!goesBefore(task, this.heap[up]!)) return
      this.swap(at, up)
      at = up
    }
  }

  private sink(task: Task): void {
    for (let at = task.heapIndex; ; ) {
      const left = 2 * at + 1
      if (left >= this.heap.length) return
      const right = left + 1
      const least = right < this.heap.length && goesBefore(this.heap[right]!, this.heap[left]!) ? right : left
      if (!goesBefore(this.heap[least]!, task)) return
      this.swap(at, least)
      at = least
    }
  }

  private swap(a: number, b: number): void {
    const [taskA, taskB] = [this.heap[a]!, this.heap[b]!]
    this.heap[a] = taskB
    this.heap[b] = taskA
    taskB.heapIndex = a
    taskA.heapIndex = b
  }
}

function goesBefore(a: Task, b: Task): boolean {
  return a.deadlineMs === b.deadlineMs ? a.sequence < b.sequence : a.deadlineMs < b.deadlineMs
}

export class ReadyQueue {
  private readonly byTenant = new Map<string, TenantQueue>()
  /** Tenants with waiting tasks, in the order of their turns; the first is next. */
  private turns: TenantQueue[] = []
  size = 0

  push(task: Task): void {
    let queue = this.byTenant.get(task.tenant)
    if (queue === undefined) {
      queue = new TenantQueue(task.tenant)
      this.byTenant.set(task.tenant, queue)
      this.turns.push(queue)
    }
    queue.push(task)
    this.size++
  }

  /** The task whose turn it is, left in place. */
  peek(): Task | undefined {
    return this.turns[0]?.heap[0]
  }

  /** Takes the task whose turn it is; its tenant's next turn comes after everybody else's. */
  pop(): Task | undefined {
    const queue = this.turns.shift()
    if (queue === undefined) return undefined
    const task = queue.heap[0]!
    queue.remove(task)
    this.size--
    if (queue.heap.length > 0) this.turns.push(queue)
    else this.byTenant.delete(queue.tenant)
    return task
  }

  /** Takes out a task that is cancelled, expired or placed by other means. */
  remove(task: Task): void {
    const queue = this.byTenant.get(task.tenant)
    if (queue === undefined) return
    queue.remove(task)
    this.size--
    if (queue.heap.length > 0) return
    this.byTenant.delete(queue.tenant)
    this.turns = this.turns.filter((turn) => turn !== queue)
  }

  /** How many tasks will be served before this one if nothing else changes. */
  position(task: Task): number {
    const own = this.byTenant.get(task.tenant)
    if (own === undefined) return 0
    const aheadOfOwn = own.heap.reduce((ahead, other) => ahead + (goesBefore(other, task) ? 1 : 0), 0)
    let ahead = aheadOfOwn
    let afterOwnTurn = false
    for (const queue of this.turns) {
      if (queue === own) afterOwnTurn = true
      else ahead += Math.min(queue.heap.length, aheadOfOwn + (afterOwnTurn ? 0 : 1))
    }
    return ahead
  }

  *[Symbol.iterator](): Iterator<Task> {
    for (const queue of this.byTenant.values()) yield* queue.heap
  }
}
